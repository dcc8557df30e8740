/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The text of the map: every left side and its one key, every malformed line with its reason,
 * edits that leave all other bytes alone.
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

#include "../../src/map/map_key.h"
#include "map.h"
#include "suite.h"

#define ITEMS(table) (sizeof(table) / sizeof((table)[0]))

static struct err err;

/* ---- keys -------------------------------------------------------------------------------------
 */

static const struct {
	const char *key, *folded, *group; /* folded NULL: refused; group is then the reason */
} keys[] = {
	{ "info@one.example", "info@one.example", "info@one.example" },
	{ "Info@One.Example.", "info@one.example", "info@one.example" },
	{ "info+Lists@one.example", "info+lists@one.example", "info+lists@one.example" },
	{ "info++@one.example", "info++@one.example", "info@one.example" },
	{ "info+*@one.example", "info+*@one.example", "info@one.example" },
	{ "++@one.example", "++@one.example", "one.example" },
	{ "+*@one.example", "+*@one.example", "one.example" },
	{ "@one.example", "@one.example", "one.example" },
	{ "one.example", "@one.example", "one.example" },
	{ "localhost", "@localhost", "localhost" },
	{ "ONE.example.", "@one.example", "one.example" },
	{ ".one.example", ".one.example", ".one.example" },
	{ ".ONE.Example", ".one.example", ".one.example" },
	{ "@", "@", "@" },
	{ "j\xc3\xb6rg@b\xc3\xbc"
	  "cher.example",
	    "j\xc3\xb6rg@xn--bcher-kva.example", "j\xc3\xb6rg@xn--bcher-kva.example" },
	{ "J\xc3\x96RG@B\xc3\x9c"
	  "CHER.example",
	    "j\xc3\xb6rg@xn--bcher-kva.example", "j\xc3\xb6rg@xn--bcher-kva.example" },
	{ "jo\xcc\x88rg@xn--bcher-kva.example", "j\xc3\xb6rg@xn--bcher-kva.example",
	    "j\xc3\xb6rg@xn--bcher-kva.example" },
	{ ".b\xc3\xbc"
	  "cher.example",
	    ".xn--bcher-kva.example", ".xn--bcher-kva.example" },
	{ "\"a b\"@d", "a b@d", "a b@d" },
	{ "\"a@b\"@d", "a@b@d", "a@b@d" },
	{ "a\\@b@d", "a@b@d", "a@b@d" },
	{ "\"a\\\"b\"@d", "a\"b@d", "a\"b@d" },
	{ "\"info++\"@d", "info++@d", "info@d" },
	{ "\"#x\"@d", "#x@d", "#x@d" },
	{ "user@[192.0.2.1]", "user@[192.0.2.1]", "user@[192.0.2.1]" },
	{ "+@d", "+@d", "+@d" },
	{ "+x@d", "+x@d", "+x@d" },
	{ "+++@d", "+++@d", "+@d" },
	{ "a+b++@d", "a+b++@d", "a+b@d" },
	{ "*@d", "*@d", "*@d" },
	{ "", NULL, "empty" },
	{ "a@", NULL, "empty" },
	{ "\"\"@d", NULL, "local part is empty" },
	{ ".", NULL, "empty" },
	{ "a..b", NULL, "empty label" },
	{ "..b", NULL, "empty label" },
	{ "@.b", NULL, "without a '@'" },
	{ "a@.b", NULL, "without a '@'" },
	{ "@@", NULL, "empty" },
	{ "a b@d", NULL, NULL }, /* folds; a line could not hold it */
	{ "\"a@d", NULL, "quote" },
	{ "a\"@d", NULL, "quote" },
	{ "a@b_$c", NULL, "character" },
	{ "a\tb@d", NULL, "control" },
	{ "\"one.example\"", NULL, "character" },
	{ "1234567890123456789012345678901234567890123456789012345678901234@d",
	    "1234567890123456789012345678901234567890123456789012345678901234@d",
	    "1234567890123456789012345678901234567890123456789012345678901234@d" },
	{ "12345678901234567890123456789012345678901234567890123456789012345@d",
	    "12345678901234567890123456789012345678901234567890123456789012345@d",
	    "12345678901234567890123456789012345678901234567890123456789012345@d" },
};

