/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Passwd-files: what a line may hold, three-valued lookups with and without index, and that an
 * index is obeyed only for the very text it was made from.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "account.h"
#include "suite.h"
#include "table.h"

static char directory[64], path[96], spec[128], index_path[128];

static void
setup(void)
{
	strcpy(directory, "/tmp/check_passwd_file.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/accounts", directory);
	snprintf(spec, sizeof(spec), "passwd-file:%s", path);
	snprintf(index_path, sizeof(index_path), "%s.gdbm", path);
}

static void
teardown(void)
{
	unlink(path);
	rmdir(path);
	unlink(index_path);
	ck_assert_int_eq(rmdir(directory), 0);
}

/* Into the same inode, so that not even its number shows the change. */
static void
put(const void *text, size_t len)
{
	FILE *file = fopen(path, "w");

	ck_assert_ptr_nonnull(file);
	ck_assert_uint_eq(fwrite(text, 1, len, file), len);
	ck_assert_int_eq(fclose(file), 0);
}

static void
puts_text(const char *text)
{
	put(text, strlen(text));
}

/* An index is used only where reading the text would cost more. */
static void
pad(void)
{
	FILE *file = fopen(path, "a");

	ck_assert_ptr_nonnull(file);
	for (int i = 0; i < 1000; i++)
		fputs("# nothing to be found in this line, it only makes the text long\n", file);
	ck_assert_int_eq(fclose(file), 0);
}

static int
find_as(bool one_of_many, const char *name, struct account *out, struct err *err)
{
	struct accounts *accounts;
	int rc;

	err->text[0] = '\0';
	if (accounts_open(&accounts, spec, "", 0, err) == -1)
		return -1;
	if (one_of_many)
		accounts_expect_many(accounts);
	rc = accounts_find(accounts, name, out, err);
	accounts_close(accounts);
	return rc;
}

static int
find(const char *name, struct account *out, struct err *err)
{
	return find_as(false, name, out, err);
}

/* For who asks once as for who asks for many. */
static void
expect(const char *name, int wanted, const char *why)
{
	for (int many = 0; many < 2; many++) {
		struct account account = { 0 };
		struct err err;
		int rc = find_as(many, name, &account, &err);

		ck_assert_msg(
		    rc == wanted, "%s (%d): %d, not %d: %s", name, many, rc, wanted, err.text);
		if (why != NULL)
			ck_assert_msg(strstr(err.text, why) != NULL, "\"%s\" is not in \"%s\"", why,
			    err.text);
		account_free(&account);
	}
}

static void
expect_uid(struct accounts *accounts, const char *name, uid_t uid)
{
	struct account account;
	struct err err;

	ck_assert_msg(accounts_find(accounts, name, &account, &err) == 1, "%s", name);
	ck_assert_uint_eq(account.uid, uid);
	account_free(&account);
}

/* ---- lines ----------------------------------------------------------------------------------- */

static const struct {
	const char *line;
	const char *name;
	uid_t uid;
	gid_t gid;
	const char *home, *mailbox, *quota_rule;
} good[] = {
	{ "bob:x:1001:1002:Bob:/home/bob:/bin/sh:", "bob", 1001, 1002, "/home/bob", NULL, NULL },
	{ "bob::1:2", "bob", 1, 2, "", NULL, NULL },
	{ "bob:x:1:2::", "bob", 1, 2, "", NULL, NULL },
	{ "bob:x:1:2:::", "bob", 1, 2, "", NULL, NULL },
	{ "bob:x:4294967294:0::/h", "bob", 4294967294u, 0, "/h", NULL, NULL },
	{ "bob@one.example:{SHA}x=:5:6::/h::userdb_mail=maildir:~/Maildir "
	  "userdb_quota_rule=*:storage=100M",
	    "bob@one.example", 5, 6, "/h", "maildir:~/Maildir", "*:storage=100M" },
	{ "Bob@One.Example:x:5:6::/h::nopassword\tuserdb_unknown=1  userdb_mail=mbox:/m/%n proxy=y",
	    "Bob@One.Example", 5, 6, "/h", "mbox:/m/%n", NULL },
	/* Dovecot: what userdb_ says wins over the fields in front. */
	{ "bob:x:1:2::/h::userdb_uid=7 userdb_gid=8 userdb_home=/other", "bob", 7, 8, "/other",
	    NULL, NULL },
	{ "bob:x:1:2::/h::xuserdb_uid=7 userdb_uidx=9", "bob", 1, 2, "/h", NULL, NULL },
	{ "bob:x:1:2::/h::userdb_quota_rule=Trash:ignore", "bob", 1, 2, "/h", NULL,
	    "Trash:ignore" },
	{ "bob:x:1:2::/h::userdb_quota_storage_size=2G", "bob", 1, 2, "/h", NULL,
	    "*:bytes=2147483648:messages=0" },
	{ "bob:x:1:2::/h::userdb_quota_message_count=10 userdb_quota_storage_size=unlimited "
	  "userdb_quota_rule=*:storage=1",
	    "bob", 1, 2, "/h", NULL, "*:bytes=0:messages=10" },
	{ "b\xc3\xa4r:x:1:2::/h", "b\xc3\xa4r", 1, 2, "/h", NULL, NULL },
};

