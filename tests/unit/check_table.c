/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * table: what was put in comes out, what was not is proven absent, and a file that is not
 * wholly right is an error and never a miss.
 */
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../src/table/table_gdbm.h"
#include "../../src/table/table_page.h"
#include "suite.h"
#include "table.h"

static char dir[] = "/tmp/check_table.XXXXXX";
static char path[PATH_MAX];
static struct err err;

static const struct table_source source = { .size = 4711,
	.mtime_sec = -5,
	.mtime_nsec = 999999999,
	.digest = { 1, 2, 0xff },
	.mappings = 42 };

static void
setup(void)
{
	strcpy(dir, "/tmp/check_table.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/t", dir);
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

static int
files_in_dir(void)
{
	DIR *d = opendir(dir);
	struct dirent *found;
	int n = 0;

	while ((found = readdir(d)) != NULL)
		n += found->d_name[0] != '.';
	closedir(d);
	return n;
}

/* Key i and its group and value, as the map would have them; good until called four times more. */
static const char *
name_of(const char *prefix, unsigned i)
{
	static char ring[8][40];
	static unsigned at;
	char *name = ring[at++ % 8];

	snprintf(name, sizeof(ring[0]), "%s%u", prefix, i);
	return name;
}

/* No ck_ in here: a child that is killed in one would leave half a message to Check. */
static int
try_build(unsigned n)
{
	struct table_builder *builder;
	char(*strings)[3][16] = calloc(n + 1, sizeof(*strings));
	int rc = table_build_begin(&builder, path, n / 2, &err);

	for (unsigned i = 0; i < n; i++) {
		snprintf(strings[i][0], 16, i % 3 == 0 ? "k%u" : "g%u", i % 3 == 0 ? i : i / 7);
		snprintf(strings[i][1], 16, "k%u", i);
		snprintf(strings[i][2], 16, "v%u", i);
		rc |= table_build_add(builder, strings[i][0], strings[i][1], strings[i][2],
		    strlen(strings[i][2]), &err);
	}
	rc |= table_build_commit(builder, &source, (gid_t)-1, 0640, &err);
	free(strings);
	return rc;
}

static void
build(unsigned n)
{
	ck_assert_msg(try_build(n) == 0, "%s", err.text);
}

static const char *
group_of(unsigned i)
{
	return i % 3 == 0 ? name_of("k", i) : name_of("g", i / 7);
}

static void
ck_found(struct table *table, unsigned i)
{
	char *value;
	size_t len;

	ck_assert_int_eq(table_get(table, group_of(i), name_of("k", i), &value, &len, &err), 1);
	ck_assert_str_eq(value, name_of("v", i));
	ck_assert_uint_eq(len, strlen(value));
	free(value);
}

static void
ck_absent(struct table *table, const char *group, const char *key)
{
	char *value;
	size_t len;

	ck_assert_int_eq(table_get(table, group, key, &value, &len, &err), 0);
}

static int
count_entry(void *arg, const char *group, const char *key, const char *value, size_t len)
{
	unsigned char *seen = arg;
	unsigned i = (unsigned)atoi(key + 1);

	ck_assert_str_eq(group, group_of(i));
	ck_assert_str_eq(key, name_of("k", i));
	ck_assert_uint_eq(len, strlen(name_of("v", i)));
	ck_assert_mem_eq(value, name_of("v", i), len);
	ck_assert_uint_eq(seen[i]++, 0);
	return 0;
}

static const unsigned sizes[] = { 0, 1, 2, 15, 16, 17, 500, 20000 };

START_TEST(round_trip)
{
	unsigned n = sizes[_i];
	struct table *table;
	unsigned char *seen = calloc(n + 1, 1);
	struct stat st;

	build(n);
	ck_assert_int_eq(files_in_dir(), 1);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0640);
	ck_assert_msg(table_open(&table, path, 0, &err) == 0, "%s", err.text);
	ck_assert_uint_eq(table_count(table), n);
	ck_assert_uint_eq(table_source_of(table)->size, source.size);
	ck_assert_int_eq(table_source_of(table)->mtime_sec, source.mtime_sec);
	ck_assert_int_eq(table_source_of(table)->mtime_nsec, source.mtime_nsec);
	ck_assert_uint_eq(table_source_of(table)->mappings, source.mappings);
	ck_assert_mem_eq(table_source_of(table)->digest, source.digest, 32);
	for (unsigned i = 0; i < n; i++)
		ck_found(table, i);
	for (unsigned i = 0; i < n + 10; i++) {
		ck_absent(table, group_of(i), name_of("K", i));
		ck_absent(table, name_of("x", i), name_of("x", i));
	}
	ck_absent(table, "", "");
	if (n > 1)
		ck_absent(table, "k1", "k1"); /* there, but in the group "g0" */
	ck_assert_int_eq(table_each(table, count_entry, seen, &err), 0);
	for (unsigned i = 0; i < n; i++)
		ck_assert_uint_eq(seen[i], 1);
	table_close(table);
	free(seen);
}
END_TEST