START_TEST(every_key)
{
	char scratch[MAP_KEY_ROOM];
	char *folded = map_key_fold(keys[_i].key, &err), *again;

	if (keys[_i].folded == NULL && keys[_i].group == NULL) {
		free(folded);
		return;
	}
	if (keys[_i].folded == NULL) {
		ck_assert_msg(folded == NULL, "\"%s\" became \"%s\"", keys[_i].key, folded);
		ck_assert_int_eq(err.num, 0);
		ck_assert_msg(
		    strstr(err.text, keys[_i].group) != NULL, "\"%s\": %s", keys[_i].key, err.text);
		return;
	}
	ck_assert_msg(folded != NULL, "\"%s\": %s", keys[_i].key, err.text);
	ck_assert_str_eq(folded, keys[_i].folded);
	ck_assert_str_eq(map_key_group(folded, scratch), keys[_i].group);
	if (strpbrk(folded, " \"") == NULL && strchr(folded, '@') == strrchr(folded, '@')) {
		again = map_key_fold(folded, &err);
		ck_assert_str_eq(again, folded);
		free(again);
	}
	free(folded);
}
END_TEST

START_TEST(key_domains)
{
	ck_assert_str_eq(map_key_domain("a@d"), "d");
	ck_assert_str_eq(map_key_domain("a@b@d"), "d");
	ck_assert_str_eq(map_key_domain("@d"), "d");
	ck_assert_str_eq(map_key_domain(".d"), ".d");
	ck_assert_ptr_null(map_key_domain("@"));
}
END_TEST

/* ---- lines ------------------------------------------------------------------------------------
 */

static struct {
	size_t n;
	size_t line[64];
	char why[64][ERR_TEXT_MAX];
} complaints;

static void
complain(void *arg, const char *path, size_t line, const char *why)
{
	ck_assert_ptr_eq(arg, &complaints);
	ck_assert_str_eq(path, "map");
	ck_assert_uint_lt(complaints.n, 64);
	complaints.line[complaints.n] = line;
	snprintf(complaints.why[complaints.n++], ERR_TEXT_MAX, "%s", why);
}

static struct map_source *
parse_bytes(const char *text, size_t len)
{
	struct map_source *source;

	complaints.n = 0;
	ck_assert_msg(map_source_parse(&source, "map", text, len, complain, &complaints, &err) == 0,
	    "%s", err.text);
	ck_assert_uint_eq(map_source_errors(source), complaints.n);
	return source;
}

static struct map_source *
parse(const char *text)
{
	return parse_bytes(text, strlen(text));
}

/* A source in one line. */
static const char *
rendered(const struct map_source *source)
{
	static struct buf buf;
	const struct map_entry *entry;

	buf_clear(&buf);
	for (size_t i = 0; (entry = map_source_entry(source, i)) != NULL; i++)
		buf_addf(
		    &buf, "%zu|%s|%s|%s\n", entry->line, entry->key, entry->folded, entry->target);
	return buf_cstr(&buf);
}

START_TEST(good_lines)
{
	struct map_source *source = parse("# a comment\n"
	                                  "\n"
	                                  " \t \n"
	                                  "  # another\n"
	                                  "Info@One.example\tbob\n"
	                                  "one.example    %1@two.example  \t\n"
	                                  "\"a b\"@one.example x, \"y z\"@e.example\n"
	                                  "++@one.example\terror:nouser no # such thing\n"
	                                  ".one.example discard:\n"
	                                  "@ last");

	ck_assert_uint_eq(complaints.n, 0);
	ck_assert_uint_eq(map_source_count(source), 6);
	ck_assert_str_eq(rendered(source),
	    "5|Info@One.example|info@one.example|bob\n"
	    "6|one.example|@one.example|%1@two.example\n"
	    "7|\"a b\"@one.example|a b@one.example|x, \"y z\"@e.example\n"
	    "8|++@one.example|++@one.example|error:nouser no # such thing\n"
	    "9|.one.example|.one.example|discard:\n"
	    "10|@|@|last\n");
	map_source_free(source);
}
END_TEST

