/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The ladder on compiled maps: which key hits, what %1 %2 %3 are, that the order of the lines
 * says nothing, that an error on the way is never passed over; and chains without an end.
 */
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../src/map/map_ladder.h"
#include "map.h"
#include "suite.h"

#define ITEMS(table) (sizeof(table) / sizeof((table)[0]))

static char dir[] = "/tmp/check_map_ladder.XXXXXX";
static char path[PATH_MAX];
static struct err err;

static void
setup(void)
{
	strcpy(dir, "/tmp/check_map_ladder.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/virtmaps", dir);
}

static void
teardown(void)
{
	DIR *d = opendir(dir);
	struct dirent *found;

	while ((found = readdir(d)) != NULL)
		if (found->d_name[0] != '.')
			unlinkat(dirfd(d), found->d_name, 0);
	closedir(d);
	ck_assert_int_eq(rmdir(dir), 0);
}

static void
complain(void *arg, const char *file, size_t line, const char *why)
{
	struct buf *out = arg;

	ck_assert_str_eq(file, path);
	if (out == NULL)
		ck_abort_msg("%s:%zu: %s", file, line, why);
	buf_addf(out, "%zu: %s\n", line, why);
}

static int
compile(const char *text, map_account_fn *account, struct buf *complaints)
{
	struct map_source *source;
	int rc;

	ck_assert_int_eq(
	    map_source_parse(&source, path, text, strlen(text), complain, complaints, &err), 0);
	rc = map_publish(source, NULL, (gid_t)-1, 0600, account, complain, complaints, &err);
	map_source_free(source);
	return rc;
}

static struct map *
opened(const char *text)
{
	struct map *map;

	ck_assert_msg(compile(text, NULL, NULL) == 0, "%s", err.text);
	ck_assert_msg(map_open(&map, path, 0, &err) == 0, "%s", err.text);
	return map;
}

/* ---- which rung, which arguments ----------------------------------------------------------------
 */

/* Accounts named like addresses, for RUNG_ACCOUNT. */
static int
has_account(void *arg, const char *name, struct err *e)
{
	(void)arg, (void)e;
	return strcmp(name, "hosted@one") == 0 || strcmp(name, "split+x@one") == 0;
}

static const char all[] = "exact@one 1\n"
                          "exact+det@one 2\n"
                          "plus++@one 3\n"
                          "plus+*@one 4\n"
                          "plus@one 5\n"
                          "star+*@one 6\n"
                          "plain@one 7\n"
                          "++@one 8\n"
                          "+*@one 9\n"
                          "@one 10\n"
                          "only@two 11\n"
                          ".two 12\n"
                          ".sub.two 13\n"
                          "x@three 14\n"
                          "x@four 15\n"
                          "++@four 16\n"
                          "j\xc3\xb6rg@b\xc3\xbc"
                          "cher.example 17\n"
                          "\"a b\"@one 18\n"
                          "\"q@r\"@one 19\n"
                          "@.five.invalid 20\n";