START_TEST(any_bytes_and_sizes)
{
	struct table_builder *builder;
	struct table *table;
	size_t big = 3000000, len;
	char *text = malloc(big), *value;

	memset(text, 'x', big);
	ck_assert_int_eq(table_build_begin(&builder, path, 0, &err), 0);
	ck_assert_int_eq(table_build_add(builder, "g", "nul", "a\0b", 3, &err), 0);
	ck_assert_int_eq(table_build_add(builder, "g", "empty", "", 0, &err), 0);
	ck_assert_int_eq(table_build_add(builder, "", "", "nothing", 7, &err), 0);
	ck_assert_int_eq(table_build_add(builder, "", "in the empty group", "1", 1, &err), 0);
	ck_assert_int_eq(table_build_add(builder, "g", "big", text, big, &err), 0);
	ck_assert_int_eq(table_build_commit(builder, &source, (gid_t)-1, 0600, &err), 0);
	ck_assert_int_eq(table_open(&table, path, 0, &err), 0);
	ck_assert_int_eq(table_get(table, "g", "nul", &value, &len, &err), 1);
	ck_assert_uint_eq(len, 3);
	ck_assert_mem_eq(value, "a\0b", 4);
	free(value);
	ck_assert_int_eq(table_get(table, "g", "empty", &value, &len, &err), 1);
	ck_assert_uint_eq(len, 0);
	free(value);
	ck_assert_int_eq(table_get(table, "", "", &value, &len, &err), 1);
	ck_assert_str_eq(value, "nothing");
	free(value);
	ck_absent(table, "in the empty group", "in the empty group");
	ck_assert_int_eq(table_get(table, "g", "big", &value, &len, &err), 1);
	ck_assert_uint_eq(len, big);
	ck_assert_mem_eq(value, text, big);
	free(value);
	table_close(table);
	free(text);
}
END_TEST

START_TEST(same_key_twice)
{
	struct table_builder *builder;

	build(3);
	ck_assert_int_eq(table_build_begin(&builder, path, 3, &err), 0);
	ck_assert_int_eq(table_build_add(builder, "g", "a", "1", 1, &err), 0);
	ck_assert_int_eq(table_build_add(builder, "h", "a", "2", 1, &err), 0);
	ck_assert_int_eq(table_build_add(builder, "g", "a", "3", 1, &err), 0);
	ck_assert_int_eq(table_build_commit(builder, &source, (gid_t)-1, 0600, &err), -1);
	ck_assert_int_eq(err.num, EEXIST);
	ck_assert_int_eq(files_in_dir(), 1);
}
END_TEST

START_TEST(key_too_long)
{
	struct table_builder *builder;
	char *key = malloc(TABLE_KEY_MAX + 2);

	memset(key, 'k', TABLE_KEY_MAX + 1);
	key[TABLE_KEY_MAX + 1] = '\0';
	ck_assert_int_eq(table_build_begin(&builder, path, 1, &err), 0);
	ck_assert_int_eq(table_build_add(builder, key, key, "", 0, &err), 0);
	ck_assert_int_eq(table_build_commit(builder, &source, (gid_t)-1, 0600, &err), -1);
	ck_assert_int_eq(err.num, EMSGSIZE);
	ck_assert_int_eq(files_in_dir(), 0);
	free(key);
}
END_TEST

static int
stop_at_five(void *arg, const char *group, const char *key, const char *value, size_t len)
{
	(void)group, (void)key, (void)value, (void)len;
	return ++*(int *)arg == 5 ? 99 : 0;
}