START_TEST(no_lines)
{
	static const char *const texts[] = { "", "\n", "\n\n", "#", "# x\n#" };

	for (size_t i = 0; i < ITEMS(texts); i++) {
		struct map_source *source = parse(texts[i]);

		ck_assert_uint_eq(complaints.n, 0);
		ck_assert_uint_eq(map_source_count(source), 0);
		ck_assert_ptr_null(map_source_entry(source, 0));
		ck_assert_str_eq((const char *)map_source_text(source)->data != NULL
		                     ? buf_cstr((struct buf *)map_source_text(source))
		                     : "",
		    texts[i]);
		map_source_free(source);
	}
	map_source_free(NULL);
}
END_TEST

static const struct {
	const char *line, *why;
	size_t len; /* 0: strlen */
} malformed[] = {
	{ "info@one.example", "info@one.example: there is no target", 0 },
	{ "info@one.example  \t", "there is no target", 0 },
	{ "one.example", "@one.example: there is no target", 0 },
	{ " info@one.example bob", "begins with a blank", 0 },
	{ "\tinfo@one.example bob", "begins with a blank", 0 },
	{ "info@one.example bob\r", "CR LF", 0 },
	{ "\r", "CR LF", 0 },
	{ "\xef\xbb\xbfinfo@one.example bob", "byte order mark", 0 },
	{ "info@one.example b\0b", "NUL", 20 },
	{ "in\0o@one.example bob", "NUL", 20 },
	{ "info@ bob", "info@: the domain is empty", 0 },
	{ "in fo@one.example bob", "@in: \"bob\" does not belong", 0 },
	{ "in fo", NULL, 0 }, /* the catch-all of "in" */
	{ "\"info@one.example bob", "quote", 0 },
	{ "a@b..c bob", "a@b..c: ", 0 },
	{ "a@b c d", "a@b: \"d\" does not belong", 0 },
	{ "a@b |prog", "a@b: a |program", 0 },
	{ "a@b /file", "a@b: a /file", 0 },
	{ "a@b error:what is this", "does not know the word \"what\"", 0 },
	{ "a@b c\x01", "control", 0 },
	{ "a\x01@b c", "control", 0 },
};

START_TEST(every_malformed_line)
{
	struct buf text = BUF_INIT;
	struct map_source *source;
	size_t len = malformed[_i].len > 0 ? malformed[_i].len : strlen(malformed[_i].line);

	buf_adds(&text, "x@y z\n");
	buf_add(&text, malformed[_i].line, len);
	buf_adds(&text, "\ny@z a\n");
	source = parse_bytes((const char *)text.data, text.len);
	if (malformed[_i].why == NULL) {
		ck_assert_uint_eq(complaints.n, 0);
		ck_assert_uint_eq(map_source_count(source), 3);
	} else {
		ck_assert_uint_eq(complaints.n, 1);
		ck_assert_uint_eq(complaints.line[0], 2);
		ck_assert_msg(
		    strstr(complaints.why[0], malformed[_i].why) != NULL, "%s", complaints.why[0]);
		ck_assert_uint_eq(map_source_count(source), 2);
	}
	ck_assert_uint_eq(map_source_text(source)->len, text.len);
	ck_assert_mem_eq(map_source_text(source)->data, text.data, text.len);
	map_source_free(source);
	buf_free(&text);
}
END_TEST

