/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What edits change, and taking it back: random edits of random texts against a plain model of the
 * lines, and every change undone to the byte.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io.h"
#include "map.h"
#include "suite.h"

static char dir[] = "/tmp/check_map_change.XXXXXX";
static char path[64];

static void
setup(void)
{
	strcpy(dir + strlen(dir) - 6, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/virtmaps", dir);
}

static void
teardown(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", dir);
	ck_assert_int_eq(system(command), 0);
}

static struct map_source *
read_text(const char *text, size_t len)
{
	struct map_source *source;
	struct err err;

	ck_assert_int_eq(io_replace(path, text, len, 0644, &err), 0);
	ck_assert_int_eq(map_source_read(&source, path, 0, NULL, NULL, &err), 0);
	ck_assert_uint_eq(map_source_errors(source), 0);
	return source;
}

static struct map_source *
read_string(const char *text)
{
	return read_text(text, strlen(text));
}

static void
assert_text(const struct map_source *source, const char *want)
{
	const struct buf *text = map_source_text(source);

	ck_assert_ptr_nonnull(text);
	if (text->len != strlen(want) || memcmp(text->data, want, text->len) != 0)
		ck_abort_msg(
		    "is:\n%.*s---\nnot:\n%s---", (int)text->len, (const char *)text->data, want);
}

/* ---- changes, kept ------------------------------------------------------------------------- */

struct kept {
	struct map_change changes[64];
	size_t n;
};

static char *
copy(const char *string)
{
	return string == NULL ? NULL : strdup(string);
}

static int
keep(void *arg, const struct map_change *change, struct err *err)
{
	struct kept *kept = arg;

	(void)err;
	ck_assert_uint_lt(kept->n, 64);
	kept->changes[kept->n++] = (struct map_change){ .key = copy(change->key),
		.old = copy(change->old),
		.now = copy(change->now),
		.text = copy(change->text),
		.line = change->line };
	return 0;
}

static void
forget(struct kept *kept)
{
	for (size_t i = 0; i < kept->n; i++) {
		free((char *)(uintptr_t)kept->changes[i].key);
		free((char *)(uintptr_t)kept->changes[i].old);
		free((char *)(uintptr_t)kept->changes[i].now);
		free((char *)(uintptr_t)kept->changes[i].text);
	}
	kept->n = 0;
}

/* "key old now line|" of each. */
static const char *
told(const struct kept *kept)
{
	static char out[4096];

	*out = '\0';
	for (size_t i = 0; i < kept->n; i++) {
		const struct map_change *c = &kept->changes[i];
		char one[512];

		snprintf(one, sizeof(one), "%s %s %s %zu|", c->key, c->old != NULL ? c->old : "-",
		    c->now != NULL ? c->now : "-", c->line);
		strlcat(out, one, sizeof(out));
	}
	return out;
}

#define TEXT                                                                                       \
	"# ours\n"                                                                                 \
	"a@one.example     bob\n"                                                                  \
	"\n"                                                                                       \
	"B@one.example     carol  \n"                                                              \
	"one.example       bob\n"                                                                  \
	"a@two.example\tbob\n"

/* ---- rename -------------------------------------------------------------------------------- */

START_TEST(test_rename)
{
	struct map_source *source = read_string(TEXT);
	struct err err;

	ck_assert_int_eq(map_source_rename(source, "b@one.example", "longer@one.example", &err), 0);
	ck_assert_int_eq(map_source_rename(source, "A@TWO.example", "c@two.example", &err), 0);
	assert_text(source, "# ours\n"
	                    "a@one.example     bob\n"
	                    "\n"
	                    "longer@one.example carol  \n"
	                    "one.example       bob\n"
	                    "c@two.example\tbob\n");
	ck_assert_ptr_null(map_source_find(source, "b@one.example", &err));
	ck_assert_str_eq(map_source_find(source, "longer@one.example", &err)->target, "carol");
	ck_assert_uint_eq(map_source_count(source), 4);
	/* An added line still goes behind the last of its domain. */
	ck_assert_int_eq(map_source_add(source, "z@one.example", "bob", &err), 0);
	ck_assert_int_eq(map_source_rename(source, "one.example", "three.example", &err), 0);
	ck_assert_int_eq(map_source_add(source, "y@one.example", "bob", &err), 0);
	assert_text(source, "# ours\n"
	                    "a@one.example     bob\n"
	                    "\n"
	                    "longer@one.example carol  \n"
	                    "three.example     bob\n"
	                    "z@one.example     bob\n"
	                    "y@one.example     bob\n"
	                    "c@two.example\tbob\n");
	map_source_free(source);
}
END_TEST

START_TEST(test_rename_refused)
{
	static const struct {
		const char *key, *other;
		int num;
	} rows[] = {
		{ "nobody@one.example", "x@one.example", ENOENT },
		{ "a@one.example", "b@one.example", EEXIST },
		{ "a@one.example", "@one.example", EEXIST },
		{ "a@one.example", "x@@", EINVAL },
		{ "a@one.example", "", EINVAL },
		{ "a@one.example", "#x@one.example", EINVAL },
		{ "a@one.example", "x y@one.example", EINVAL },
		{ "a@one.example", "x\ny@one.example", EINVAL },
	};
	struct map_source *source = read_string(TEXT);
	struct err err;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ck_assert_int_eq(map_source_rename(source, rows[i].key, rows[i].other, &err), -1);
		ck_assert_int_eq(err.num, rows[i].num);
		assert_text(source, TEXT);
	}
	/* Another spelling of the same key is no other key. */
	ck_assert_int_eq(map_source_rename(source, "b@one.example", "b@One.example", &err), 0);
	map_source_free(source);
}
END_TEST

