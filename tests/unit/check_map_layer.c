/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A few edits of a map, read and published by what concerns them alone, against the same edits of
 * all of it: the same answers, the same text, the same refusals; the same compiled map, key by key,
 * marks too; the same domains file. Maps and edits at random; SEED repeats a run.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io.h"
#include "map.h"
#include "suite.h"
#include "table.h"

#define DOMAINS 40
#define LINES   4000 /* 256 pages */
#define STEPS   60
#define EDITS   6

static char dir[32], path[64], domains[64];
static char other[64], other_domains[64];
static struct err err;
static unsigned layers;

static void
setup(void)
{
	strcpy(dir, "/tmp/check_map_layer.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/virtmaps", dir);
	snprintf(domains, sizeof(domains), "%s/domains", dir);
	snprintf(other, sizeof(other), "%s/other", dir);
	snprintf(other_domains, sizeof(other_domains), "%s/other_domains", dir);
}

static void
teardown(void)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -rf %s", dir);
	ck_assert_int_eq(system(command), 0);
}

static unsigned
any(unsigned n)
{
	return (unsigned)(random() % n);
}

/* ---- maps and edits at random ------------------------------------------------------------------
 */

static void
random_domain(char out[40])
{
	static const char *const shapes[][2] = { { "d", ".example" }, { "d", ".example" },
		{ "sub.d", ".example" }, { "d", ".example." }, { "D", ".Example" } };
	const char *const *shape = shapes[any(8) > 0 ? any(3) : any(5)];

	snprintf(out, 40, "%s%u%s", shape[0], any(DOMAINS), shape[1]);
}

static void
random_key(char out[80])
{
	static const char *const shapes[][2] = { { "u", "" }, { "u", "" }, { "u", "" }, { "U", "" },
		{ "u", "++" }, { "u", "+*" }, { "u", "+x" }, { "\"u", "\"" }, { "\"a b", "\"" } };
	const char *const *shape = shapes[any(10) > 0 ? any(4) : any(9)];
	char domain[40];

	random_domain(domain);
	switch (any(30)) {
	case 0:
		snprintf(out, 80, "@%s", domain);
		break;
	case 1:
		snprintf(out, 80, "%s", domain);
		break;
	case 2:
		snprintf(out, 80, "++@%s", domain);
		break;
	case 3:
		if (any(6) == 0) {
			snprintf(out, 80, ".%s", domain);
			break;
		} /* fall through */
	default:
		snprintf(out, 80, "%s%u%s@%s", shape[0], any(200), shape[1], domain);
	}
}

static void
random_target(char out[120])
{
	char domain[40], more[40];

	random_domain(domain);
	random_domain(more);
	switch (any(25)) {
	case 0:
		snprintf(out, 120, "u%u@%s", any(200), domain);
		break;
	case 1:
		snprintf(out, 120, "%%1@%s, box%u, U%u@%s", domain, any(9), any(200), more);
		break;
	case 2:
		snprintf(out, 120, "error:nouser nobody@%s", domain);
		break;
	case 3:
		if (any(20) == 0)
			strcpy(out, "x@%2");
		else
			snprintf(out, 120, "out@far%u.example.net", any(5));
		break;
	default:
		snprintf(out, 120, "box%u", any(1000));
	}
}

/* A text without errors: what the reader refuses, or what goes round in a circle, is left out. */
static void
random_text(struct buf *out)
{
	struct map_source *source;

	ck_assert_int_eq(io_replace(path, "", 0, 0644, &err), 0);
	ck_assert_int_eq(map_source_read(&source, path, 0, NULL, NULL, &err), 0);
	for (unsigned i = 0; i < LINES; i++) {
		char key[80], target[120];

		random_key(key);
		random_target(target);
		if (i % 50 > 0 && strchr(target, '@') != NULL)
			strcpy(target, "box");
		map_source_add(source, key, target, &err);
	}
	ck_assert_int_eq(buf_adds(out, "# first\n"), 0);
	ck_assert_int_eq(
	    buf_add(out, map_source_text(source)->data, map_source_text(source)->len), 0);
	ck_assert_int_eq(buf_adds(out, any(2) ? "# the last u1@d1.example box\n\n" : ""), 0);
	if (any(3) == 0)
		out->len--; /* no newline at the end */
	map_source_free(source);
}