START_TEST(every_duplicate)
{
	struct map_source *source = parse("a@b 1\n"
	                                  "A@B. 2\n"
	                                  "b 3\n"
	                                  "@B 4\n"
	                                  "\"a\"@b 5\n"
	                                  "broken\n"
	                                  "a++@b 6\n"
	                                  "a+*@b 7\n"
	                                  "A++@b 8\n");

	ck_assert_uint_eq(map_source_count(source), 4);
	ck_assert_uint_eq(complaints.n, 5);
	ck_assert_uint_eq(complaints.line[0], 2);
	ck_assert_str_eq(complaints.why[0], "a@b is already mapped in line 1");
	ck_assert_uint_eq(complaints.line[1], 4);
	ck_assert_str_eq(complaints.why[1], "@b is already mapped in line 3");
	ck_assert_uint_eq(complaints.line[2], 5);
	ck_assert_uint_eq(complaints.line[3], 6);
	ck_assert_uint_eq(complaints.line[4], 9);
	ck_assert_str_eq(complaints.why[4], "a++@b is already mapped in line 7");
	map_source_free(source);
}
END_TEST

START_TEST(very_long_lines)
{
	struct buf text = BUF_INIT;
	struct map_source *source;

	buf_adds(&text, "list@b x0");
	for (int i = 1; text.len < 1000000; i++)
		buf_addf(&text, ", x%d@c.example", i);
	source = parse_bytes((const char *)text.data, text.len);
	ck_assert_uint_eq(complaints.n, 0);
	map_source_free(source);
	while (text.len < 1100000)
		buf_adds(&text, ", y");
	source = parse_bytes((const char *)text.data, text.len);
	ck_assert_uint_eq(complaints.n, 1);
	ck_assert_ptr_nonnull(strstr(complaints.why[0], "too long"));
	map_source_free(source);
	buf_free(&text);
}
END_TEST

START_TEST(find)
{
	struct map_source *source = parse("info@one.example bob\none.example x\n@ y\n");

	ck_assert_str_eq(map_source_find(source, "INFO@one.example", &err)->target, "bob");
	ck_assert_str_eq(map_source_find(source, "@One.example", &err)->target, "x");
	ck_assert_uint_eq(map_source_find(source, "one.example", &err)->line, 2);
	ck_assert_str_eq(map_source_find(source, "@", &err)->target, "y");
	err.num = 99;
	ck_assert_ptr_null(map_source_find(source, "inf@one.example", &err));
	ck_assert_int_eq(err.num, 0);
	ck_assert_ptr_null(map_source_find(source, "info@", &err));
	ck_assert_int_eq(err.num, EINVAL);
	ck_assert_ptr_nonnull(strstr(err.text, "info@"));
	map_source_free(source);
}
END_TEST

/* ---- files ------------------------------------------------------------------------------------
 */

START_TEST(files)
{
	char dir[] = "/tmp/check_map_source.XXXXXX", path[PATH_MAX];
	struct map_source *source;
	FILE *f;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/virtmaps", dir);
	ck_assert_int_eq(map_source_read(&source, path, 0, NULL, NULL, &err), -1);
	ck_assert_int_eq(err.num, ENOENT);
	ck_assert_ptr_nonnull(strstr(err.text, path));
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	ck_assert_int_eq(map_source_read(&source, path, 0, NULL, NULL, &err), -1);
	unlink(path);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	ck_assert_int_eq(map_source_read(&source, path, 0, NULL, NULL, &err), -1);
	rmdir(path);
	f = fopen(path, "w");
	fputs("a@b c\nbroken\n", f);
	fclose(f);
	/* nobody to complain to, the errors count all the same */
	ck_assert_int_eq(map_source_read(&source, path, 0, NULL, NULL, &err), 0);
	ck_assert_uint_eq(map_source_count(source), 1);
	ck_assert_uint_eq(map_source_errors(source), 1);
	map_source_free(source);
	if (geteuid() == 0) {
		chmod(path, 0666);
		ck_assert_int_eq(map_source_read(&source, path, 1, NULL, NULL, &err), -1);
		ck_assert_int_eq(err.num, EPERM);
	}
	unlink(path);
	rmdir(dir);
}
END_TEST

/* ---- edits ------------------------------------------------------------------------------------
 */

/* script: one edit a line, "+key|target" add, "=key|target" set, "-key" rm; '!' in front: it must
 * fail. */