START_TEST(each_stops)
{
	struct table *table;
	int n = 0;

	build(100);
	ck_assert_int_eq(table_open(&table, path, 0, &err), 0);
	ck_assert_int_eq(table_each(table, stop_at_five, &n, &err), 99);
	ck_assert_int_eq(n, 5);
	table_close(table);
}
END_TEST

/* ---- publishing -------------------------------------------------------------------------------
 */

START_TEST(reader_keeps_the_old)
{
	struct table *old, *new;

	build(100);
	ck_assert_int_eq(table_open(&old, path, 0, &err), 0);
	build(10);
	ck_assert_int_eq(table_open(&new, path, 0, &err), 0);
	ck_found(old, 99);
	ck_absent(new, group_of(99), "k99");
	ck_found(new, 9);
	table_close(old);
	table_close(new);
}
END_TEST

START_TEST(abort_leaves_nothing)
{
	struct table_builder *builder;
	struct table *table;

	table_build_abort(NULL);
	ck_assert_int_eq(table_build_begin(&builder, path, 1, &err), 0);
	ck_assert_int_eq(table_build_add(builder, "g", "a", "1", 1, &err), 0);
	ck_assert_int_eq(table_build_finish(builder, &source, (gid_t)-1, 0600, &err), 0);
	ck_assert_int_eq(files_in_dir(), 1);
	ck_assert_int_eq(table_open(&table, path, 0, &err), -1);
	ck_assert_int_eq(err.num, ENOENT);
	table_build_abort(builder);
	ck_assert_int_eq(files_in_dir(), 0);
}
END_TEST

START_TEST(leftovers_go)
{
	static const char *const dead[] = { "t.new.4194305", "t.new.2147483647" };
	static const char *const kept[] = { "t.new.", "t.new.1", "t.new.12x", "t.new.-5",
		"u.new.4194305", "t.new.99999999999999999999" };
	char name[PATH_MAX + 64];

	/* Over the highest pid that Linux gives out. */
	for (size_t i = 0; i < 2; i++) {
		snprintf(name, sizeof(name), "%s/%s", dir, dead[i]);
		close(open(name, O_CREAT | O_WRONLY, 0600));
	}
	for (size_t i = 0; i < 6; i++) {
		snprintf(name, sizeof(name), "%s/%s", dir, kept[i]);
		close(open(name, O_CREAT | O_WRONLY, 0600));
	}
	snprintf(name, sizeof(name), "%s/t.new.%ld", dir, (long)getpid());
	close(open(name, O_CREAT | O_WRONLY, 0600));
	build(3);
	ck_assert_int_eq(files_in_dir(), 7);
	for (size_t i = 0; i < 6; i++) {
		snprintf(name, sizeof(name), "%s/%s", dir, kept[i]);
		ck_assert_int_eq(access(name, F_OK), 0);
	}
}
END_TEST

START_TEST(full_disk)
{
	struct rlimit unlimited, limit;
	struct table *table;
	int rc;

	build(10);
	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &unlimited), 0);
	limit = unlimited;
	/* Below 16384 it is gdbm_fd_open that fails, and GDBM 1.23 then loses 4 KiB of memory. */
	for (rlim_t size = 16384; size < 30000; size += 700) {
		limit.rlim_cur = size;
		setrlimit(RLIMIT_FSIZE, &limit);
		rc = try_build(1000); /* Check writes to a file as well: lift the limit first */
		setrlimit(RLIMIT_FSIZE, &unlimited);
		ck_assert_msg(rc == -1, "at %ld", (long)size);
		ck_assert_msg(err.num == EFBIG, "at %ld: %s", (long)size, err.text);
		ck_assert_int_eq(files_in_dir(), 1);
	}
	ck_assert_int_eq(table_open(&table, path, 0, &err), 0);
	ck_found(table, 9);
	table_close(table);
}
END_TEST

START_TEST(killed_builder)
{
	struct table *table;
	pid_t pid;
	int status, killed = 0;

	build(4000);
	for (unsigned wait_us = 0; wait_us < 30000; wait_us += 500) {
		pid = fork();
		ck_assert_int_ne(pid, -1);
		if (pid == 0)
			_exit(try_build(4000) != 0);
		usleep(wait_us);
		kill(pid, SIGKILL);
		ck_assert_int_eq(waitpid(pid, &status, 0), pid);
		killed += WIFSIGNALED(status);
		ck_assert_int_eq(table_open(&table, path, 0, &err), 0);
		ck_assert_uint_eq(table_count(table), 4000);
		ck_found(table, 3999);
		ck_found(table, 0);
		table_close(table);
	}
	ck_assert_int_gt(killed, 0);
	build(1);
	ck_assert_int_eq(files_in_dir(), 1);
}
END_TEST