/* ---- what changed -------------------------------------------------------------------------- */

START_TEST(test_changes)
{
	struct map_source *source = read_string(TEXT);
	struct kept kept = { .n = 0 };
	struct err err;

	ck_assert_int_eq(map_source_changes(source, keep, &kept, &err), 0);
	ck_assert_str_eq(told(&kept), "");
	ck_assert_int_eq(map_source_rm(source, "one.example", &err), 0);
	ck_assert_int_eq(map_source_set(source, "b@one.example", "bob", &err), 0);
	ck_assert_int_eq(map_source_set(source, "b@one.example", "dave", &err), 0);
	ck_assert_int_eq(map_source_add(source, "n@one.example", "bob", &err), 0);
	ck_assert_int_eq(map_source_add(source, "gone@one.example", "bob", &err), 0);
	ck_assert_int_eq(map_source_rm(source, "gone@one.example", &err), 0);
	ck_assert_int_eq(map_source_rename(source, "a@one.example", "c@one.example", &err), 0);
	ck_assert_int_eq(map_source_changes(source, keep, &kept, &err), 0);
	ck_assert_str_eq(told(&kept), "a@one.example bob - 2|b@one.example carol dave 4|"
	                              "@one.example bob - 5|n@one.example - bob 0|"
	                              "c@one.example - bob 0|");
	ck_assert_str_eq(kept.changes[1].text, "B@one.example     carol  ");
	forget(&kept);
	map_source_free(source);
}
END_TEST

START_TEST(test_compare)
{
	static const char other[] = "a@two.example\tbob\n"
	                            "# another\n"
	                            "b@one.example dave\n"
	                            "a@one.example     bob\n"
	                            "d@one.example     bob\n";
	struct map_source *old = read_string(TEXT), *now;
	struct kept kept = { .n = 0 };
	struct err err;

	ck_assert_int_eq(
	    map_source_parse(&now, path, other, sizeof(other) - 1, NULL, NULL, &err), 0);
	ck_assert_int_eq(map_source_compare(old, now, keep, &kept, &err), 0);
	ck_assert_str_eq(told(&kept), "b@one.example carol dave 4|@one.example bob - 5|"
	                              "d@one.example - bob 0|");
	forget(&kept);
	map_source_free(old);
	map_source_free(now);
}
END_TEST

START_TEST(test_diff)
{
	struct map_source *source = read_string(TEXT);
	struct kept kept = { .n = 0 };
	struct map *map;
	unsigned char digest[MAP_DIGEST_SIZE];
	struct err err;

	ck_assert_int_eq(map_compile(source, NULL, (gid_t)-1, 0644, NULL, NULL, NULL, &err), 0);
	ck_assert_int_eq(map_open(&map, path, 0, &err), 0);
	map_source_digest(source, digest);
	ck_assert_mem_eq(map_digest(map), digest, sizeof(digest));
	ck_assert_int_eq(map_diff(map, source, keep, &kept, &err), 0);
	ck_assert_str_eq(told(&kept), "");
	map_source_free(source);
	source = read_string("b@one.example dave\nn@three.example x\na@two.example bob\n"
	                     "a@one.example bob\n");
	ck_assert_int_eq(map_diff(map, source, keep, &kept, &err), 0);
	ck_assert_str_eq(told(&kept), "b@one.example carol dave 0|n@three.example - x 0|"
	                              "@one.example bob - 0|");
	map_source_digest(source, digest);
	ck_assert_mem_ne(map_digest(map), digest, sizeof(digest));
	forget(&kept);
	map_close(map);
	map_source_free(source);
}
END_TEST