/* expected: target rung key %1 %2 %3 ("-" for NULL); NULL: no match */
static const struct {
	const char *address, *is;
} walks[] = {
	{ "exact@one", "1 exact exact@one exact - -" },
	{ "EXACT@One.", "1 exact exact@one exact - -" },
	{ "exact+det@one", "2 exact exact+det@one exact+det - -" },
	{ "exact+DET@one", "2 exact exact+det@one exact+det - -" },
	{ "exact+other@one", "1 user exact@one exact other +other" },
	{ "exact+Other@one", "1 user exact@one exact Other +Other" },
	{ "exact+@one", "1 user exact@one exact  +" },
	{ "plus@one", "5 exact plus@one plus - -" },
	{ "plus+a@one", "3 user++ plus++@one plus a +a" },
	{ "plus+a+b@one", "3 user++ plus++@one plus a+b +a+b" },
	{ "plus+@one", "4 user+* plus+*@one plus  +" },
	{ "star+a@one", "6 user+* star+*@one star a +a" },
	{ "star+@one", "6 user+* star+*@one star  +" },
	{ "star@one", "10 catch-all @one star - -" },
	{ "plain+a@one", "7 user plain@one plain a +a" },
	{ "hosted@one", "- account hosted@one hosted - -" },
	{ "hosted+x@one", "- account hosted@one hosted x +x" },
	{ "split+x@one", "- account split+x@one split x +x" },
	{ "split+y@one", "8 ++ ++@one split y +y" },
	{ "nobody+a@one", "8 ++ ++@one nobody a +a" },
	{ "nobody+@one", "9 +* +*@one nobody  +" },
	{ "nobody@one", "10 catch-all @one nobody - -" },
	{ "+x@one", "10 catch-all @one +x - -" },
	{ "++x@one", "8 ++ ++@one + x +x" },
	/* a recipient spelled like a pattern hits the pattern as what it is: a key */
	{ "++@one", "8 exact ++@one ++ - -" },
	{ "+*@one", "9 exact +*@one +* - -" },
	{ "plus++@one", "3 exact plus++@one plus++ - -" },
	{ "plus+*@one", "4 exact plus+*@one plus+* - -" },
	{ "exact++@one", "1 user exact@one exact + ++" },
	{ "only@two", "11 exact only@two only - -" },
	{ "nobody@two", NULL },
	{ "nobody@a.two", "12 .parent .two nobody - -" },
	{ "nobody+x@a.two", "12 .parent .two nobody x +x" },
	{ "nobody@a.b.two", "12 .parent .two nobody - -" },
	{ "nobody@sub.two", "12 .parent .two nobody - -" },
	{ "nobody@a.sub.two", "13 .parent .sub.two nobody - -" },
	{ "nobody@a.b.sub.two", "13 .parent .sub.two nobody - -" },
	{ "only@a.two", "12 .parent .two only - -" },
	{ "nobody@xtwo", NULL },
	{ "y@three", NULL },
	{ "y@four", NULL },
	{ "y+@four", NULL },
	{ "y+z@four", "16 ++ ++@four y z +z" },
	{ "nobody@elsewhere", NULL },
	{ "J\xc3\x96RG@B\xc3\x9c"
	  "CHER.example",
	    "17 exact j\xc3\xb6rg@xn--bcher-kva.example j\xc3\xb6rg - -" },
	{ "a b@one", "18 exact a b@one a b - -" },
	{ "q@r@one", "19 exact q@r@one q@r - -" },
	{ "a\"b@one", "10 catch-all @one a\"b - -" },
	{ "-oops@one", "10 catch-all @one -oops - -" },
	{ "../../etc/x@one", "10 catch-all @one ../../etc/x - -" },
	{ "%1@one", "10 catch-all @one %1 - -" },
};

static const char *
dash(const char *string)
{
	return string != NULL ? string : "-";
}

static const char *
walk(struct map *map, const char *recipient, int skip, map_account_fn *account)
{
	static struct buf out;
	struct address address;
	struct map_match match;
	int rc;

	buf_clear(&out);
	ck_assert_int_eq(address_parse(&address, recipient, &err), 0);
	rc = map_lookup(map, &address, skip, account, NULL, NULL, &match, &err);
	if (rc == 1) {
		if (match.rung != RUNG_ACCOUNT)
			ck_assert_str_eq(match.args.whole, match.key);
		buf_addf(&out, "%s %s %s %s %s %s", dash(match.target), map_rung_name(match.rung),
		    match.key, dash(match.args.user), dash(match.args.detail),
		    dash(match.args.plus));
		map_match_free(&match);
	}
	address_free(&address);
	ck_assert_msg(rc != -1, "%s: %s", recipient, err.text);
	return rc == 1 ? buf_cstr(&out) : NULL;
}

/* The lines of a text, the last one first. */
static char *
reversed(const char *text)
{
	char *out = calloc(1, strlen(text) + 1), *to = out;
	const char *end = text + strlen(text);

	while (end > text) {
		const char *start = end - 1;

		while (start > text && start[-1] != '\n')
			start--;
		to = mempcpy(to, start, (size_t)(end - start));
		end = start;
	}
	return out;
}

START_TEST(every_walk)
{
	char *text = strndup(all, (size_t)(strstr(all, "@.five") - all)), *back = reversed(text);

	for (int order = 0; order < 2; order++) {
		struct map *map = opened(order ? back : text);

		ck_assert_uint_eq(map_count(map), 19);
		for (size_t i = 0; i < ITEMS(walks); i++) {
			const char *is = walk(map, walks[i].address, 0, has_account);

			if (walks[i].is == NULL)
				ck_assert_msg(is == NULL, "%s: %s", walks[i].address, is);
			else
				ck_assert_msg(is != NULL && strcmp(is, walks[i].is) == 0,
				    "%s: %s, not %s", walks[i].address, is, walks[i].is);
		}
		map_close(map);
	}
	free(text);
	free(back);
}
END_TEST