/* ---- what is no table -------------------------------------------------------------------------
 */

static void
ck_refused(const char *what)
{
	struct table *table = NULL;

	ck_assert_msg(table_open(&table, path, 0, &err) == -1, "%s opened", what);
	ck_assert_ptr_null(table);
	ck_assert_msg(strstr(err.text, path) != NULL, "%s: %s", what, err.text);
}

START_TEST(not_a_table)
{
	static const char *const contents[] = { "", "x", "info@one.example bob\n" };

	ck_refused("nothing");
	ck_assert_int_eq(err.num, ENOENT);
	for (size_t i = 0; i < 3; i++) {
		FILE *f = fopen(path, "w");

		fputs(contents[i], f);
		fclose(f);
		ck_refused("text");
	}
	unlink(path);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	ck_refused("a directory");
	rmdir(path);
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	ck_refused("a FIFO");
	unlink(path);
}
END_TEST

/* Records of our own making, so that everything but one thing is right. */
static void
write_table(
    const struct table_header *header, uint32_t page_number, uint64_t page_id, int with_page)
{
	struct table_gdbm *gdbm;
	struct buf record = BUF_INIT;
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);

	ck_assert_int_eq(table_gdbm_open(&gdbm, fd, path, 1, &err), 0);
	if (header != NULL) {
		ck_assert_int_eq(table_header_write(&record, header), 0);
		ck_assert_int_eq(
		    table_gdbm_store(gdbm, TABLE_GDBM_HEADER, record.data, record.len, &err), 0);
	}
	ck_assert_int_eq(table_page_begin(&record, page_number, page_id), 0);
	ck_assert_int_eq(table_page_add(&record, "g", "k", "v", 1), 0);
	ck_assert_int_eq(table_page_end(&record), 0);
	if (with_page)
		ck_assert_int_eq(table_gdbm_store(gdbm, 0, record.data, record.len, &err), 0);
	ck_assert_int_eq(table_gdbm_close(gdbm, &err), 0);
	buf_free(&record);
}

static int
get_from_written(const char *key)
{
	struct table *table;
	char *value = NULL;
	size_t len;
	int rc;

	ck_assert_int_eq(table_open(&table, path, 0, &err), 0);
	rc = table_get(table, "g", key, &value, &len, &err);
	free(value);
	table_close(table);
	return rc;
}

START_TEST(doubtful_pages)
{
	struct table_header header = { .id = 77, .bits = 0, .keys = 1 };

	write_table(NULL, 0, 77, 1);
	ck_refused("a file without a header");
	write_table(&header, 0, 77, 1);
	ck_assert_int_eq(get_from_written("k"), 1);
	ck_assert_int_eq(get_from_written("l"), 0);
	write_table(&header, 0, 77, 0);
	ck_assert_int_eq(get_from_written("k"), -1);
	write_table(&header, 0, 78, 1);
	ck_assert_int_eq(get_from_written("l"), -1);
	ck_assert_ptr_nonnull(strstr(err.text, "another table"));
	write_table(&header, 1, 77, 1);
	ck_assert_int_eq(get_from_written("l"), -1);
	ck_assert_ptr_nonnull(strstr(err.text, "another page"));
	header.bits = TABLE_BITS_MAX + 1;
	write_table(&header, 0, 77, 1);
	ck_refused("a header of too many pages");
}
END_TEST

