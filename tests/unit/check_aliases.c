/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Which names sendmail's alias files know, as newaliases would read them; and that a file which
 * cannot be read never means "no such alias".
 */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../src/resolve/aliases.h"
#include "suite.h"

static char directory[64], one[96], two[96], both[200];

static void
put(const char *path, const char *text)
{
	char beside[128];
	FILE *file;

	snprintf(beside, sizeof(beside), "%s.new", path);
	file = fopen(beside, "w");
	ck_assert_ptr_nonnull(file);
	ck_assert_uint_eq(fwrite(text, 1, strlen(text), file), strlen(text));
	ck_assert_int_eq(fclose(file), 0);
	ck_assert_int_eq(rename(beside, path), 0);
}

static void
setup(void)
{
	strcpy(directory, "/tmp/check_aliases.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(one, sizeof(one), "%s/aliases", directory);
	snprintf(two, sizeof(two), "%s/more", directory);
	snprintf(both, sizeof(both), " %s\t%s ", one, two);
}

static void
teardown(void)
{
	unlink(one);
	rmdir(one);
	unlink(two);
	ck_assert_int_eq(rmdir(directory), 0);
}

static const char text[] = "# sendmail's aliases\n"
                           "#commented: bob\n"
                           "\n"
                           "postmaster: root\n"
                           "root:bob\n"
                           "Webmaster :\tbob,\n"
                           "  continued: carol,\n"
                           "\tfolded: dave\n"
                           "list+announce: bob\n"
                           "list+*: carol\n"
                           "team: a, \\\n"
                           "joined: b\n"
                           "\"quoted name\": bob\n"
                           "\"col:on\": bob\n"
                           "\"qu\\\"ote\": bob\n"
                           "back\\:slash: bob\n"
                           "spaced name: bob\n"
                           "atted@localhost: bob\n"
                           "no colon on this line\n"
                           ": nobody\n"
                           "prog: \"|/bin/true\"\n"
                           "included: :include:/nowhere\n"
                           "b\xc3\xa4r: bob\n"
                           "# comment \\\n"
                           "aftercomment: bob\n"
                           "last: bob";

static const struct {
	const char *user, *detail;
	const char *key; /* NULL: none */
} questions[] = {
	{ "postmaster", NULL, "postmaster" },
	{ "POSTmaster", NULL, "POSTmaster" },
	{ "root", NULL, "root" },
	{ "webmaster", NULL, "webmaster" },
	{ "webmaster", "x", "webmaster" },
	{ "commented", NULL, NULL },
	{ "continued", NULL, NULL },
	{ "folded", NULL, NULL },
	{ "joined", NULL, NULL },
	{ "team", NULL, "team" },
	{ "list", NULL, NULL },
	{ "list", "announce", "list+announce" },
	{ "list", "ANNOUNCE", "list+ANNOUNCE" },
	{ "list", "other", "list+*" },
	{ "list", "", "list+*" },
	{ "quoted name", NULL, "quoted name" },
	{ "quoted", NULL, NULL },
	{ "col:on", NULL, "col:on" },
	{ "col", NULL, NULL },
	{ "qu\"ote", NULL, "qu\"ote" },
	{ "back:slash", NULL, "back:slash" },
	{ "spaced name", NULL, "spaced name" },
	{ "atted", NULL, "atted" },
	{ "no colon on this line", NULL, NULL },
	{ "", NULL, NULL },
	{ "prog", NULL, "prog" },
	{ "included", NULL, "included" },
	{ "b\xc3\xa4r", NULL, "b\xc3\xa4r" },
	{ "aftercomment", NULL, "aftercomment" },
	{ "last", NULL, "last" },
	{ "las", NULL, NULL },
	{ "lastt", NULL, NULL },
	{ "# sendmail's aliases", NULL, NULL },
	/* '@' and '`' differ by the bit that makes case in letters. */
	{ "@", NULL, NULL },
};

static int
ask(const char *paths, const char *user, const char *detail, char key[ALIASES_KEY_MAX],
    struct err *err)
{
	struct aliases *aliases;
	const char *file = NULL;
	int rc;

	ck_assert_int_eq(aliases_open(&aliases, paths, err), 0);
	rc = aliases_find(aliases, user, detail, &file, key, err);
	ck_assert(rc != 1 || strcmp(file, one) == 0 || strcmp(file, two) == 0);
	aliases_close(aliases);
	return rc;
}

START_TEST(knows)
{
	char key[ALIASES_KEY_MAX];
	struct err err;
	int wanted = questions[_i].key != NULL;

	put(one, text);
	ck_assert_msg(ask(one, questions[_i].user, questions[_i].detail, key, &err) == wanted, "%s",
	    questions[_i].user);
	if (wanted)
		ck_assert_str_eq(key, questions[_i].key);
}
END_TEST

START_TEST(best_form_wins_over_order)
{
	char key[ALIASES_KEY_MAX];
	struct err err;

	put(one, "bob: a\nbob+*: b\n");
	put(two, "bob+x: c\n");
	ck_assert_int_eq(ask(both, "bob", "x", key, &err), 1);
	ck_assert_str_eq(key, "bob+x");
	ck_assert_int_eq(ask(both, "bob", "y", key, &err), 1);
	ck_assert_str_eq(key, "bob+*");
	ck_assert_int_eq(ask(both, "bob", NULL, key, &err), 1);
	ck_assert_str_eq(key, "bob");
}
END_TEST

START_TEST(none)
{
	char key[ALIASES_KEY_MAX];
	struct err err;

	ck_assert_int_eq(ask("none", "root", NULL, key, &err), 0);
	put(one, "");
	ck_assert_int_eq(ask(one, "root", NULL, key, &err), 0);
}
END_TEST

START_TEST(could_not_tell)
{
	char key[ALIASES_KEY_MAX];
	struct err err;

	ck_assert_int_eq(ask(one, "root", NULL, key, &err), -1);
	ck_assert_int_eq(err.num, ENOENT);
	ck_assert_ptr_nonnull(strstr(err.text, one));
	/* One of two is missing: what the other one lacks may stand there. */
	put(one, "bob: a\n");
	ck_assert_int_eq(ask(both, "root", NULL, key, &err), -1);
	unlink(one);
	ck_assert_int_eq(mkdir(one, 0700), 0);
	ck_assert_int_eq(ask(one, "root", NULL, key, &err), -1);
	rmdir(one);
	ck_assert_int_eq(mkfifo(one, 0600), 0); /* must not hang */
	ck_assert_int_eq(ask(one, "root", NULL, key, &err), -1);
}
END_TEST

/* A NUL is no end of a name. */
START_TEST(nul_bytes)
{
	static const char bytes[] = "bob\0by: a\n\0carol: b\ndave: c\n";
	char key[ALIASES_KEY_MAX];
	struct err err;
	FILE *file = fopen(one, "w");

	ck_assert_uint_eq(fwrite(bytes, 1, sizeof(bytes) - 1, file), sizeof(bytes) - 1);
	ck_assert_int_eq(fclose(file), 0);
	ck_assert_int_eq(ask(one, "bob", NULL, key, &err), 0);
	ck_assert_int_eq(ask(one, "", NULL, key, &err), 0);
	ck_assert_int_eq(ask(one, "dave", NULL, key, &err), 1);
}
END_TEST

START_TEST(notices_changes)
{
	struct aliases *aliases;
	char key[ALIASES_KEY_MAX];
	const char *file;
	struct err err;

	put(one, "bob: a\n");
	ck_assert_int_eq(aliases_open(&aliases, one, &err), 0);
	ck_assert_int_eq(aliases_find(aliases, "carol", NULL, &file, key, &err), 0);
	put(one, "bob: a\ncarol: b\n");
	ck_assert_int_eq(aliases_find(aliases, "carol", NULL, &file, key, &err), 1);
	unlink(one);
	ck_assert_int_eq(aliases_find(aliases, "carol", NULL, &file, key, &err), -1);
	put(one, "dave: a\n");
	ck_assert_int_eq(aliases_find(aliases, "carol", NULL, &file, key, &err), 0);
	ck_assert_int_eq(aliases_find(aliases, "dave", NULL, &file, key, &err), 1);
	aliases_close(aliases);
	aliases_close(NULL);
}
END_TEST

/* Names and left sides around the limit: none is cut to fit and then found. */
START_TEST(long_names)
{
	char name[ALIASES_KEY_MAX + 8], line[ALIASES_KEY_MAX + 32], key[ALIASES_KEY_MAX];
	struct err err;

	for (size_t len = ALIASES_KEY_MAX - 3; len < ALIASES_KEY_MAX + 3; len++) {
		memset(name, 'x', len);
		name[len] = '\0';
		snprintf(line, sizeof(line), "%s: bob\n", name);
		put(one, line);
		ck_assert_int_eq(ask(one, name, NULL, key, &err), len < ALIASES_KEY_MAX);
		name[len - 1] = '\0';
		ck_assert_int_eq(ask(one, name, NULL, key, &err), 0);
		ck_assert_int_eq(ask(one, name, "detail", key, &err), 0);
	}
}
END_TEST

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

int
main(void)
{
	Suite *suite = suite_create("aliases");
	TCase *tests = tcase_create("text");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_loop_test(tests, knows, 0, COUNT(questions));
	tcase_add_test(tests, best_form_wins_over_order);
	tcase_add_test(tests, none);
	tcase_add_test(tests, could_not_tell);
	tcase_add_test(tests, nul_bytes);
	tcase_add_test(tests, notices_changes);
	tcase_add_test(tests, long_names);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