/* Is the map that was compiled of the first text one of the second? */
START_TEST(test_is_of)
{
	static const char first[] = "a@one.example bob\n\"x@y\"@one.example bob\n"
	                            "a\\\"b@one.example bob\n.two.example carol\n@ dave\n";
	static const struct {
		const char *text;
		int is;
	} others[] = {
		{ first, 1 },
		{ "@ dave\n# moved\n.TWO.example carol\na\\\"b@one.example bob\n"
		  "x@y@one.example\tbob\nA@one.example  bob\n",
		    1 },
		{ "a@one.example bob\n\"x@y\"@one.example bob\n"
		  "a\\\"b@one.example bob\n.two.example carol\n@ eve\n",
		    0 },
		{ "a@one.example bob\n\"x@y\"@one.example bob\n"
		  "a\\\"b@one.example bob\n.two.example carol\n",
		    0 },
		{ "a@one.example bob\n\"x@y\"@one.example bob\n"
		  "a\\\"b@one.example bob\n.two.example carol\n@ dave\nn@one.example bob\n",
		    0 },
		{ "", 0 },
	};
	struct map_source *source = read_string(first);
	struct map *map;
	struct err err;

	ck_assert_int_eq(map_compile(source, NULL, (gid_t)-1, 0644, NULL, NULL, NULL, &err), 0);
	map_source_free(source);
	ck_assert_int_eq(map_open(&map, path, 0, &err), 0);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		source = read_string(others[i].text);
		ck_assert_int_eq(map_is_of(map, source, &err), others[i].is);
		map_source_free(source);
	}
	map_close(map);
}
END_TEST

/* ---- announce ------------------------------------------------------------------------------ */

static int
refuse(void *arg, const unsigned char digest[MAP_DIGEST_SIZE], struct err *err)
{
	memcpy(arg, digest, MAP_DIGEST_SIZE);
	return err_set(err, ENOSPC, "no");
}

START_TEST(test_announce)
{
	struct map_source *source = read_string(TEXT), *again;
	unsigned char digest[MAP_DIGEST_SIZE], want[MAP_DIGEST_SIZE];
	char gdbm[80];
	struct err err;

	snprintf(gdbm, sizeof(gdbm), "%s.gdbm", path);
	map_source_announce(source, refuse, digest);
	ck_assert_int_eq(map_compile(source, NULL, (gid_t)-1, 0644, NULL, NULL, NULL, &err), -1);
	ck_assert_int_eq(err.num, ENOSPC);
	map_source_digest(source, want);
	ck_assert_mem_eq(digest, want, sizeof(want));
	ck_assert_int_eq(access(gdbm, F_OK), -1);
	ck_assert_int_eq(map_source_add(source, "n@one.example", "bob", &err), 0);
	ck_assert_int_eq(map_publish(source, NULL, (gid_t)-1, 0644, NULL, NULL, NULL, &err), -1);
	ck_assert_int_eq(access(gdbm, F_OK), -1);
	ck_assert_int_eq(map_source_read(&again, path, 0, NULL, NULL, &err), 0);
	assert_text(again, TEXT);
	map_source_free(again);
	map_source_announce(source, NULL, NULL);
	ck_assert_int_eq(map_publish(source, NULL, (gid_t)-1, 0644, NULL, NULL, NULL, &err), 0);
	ck_assert_int_eq(map_source_read(&again, path, 0, NULL, NULL, &err), 0);
	map_source_digest(again, want);
	ck_assert_mem_eq(digest, want, sizeof(want));
	map_source_free(again);
	map_source_free(source);
}
END_TEST

/* ---- random edits, taken back --------------------------------------------------------------- */

#define NAMES 12

static const char *const domains[] = { "one.example", "two.example", "three.example" };
static const char *const targets[] = { "bob", "carol", "bob, carol", "x@elsewhere.example" };

static void
random_key(char *out, size_t size)
{
	const char *domain = domains[rand() % 3];

	if (rand() % NAMES == 0)
		snprintf(out, size, "@%s", domain);
	else
		snprintf(out, size, "%s%d@%s", rand() % 2 ? "u" : "U", rand() % NAMES, domain);
}