START_TEST(every_byte_of_a_page_counts)
{
	struct buf page = BUF_INIT;

	ck_assert_int_eq(table_page_begin(&page, 3, 77), 0);
	ck_assert_int_eq(table_page_add(&page, "g", "k", "value", 5), 0);
	ck_assert_int_eq(table_page_add(&page, "k2", "k2", "", 0), 0);
	ck_assert_int_eq(table_page_end(&page), 0);
	ck_assert_ptr_null(table_page_verify(page.data, page.len, 3, 77));
	for (size_t at = 0; at < page.len; at++)
		for (unsigned flip = 1; flip < 256; flip++) {
			page.data[at] ^= (unsigned char)flip;
			ck_assert_ptr_nonnull(table_page_verify(page.data, page.len, 3, 77));
			page.data[at] ^= (unsigned char)flip;
		}
	for (size_t len = 0; len < page.len; len++)
		ck_assert_ptr_nonnull(table_page_verify(page.data, len, 3, 77));
	buf_free(&page);
}
END_TEST

START_TEST(every_byte_of_the_header_counts)
{
	struct table_header header = { .id = 77, .bits = 3, .keys = 9, .source = source }, got;
	struct buf record = BUF_INIT;

	ck_assert_int_eq(table_header_write(&record, &header), 0);
	ck_assert_ptr_null(table_header_read(&got, record.data, record.len));
	ck_assert_uint_eq(got.id, 77);
	ck_assert_uint_eq(got.bits, 3);
	ck_assert_uint_eq(got.keys, 9);
	for (size_t at = 0; at < record.len; at++)
		for (unsigned flip = 1; flip < 256; flip++) {
			record.data[at] ^= (unsigned char)flip;
			ck_assert_ptr_nonnull(table_header_read(&got, record.data, record.len));
			record.data[at] ^= (unsigned char)flip;
		}
	for (size_t len = 0; len < record.len; len++)
		ck_assert_ptr_nonnull(table_header_read(&got, record.data, len));
	buf_free(&record);
}
END_TEST

/* Published values of 64-bit FNV-1a. */
START_TEST(hash_is_fnv1a)
{
	ck_assert_uint_eq(table_hash("", 0), UINT64_C(0xcbf29ce484222325));
	ck_assert_uint_eq(table_hash("a", 1), UINT64_C(0xaf63dc4c8601ec8c));
	ck_assert_uint_eq(table_hash("foobar", 6), UINT64_C(0x85944171f73967e8));
}
END_TEST

/* A map of one domain with users numbered through must not crowd a few pages. */
START_TEST(pages_fill_evenly)
{
	unsigned count[1024] = { 0 }, most = 0;
	char key[40];

	for (unsigned i = 0; i < 10240; i++) {
		snprintf(key, sizeof(key), "user%05u@one.example", i);
		count[table_page_of(key, 10)]++;
	}
	for (unsigned i = 0; i < 1024; i++)
		most = count[i] > most ? count[i] : most;
	ck_assert_uint_lt(most, 30);
}
END_TEST

/* The order is a hint, but one that must be right to be of use: no two records alike. */
START_TEST(gdbm_order_has_no_ties)
{
	enum { N = 1 << 16 };
	unsigned char *seen = calloc(1, (size_t)1 << 28);

	for (uint32_t i = 0; i < N; i++) {
		uint32_t order = table_gdbm_order(i);

		ck_assert_uint_le(order, INT32_MAX);
		ck_assert_uint_eq(seen[order >> 3] & 1u << (order & 7), 0);
		seen[order >> 3] |= (unsigned char)(1u << (order & 7));
	}
	free(seen);
}
END_TEST

/* ---- layers -------------------------------------------------------------------------------------
 */

#define MANY 2000u

/* k1 has another value, k3 is gone, one has come. */
static int
change(struct table *table, const char *value)
{
	struct table_builder *builder;
	int rc = table_build_from(&builder, path, table, 3, (gid_t)-1, 0640, &err);

	if (rc != 1)
		return rc == 0 ? 1 : -1;
	rc = table_build_add(builder, group_of(1), "k1", value, strlen(value), &err);
	rc |= table_build_remove(builder, group_of(3), "k3", &err);
	rc |= table_build_add(builder, "come", "come", "x", 1, &err);
	return rc | table_build_commit(builder, &source, (gid_t)-1, 0640, &err);
}

static struct table *
opened(void)
{
	struct table *table;

	ck_assert_msg(table_open(&table, path, 0, &err) == 0, "%s", err.text);
	return table;
}

static void
ck_value(struct table *table, const char *group, const char *key, const char *want)
{
	char *value;
	size_t len;

	ck_assert_int_eq(table_get(table, group, key, &value, &len, &err), 1);
	ck_assert_str_eq(value, want);
	free(value);
}