static void
expect_equal(const char *a, const char *b)
{
	if (a == NULL || b == NULL)
		ck_assert_ptr_eq(a, b);
	else
		ck_assert_str_eq(a, b);
}

START_TEST(good_lines)
{
	char text[512];
	struct account account;
	struct err err;

	snprintf(text, sizeof(text), "# comment\n\n%s\ncarol:x:9:9::/c::\n", good[_i].line);
	puts_text(text);
	pad();
	ck_assert_msg(find(good[_i].name, &account, &err) == 1, "%s", err.text);
	ck_assert_str_eq(account.name, good[_i].name);
	ck_assert_uint_eq(account.uid, good[_i].uid);
	ck_assert_uint_eq(account.gid, good[_i].gid);
	expect_equal(account.home, good[_i].home);
	expect_equal(account.mailbox, good[_i].mailbox);
	expect_equal(account.quota_rule, good[_i].quota_rule);
	account_free(&account);
	expect("carol", 1, NULL);
	expect("dave", 0, NULL);
	ck_assert_int_eq(accounts_check(spec, 0, NULL, NULL, &err), 0);
	ck_assert_msg(accounts_index(spec, 0, &err) == 0, "%s", err.text);
	expect(good[_i].name, 1, NULL);
	expect("dave", 0, NULL);
}
END_TEST

#define LINE(text) text, sizeof(text) - 1

static const struct {
	const char *line;
	size_t len;
	const char *why;
} bad[] = {
	{ LINE("bob"), "no uid" },
	{ LINE("bob:x"), "no uid" },
	{ LINE("bob:x:1"), "no gid" },
	{ LINE("bob:x::2"), "no uid" },
	{ LINE("bob:x:1::"), "no gid" },
	{ LINE("bob:x:-1:2"), "uid \"-1\" is not a number" },
	{ LINE("bob:x: 1:2"), "uid \" 1\" is not a number" },
	{ LINE("bob:x:vmail:2"), "uid \"vmail\" is not a number" },
	{ LINE("bob:x:1:0x2"), "gid \"0x2\" is not a number" },
	{ LINE("bob:x:4294967295:2"), "uid 4294967295 is too large" },
	{ LINE("bob:x:1:99999999999999999999999"), "is too large" },
	{ LINE("bob:x:1:2::home/bob"), "is not an absolute path" },
	{ LINE("bob:x:1:2::~/x"), "is not an absolute path" },
	{ LINE(":x:1:2::/h"), "no name" },
	{ LINE("bob:x:1:2::/h::userdb_mail="), "userdb_mail is empty" },
	{ LINE("bob:x:1:2::/h::userdb_uid=x"), "is not a number" },
	{ LINE("bob:x:1:2::/h::userdb_home=x"), "is not an absolute path" },
	{ LINE("bob:x:1:2::/h::userdb_quota_rule=1G"),
	    "userdb_quota_rule: \"1G\" is no quota rule" },
	{ LINE("bob:x:1:2::/h::userdb_quota_rule=*:storage=lots"), "\"lots\" is not a size" },
	{ LINE("bob:x:1:2::/h::userdb_quota_storage_size=1X"), "\"1X\" is not a size" },
	{ LINE("bob:x:1:2::/h::userdb_quota_message_count=-1"), "\"-1\" is not a size" },
	{ LINE("bob:x:1:2::/h\r"), "carriage return" },
	{ LINE("bob:x:1:2::/h\0:x"), "NUL byte" },
	{ LINE("bob:x:1:2::/h\x1b[m"), "control character" },
	{ LINE("bob@:x:1:2::/h"), "empty local part or domain" },
	{ LINE("@one.example:x:1:2::/h"), "empty local part or domain" },
};