static char *
random_text(size_t *len)
{
	static const char *const gaps[] = { " ", "\t", "      ", " \t " };
	struct map_source *empty;
	struct buf text = BUF_INIT;
	struct err err;

	ck_assert_int_eq(map_source_parse(&empty, path, "", 0, NULL, NULL, &err), 0);
	for (int n = rand() % 20; n > 0; n--) {
		char key[64];

		random_key(key, sizeof(key));
		if (rand() % 4 == 0)
			buf_addf(&text, rand() % 2 ? "\n" : "  # of %d\n", rand() % 100);
		if (map_source_add(empty, key, "bob", &err) == 0)
			buf_addf(&text, "%s%s%s%s\n", key, gaps[rand() % 4], targets[rand() % 4],
			    rand() % 4 == 0 ? "  " : "");
	}
	if (rand() % 4 == 0)
		buf_adds(&text, "# end\n");
	if (text.len > 0 && rand() % 3 == 0)
		text.len--;
	map_source_free(empty);
	*len = text.len;
	return buf_steal(&text);
}

static void
random_edit(struct map_source *source)
{
	char key[64], other[64];
	struct err err;

	random_key(key, sizeof(key));
	random_key(other, sizeof(other));
	switch (rand() % 4) {
	case 0:
		map_source_add(source, key, targets[rand() % 4], &err);
		break;
	case 1:
		map_source_set(source, key, targets[rand() % 4], &err);
		break;
	case 2:
		map_source_rm(source, key, &err);
		break;
	default:
		map_source_rename(source, key, other, &err);
	}
}

/* Every line of `text` that is no mapping, in its order. */
static char *
rest_of(const char *text)
{
	struct buf out = BUF_INIT;

	for (const char *p = text, *end; *p != '\0'; p = *end == '\0' ? end : end + 1) {
		end = p + strcspn(p, "\n");
		if (p == end || p[strspn(p, " ")] == '#')
			ck_assert_int_eq(buf_addf(&out, "%.*s\n", (int)(end - p), p), 0);
	}
	return buf_steal(&out);
}

START_TEST(test_random)
{
	srand((unsigned)_i);
	for (int round = 0; round < 40; round++) {
		size_t len;
		char *before = random_text(&len), *after, *rest, *rest_after;
		struct map_source *source = read_text(before, len), *again;
		struct kept kept = { .n = 0 }, seen = { .n = 0 };
		struct err err;

		for (int n = rand() % 12; n > 0; n--)
			random_edit(source);
		ck_assert_int_eq(map_source_changes(source, keep, &kept, &err), 0);
		after = strndup(
		    (const char *)map_source_text(source)->data, map_source_text(source)->len);
		rest = rest_of(before);
		rest_after = rest_of(after);
		ck_assert_str_eq(rest_after, rest);
		again = read_string(after);
		ck_assert_uint_eq(map_source_count(again), map_source_count(source));
		ck_assert_int_eq(map_source_restore(again, kept.changes, kept.n, true,
		                     map_source_is_cut(source), &err),
		    0);
		assert_text(again, before);
		/* And that again. */
		ck_assert_int_eq(map_source_changes(again, keep, &seen, &err), 0);
		map_source_free(source);
		source = read_text(before, len);
		ck_assert_int_eq(map_source_restore(source, seen.changes, seen.n, false,
		                     map_source_is_cut(again), &err),
		    0);
		forget(&seen);
		map_source_free(again);
		again = read_string(after);
		ck_assert_int_eq(map_source_compare(again, source, keep, &seen, &err), 0);
		for (size_t i = 0; i < seen.n; i++) /* spelling and blanks at most */
			ck_assert_str_eq(seen.changes[i].old, seen.changes[i].now);
		forget(&seen);
		forget(&kept);
		free(before);
		free(after);
		free(rest);
		free(rest_after);
		map_source_free(source);
		map_source_free(again);
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("map_change");
	TCase *tc = tcase_create("map_change");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, test_rename);
	tcase_add_test(tc, test_rename_refused);
	tcase_add_test(tc, test_changes);
	tcase_add_test(tc, test_compare);
	tcase_add_test(tc, test_diff);
	tcase_add_test(tc, test_is_of);
	tcase_add_test(tc, test_announce);
	tcase_add_loop_test(tc, test_random, 0, 25);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