/* One of a few, so that they meet: chains get longer, close, and end again. */
static void
hot_key(char out[80])
{
	if (any(6) == 0)
		snprintf(out, 80, "@d%u.example", any(3));
	else
		snprintf(out, 80, "u%u@d%u.example", any(2), any(3));
}

struct edit {
	unsigned what;
	char key[80], target[120];
};

static int
apply(struct map_source *source, const struct edit *edit)
{
	err.num = 0;
	switch (edit->what) {
	case 0:
		return map_source_add(source, edit->key, edit->target, &err);
	case 1:
		return map_source_set(source, edit->key, edit->target, &err);
	case 2:
		return map_source_rm(source, edit->key, &err);
	default:
		return map_source_rename(source, edit->key, edit->target, &err);
	}
}

/* ---- comparing ----------------------------------------------------------------------------------
 */

static int
compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

struct dump {
	char *all[4 * LINES];
	size_t n;
};

static int
take(void *arg, const char *group, const char *key, const char *value, size_t len)
{
	struct dump *dump = arg;
	struct buf line = BUF_INIT;

	buf_addf(&line, "%s | %s | %zu ", group, key, len);
	for (size_t i = 0; i < len; i++)
		buf_addf(&line, "%02x", (unsigned char)value[i]);
	ck_assert_uint_lt(dump->n, 4 * LINES);
	dump->all[dump->n++] = buf_steal(&line);
	return 0;
}

static void
take_dump(struct dump *dump, const char *name, struct table_source *info)
{
	char compiled[80];
	struct table *table;

	dump->n = 0;
	snprintf(compiled, sizeof(compiled), "%s.gdbm", name);
	ck_assert_msg(table_open(&table, compiled, 0, &err) == 0, "%s", err.text);
	ck_assert_msg(table_each(table, take, dump, &err) == 0, "%s", err.text);
	*info = *table_source_of(table);
	table_close(table);
	qsort(dump->all, dump->n, sizeof(char *), compare);
}

static void
assert_same_file(const char *a, const char *b)
{
	char command[160];

	snprintf(command, sizeof(command), "cmp %s %s", a, b);
	ck_assert_int_eq(system(command), 0);
}

/* What is published is what the whole text compiles to. */
static void
assert_as_compiled_whole(void)
{
	static struct dump now, whole;
	struct table_source info, want;
	struct map_source *source;
	struct buf text = BUF_INIT;
	FILE *file = fopen(path, "r");
	int c;

	while ((c = getc(file)) != EOF)
		buf_addc(&text, (unsigned char)c);
	fclose(file);
	ck_assert_int_eq(io_replace(other, text.data, text.len, 0644, &err), 0);
	ck_assert_int_eq(map_source_read(&source, other, 0, NULL, NULL, &err), 0);
	ck_assert_uint_eq(map_source_errors(source), 0);
	ck_assert_int_eq(
	    map_compile(source, other_domains, (gid_t)-1, 0644, NULL, NULL, NULL, &err), 0);
	map_source_free(source);
	buf_free(&text);
	take_dump(&now, path, &info);
	take_dump(&whole, other, &want);
	for (size_t i = 0; i < now.n && i < whole.n; i++)
		ck_assert_msg(strcmp(now.all[i], whole.all[i]) == 0, "%zu: %zu %zu %.200s, %.200s",
		    i, now.n, whole.n, now.all[i], whole.all[i]);
	ck_assert_uint_eq(now.n, whole.n);
	ck_assert_uint_eq(info.mappings, want.mappings);
	ck_assert_uint_eq(info.note, want.note);
	ck_assert_uint_eq(info.size, want.size);
	ck_assert_mem_eq(info.digest, want.digest, sizeof(info.digest));
	assert_same_file(domains, other_domains);
	for (size_t i = 0; i < now.n; i++)
		free(now.all[i]);
	for (size_t i = 0; i < whole.n; i++)
		free(whole.all[i]);
}