START_TEST(dotted_catch_all_is_malformed)
{
	struct buf complaints = BUF_INIT;

	ck_assert_int_eq(compile(all, NULL, &complaints), -1);
	ck_assert_ptr_nonnull(
	    strstr(buf_cstr(&complaints), "20: @.five.invalid: a catch-all for sub"));
	ck_assert_int_eq(access(path, F_OK), -1);
	buf_free(&complaints);
}
END_TEST

START_TEST(everything)
{
	struct map *map = opened("@ all\nx@one 1\n.two 2\n@three 3\n");

	ck_assert_str_eq(walk(map, "x@one", 0, NULL), "1 exact x@one x - -");
	ck_assert_str_eq(walk(map, "y@one", 0, NULL), "all @ @ y - -");
	ck_assert_str_eq(walk(map, "y+z@one", 0, NULL), "all @ @ y z +z");
	ck_assert_str_eq(walk(map, "y@a.two", 0, NULL), "2 .parent .two y - -");
	ck_assert_str_eq(walk(map, "y@three", 0, NULL), "3 catch-all @three y - -");
	ck_assert_ptr_null(walk(map, "y@two", 0, NULL)); /* .two names what is below two */
	ck_assert_ptr_null(walk(map, "y@a.one", 0, NULL));
	ck_assert_ptr_null(walk(map, "y@elsewhere", 0, NULL));
	map_close(map);
}
END_TEST

START_TEST(postmaster_skips_catch_alls)
{
	struct map *map = opened(
	    "@one error:nouser x\n++@one y\n+*@one y\n.one y\n@ y\npostmaster@two z\nx@three y\n");

	ck_assert_ptr_null(walk(map, "postmaster@one", 1, NULL));
	ck_assert_ptr_null(walk(map, "postmaster+x@one", 1, NULL));
	ck_assert_ptr_null(walk(map, "postmaster@a.one", 1, NULL));
	ck_assert_ptr_null(walk(map, "postmaster@three", 1, NULL));
	ck_assert_str_eq(
	    walk(map, "postmaster@two", 1, NULL), "z exact postmaster@two postmaster - -");
	ck_assert_str_eq(
	    walk(map, "hosted@one", 1, has_account), "- account hosted@one hosted - -");
	map_close(map);
}
END_TEST

START_TEST(domains)
{
	static const struct {
		const char *domain;
		int known;
	} expected[] = { { "one", 1 }, { "two", 1 }, { "a.three", 1 }, { "a.b.three", 1 },
		{ "four", 1 }, { "five", 1 }, { "three", 0 }, { "a.one", 0 }, { "six", 0 },
		{ "", 0 }, { "e", 0 }, { "xthree", 0 } };
	struct map *map = opened("x@one 1\n@two 2\n.three 3\n++@four 4\nu+*@five 5\n@ 6\n");

	for (size_t i = 0; i < ITEMS(expected); i++)
		ck_assert_msg(map_has_domain(map, expected[i].domain, &err) == expected[i].known,
		    "%s", expected[i].domain);
	map_close(map);
}
END_TEST

/* ---- errors on the way --------------------------------------------------------------------------
 */

static int
failing_account(void *arg, const char *name, struct err *e)
{
	(void)arg, (void)name;
	return err_set(e, EIO, "accounts");
}

START_TEST(account_error_is_no_miss)
{
	struct map *map = opened("x@one 1\n@one 2\n");
	struct address address;
	struct map_match match;

	ck_assert_int_eq(address_parse(&address, "y@one", &err), 0);
	ck_assert_int_eq(
	    map_lookup(map, &address, 0, failing_account, NULL, NULL, &match, &err), -1);
	ck_assert_int_eq(err.num, EIO);
	map_match_free(&match);
	address_free(&address);
	/* above the rung it is not asked */
	ck_assert_int_eq(address_parse(&address, "x@one", &err), 0);
	ck_assert_int_eq(
	    map_lookup(map, &address, 0, failing_account, NULL, NULL, &match, &err), 1);
	map_match_free(&match);
	address_free(&address);
	map_close(map);
}
END_TEST

struct failing {
	int asked, fail_at;
};

static int
fail_at(void *arg, const char *key, struct err *e)
{
	struct failing *failing = arg;

	(void)key;
	return failing->asked++ == failing->fail_at ? err_set(e, EIO, "find") : 0;
}

static int
is_domain(void *arg, const char *domain, struct err *e)
{
	(void)arg, (void)domain, (void)e;
	return 1;
}