struct complaints {
	int n;
	size_t line;
	char why[ERR_TEXT_MAX];
};

static void
complain(void *arg, const char *where, size_t line, const char *why)
{
	struct complaints *complaints = arg;

	ck_assert_str_eq(where, path);
	complaints->n++;
	complaints->line = line;
	snprintf(complaints->why, sizeof(complaints->why), "%s", why);
}

START_TEST(bad_lines)
{
	char text[512], at[160];
	struct complaints complaints = { 0 };
	struct err err;
	size_t len = (size_t)snprintf(text, sizeof(text), "carol:x:9:9::/c::\n\n");

	memcpy(text + len, bad[_i].line, bad[_i].len);
	len += bad[_i].len;
	text[len++] = '\n';
	put(text, len);
	snprintf(at, sizeof(at), "%s:3: ", path);

	/* A lookup that cannot be sure says so; one that found what it wanted is. */
	expect("dave", -1, at);
	expect("dave", -1, bad[_i].why);
	expect("bob", -1, bad[_i].why);
	expect("carol", 1, NULL);

	ck_assert_int_eq(accounts_index(spec, 0, &err), -1);
	ck_assert_msg(
	    strstr(err.text, at) != NULL && strstr(err.text, bad[_i].why) != NULL, "%s", err.text);
	ck_assert_int_eq(access(index_path, F_OK), -1);
	ck_assert_int_eq(accounts_check(spec, 0, complain, &complaints, &err), 1);
	ck_assert_int_eq(complaints.n, 1);
	ck_assert_uint_eq(complaints.line, 3);
	ck_assert_msg(strstr(complaints.why, bad[_i].why) != NULL, "%s", complaints.why);
}
END_TEST

START_TEST(last_line_torn)
{
	puts_text("carol:x:9:9::/c::\nbob:x:1:2::/h::userdb_mail=maildir:~/Mail");
	expect("bob", -1, "does not end");
	expect("dave", -1, "does not end");
	expect("carol", 1, NULL);
}
END_TEST

START_TEST(line_endless)
{
	char *text = malloc(200001);

	memset(text, 'x', 200000);
	put(text, 200000);
	expect("bob", -1, "line longer than");
	free(text);
}
END_TEST

/* Lines on both sides of every boundary of the reader's pieces. */
START_TEST(piece_boundaries)
{
	char line[256], name[64];
	FILE *file = fopen(path, "w");
	int n = 0;

	for (long at = 0; at < 400000; n++) {
		int len =
		    snprintf(line, sizeof(line), "user%d:x:%d:9:%.*s:/h::\n", n, 1000 + n, n % 97,
		        "-------------------------------------------------------------------"
		        "----------------------------------");

		fputs(line, file);
		at += len;
	}
	ck_assert_int_eq(fclose(file), 0);
	for (int indexed = 0; indexed < 2; indexed++) {
		struct accounts *accounts;
		struct err err;

		ck_assert_int_eq(accounts_open(&accounts, spec, "", 0, &err), 0);
		for (int i = 0; i < n; i += indexed ? 1 : 101) {
			snprintf(name, sizeof(name), "user%d", i);
			expect_uid(accounts, name, (uid_t)(1000 + i));
		}
		accounts_close(accounts);
		ck_assert_msg(accounts_index(spec, 0, &err) == 0, "%s", err.text);
	}
}
END_TEST

/* ---- names ----------------------------------------------------------------------------------- */