/* map_change_fn */
static int
tell(void *arg, const struct map_change *change, struct err *ignored)
{
	(void)ignored;
	return buf_addf(arg, "%s %s %s %zu %s\n", change->key, change->old ? change->old : "-",
	    change->now ? change->now : "-", change->line, change->text ? change->text : "-");
}

static void
assert_same_changes(const struct map_source *part, const struct map_source *all)
{
	struct buf a = BUF_INIT, b = BUF_INIT;

	ck_assert_int_eq(map_source_changes(part, tell, &a, &err), 0);
	ck_assert_int_eq(map_source_changes(all, tell, &b, &err), 0);
	ck_assert_msg(
	    strcmp(buf_cstr(&a), buf_cstr(&b)) == 0, "%.500s\n%.500s", buf_cstr(&a), buf_cstr(&b));
	buf_free(&a);
	buf_free(&b);
}

/* ---- the test -----------------------------------------------------------------------------------
 */

static bool
is_layer(void)
{
	char base[80];

	snprintf(base, sizeof(base), "%s.gdbm.base", path);
	return access(base, F_OK) == 0;
}

/* Some edits, of all the text and of what is needed for them. */
static void
step(void)
{
	struct edit edits[EDITS];
	const char *keys[2 * EDITS];
	size_t n = 1 + any(any(4) == 0 ? EDITS : 1), nkeys = 0;
	struct map_source *all, *part;
	int want, got;

	for (size_t i = 0; i < n; i++) {
		edits[i].what = any(4);
		random_key(edits[i].key);
		random_target(edits[i].target);
		if (edits[i].what == 3)
			random_key(edits[i].target);
		if (any(2) == 0) {
			hot_key(edits[i].key);
			if (any(3) > 0)
				hot_key(edits[i].target);
			if (edits[i].target[0] == '@' && edits[i].what != 3)
				snprintf(edits[i].target, sizeof(edits[i].target),
				    "%%1@d%u.example", any(3));
		}
		keys[nkeys++] = edits[i].key;
		if (edits[i].what == 3)
			keys[nkeys++] = edits[i].target;
	}
	ck_assert_int_eq(map_source_read(&all, path, 0, NULL, NULL, &err), 0);
	ck_assert_int_eq(map_source_read_for(&part, path, 0, keys, nkeys, NULL, NULL, &err), 0);
	for (size_t i = 0; i < n; i++) {
		struct err first;

		want = apply(all, &edits[i]);
		first = err;
		got = apply(part, &edits[i]);
		ck_assert_msg(want == got, "%u %s: %s, %s", edits[i].what, edits[i].key, first.text,
		    err.text);
		if (want == -1)
			ck_assert_str_eq(first.text, err.text);
	}
	ck_assert_uint_eq(map_source_count(all), map_source_count(part));
	ck_assert_uint_eq(map_source_text(all)->len, map_source_text(part)->len);
	ck_assert(memcmp(map_source_text(all)->data, map_source_text(part)->data,
	              map_source_text(all)->len) == 0);
	assert_same_changes(part, all);
	want = map_check(all, NULL, NULL, NULL, &err);
	got = map_publish(part, domains, (gid_t)-1, 0644, NULL, NULL, NULL, &err);
	ck_assert_msg(want == got, "%d, %d: %s", want, got, err.text);
	layers += is_layer();
	map_source_free(all);
	map_source_free(part);
	assert_as_compiled_whole();
}

START_TEST(as_if_compiled_whole)
{
	unsigned seed = getenv("SEED") != NULL ? (unsigned)atoi(getenv("SEED"))
	                                       : (unsigned)getpid() * 31u + (unsigned)_i;
	struct buf text = BUF_INIT;
	struct map_source *source;

	srandom(seed);
	printf("SEED=%u\n", seed);
	random_text(&text);
	ck_assert_int_eq(io_replace(path, text.data, text.len, 0644, &err), 0);
	buf_free(&text);
	ck_assert_int_eq(map_source_read(&source, path, 0, NULL, NULL, &err), 0);
	if (map_compile(source, domains, (gid_t)-1, 0644, NULL, NULL, NULL, &err) == 0) {
		for (unsigned i = 0; i < STEPS; i++)
			step();
		ck_assert_uint_gt(layers, STEPS / 4);
	}
	map_source_free(source);
}
END_TEST