static const struct {
	const char *before, *script, *after;
} edits[] = {
	/* nothing */
	{ "a@b c\n", "", "a@b c\n" },
	/* add goes behind its domain's last line, in its column */
	{ "# one\ni@one\t\tbob\n\n# two\ni@two\teve\n", "+s@one|joe",
	    "# one\ni@one\t\tbob\ns@one\t\tjoe\n\n# two\ni@two\teve\n" },
	{ "i@one     bob\nlonger@one bob\n", "+s@one|joe",
	    "i@one     bob\nlonger@one bob\ns@one      joe\n" },
	{ "i@one  bob\n", "+muchlonger@one|joe", "i@one  bob\nmuchlonger@one joe\n" },
	{ "i@one\tbob\n", "+muchlonger@one|joe", "i@one\tbob\nmuchlonger@one\tjoe\n" },
	{ "i@one bob\n@one x\n", "+s@one|joe\n+t@one|joe",
	    "i@one bob\n@one x\ns@one joe\nt@one joe\n" },
	{ "one x\ntwo y\n", "+s@one|joe", "one x\ns@one joe\ntwo y\n" },
	/* a new domain goes to the end */
	{ "i@one bob\n# end\n", "+i@two|eve", "i@one bob\n# end\ni@two\teve\n" },
	{ "i@one  bob\n", "+i@two|eve", "i@one  bob\ni@two  eve\n" },
	{ "", "+i@two|eve", "i@two\teve\n" },
	{ "# only", "+i@two|eve", "# only\ni@two\teve\n" },
	{ "i@one bob", "+i@two|eve", "i@one bob\ni@two eve\n" },
	{ "i@one bob", "+j@one|eve\n-j@one", "i@one bob" },
	{ "@ x\n", "+.one|y\n+@one|z", "@ x\n.one y\n@one z\n" },
	/* add of what is there */
	{ "i@one bob\n", "!+I@One.|eve", "i@one bob\n" },
	{ "one bob\n", "!+@one|eve", "one bob\n" },
	/* set keeps the key's spelling and the gap */
	{ "I@one \t bob  \nx@y z\n", "=i@one|eve", "I@one \t eve\nx@y z\n" },
	{ "i@one bob", "=i@one|eve", "i@one eve" },
	{ "i@one bob\n", "=j@one|eve", "i@one bob\nj@one eve\n" },
	{ "i@one bob\n", "=i@one|a, b@c, d\n=i@one|error:nouser x y", "i@one error:nouser x y\n" },
	/* rm takes the line and nothing else */
	{ "# c\ni@one bob\n\nx@y z\n", "-I@ONE", "# c\n\nx@y z\n" },
	{ "i@one bob\nx@y z", "-x@y", "i@one bob\n" },
	{ "i@one bob", "-i@one", "" },
	{ "i@one bob\n", "!-j@one", "i@one bob\n" },
	{ "i@one bob\n", "-i@one\n!-i@one\n+i@one|eve", "i@one eve\n" },
	{ "i@one\tbob\nx@y z\n", "-i@one\n+j@one|bob", "j@one\tbob\nx@y z\n" },
	{ "a@b c\nd@e f\n", "-a@b\n-d@e\n+g@h|i", "g@h i\n" },
	/* malformed lines and comments are left as they are */
	{ "broken\n\xff\xfe\n i@one x\ni@one bob\n", "=i@one|eve",
	    "broken\n\xff\xfe\n i@one x\ni@one eve\n" },
	/* what must not get in */
	{ "i@one bob\n", "!+x@one|", "i@one bob\n" },
	{ "i@one bob\n", "!+x@one|a b", "i@one bob\n" },
	{ "i@one bob\n", "!+x@one||/bin/sh", "i@one bob\n" },
	{ "i@one bob\n", "!+x y@one|z", "i@one bob\n" },
	{ "i@one bob\n", "!+#x@one|z", "i@one bob\n" },
	{ "i@one bob\n", "!+x@|z", "i@one bob\n" },
	{ "i@one bob\n", "!+|z", "i@one bob\n" },
	{ "i@one bob\n", "!=i@one|a\x01", "i@one bob\n" },
	{ "i@one bob\n", "!=i@one|a\r", "i@one bob\n" },
	{ "i@one bob\n", "+\"x y\"@one|z", "i@one bob\n\"x y\"@one z\n" },
	{ "i@one bob\n", "+\"#x\"@one|z", "i@one bob\n\"#x\"@one z\n" },
	{ "i@one bob\n", "+  j@one  |  a, b  ", "i@one bob\nj@one a, b\n" },
};