static int
nothing(void *arg, const char *group, const char *key, const char *value, size_t len)
{
	(void)arg, (void)group, (void)key, (void)value, (void)len;
	return 0;
}

START_TEST(layer)
{
	struct table *old, *table, *again;
	struct table_builder *builder;

	build(MANY);
	old = opened();
	ck_assert_int_eq(change(old, "new"), 0);
	ck_assert_int_eq(files_in_dir(), 2);
	table = opened();
	ck_value(table, group_of(1), "k1", "new");
	ck_value(table, "come", "come", "x");
	ck_absent(table, group_of(3), "k3");
	for (unsigned i = 4; i < MANY; i++)
		ck_found(table, i);
	ck_assert_uint_eq(table_count(table), MANY);
	ck_assert_int_eq(table_each(table, nothing, NULL, &err), 0);
	/* Who had the old one open reads it as it was. */
	ck_found(old, 1);
	ck_found(old, 3);
	table_close(old);
	/* A layer over that replaces it; one with a key that is not there is none. */
	ck_assert_int_eq(table_build_from(&builder, path, table, 2, (gid_t)-1, 0640, &err), 1);
	ck_assert_int_eq(table_build_remove(builder, "come", "come", &err), 0);
	ck_assert_int_eq(table_build_commit(builder, &source, (gid_t)-1, 0640, &err), 0);
	again = opened();
	ck_value(again, group_of(1), "k1", "new");
	ck_absent(again, "come", "come");
	ck_assert_uint_eq(table_count(again), MANY - 1);
	ck_assert_int_eq(table_build_from(&builder, path, again, 2, (gid_t)-1, 0640, &err), 1);
	ck_assert_int_eq(table_build_remove(builder, "come", "come", &err), 0);
	ck_assert_int_eq(table_build_commit(builder, &source, (gid_t)-1, 0640, &err), -1);
	ck_assert_int_eq(err.num, ENOENT);
	ck_assert_int_eq(files_in_dir(), 2);
	/* What others could read, or that is built as quickly whole. */
	ck_assert_int_eq(table_build_from(&builder, path, again, 2, (gid_t)-1, 0644, &err), 0);
	ck_assert_int_eq(table_build_from(&builder, path, again, MANY, (gid_t)-1, 0640, &err), 0);
	table_close(table);
	table_close(again);
	build(MANY);
	ck_assert_int_eq(files_in_dir(), 1);
}
END_TEST

START_TEST(layer_aborted)
{
	struct table_builder *builder;
	struct table *old;

	build(MANY);
	old = opened();
	ck_assert_int_eq(table_build_from(&builder, path, old, 1, (gid_t)-1, 0640, &err), 1);
	ck_assert_int_eq(files_in_dir(), 2);
	table_build_abort(builder);
	ck_assert_int_eq(files_in_dir(), 1);
	table_close(old);
}
END_TEST

/* Without its base, or over another, a layer is an error. */
START_TEST(layer_over_another)
{
	char base[PATH_MAX + 8], kept[PATH_MAX + 8];
	struct table *table;

	snprintf(base, sizeof(base), "%s.base", path);
	snprintf(kept, sizeof(kept), "%s.kept", path);
	build(MANY);
	table = opened();
	ck_assert_int_eq(change(table, "first"), 0);
	table_close(table);
	ck_assert_int_eq(rename(base, kept), 0);
	ck_assert_int_eq(table_open(&table, path, 0, &err), -1);
	ck_assert_int_ne(err.num, ENOENT);
	ck_assert_ptr_nonnull(strstr(err.text, ".base"));
	ck_assert_int_eq(rename(kept, base), 0);
	table = opened();
	table_close(table);
	/* The layer of before over a base of now. */
	ck_assert_int_eq(rename(path, kept), 0);
	build(MANY);
	table = opened();
	ck_assert_int_eq(change(table, "second"), 0);
	table_close(table);
	ck_assert_int_eq(rename(kept, path), 0);
	ck_assert_int_eq(table_open(&table, path, 0, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.text, "it is not what"));
	/* Not even over itself. */
	ck_assert_int_eq(unlink(base), 0);
	ck_assert_int_eq(link(path, base), 0);
	ck_assert_int_eq(table_open(&table, path, 0, &err), -1);
}
END_TEST

