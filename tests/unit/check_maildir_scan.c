/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Reading a Maildir: what a file name says, the order of messages, files that are renamed or
 * removed while they are read, what is no message, and that nothing is touched.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../src/mailbox/scan.h"
#include "buf.h"
#include "suite.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

static char dir[40];
static char root[64];

struct seen {
	size_t count;
	int stop;
	struct {
		size_t number;
		unsigned flags;
		uint64_t size;
		time_t received;
		char name[300];
		char header[100]; /* its beginning */
		size_t header_len;
	} messages[64];
	void (*meanwhile)(void); /* once, during the first callback */
};

static struct seen seen;

static void
setup(void)
{
	strcpy(dir, "/tmp/check_maildir.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(root, sizeof(root), "%s/Maildir", dir);
	memset(&seen, 0, sizeof(seen));
}

static void
teardown(void)
{
	char command[200];

	snprintf(command, sizeof(command), "chmod -R u+rwx %s; rm -rf %s", dir, dir);
	ck_assert_int_eq(system(command), 0);
}

/* ---- names ------------------------------------------------------------------------------------
 */

static const struct name_case {
	const char *name;
	size_t base_len;
	long long time;
	unsigned long long order, size; /* size ~0: none */
	unsigned flags;
} names[] = {
	{ "1700000000.M123P45.host,S=678:2,S", 29, 1700000000, 123, 678, SCAN_SEEN },
	{ "1700000000.M000123P45V1I2_3.host", 32, 1700000000, 123, ~0ULL, 0 },
	{ "1700000000.45_1.host,S=6,W=7:2,DFPRST", 28, 1700000000, 0, 6,
	    SCAN_DRAFT | SCAN_FLAGGED | SCAN_PASSED | SCAN_ANSWERED | SCAN_SEEN | SCAN_DELETED },
	{ "1700000000.P1M5.host,W=7,S=6:2,abS,T", 28, 1700000000, 5, 6, SCAN_SEEN },
	{ "1.x:2,", 3, 1, 0, ~0ULL, 0 },
	{ "1.x:1,S", 3, 1, 0, ~0ULL, 0 },
	{ "1.x:2S", 3, 1, 0, ~0ULL, 0 },
	{ "1.x:", 3, 1, 0, ~0ULL, 0 },
	{ "1.x:2,\xff\x80S\xfe", 3, 1, 0, ~0ULL, SCAN_SEEN },
	{ "\xff\x80.M\xff,S=\xff", 9, -1, 0, ~0ULL, 0 },
	{ "msg", 3, -1, 0, ~0ULL, 0 },
	{ "17", 2, -1, 0, ~0ULL, 0 },
	{ "17x.y", 5, -1, 0, ~0ULL, 0 },
	{ ".M5.h", 5, -1, 0, ~0ULL, 0 },
	{ "1234567890123456789.x", 21, -1, 0, ~0ULL, 0 },
	{ "123456789012345678.x", 20, 123456789012345678, 0, ~0ULL, 0 },
	{ "1.Mx", 4, 1, 0, ~0ULL, 0 },
	{ "1.x.M5", 6, 1, 0, ~0ULL, 0 }, /* the host's */
	{ "1.x,S=", 6, 1, 0, ~0ULL, 0 },
	{ "1.x,S=5x", 8, 1, 0, ~0ULL, 0 },
	{ "1.x,S=-5", 8, 1, 0, ~0ULL, 0 },
	{ "1.x,S=5x,S=6", 12, 1, 0, 6, 0 },
	{ "1.x,S=18446744073709551616", 26, 1, 0, ~0ULL, 0 },
	{ "1.x:2,S,S=5", 3, 1, 0, ~0ULL, SCAN_SEEN },
	{ ":2,S", 0, -1, 0, ~0ULL, SCAN_SEEN },
	{ "", 0, -1, 0, ~0ULL, 0 },
};

START_TEST(name_parse)
{
	const struct name_case *c = &names[_i];
	char *exact = strdup(c->name);
	struct maildir_name n;

	maildir_name_parse(exact, &n);
	ck_assert_msg(n.base_len == c->base_len, "%s: base %zu", c->name, n.base_len);
	ck_assert_msg((long long)n.time == c->time, "%s: time %lld", c->name, (long long)n.time);
	ck_assert_msg(n.order == c->order, "%s: order %llu", c->name, (unsigned long long)n.order);
	ck_assert_msg(n.sized == (c->size != ~0ULL), "%s: sized %d", c->name, n.sized);
	if (n.sized)
		ck_assert_msg(
		    n.size == c->size, "%s: size %llu", c->name, (unsigned long long)n.size);
	ck_assert_msg(n.flags == c->flags, "%s: flags %#x", c->name, n.flags);
	free(exact);
}
END_TEST

/* ---- a Maildir --------------------------------------------------------------------------------
 */

static void
make_maildir(void)
{
	static const char *const parts[] = { "", "/tmp", "/new", "/cur" };
	char name[80];

	for (int i = 0; i < COUNT(parts); i++) {
		snprintf(name, sizeof(name), "%s%s", root, parts[i]);
		ck_assert_int_eq(mkdir(name, 0700), 0);
	}
}

static void
full(char out[600], const char *name)
{
	ck_assert_int_lt(snprintf(out, 600, "%s/%s", root, name), 600);
}

static void
put(const char *name, const void *data, size_t len)
{
	char at[600];
	int fd;

	full(at, name);
	fd = open(at, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	ck_assert_int_ne(fd, -1);
	ck_assert_int_eq(write(fd, data, len), (ssize_t)len);
	ck_assert_int_eq(close(fd), 0);
}

static void
puts_to(const char *name, const char *text)
{
	put(name, text, strlen(text));
}

static int
note(void *arg, const struct scan_message *m)
{
	struct seen *s = arg;

	ck_assert_uint_lt(s->count, COUNT(s->messages));
	s->messages[s->count].number = m->number;
	s->messages[s->count].flags = m->flags;
	s->messages[s->count].size = m->size;
	s->messages[s->count].received = m->received;
	strlcpy(s->messages[s->count].name, m->name, sizeof(s->messages[0].name));
	s->messages[s->count].header_len = m->header_len;
	memset(s->messages[s->count].header, 0, sizeof(s->messages[0].header));
	if (m->header != NULL)
		memcpy(s->messages[s->count].header, m->header,
		    m->header_len < 99 ? m->header_len : 99);
	if (s->count++ == 0 && s->meanwhile != NULL)
		s->meanwhile();
	return s->stop;
}

static int
scan(unsigned want, struct err *err)
{
	struct mailbox mailbox = { .format = MAILBOX_MAILDIR, .path = root };

	seen.count = 0;
	return mailbox_scan(&mailbox, want, note, &seen, err);
}

static void
must_scan(unsigned want)
{
	struct err err;

	ck_assert_msg(scan(want, &err) == 0, "%s", err.text);
}

static int
append(void *arg, const void *data, size_t len, struct err *err)
{
	(void)err;
	return buf_add(arg, data, len);
}

static struct mailbox_summary
summarise(void)
{
	struct mailbox mailbox = { .format = MAILBOX_MAILDIR, .path = root };
	struct mailbox_summary sum;
	struct err err;

	ck_assert_msg(mailbox_summarise(&mailbox, geteuid(), &sum, &err) == 0, "%s", err.text);
	return sum;
}

static void
fill(void)
{
	make_maildir();
	puts_to("new/1700000003.M1P1.h,S=9", "A: b\n\nnew");
	puts_to("cur/1700000001.M10P1.h,S=7:2,S", "A: 1\n\nx");
	puts_to("cur/1700000001.M9P1.h:2,FR", "A: 2\n\n\nxx");
	puts_to("cur/1700000002.M1P1.h,S=5:2,", "\nbody");
	puts_to("tmp/1700000000.M1P1.h", "not delivered");
	puts_to("cur/.hidden", "no message");
	puts_to("dovecot-uidlist", "3 V1 N2\n");
}

START_TEST(order_and_details)
{
	static const struct {
		const char *name, *header;
		unsigned flags;
		uint64_t size;
		time_t received;
	} expected[] = {
		{ "cur/1700000001.M9P1.h:2,FR", "A: 2\n", SCAN_FLAGGED | SCAN_ANSWERED, 9,
		    1700000001 },
		{ "cur/1700000001.M10P1.h,S=7:2,S", "A: 1\n", SCAN_SEEN, 7, 1700000001 },
		{ "cur/1700000002.M1P1.h,S=5:2,", "", 0, 5, 1700000002 },
		{ "new/1700000003.M1P1.h,S=9", "A: b\n", SCAN_RECENT, 9, 1700000003 },
	};

	fill();
	for (unsigned want = 0; want < 2; want++) {
		must_scan(want);
		ck_assert_uint_eq(seen.count, COUNT(expected));
		for (size_t i = 0; i < COUNT(expected); i++) {
			ck_assert_uint_eq(seen.messages[i].number, i + 1);
			ck_assert_str_eq(seen.messages[i].name, expected[i].name);
			ck_assert_uint_eq(seen.messages[i].flags, expected[i].flags);
			ck_assert_uint_eq(seen.messages[i].size, expected[i].size);
			ck_assert_int_eq(seen.messages[i].received, expected[i].received);
			ck_assert_str_eq(seen.messages[i].header, want ? expected[i].header : "");
		}
	}
	seen.stop = 7;
	ck_assert_int_eq(scan(0, NULL), 7);
	ck_assert_uint_eq(seen.count, 1);
}
END_TEST

START_TEST(summary)
{
	struct mailbox_summary sum;

	fill();
	sum = summarise();
	ck_assert_int_eq(sum.health, MAILBOX_SOUND);
	ck_assert_uint_eq(sum.messages, 4);
	ck_assert_uint_eq(sum.unread, 3);
	ck_assert_uint_eq(sum.bytes, 9 + 7 + 9 + 5);
	ck_assert_int_eq(sum.newest, 1700000003);
}
END_TEST

START_TEST(raw)
{
	struct mailbox mailbox = { .format = MAILBOX_MAILDIR, .path = root };
	struct buf out = BUF_INIT;
	struct err err;
	unsigned char bytes[200001];

	fill();
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)(i * 7 + i / 256);
	put("new/1800000000.M1P1.h", bytes, sizeof(bytes));
	ck_assert_int_eq(mailbox_raw(&mailbox, 5, append, &out, &err), 1);
	ck_assert_uint_eq(out.len, sizeof(bytes));
	ck_assert_mem_eq(out.data, bytes, sizeof(bytes));
	buf_clear(&out);
	ck_assert_int_eq(mailbox_raw(&mailbox, 6, append, &out, &err), 0);
	ck_assert_int_eq(mailbox_raw(&mailbox, 0, append, &out, &err), 0);
	ck_assert_uint_eq(out.len, 0);
	buf_free(&out);
}
END_TEST

/* Names without a time are ordered by the file's. */
START_TEST(names_without_time)
{
	const struct timespec times[2] = { { .tv_sec = 1700000002 }, { .tv_sec = 1700000002 } };
	char at[600];

	make_maildir();
	puts_to("cur/1700000001.x", "1");
	puts_to("cur/1700000003.x", "333");
	puts_to("cur/\xff\x81:2,S\xfe", "22");
	full(at, "cur/\xff\x81:2,S\xfe");
	ck_assert_int_eq(utimensat(AT_FDCWD, at, times, 0), 0);
	must_scan(0);
	ck_assert_uint_eq(seen.count, 3);
	for (size_t i = 0; i < 3; i++)
		ck_assert_uint_eq(seen.messages[i].size, i + 1);
	ck_assert_int_eq(seen.messages[1].received, 1700000002);
	ck_assert_uint_eq(seen.messages[1].flags, SCAN_SEEN);
}
END_TEST

/* One message seen under two names (read twice while it was moved) is one message. */
START_TEST(doubles)
{
	make_maildir();
	puts_to("new/1700000001.M1P1.h", "x");
	puts_to("cur/1700000001.M1P1.h:2,S", "x");
	puts_to("cur/1700000001.M1P1.h2:2,S", "x");
	must_scan(0);
	ck_assert_uint_eq(seen.count, 2);
	ck_assert_str_eq(seen.messages[0].name, "cur/1700000001.M1P1.h:2,S");
	ck_assert_str_eq(seen.messages[1].name, "cur/1700000001.M1P1.h2:2,S");
}
END_TEST

START_TEST(not_messages)
{
	char at[600];

	fill();
	full(at, "cur/1700000009.dir");
	ck_assert_int_eq(mkdir(at, 0700), 0);
	full(at, "new/1700000009.fifo");
	ck_assert_int_eq(mkfifo(at, 0600), 0);
	full(at, "new/1700000009.link");
	ck_assert_int_eq(symlink("/etc/passwd", at), 0);
	must_scan(SCAN_WANT_HEADER);
	ck_assert_uint_eq(seen.count, 4);
	ck_assert_uint_eq(summarise().messages, 4);
}
END_TEST

/* ---- renamed and removed meanwhile ------------------------------------------------------------
 */

static void
move(const char *from, const char *to)
{
	char old[600], new[600];

	full(old, from);
	full(new, to);
	ck_assert_int_eq(rename(old, new), 0);
}

static void
user_reads_mail(void)
{
	char gone[600];

	move("cur/1700000001.M10P1.h,S=7:2,S", "cur/1700000001.M10P1.h,S=7:2,FS");
	move("new/1700000003.M1P1.h,S=9", "cur/1700000003.M1P1.h,S=9:2,S");
	full(gone, "cur/1700000002.M1P1.h,S=5:2,");
	ck_assert_int_eq(unlink(gone), 0);
	puts_to("new/1700000000.M1P1.h", "came later, sorts first");
}

START_TEST(renamed)
{
	fill();
	seen.meanwhile = user_reads_mail;
	must_scan(SCAN_WANT_HEADER);
	ck_assert_uint_eq(seen.count, 3);
	ck_assert_str_eq(seen.messages[0].name, "cur/1700000001.M9P1.h:2,FR");
	ck_assert_str_eq(seen.messages[1].name, "cur/1700000001.M10P1.h,S=7:2,FS");
	ck_assert_uint_eq(seen.messages[1].flags, SCAN_SEEN | SCAN_FLAGGED);
	ck_assert_str_eq(seen.messages[1].header, "A: 1\n");
	ck_assert_str_eq(seen.messages[2].name, "cur/1700000003.M1P1.h,S=9:2,S");
	ck_assert_uint_eq(seen.messages[2].flags, SCAN_SEEN);
	/* The one that is gone leaves its number unused. */
	ck_assert_uint_eq(seen.messages[1].number, 2);
	ck_assert_uint_eq(seen.messages[2].number, 4);
}
END_TEST

static void
expunge_all(void)
{
	char command[200];

	snprintf(command, sizeof(command), "rm -f %s/new/* %s/cur/*", root, root);
	ck_assert_int_eq(system(command), 0);
}

static void
letters(int count)
{
	char name[80];

	make_maildir();
	for (int i = 0; i < count; i++) {
		snprintf(name, sizeof(name), "cur/%04d.x:2,", i);
		puts_to(name, "A: b\n\n");
	}
}

/* More files gone than a scan looks for anew. */
START_TEST(removed)
{
	letters(600);
	seen.meanwhile = expunge_all;
	must_scan(SCAN_WANT_HEADER);
	ck_assert_uint_eq(seen.count, 1);
}
END_TEST

static const struct restless {
	int count;
	int seen;
} restless_cases[] = { { 300, 300 }, { 700, -1 } };

/* Somebody is always one step ahead. */
static int
rename_next(void *arg, const struct scan_message *m)
{
	struct restless *r = arg;
	char old[80], new[80];

	ck_assert_uint_eq(m->number, (size_t)++r->seen);
	snprintf(old, sizeof(old), "cur/%04zu.x:2,", m->number);
	snprintf(new, sizeof(new), "cur/%04zu.x:2,S", m->number);
	if (r->seen < r->count)
		move(old, new);
	return 0;
}

/* All are found, or the bound is told. */
START_TEST(restless)
{
	struct restless now = { .count = restless_cases[_i].count };
	struct mailbox mailbox = { .format = MAILBOX_MAILDIR, .path = root };
	struct err err;
	int rc;

	letters(now.count);
	rc = mailbox_scan(&mailbox, SCAN_WANT_HEADER, rename_next, &now, &err);
	if (restless_cases[_i].seen != -1) {
		ck_assert_int_eq(rc, 0);
		ck_assert_int_eq(now.seen, restless_cases[_i].seen);
		return;
	}
	ck_assert_int_eq(rc, -1);
	ck_assert_int_eq(err.num, EAGAIN);
	ck_assert_ptr_nonnull(strstr(err.text, "Maildir: files are renamed all the time"));
	ck_assert_int_gt(now.seen, 64);
	ck_assert_int_lt(now.seen, now.count);
}
END_TEST

/* ---- header limits ----------------------------------------------------------------------------
 */

START_TEST(huge_header)
{
	size_t len = 3 * SCAN_HEADER_MAX;
	char *text = malloc(len);

	ck_assert_ptr_nonnull(text);
	memset(text, 'x', len);
	make_maildir();
	put("new/1700000001.x", text, len);
	memcpy(text + SCAN_HEADER_MAX - 2, "\n\nyy\n\n", 6);
	put("new/1700000002.x", text, len);
	memcpy(text + 8190, "\r\n\r\n", 4);
	put("new/1700000003.x", text, len);
	must_scan(SCAN_WANT_HEADER);
	ck_assert_uint_eq(seen.count, 3);
	ck_assert_uint_eq(seen.messages[0].header_len, SCAN_HEADER_MAX);
	ck_assert_uint_eq(seen.messages[1].header_len, SCAN_HEADER_MAX - 1);
	ck_assert_uint_eq(seen.messages[2].header_len, 8192);
	ck_assert_uint_eq(seen.messages[0].size, len);
	free(text);
}
END_TEST

/* ---- what stands in the mailbox's place -------------------------------------------------------
 */

static void
make_nothing(void)
{
}

static void
make_file(void)
{
	int fd = open(root, O_WRONLY | O_CREAT, 0600);

	ck_assert_int_ne(fd, -1);
	close(fd);
}

static void
make_empty_directory(void)
{
	ck_assert_int_eq(mkdir(root, 0700), 0);
}

static void
make_only_new(void)
{
	char at[600];

	make_empty_directory();
	full(at, "new");
	ck_assert_int_eq(mkdir(at, 0700), 0);
}

static void
make_symlink(void)
{
	ck_assert_int_eq(symlink("/", root), 0);
}

static void
make_symlink_inside(void)
{
	char at[600];

	make_empty_directory();
	full(at, "new");
	ck_assert_int_eq(symlink("/", at), 0);
}

static void
make_unreadable(void)
{
	char at[600];

	make_maildir();
	full(at, "cur");
	ck_assert_int_eq(chmod(at, 0), 0);
}

static const struct place {
	void (*make)(void);
	enum mailbox_health health;
	int errnum; /* of a scan; 0: it works */
} places[] = {
	{ make_nothing, MAILBOX_MISSING, 0 },
	{ make_file, MAILBOX_WRONG_TYPE, EINVAL },
	{ make_empty_directory, MAILBOX_OTHER_FORMAT, EINVAL },
	{ make_only_new, MAILBOX_SOUND, 0 },
	{ make_symlink, MAILBOX_SYMLINK, EINVAL },
	{ make_symlink_inside, MAILBOX_WRONG_TYPE, EINVAL },
	{ make_unreadable, MAILBOX_UNREADABLE, EACCES },
};

START_TEST(place)
{
	const struct place *p = &places[_i];
	struct err err;

	/* Root reads it all the same. */
	if (p->make == make_unreadable && geteuid() == 0)
		return;
	p->make();
	ck_assert_str_eq(mailbox_health_text(summarise().health), mailbox_health_text(p->health));
	ck_assert_int_eq(scan(0, &err), p->errnum == 0 ? 0 : -1);
	if (p->errnum != 0)
		ck_assert_int_eq(err.num, p->errnum);
}
END_TEST

/* Directories have access times too. */
START_TEST(access_times_stay)
{
	static const char *const parts[] = { ".", "new", "cur", "cur/1700000001.M9P1.h:2,FR" };
	const struct timespec times[2] = { { .tv_sec = 1000 }, { .tv_sec = 1000 } };
	struct stat before[COUNT(parts)], after;
	struct mailbox mailbox = { .format = MAILBOX_MAILDIR, .path = root };
	struct buf out = BUF_INIT;
	struct err err;
	char at[600];

	fill();
	for (int i = 0; i < COUNT(parts); i++) {
		full(at, parts[i]);
		ck_assert_int_eq(utimensat(AT_FDCWD, at, times, 0), 0);
		ck_assert_int_eq(stat(at, &before[i]), 0);
	}
	must_scan(SCAN_WANT_HEADER);
	(void)summarise();
	ck_assert_int_eq(mailbox_raw(&mailbox, 1, append, &out, &err), 1);
	for (int i = 0; i < COUNT(parts); i++) {
		full(at, parts[i]);
		ck_assert_int_eq(stat(at, &after), 0);
		ck_assert_mem_eq(&before[i], &after, sizeof(after));
	}
	buf_free(&out);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("maildir_scan");
	TCase *tc = tcase_create("maildir_scan");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, name_parse, 0, COUNT(names));
	tcase_add_test(tc, order_and_details);
	tcase_add_test(tc, summary);
	tcase_add_test(tc, raw);
	tcase_add_test(tc, names_without_time);
	tcase_add_test(tc, doubles);
	tcase_add_test(tc, not_messages);
	tcase_add_test(tc, renamed);
	tcase_add_test(tc, removed);
	tcase_add_loop_test(tc, restless, 0, COUNT(restless_cases));
	tcase_add_test(tc, huge_header);
	tcase_add_loop_test(tc, place, 0, COUNT(places));
	tcase_add_test(tc, access_times_stay);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