static void
ck_text(const struct map_source *source, const char *text)
{
	const struct buf *is = map_source_text(source);
	struct buf copy = BUF_INIT;

	ck_assert_ptr_nonnull(is);
	buf_add(&copy, is->data, is->len);
	ck_assert_str_eq(buf_cstr(&copy), text);
	buf_free(&copy);
}

static void
run_script(struct map_source *source, const char *script)
{
	char *copy = strdup(script), *rest = copy, *line;

	while ((line = strsep(&rest, "\n")) != NULL && *line != '\0') {
		int must_fail = *line == '!', rc;
		char *target;

		line += must_fail;
		target = strchr(line, '|');
		if (target != NULL)
			*target++ = '\0';
		rc = *line == '+'   ? map_source_add(source, line + 1, target, &err)
		     : *line == '=' ? map_source_set(source, line + 1, target, &err)
		                    : map_source_rm(source, line + 1, &err);
		ck_assert_msg(rc == (must_fail ? -1 : 0), "%s: %s", line, err.text);
		if (must_fail)
			ck_assert_int_ne(err.num, 0);
	}
	free(copy);
}

START_TEST(every_edit)
{
	struct map_source *source = parse(edits[_i].before), *again;

	run_script(source, edits[_i].script);
	ck_text(source, edits[_i].after);
	again = parse(edits[_i].after);
	ck_assert_uint_eq(map_source_count(source), map_source_count(again));
	map_source_free(source);
	map_source_free(again);
}
END_TEST

START_TEST(refusals_have_their_errno)
{
	struct map_source *source = parse("i@one bob\n");

	ck_assert_int_eq(map_source_add(source, "i@one", "x", &err), -1);
	ck_assert_int_eq(err.num, EEXIST);
	ck_assert_int_eq(map_source_rm(source, "j@one", &err), -1);
	ck_assert_int_eq(err.num, ENOENT);
	ck_assert_int_eq(map_source_rm(source, "j@", &err), -1);
	ck_assert_int_eq(err.num, EINVAL);
	ck_assert_int_eq(map_source_add(source, "j@one", "a\nb@c d", &err), -1);
	ck_assert_int_eq(err.num, EINVAL);
	ck_assert_int_eq(map_source_set(source, "j@one\nx", "a", &err), -1);
	ck_assert_int_eq(err.num, EINVAL);
	ck_assert_int_eq(map_source_add(source, "j@one", "|x", &err), -1);
	ck_assert_int_eq(err.num, EINVAL);
	ck_text(source, "i@one bob\n");
	map_source_free(source);
}
END_TEST

START_TEST(entries_after_edits)
{
	struct map_source *source = parse("a@b 1\nc@d 2\ne@b 3\n");

	ck_assert_str_eq(map_source_find(source, "c@d", &err)->target, "2");
	run_script(source, "+f@b|4\n-c@d\n=a@b|5");
	ck_assert_uint_eq(map_source_count(source), 3);
	ck_assert_str_eq(rendered(source), "1|a@b|a@b|5\n3|e@b|e@b|3\n0|f@b|f@b|4\n");
	ck_assert_ptr_null(map_source_find(source, "c@d", &err));
	ck_assert_int_eq(err.num, 0);
	ck_assert_str_eq(map_source_find(source, "f@b", &err)->target, "4");
	map_source_free(source);
}
END_TEST