static const struct {
	const char *name;
	int found;
} names[] = {
	{ "bob", 1 },
	{ "BOB", 1 },
	{ "Carol@One.Example", 1 },
	{ "carol@one.example", 1 },
	{ "CAROL@ONE.EXAMPLE.", 1 },
	{ "info@xn--mller-kva.example", 1 },
	{ "info@m\xc3\xbcller.example", 1 },
	{ "\xc3\x84rger", 1 },
	{ "\xc3\xa4rger", 1 },
	{ "carol", 0 },
	{ "bob@one.example", 0 },
	{ "carol@two.example", 0 },
	{ "bo", 0 },
	{ "bobb", 0 },
	{ "", 0 },
	{ "@", 0 },
	{ "@one.example", 0 },
	{ "carol@", 0 },
	{ ":", 0 },
	{ "bob:x", 0 },
	{ "x\nbob", 0 },
	{ "carol@bad..example", 0 },
	{ "#", 0 },
};

START_TEST(folded_names)
{
	struct err err;

	puts_text(
	    "bob:x:1:2::/h\nCarol@one.example:x:3:4::/h\ninfo@m\xc3\xbcller.example:x:5:6::/h\n"
	    "\xc3\xa4rger:x:7:8::/h\n");
	pad();
	expect(names[_i].name, names[_i].found, NULL);
	ck_assert_msg(accounts_index(spec, 0, &err) == 0, "%s", err.text);
	expect(names[_i].name, names[_i].found, NULL);
}
END_TEST

START_TEST(twins)
{
	struct complaints complaints = { 0 };
	struct err err;

	puts_text("bob:x:1:2::/h\ncarol:x:3:4::/h\nBob:x:5:6::/h\n");
	expect("bob", -1, ":3: Bob already stands in line 1");
	expect("carol", 1, NULL);
	ck_assert_int_eq(accounts_index(spec, 0, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.text, ":3: bob already stands in line 1"));
	ck_assert_int_eq(accounts_check(spec, 0, complain, &complaints, &err), 1);
	ck_assert_uint_eq(complaints.line, 3);
}
END_TEST

/* All faults are told, not just the first. */
START_TEST(all_faults)
{
	struct complaints complaints = { 0 };
	struct err err;

	puts_text("bob:x:1:2::/h\nbad\ncarol:x:y:4::/h\nbob:x:5:6::/h\nBOB:x:5:6::/h\n");
	ck_assert_int_eq(accounts_check(spec, 0, complain, &complaints, &err), 4);
	ck_assert_int_eq(complaints.n, 4);
}
END_TEST

/* ---- files ----------------------------------------------------------------------------------- */

START_TEST(file_faults)
{
	struct err err;

	expect("bob", -1, "No such file");
	ck_assert_int_eq(accounts_index(spec, 0, &err), -1);
	ck_assert_int_eq(accounts_check(spec, 0, complain, NULL, &err), -1);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	expect("bob", -1, "not a regular file");
	rmdir(path);
	ck_assert_int_eq(mkfifo(path, 0600), 0); /* must not hang */
	expect("bob", -1, "not a regular file");
	unlink(path);
	puts_text("");
	expect("bob", 0, NULL);
}
END_TEST

START_TEST(untrusted)
{
	struct accounts *accounts;
	struct err err;

	puts_text("bob:x:1:2::/h\n");
	ck_assert_int_eq(chmod(path, 0666), 0);
	if (geteuid() == 0) {
		ck_assert_int_eq(accounts_open(&accounts, spec, "", 1, &err), -1);
		ck_assert_int_eq(err.num, EPERM);
		ck_assert_int_eq(accounts_index(spec, 1, &err), -1);
	}
	ck_assert_int_eq(accounts_open(&accounts, spec, "", 0, &err), 0);
	accounts_close(accounts);
}
END_TEST