START_TEST(every_rung_may_fail)
{
	struct failing failing = { 0, 1000 };
	struct map_ladder ladder = {
		.find = fail_at, .has_domain = is_domain, .find_arg = &failing
	};
	struct address address;
	struct buf key = BUF_INIT;
	enum map_rung rung;
	int all_asked;

	ck_assert_int_eq(address_parse(&address, "u+d@a.b.c", &err), 0);
	ck_assert_int_eq(map_ladder_walk(&ladder, &address, &rung, &key, &err), 0);
	all_asked = failing.asked;
	ck_assert_int_eq(all_asked, 10);
	for (int i = 0; i < all_asked; i++) {
		failing = (struct failing){ 0, i };
		ck_assert_int_eq(map_ladder_walk(&ladder, &address, &rung, &key, &err), -1);
		ck_assert_int_eq(err.num, EIO);
		ck_assert_int_eq(failing.asked, i + 1);
	}
	address_free(&address);
	buf_free(&key);
}
END_TEST

static void
trace(void *arg, enum map_rung rung, const char *key, int hit)
{
	buf_addf(arg, "%s %s %d\n", map_rung_name(rung), key, hit);
}

START_TEST(trace_tells_all)
{
	struct map *map = opened("x@a.one 1\n.one 2\n@ 3\n");
	struct buf out = BUF_INIT;
	struct address address;
	struct map_match match;

	ck_assert_int_eq(address_parse(&address, "u+d@a.one", &err), 0);
	ck_assert_int_eq(map_lookup(map, &address, 0, NULL, trace, &out, &match, &err), 1);
	ck_assert_str_eq(buf_cstr(&out), "exact u+d@a.one 0\n"
	                                 "user++ u++@a.one 0\n"
	                                 "user+* u+*@a.one 0\n"
	                                 "user u@a.one 0\n"
	                                 "++ ++@a.one 0\n"
	                                 "+* +*@a.one 0\n"
	                                 "catch-all @a.one 0\n"
	                                 ".parent .one 1\n");
	map_match_free(&match);
	address_free(&address);
	map_close(map);
	buf_free(&out);
}
END_TEST

/* ---- chains -------------------------------------------------------------------------------------
 */