/* Copy the text and split it at its newlines. */
struct lines {
	char *text, *line[500];
	size_t n;
};

static void
split(struct lines *out, const struct map_source *source)
{
	const struct buf *text = map_source_text(source);
	char *rest;

	rest = out->text = strndup((const char *)text->data, text->len);
	for (out->n = 0; *rest != '\0' && (out->line[out->n] = strsep(&rest, "\n")) != NULL;)
		ck_assert_uint_lt(++out->n, 500);
}

/* Between the two texts one line was put in, taken out or replaced, and nothing else. */
static void
ck_one_line_changed(const struct lines *a, const struct lines *b, int more)
{
	size_t head = 0, tail = 0;

	ck_assert_int_eq((int)b->n - (int)a->n, more);
	while (head < a->n && head < b->n && strcmp(a->line[head], b->line[head]) == 0)
		head++;
	while (tail < a->n - head && tail < b->n - head &&
	       strcmp(a->line[a->n - 1 - tail], b->line[b->n - 1 - tail]) == 0)
		tail++;
	ck_assert_uint_le(a->n - head - tail, more > 0 ? 0 : 1);
	ck_assert_uint_le(b->n - head - tail, more < 0 ? 0 : 1);
}

START_TEST(random_edits)
{
	struct map_source *source =
	    parse("# head\n\nu1@d1 v0\n# between @d2\nu1@d2\tv0\n  # tail\n");
	char targets[9][4][16] = { 0 };
	struct lines before, after;

	strcpy(targets[1][1], "v0");
	strcpy(targets[1][2], "v0");
	srand((unsigned)_i);
	for (int i = 0; i < 300; i++) {
		int op = rand() % 3, u = rand() % 9, d = rand() % 4, rc, more;
		char key[16], target[16], *had = targets[u][d];

		snprintf(key, sizeof(key), "u%d@d%d", u, d);
		snprintf(target, sizeof(target), "v%d", i);
		split(&before, source);
		rc = op == 0   ? map_source_rm(source, key, &err)
		     : op == 1 ? map_source_add(source, key, target, &err)
		               : map_source_set(source, key, target, &err);
		ck_assert_int_eq(
		    rc, (op == 0 && *had == '\0') || (op == 1 && *had != '\0') ? -1 : 0);
		more = rc == -1 ? 0 : op == 0 ? -1 : *had == '\0';
		split(&after, source);
		ck_one_line_changed(&before, &after, more);
		if (rc == 0)
			strcpy(had, op == 0 ? "" : target);
		free(before.text);
		free(after.text);
	}
	for (int again = 0; again < 2; again++) {
		const struct buf *text = map_source_text(source);
		struct map_source *fresh = parse_bytes((const char *)text->data, text->len);

		ck_assert_uint_eq(complaints.n, 0);
		for (int n = 0; n < 36; n++) {
			const struct map_entry *entry;
			char key[16];

			snprintf(key, sizeof(key), "u%d@d%d", n % 9, n / 9);
			entry = map_source_find(again ? fresh : source, key, &err);
			ck_assert_str_eq(entry != NULL ? entry->target : "", targets[n % 9][n / 9]);
		}
		map_source_free(fresh);
	}
	map_source_free(source);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("map_source");
	TCase *tests = tcase_create("map_source");

	tcase_add_loop_test(tests, every_key, 0, ITEMS(keys));
	tcase_add_test(tests, key_domains);
	tcase_add_test(tests, good_lines);
	tcase_add_test(tests, no_lines);
	tcase_add_loop_test(tests, every_malformed_line, 0, ITEMS(malformed));
	tcase_add_test(tests, every_duplicate);
	tcase_add_test(tests, very_long_lines);
	tcase_add_test(tests, find);
	tcase_add_test(tests, files);
	tcase_add_loop_test(tests, every_edit, 0, ITEMS(edits));
	tcase_add_test(tests, refusals_have_their_errno);
	tcase_add_test(tests, entries_after_edits);
	tcase_add_loop_test(tests, random_edits, 0, 40);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