/* A caller that lives on sees edits, replacements and the file's end, and takes up a new index. */
START_TEST(keeps_up)
{
	struct accounts *accounts;
	struct account account;
	struct err err;

	puts_text("bob:x:1:2::/h\n");
	pad();
	ck_assert_int_eq(accounts_index(spec, 0, &err), 0);
	ck_assert_int_eq(accounts_open(&accounts, spec, "", 0, &err), 0);
	expect_uid(accounts, "bob", 1);
	puts_text("carol:x:3:2::/h\nbob:x:11:2::/h\n");
	pad();
	expect_uid(accounts, "bob", 11);
	expect_uid(accounts, "carol", 3);
	unlink(path);
	ck_assert_int_eq(accounts_find(accounts, "bob", &account, &err), -1);
	ck_assert_int_eq(err.num, ENOENT);
	puts_text("bob:x:21:2::/h\n");
	pad();
	expect_uid(accounts, "bob", 21);
	ck_assert_int_eq(accounts_find(accounts, "carol", &account, &err), 0);
	accounts_close(accounts);
}
END_TEST

/* ---- index ----------------------------------------------------------------------------------- */

/* The same size and modification time do not make another text the same one. */
START_TEST(index_of_another_text)
{
	struct stat st;
	struct err err;

	puts_text("bob:x:1:2::/h\ncarol:x:3:4::/h\n");
	pad();
	ck_assert_int_eq(accounts_index(spec, 0, &err), 0);
	ck_assert_int_eq(stat(path, &st), 0);
	puts_text("dav:x:1:2::/h\ncarol:x:5:4::/h\n");
	pad();
	ck_assert_int_eq(
	    utimensat(AT_FDCWD, path, (struct timespec[]){ st.st_atim, st.st_mtim }, 0), 0);
	expect("dav", 1, NULL);
	expect("bob", 0, NULL);
	expect("carol", 1, NULL);
}
END_TEST

START_TEST(index_kept_when_text_is_bad)
{
	struct stat before, after;
	struct err err;

	puts_text("bob:x:1:2::/h\n");
	pad();
	ck_assert_int_eq(accounts_index(spec, 0, &err), 0);
	ck_assert_int_eq(stat(index_path, &before), 0);
	puts_text("bob:x:1:2::/h\nbad\n");
	pad();
	ck_assert_int_eq(accounts_index(spec, 0, &err), -1);
	ck_assert_int_eq(stat(index_path, &after), 0);
	ck_assert_uint_eq(before.st_ino, after.st_ino);
	expect("bob", 1, NULL);
	expect("dave", -1, ":2: no uid");
}
END_TEST

/* Whatever stands in the index's file, answers stay right. */
START_TEST(index_damaged)
{
	struct stat st;
	struct err err;
	unsigned char *bytes;
	int fd;

	puts_text("bob:x:1:2::/h\ncarol:x:3:4::/h\n");
	pad();
	ck_assert_int_eq(accounts_index(spec, 0, &err), 0);
	ck_assert_int_eq(stat(index_path, &st), 0);
	bytes = malloc((size_t)st.st_size);
	fd = open(index_path, O_RDWR);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(pread(fd, bytes, (size_t)st.st_size, 0), st.st_size);
	for (off_t at = 0; at < st.st_size; at += 61) {
		unsigned char byte = bytes[at] ^ 0x10;

		ck_assert_int_eq(pwrite(fd, &byte, 1, at), 1);
		expect("bob", 1, NULL);
		expect("dave", 0, NULL);
		ck_assert_int_eq(pwrite(fd, &bytes[at], 1, at), 1);
	}
	for (off_t size = st.st_size; size > 0; size /= 2) {
		ck_assert_int_eq(ftruncate(fd, size - 1), 0);
		expect("carol", 1, NULL);
		expect("dave", 0, NULL);
	}
	close(fd);
	free(bytes);
}
END_TEST

/* An index that lies about where a name stands is not believed: its identity is right, its
 * offsets are another line's. */