/* is_account: the names of accounts, blanks around each */
static const struct {
	const char *text, *accounts, *complaints; /* "": it compiles */
} chains[] = {
	{ "a@x b@y\nb@y c\n", "", "" },
	{ "a@x b@y\nb@y a@z\n", "", "" },
	{ "a@x a@x\n", "", "1: this goes round in a circle: a@x -> a@x\n" },
	{ "a@x b@y\nb@y a@x\n", "",
	    "1: this goes round in a circle: a@x -> b@y -> a@x\n"
	    "2: this goes round in a circle: b@y -> a@x -> b@y\n" },
	{ "a@x b, b@y\nb@y c@z, A@X.\n", "",
	    "1: this goes round in a circle: a@x -> b@y -> a@x\n"
	    "2: this goes round in a circle: b@y -> a@x -> b@y\n" },
	{ "in@x a@x\na@x b@y\nb@y a@x\n", "",
	    "2: this goes round in a circle: a@x -> b@y -> a@x\n"
	    "3: this goes round in a circle: b@y -> a@x -> b@y\n" },
	/* catch-alls */
	{ "@a %1@b\n@b %1@a\n", "",
	    "1: this goes round in a circle: @a -> @b -> @a\n"
	    "2: this goes round in a circle: @b -> @a -> @b\n" },
	{ "@a %1@b\n@b %1@a\nbob@b bob\n", "",
	    "1: this goes round in a circle: @a -> @b -> @a\n"
	    "2: this goes round in a circle: @b -> @a -> @b\n" },
	{ "@a %1@b\n@b bob\n", "", "" },
	{ "@a %1@b\nbob@b bob\n", "", "" },
	{ "@a %1@a\n", "", "1: this goes round in a circle: @a -> @a\n" },
	{ "@a x-%1@a\n", "", "1: this goes round in a circle: @a -> @a\n" },
	{ "@a bob@b\n@b carol@a\n", "",
	    "1: this goes round in a circle: @a -> @b -> @a\n"
	    "2: this goes round in a circle: @b -> @a -> @b\n" },
	{ "@a bob@b\n@b carol@a\ncarol@a carol\n", "", "" },
	{ "@a %1%3@b\n+*@b %1%3@a\n", "", "2: this goes round in a circle: +*@b -> @a -> +*@b\n" },
	{ "@a %1%3@b\n++@b %1@a\n", "", "" },
	{ "+*@a %1%3@b\n+*@b %1%3@a\n", "",
	    "1: this goes round in a circle: +*@a -> +*@b -> +*@a\n"
	    "2: this goes round in a circle: +*@b -> +*@a -> +*@b\n" },
	{ "++@a %1+%2@a\n", "", "1: this goes round in a circle: ++@a -> ++@a\n" },
	{ "u++@a %1+%2@a\n", "", "1: this goes round in a circle: u++@a -> u++@a\n" },
	{ "u+*@a %1@a\nu@a u\n", "", "" },
	{ ".p %1@b.p\n", "", "1: this goes round in a circle: .p -> .p\n" },
	{ ".p %1@p\n@p bob\n", "", "" },
	{ "@ %1@a\nx@a y\n", "", "1: this goes round in a circle: @ -> @\n" },
	{ "@ %1@other\nx@a y\n", "", "" },
	/* the limit of steps */
	{ "1@x 2@x\n2@x 3@x\n3@x 4@x\n4@x 5@x\n5@x 6@x\n6@x 7@x\n7@x 8@x\n8@x 9@x\n9@x 10@x\n10@x "
	  "end\n",
	    "", "" },
	{ "1@x 2@x\n2@x 3@x\n3@x 4@x\n4@x 5@x\n5@x 6@x\n6@x 7@x\n7@x 8@x\n8@x 9@x\n9@x 10@x\n10@x "
	  "11@x\n11@x end\n",
	    "", "1: this takes more than 10 steps: 1@x -> 2@x -> 3@x -> 4@x -> ...\n" },
	/* an account of the name is the end */
	{ "a@x a@x, archive\n", " a@x ", "" },
	{ "a@x b@y\nb@y a@x\n", " b@y ", "" },
	{ "a@x b@y\nb@y a@x\n", " c@y ",
	    "1: this goes round in a circle: a@x -> b@y -> a@x\n"
	    "2: this goes round in a circle: b@y -> a@x -> b@y\n" },
	{ "@a %1@b\n@b bob@a\n", " bob@a ", "" },
	/* wide, not deep */
	{ "@a %1@b, %1@c\n@b %1@d, %1@e\n@c %1@d, %1@e\n@d %1@f, %1@g\n@e %1@f, %1@g\n@f x\n@g y\n",
	    "", "" },
	{ "a@x \"b c\"@y\n\"b c\"@y a@x\n", "",
	    "1: this goes round in a circle: a@x -> b c@y -> a@x\n"
	    "2: this goes round in a circle: b c@y -> a@x -> b c@y\n" },
	{ "a@x error:nouser see a@x\nb@x discard:\n", "", "" },
};

static const char *account_names;

static int
named_account(void *arg, const char *name, struct err *e)
{
	char padded[100];

	(void)arg, (void)e;
	snprintf(padded, sizeof(padded), " %s ", name);
	return strstr(account_names, padded) != NULL;
}

START_TEST(every_chain)
{
	struct buf complaints = BUF_INIT;
	int rc;

	account_names = chains[_i].accounts;
	rc = compile(chains[_i].text, *account_names != '\0' ? named_account : NULL, &complaints);
	ck_assert_str_eq(buf_cstr(&complaints), chains[_i].complaints);
	ck_assert_int_eq(rc, *chains[_i].complaints != '\0' ? -1 : 0);
	ck_assert_int_eq(access(path, F_OK), rc);
	buf_free(&complaints);
}
END_TEST

START_TEST(chain_with_failing_accounts)
{
	/* only where an account could decide it is it asked */
	ck_assert_int_eq(compile("a@x b@y\n", failing_account, NULL), 0);
	ck_assert_int_eq(compile("a@x b@y\nb@y a@x\n", failing_account, NULL), -1);
	ck_assert_int_eq(err.num, EIO);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("map_ladder");
	TCase *tests = tcase_create("map_ladder");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, every_walk);
	tcase_add_test(tests, dotted_catch_all_is_malformed);
	tcase_add_test(tests, everything);
	tcase_add_test(tests, postmaster_skips_catch_alls);
	tcase_add_test(tests, domains);
	tcase_add_test(tests, account_error_is_no_miss);
	tcase_add_test(tests, every_rung_may_fail);
	tcase_add_test(tests, trace_tells_all);
	tcase_add_loop_test(tests, every_chain, 0, ITEMS(chains));
	tcase_add_test(tests, chain_with_failing_accounts);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