/* What the layer says, what the base says, what neither has: NULL. */
static const struct {
	unsigned number; /* of the key; 0: "come" */
	const char *value;
} through[] = { { 1, "new" }, { 3, NULL }, { 0, "x" }, { 2, "v2" }, { 9, "v9" }, { 40, "v40" },
	{ 77, "v77" }, { 300, "v300" }, { 599, "v599" }, { 601, NULL }, { 640, NULL },
	{ 777, NULL } };

/* How many of them the table, if there is one, still tells. None wrongly. */
static unsigned
told(const char *what, off_t at)
{
	struct table *table;
	unsigned n = 0;

	if (table_open(&table, path, 0, &err) == -1)
		return 0;
	for (size_t i = 0; i < sizeof(through) / sizeof(through[0]); i++) {
		unsigned k = through[i].number;
		const char *key = k == 0 ? "come" : name_of("k", k), *want = through[i].value;
		char *value = NULL;
		size_t len;
		int rc = table_get(table, k == 0 ? key : group_of(k), key, &value, &len, &err);

		if (rc == -1)
			continue;
		if (rc != (want != NULL) || (rc == 1 && strcmp(value, want) != 0))
			ck_abort_msg("%s at %ld: %s: %d, %s", what, (long)at, key, rc,
			    value != NULL ? value : "");
		n++;
		free(value);
	}
	table_close(table);
	return n;
}

/* Each byte of layer (0) and base (1) in turn is another; then the file is cut, shorter and
 * shorter. Where that does no harm the answers are right, else there is none. */
START_TEST(every_byte_of_both_counts)
{
	const unsigned all = sizeof(through) / sizeof(through[0]);
	char name[PATH_MAX + 8];
	struct table *table;
	unsigned harmed = 0;
	struct stat st;
	int fd;

	build(600); /* 64 pages */
	table = opened();
	ck_assert_int_eq(change(table, "new"), 0);
	table_close(table);
	ck_assert_uint_eq(told("sound", 0), all);
	snprintf(name, sizeof(name), "%s%s", path, _i == 0 ? "" : ".base");
	fd = open(name, O_RDWR);
	ck_assert_int_eq(fstat(fd, &st), 0);
	for (off_t at = 0; at < st.st_size; at++) {
		unsigned char sound, other;

		ck_assert_int_eq(pread(fd, &sound, 1, at), 1);
		other = (unsigned char)(sound ^ 1u << at % 8);
		ck_assert_int_eq(pwrite(fd, &other, 1, at), 1);
		harmed += told(name, at) < all;
		ck_assert_int_eq(pwrite(fd, &sound, 1, at), 1);
	}
	ck_assert_uint_eq(told("sound again", 0), all);
	ck_assert_uint_gt(harmed, 300);
	for (off_t len = st.st_size; len-- > 0;) {
		ck_assert_int_eq(ftruncate(fd, len), 0);
		told(name, len);
	}
	ck_assert_uint_eq(told("empty", 0), 0);
	close(fd);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("table");
	TCase *tests = tcase_create("table");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_set_timeout(tests, 60);
	tcase_add_loop_test(tests, round_trip, 0, sizeof(sizes) / sizeof(sizes[0]));
	tcase_add_test(tests, any_bytes_and_sizes);
	tcase_add_test(tests, same_key_twice);
	tcase_add_test(tests, key_too_long);
	tcase_add_test(tests, each_stops);
	tcase_add_test(tests, reader_keeps_the_old);
	tcase_add_test(tests, abort_leaves_nothing);
	tcase_add_test(tests, leftovers_go);
	tcase_add_test(tests, full_disk);
	tcase_add_test(tests, killed_builder);
	tcase_add_test(tests, not_a_table);
	tcase_add_test(tests, doubtful_pages);
	tcase_add_test(tests, every_byte_of_a_page_counts);
	tcase_add_test(tests, every_byte_of_the_header_counts);
	tcase_add_test(tests, hash_is_fnv1a);
	tcase_add_test(tests, pages_fill_evenly);
	tcase_add_test(tests, gdbm_order_has_no_ties);
	tcase_add_test(tests, layer);
	tcase_add_test(tests, layer_aborted);
	tcase_add_test(tests, layer_over_another);
	tcase_add_loop_test(tests, every_byte_of_both_counts, 0, 2);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