START_TEST(index_that_lies)
{
	struct table_source source = { 0 };
	struct table_builder *builder;
	struct table *index;
	struct accounts *accounts;
	struct err err;
	char *identity, *where;
	size_t len, where_len;

	puts_text("bob:x:1:2::/h\ncarol:x:3:4::/h\n");
	pad();
	ck_assert_int_eq(accounts_index(spec, 0, &err), 0);
	ck_assert_int_eq(table_open(&index, index_path, 0, &err), 0);
	ck_assert_int_eq(table_get(index, ":", ":", &identity, &len, &err), 1);
	ck_assert_int_eq(table_get(index, "carol", "carol", &where, &where_len, &err), 1);
	table_close(index);
	ck_assert_int_eq(table_build_begin(&builder, index_path, 3, &err), 0);
	ck_assert_int_eq(table_build_add(builder, ":", ":", identity, len, &err), 0);
	ck_assert_int_eq(table_build_add(builder, "bob", "bob", where, where_len, &err), 0);
	ck_assert_int_eq(table_build_add(builder, "carol", "carol", "-1 x", 4, &err), 0);
	ck_assert_int_eq(table_build_commit(builder, &source, (gid_t)-1, 0644, &err), 0);
	free(identity);
	free(where);
	ck_assert_int_eq(accounts_open(&accounts, spec, "", 0, &err), 0);
	expect_uid(accounts, "bob", 1);
	expect_uid(accounts, "carol", 3);
	accounts_close(accounts);
}
END_TEST