/* The map of `first` and so many lines more that a change of it is a layer. */
static void
compile_large(const char *first)
{
	struct buf text = BUF_INIT;
	struct map_source *source;

	buf_adds(&text, first);
	for (int i = 0; i < 1200; i++)
		buf_addf(&text, "u%d@many.example bob\n", i);
	ck_assert_int_eq(io_replace(path, text.data, text.len, 0644, &err), 0);
	buf_free(&text);
	ck_assert_int_eq(map_source_read(&source, path, 0, NULL, NULL, &err), 0);
	ck_assert_int_eq(map_compile(source, domains, (gid_t)-1, 0644, NULL, NULL, NULL, &err), 0);
	map_source_free(source);
}

/* A mapping less closes a circle of two that stay: its address falls to the catch-all. */
START_TEST(circle_of_others)
{
	const char *key = "u@b.example";
	struct map_source *source;

	compile_large("u@b.example bob\n@b.example v@a.example\nv@a.example u@b.example\n");
	ck_assert_int_eq(map_source_read_for(&source, path, 0, &key, 1, NULL, NULL, &err), 0);
	ck_assert_int_eq(map_source_rm(source, key, &err), 0);
	ck_assert_int_eq(map_publish(source, domains, (gid_t)-1, 0644, NULL, NULL, NULL, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.text, "without an end"));
	map_source_free(source);
	assert_as_compiled_whole();
}
END_TEST

/* A line that two searches meet counts for its own domain, once: else the count does not come out,
 * and all lines are taken apart. */
START_TEST(domains_in_each_other)
{
	static const char *const keys[][2] = { { "x@one.example", "y@two.example" },
		{ "z@sub.one.example", "x@one.example" } };
	struct map_source *source;

	compile_large("x@one.example y@two.example\ny@two.example x@one.example2\n"
	              "z@sub.one.example bob\n");
	ck_assert_int_eq(map_source_read_for(&source, path, 0, keys[_i], 2, NULL, NULL, &err), 0);
	ck_assert_ptr_null(map_source_find(source, "u1@many.example", &err));
	ck_assert_int_eq(err.num, EINVAL);
	for (int i = 0; i < 2; i++)
		ck_assert_ptr_nonnull(map_source_find(source, keys[_i][i], &err));
	map_source_free(source);
}
END_TEST

static void
add(const char *key)
{
	struct map_source *source;

	ck_assert_int_eq(map_source_read_for(&source, path, 0, &key, 1, NULL, NULL, &err), 0);
	ck_assert_int_eq(map_source_add(source, key, "bob", &err), 0);
	ck_assert_msg(map_publish(source, domains, (gid_t)-1, 0644, NULL, NULL, NULL, &err) == 0,
	    "%s", err.text);
	map_source_free(source);
}

/* Harm the first page that the file holds. */
static void
damage(const char *name)
{
	struct buf bytes = BUF_INIT;
	int fd = open(name, O_RDWR);
	unsigned char *page;

	ck_assert_int_ne(fd, -1);
	ck_assert_int_eq(io_read_all(fd, 1 << 24, &bytes), 0);
	page = memmem(bytes.data, bytes.len, "VmP1", 4);
	ck_assert_ptr_nonnull(page);
	page[30] ^= 1;
	ck_assert_int_eq(pwrite(fd, page + 30, 1, page + 30 - bytes.data), 1);
	close(fd);
	buf_free(&bytes);
}

/* A layer with damage where no edit looks: the next edit still copies that page. */
START_TEST(damaged_layer)
{
	char compiled[80];

	snprintf(compiled, sizeof(compiled), "%s.gdbm", path);
	compile_large("");
	add("u@one.example");
	ck_assert(is_layer());
	damage(compiled);
	add("u@two.example");
	ck_assert(!is_layer());
	assert_as_compiled_whole();
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("map_layer");
	TCase *tests = tcase_create("layer");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_loop_test(tests, as_if_compiled_whole, 0, 5);
	tcase_add_test(tests, circle_of_others);
	tcase_add_loop_test(tests, domains_in_each_other, 0, 2);
	tcase_add_test(tests, damaged_layer);
	tcase_set_timeout(tests, 120);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