START_TEST(index_mode)
{
	struct stat st;
	struct err err;

	puts_text("bob:x:1:2::/h\n");
	ck_assert_int_eq(chmod(path, 0640), 0);
	ck_assert_int_eq(accounts_index(spec, 0, &err), 0);
	ck_assert_int_eq(stat(index_path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0640);
}
END_TEST

START_TEST(index_unwritable)
{
	char text[ERR_TEXT_MAX];
	struct err err;

	puts_text("bob:x:1:2::/h\n");
	if (geteuid() == 0) {
		/* Root writes everywhere but to a directory in the file's place. */
		ck_assert_int_eq(mkdir(index_path, 0700), 0);
		ck_assert_int_eq(accounts_index(spec, 0, &err), -1);
		ck_assert_int_eq(rmdir(index_path), 0);
	} else {
		ck_assert_int_eq(chmod(directory, 0500), 0);
		ck_assert_int_eq(accounts_index(spec, 0, &err), -1);
		ck_assert_int_eq(err.num, EACCES);
		ck_assert_int_eq(chmod(directory, 0700), 0);
	}
	snprintf(text, sizeof(text), "%s.gdbm", path);
	ck_assert_msg(strstr(err.text, text) != NULL, "%s", err.text);
	expect("bob", 1, NULL);
}
END_TEST

/* ---- cost ------------------------------------------------------------------------------------ */

/* Bytes that read calls gave this process so far. */
static unsigned long long
bytes_read(void)
{
	unsigned long long n = 0;
	FILE *file = fopen("/proc/self/io", "r");

	ck_assert_ptr_nonnull(file);
	ck_assert_int_eq(fscanf(file, "rchar: %llu", &n), 1);
	fclose(file);
	return n;
}

static unsigned long long
cost(const char *name, int wanted)
{
	unsigned long long before = bytes_read();
	struct account account;
	struct err err;

	ck_assert_int_eq(find(name, &account, &err), wanted);
	account_free(&account);
	return bytes_read() - before;
}

static void
many(int n)
{
	FILE *file = fopen(path, "w");
	struct err err;

	for (int i = 0; i < n; i++)
		fprintf(file, "user%d@one.example:x:%d:100::/srv/mail/user%d::\n", i, 1000 + i, i);
	ck_assert_int_eq(fclose(file), 0);
	ck_assert_msg(accounts_index(spec, 0, &err) == 0, "%s", err.text);
}

START_TEST(cost_does_not_grow)
{
	unsigned long long few_hit, few_miss, many_hit, many_miss;
	struct stat st;

	many(10);
	few_hit = cost("user7@one.example", 1);
	few_miss = cost("nobody@one.example", 0);
	many(100000);
	many_hit = cost("user77777@one.example", 1);
	many_miss = cost("nobody@one.example", 0);
	ck_assert_int_eq(stat(path, &st), 0);
	/* The text is megabytes; both sizes cost a few pages. */
	ck_assert_msg(many_hit < few_hit + 65536 && many_miss < few_miss + 65536 &&
	                  many_hit * 50 < (unsigned long long)st.st_size,
	    "bytes read: %llu and %llu of few, %llu and %llu of many", few_hit, few_miss, many_hit,
	    many_miss);
}
END_TEST

/* Who asks for many has the text read once, with an index and without, and again when it has
 * changed. */
START_TEST(many_names)
{
	struct accounts *accounts;
	struct account account;
	unsigned long long before;
	struct stat st;
	struct err err;
	char name[64];

	many(2000);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(unlink(index_path), 0);
	ck_assert_int_eq(accounts_open(&accounts, spec, "", 0, &err), 0);
	accounts_expect_many(accounts);
	before = bytes_read();
	for (int i = 0; i < 2000; i++) {
		snprintf(name, sizeof(name), "User%d@one.example", i);
		expect_uid(accounts, name, (uid_t)(1000 + i));
		snprintf(name, sizeof(name), "nobody%d@one.example", i);
		ck_assert_int_eq(accounts_find(accounts, name, &account, &err), 0);
	}
	ck_assert_uint_lt(bytes_read() - before, 3 * (unsigned long long)st.st_size);
	puts_text("user7@one.example:x:7:100::/h\n");
	expect_uid(accounts, "user7@one.example", 7);
	ck_assert_int_eq(accounts_find(accounts, "user8@one.example", &account, &err), 0);
	puts_text("user7@one.example:x:8:100::/h\ntorn");
	expect_uid(accounts, "user7@one.example", 8);
	ck_assert_int_eq(accounts_find(accounts, "user8@one.example", &account, &err), -1);
	accounts_close(accounts);
}
END_TEST

/* ---- all of them ----------------------------------------------------------------------------- */

struct seen {
	char text[256];
	int stop_after;
};

static int
see(void *arg, const struct account *account)
{
	struct seen *seen = arg;

	strcat(strcat(seen->text, account->name), " ");
	return --seen->stop_after == 0 ? 7 : 0;
}

START_TEST(each)
{
	struct accounts *accounts;
	struct seen seen = { "", -1 }, two = { "", 2 }, broken = { "", -1 };
	struct err err;

	puts_text("zoe:x:1:2::/h\n# comment\nbob:x:3:4::/h\nann:x:5:6::/h\n");
	ck_assert_int_eq(accounts_open(&accounts, spec, "", 0, &err), 0);
	ck_assert_int_eq(accounts_each(accounts, see, &seen, &err), 0);
	ck_assert_str_eq(seen.text, "zoe bob ann ");
	ck_assert_int_eq(accounts_each(accounts, see, &two, &err), 7);
	ck_assert_str_eq(two.text, "zoe bob ");
	puts_text("zoe:x:1:2::/h\nbob\n");
	ck_assert_int_eq(accounts_each(accounts, see, &broken, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.text, ":2: no uid"));
	accounts_close(accounts);
}
END_TEST

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

int
main(void)
{
	Suite *suite = suite_create("passwd_file");
	TCase *tests = tcase_create("text and index");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_set_timeout(tests, 60);
	tcase_add_loop_test(tests, good_lines, 0, COUNT(good));
	tcase_add_loop_test(tests, bad_lines, 0, COUNT(bad));
	tcase_add_test(tests, last_line_torn);
	tcase_add_test(tests, line_endless);
	tcase_add_test(tests, piece_boundaries);
	tcase_add_loop_test(tests, folded_names, 0, COUNT(names));
	tcase_add_test(tests, many_names);
	tcase_add_test(tests, twins);
	tcase_add_test(tests, all_faults);
	tcase_add_test(tests, file_faults);
	tcase_add_test(tests, untrusted);
	tcase_add_test(tests, keeps_up);
	tcase_add_test(tests, index_of_another_text);
	tcase_add_test(tests, index_kept_when_text_is_bad);
	tcase_add_test(tests, index_damaged);
	tcase_add_test(tests, index_that_lies);
	tcase_add_test(tests, index_mode);
	tcase_add_test(tests, index_unwritable);
	tcase_add_test(tests, cost_does_not_grow);
	tcase_add_test(tests, each);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
