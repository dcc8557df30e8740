/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Reading an mbox: which lines are From_ lines, where messages end, what comes out of `raw`, what
 * is refused, and that nothing is touched. Random mailboxes are compared with a splitter of a few
 * lines that has the whole file in memory and knows nothing of windows.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../src/mailbox/scan.h"
#include "buf.h"
#include "suite.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))
#define FROM         "From a@b.example Thu Jan  1 00:00:00 1970\n"
#define STEP         (128 * 1024) /* bytes that mbox_scan.c reads at a time */

static char dir[40];
static char path[64];

struct seen {
	size_t count;
	size_t stop; /* return 7 from this message on; 0: never */
	struct {
		uint64_t offset, size;
		unsigned flags;
		time_t received;
		size_t header_len;
	} messages[20000];
	struct buf headers;
};

static struct seen seen;

static void
setup(void)
{
	strcpy(dir, "/tmp/check_mbox_scan.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/mbox", dir);
	setenv("TZ", "UTC", 1);
	seen.stop = 0;
}

static void
teardown(void)
{
	char lock[80];

	snprintf(lock, sizeof(lock), "%s.lock", path);
	unlink(lock);
	snprintf(lock, sizeof(lock), "%s.2", path);
	unlink(lock);
	unlink(path);
	rmdir(path);
	rmdir(dir);
	buf_free(&seen.headers);
}

static void
write_to(const char *name, const void *data, size_t len)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	ck_assert_int_ne(fd, -1);
	ck_assert_int_eq(write(fd, data, len), (ssize_t)len);
	ck_assert_int_eq(close(fd), 0);
}

/* ---- From_ lines ------------------------------------------------------------------------------
 */

static const struct from_case {
	const char *line;
	long long time; /* -1: not a From_ line */
} from_cases[] = {
	{ "From a@b.example Thu Jan  1 00:00:00 1970\n", 0 },
	{ "From a@b.example Thu Jan  1 00:00:00 1970", 0 },
	{ "From a@b.example Thu Jan  1 00:00:00 1970\r\n", 0 },
	{ "From a@b.example  Thu Jan 01 00:00:00 1970\n", 0 },
	{ "From - Sun Feb 29 12:34:56 2004\n", 1078058096 },
	{ "From MAILER-DAEMON Tue Jan 19 03:14:08 2038\n", 2147483648 },
	{ "From a Thu Jan  1 00:01 1970\n", 60 },
	{ "From a Thu Jan  1 0:01 1970\n", 60 },
	{ "From  Thu Jan  1 00:00:00 1970\n", 0 },
	{ "From Thu Jan  1 00:00:00 1970\n", 0 },
	{ "From a\tThu Jan  1 00:00:00 1970\t\n", 0 },
	{ "From \"a b\"@c Thu Jan  1 00:00:00 1970\n", 0 },
	{ "From bob at c.example  Thu Jan  1 00:00:00 1970\n", 0 },
	{ "From Thu Mon Jan Thu Jan  1 00:00:00 1970\n", 0 },
	{ "From a Thu Jan  1 01:00:00 +0100 1970\n", 0 },
	{ "From a Thu Jan  1 01:00:00 1970 +0100\n", 0 },
	{ "From a Wed Dec 31 18:30:00 1969 -0530\n", 0 },
	{ "From a Thu Jan  1 00:00:00 GMT 1970\n", 0 },
	{ "From a Thu Jan  1 00:00:00 MET DST 1970\n", 0 },
	{ "From a Wed Dec 31 19:00:00 EST 1969\n", 0 },
	{ "From a Thu Jan  1 00:00:00 1970 remote from host\n", 0 },
	{ "From a Thu, 1 Jan 1970 01:00:00 +0100\n", 0 },
	{ "From a Thu, 01 Jan 1970 00:01\r\n", 60 },
	{ "From \xff\x80@b Thu Jan  1 00:00:00 1970\n", 0 },
	{ "From a Sat Dec 31 23:59:60 2016\n", 1483228800 },
	{ "From a Fri Dec 31 23:59:59 9999\n", 253402300799 },

	{ "From", -1 },
	{ "From \n", -1 },
	{ "From a\n", -1 },
	{ "from a Thu Jan  1 00:00:00 1970\n", -1 },
	{ "From: a Thu Jan  1 00:00:00 1970\n", -1 },
	{ ">From a Thu Jan  1 00:00:00 1970\n", -1 },
	{ "From a\nThu Jan  1 00:00:00 1970\n", -1 },
	{ "From our meeting on Thursday we know\n", -1 },
	{ "From aThu Jan  1 00:00:00 1970\n", -1 },
	{ "From a Thu Jan  1 00:00:00 1970, he said\n", -1 },
	{ "From a Thu Jan  1 00:00:00 1970 and on\n", -1 },
	{ "From a Thu Jan  1 00:00:00 1970 remote from \n", -1 },
	{ "From a Thu Jan  1 00:00:00 70\n", -1 },
	{ "From a Thu Jan  1 00:00:00 19700\n", -1 },
	{ "From a Thu Jan  1 00:00:00 1899\n", -1 },
	{ "From a Thu Jan  0 00:00:00 1970\n", -1 },
	{ "From a Thu Jan 32 00:00:00 1970\n", -1 },
	{ "From a Thu Jan 1 24:00:00 1970\n", -1 },
	{ "From a Thu Jan 1 00:60:00 1970\n", -1 },
	{ "From a Thu Jan 1 00:00:61 1970\n", -1 },
	{ "From a Thu Jan 1 00:0:00 1970\n", -1 },
	{ "From a Thu Jan 1 00 1970\n", -1 },
	{ "From a Thu Jan 1 00:00:00\n", -1 },
	{ "From a Thx Jan 1 00:00:00 1970\n", -1 },
	{ "From a Thu Jxn 1 00:00:00 1970\n", -1 },
	{ "From a ThuJan 1 00:00:00 1970\n", -1 },
	{ "From a Thu Jan 1 00:00:00 A B C 1970\n", -1 },
	{ "From a Thu Jan 1 00:00:00 +9999 1970\n", -1 },
	{ "From a Thu Jan 1 00:00:00 +01 1970\n", -1 },
	{ "From a Thu, Jan 1 1970 00:00:00\n", -1 },
	{ "From a Thu, 1 Jan 70 00:00:00\n", -1 },
	{ "From a Thu, 1 Jan 1970\n", -1 },
	{ "From a Thu, 1 Jan 1970 00:00:00 and on\n", -1 },
	{ "From a Thu, 1 Jan 1899 00:00:00\n", -1 },
	{ "From a Thu", -1 },
	{ "From a Th", -1 },
};

START_TEST(from_line)
{
	const struct from_case *c = &from_cases[_i];
	struct from_date date;
	size_t len = strlen(c->line);
	/* Exactly as long as it may be: a byte read too far is an error of the sanitizer's. */
	unsigned char *exact = malloc(len);
	size_t got;

	ck_assert_ptr_nonnull(exact);
	memcpy(exact, c->line, len);
	got = from_line_parse(exact, len, &date);
	ck_assert_msg(got == (c->time == -1 ? 0 : len), "\"%s\": %zu", c->line, got);
	if (got != 0)
		ck_assert_msg((long long)from_date_time(&date) == c->time, "\"%s\": %lld", c->line,
		    (long long)from_date_time(&date));
	free(exact);
}
END_TEST

START_TEST(from_line_length)
{
	unsigned char line[2 * FROM_LINE_MAX];
	struct from_date date;
	const char *tail = " Thu Jan  1 00:00:00 1970\n";

	for (size_t len = FROM_LINE_MAX - 2; len < FROM_LINE_MAX + 3; len++) {
		memset(line, 'x', sizeof(line));
		memcpy(line, "From ", 5);
		memcpy(line + len - strlen(tail), tail, strlen(tail));
		ck_assert_uint_eq(
		    from_line_parse(line, sizeof(line), &date), len <= FROM_LINE_MAX ? len : 0);
	}
}
END_TEST

/* As RFC 4155 has it, whatever the zone is here. */
START_TEST(from_line_utc)
{
	static const unsigned char bare[] = "From a Thu Jul  2 00:00:00 1970\n",
	                           zoned[] = "From a Thu Jan  1 02:00:00 1970 +0200\n";
	struct from_date date;

	setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
	ck_assert_uint_ne(from_line_parse(bare, sizeof(bare) - 1, &date), 0);
	ck_assert_int_eq(from_date_time(&date), 182L * 86400);
	ck_assert_uint_ne(from_line_parse(zoned, sizeof(zoned) - 1, &date), 0);
	ck_assert_int_eq(from_date_time(&date), 0);
}
END_TEST

/* The C library's calendar, for every month's ends. */
START_TEST(from_line_calendar)
{
	static const int days[] = { 1, 28, 29, 30, 31 };

	for (int i = 0; i < (9999 - 1900 + 1) * 12 * COUNT(days); i++) {
		struct from_date date = { 1900 + i / COUNT(days) / 12, i / COUNT(days) % 12,
			days[i % COUNT(days)], i % 24, i % 60, i % 61, 0 };
		struct tm tm = { .tm_year = date.year - 1900,
			.tm_mon = date.month,
			.tm_mday = date.day,
			.tm_hour = date.hour,
			.tm_min = date.minute,
			.tm_sec = date.second };

		if (from_date_time(&date) != timegm(&tm)) /* an assertion a date takes seconds */
			ck_abort_msg("%d-%d-%d", date.year, date.month + 1, date.day);
	}
}
END_TEST

/* ---- splitting --------------------------------------------------------------------------------
 */

static int
note(void *arg, const struct scan_message *m)
{
	struct seen *s = arg;

	ck_assert_uint_lt(s->count, COUNT(s->messages));
	ck_assert_uint_eq(m->number, s->count + 1);
	ck_assert_ptr_null(m->name);
	s->messages[s->count].offset = m->offset;
	s->messages[s->count].size = m->size;
	s->messages[s->count].flags = m->flags;
	s->messages[s->count].received = m->received;
	s->messages[s->count].header_len = m->header_len;
	ck_assert_int_eq(buf_add(&s->headers, m->header, m->header_len), 0);
	s->count++;
	return s->count == s->stop ? 7 : 0;
}

static int
scan(struct err *err)
{
	struct mailbox mailbox = { .format = MAILBOX_MBOX, .path = path };

	seen.count = 0;
	buf_clear(&seen.headers);
	return mailbox_scan(&mailbox, SCAN_WANT_HEADER, note, &seen, err);
}

static void
must_scan(void)
{
	struct err err;

	ck_assert_msg(scan(&err) == 0, "%s", err.text);
}

static int
append(void *arg, const void *data, size_t len, struct err *err)
{
	(void)err;
	return buf_add(arg, data, len);
}

static void
assert_raw(size_t number, const void *expected, size_t len, const char *what)
{
	struct mailbox mailbox = { .format = MAILBOX_MBOX, .path = path };
	struct buf raw = BUF_INIT;
	struct err err;
	int rc = mailbox_raw(&mailbox, number, append, &raw, &err);

	ck_assert_msg(
	    rc == 1, "%s, message %zu: %d, %s", what, number, rc, rc == -1 ? err.text : "");
	ck_assert_msg(raw.len == len && (len == 0 || memcmp(raw.data, expected, len) == 0),
	    "%s, message %zu: %zu bytes \"%.*s\"", what, number, raw.len, (int)raw.len,
	    raw.len != 0 ? (const char *)raw.data : "");
	buf_free(&raw);
}

static const struct split {
	const char *what, *mbox;
	const char *raw[4]; /* NULL-ended */
	unsigned flags[3];
} splits[] = {
	{ "empty file", "", { NULL }, { 0 } },
	{ "empty lines", "\n\r\n\n", { NULL }, { 0 } },
	{ "one message", FROM "A: b\n\nbody\n\n", { "A: b\n\nbody\n" }, { SCAN_RECENT } },
	{ "two", FROM "A: b\n\nx\n\n" FROM "C: d\n\ny\n\n", { "A: b\n\nx\n", "C: d\n\ny\n" },
	    { SCAN_RECENT, SCAN_RECENT } },
	{ "no closing empty line", FROM "A: b\n\nx\n", { "A: b\n\nx\n" }, { SCAN_RECENT } },
	{ "no final newline", FROM "A: b\n\nx", { "A: b\n\nx" }, { SCAN_RECENT } },
	{ "header only", FROM "A: b\n\n" FROM "C: d\n", { "A: b\n", "C: d\n" },
	    { SCAN_RECENT, SCAN_RECENT } },
	{ "nothing but From_ lines", FROM "\n" FROM "\n" FROM, { "", "", "" },
	    { SCAN_RECENT, SCAN_RECENT, SCAN_RECENT } },
	{ "From_ line cut off at the end", FROM "\nx\n\nFrom a Thu Jan  1 00:00:00 1970",
	    { "\nx\n", "" }, { SCAN_RECENT, SCAN_RECENT } },
	{ "half a From_ line", FROM "\nx\n\nFrom a Thu Ja", { "\nx\n\nFrom a Thu Ja" },
	    { SCAN_RECENT } },
	{ "empty lines before the first", "\n\n" FROM "\nx\n\n", { "\nx\n" }, { SCAN_RECENT } },
	{ "junk before the first", "junk\n\n" FROM "\nx\n\n", { "\nx\n" }, { SCAN_RECENT } },
	{ "many empty lines", FROM "\nx\n\n\n\n" FROM "\ny\n\n\n", { "\nx\n\n\n", "\ny\n\n" },
	    { SCAN_RECENT, SCAN_RECENT } },
	{ "no empty line before", FROM "\nx\n" FROM "y\n\n", { "\nx\n" FROM "y\n" },
	    { SCAN_RECENT } },
	{ "sentence", FROM "\n\nFrom here on\n\n", { "\n\nFrom here on\n" }, { SCAN_RECENT } },
	{ "mboxrd", FROM "\n>From a\n>>From b\n>>>From\n> From c\n>FroM\n>From \n\n",
	    { "\nFrom a\n>From b\n>>>From\n> From c\n>FroM\nFrom \n" }, { SCAN_RECENT } },
	{ "quoting in the header", FROM ">From uucp\nA: b\n\n>>F\n\n",
	    { "From uucp\nA: b\n\n>>F\n" }, { SCAN_RECENT } },
	{ "quote at the end", FROM "\n>>From", { "\n>>From" }, { SCAN_RECENT } },
	{ "quotes at the end", FROM "\n>>>", { "\n>>>" }, { SCAN_RECENT } },
	{ "CR LF",
	    "From a Thu Jan  1 00:00:00 1970\r\nA: b\r\n\r\nx\r\n\r\nFrom a Thu Jan  1 00:00:00 "
	    "1970\r\n\r\ny\r\n\r\n",
	    { "A: b\r\n\r\nx\r\n", "\r\ny\r\n" }, { SCAN_RECENT, SCAN_RECENT } },
	{ "a line of CR alone", FROM "\nx\n\r\r\n" FROM "\n", { "\nx\n\r\r\n" FROM },
	    { SCAN_RECENT } },
	{ "flags", FROM "Status: RO\n\n" FROM "X-Status: AFDT\nstatus: O\n\n" FROM "STATUS:R\n\n",
	    { "Status: RO\n", "X-Status: AFDT\nstatus: O\n", "STATUS:R\n" },
	    { SCAN_SEEN, SCAN_ANSWERED | SCAN_FLAGGED | SCAN_DELETED | SCAN_DRAFT,
	        SCAN_SEEN | SCAN_RECENT } },
	{ "the first Status counts, and only in the header",
	    FROM "Status: O\nStatus: R\n\nStatus: R\n\n" FROM "\nStatus: RO\n\n",
	    { "Status: O\nStatus: R\n\nStatus: R\n", "\nStatus: RO\n" }, { 0, SCAN_RECENT } },
	{ "no Status", FROM "Statusx: R\nX-Statusx: A\n Status: R\n\n",
	    { "Statusx: R\nX-Statusx: A\n Status: R\n" }, { SCAN_RECENT } },
	/* Content-Length */
	{ "believed, before an empty line",
	    FROM "Content-Length: 53\n\nx\n\n" FROM ">From x\n\n" FROM,
	    { "Content-Length: 53\n\nx\n\n" FROM ">From x\n", "" }, { SCAN_RECENT, SCAN_RECENT } },
	{ "believed, without an empty line", FROM "content-length:\t45 \r\n\nx\n\n" FROM FROM "\n",
	    { "content-length:\t45 \r\n\nx\n\n" FROM, "" }, { SCAN_RECENT, SCAN_RECENT } },
	{ "believed, to the end", FROM "Content-Length: 45\n\nx\n\n" FROM,
	    { "Content-Length: 45\n\nx\n\n" FROM }, { SCAN_RECENT } },
	{ "believed, to the end but an empty line", FROM "Content-Length: 45\n\nx\n\n" FROM "\n",
	    { "Content-Length: 45\n\nx\n\n" FROM }, { SCAN_RECENT } },
	{ "believed, with CR LF", FROM "Content-Length: 46\n\nx\r\n\n" FROM "\r\n" FROM,
	    { "Content-Length: 46\n\nx\r\n\n" FROM, "" }, { SCAN_RECENT, SCAN_RECENT } },
	{ "believed, empty", FROM "Content-Length: 0\n\n" FROM "\nx\n",
	    { "Content-Length: 0\n\n", "\nx\n" }, { SCAN_RECENT, SCAN_RECENT } },
	{ "not believed: ends in a line", FROM "Content-Length: 1\n\nx" FROM,
	    { "Content-Length: 1\n\nx" FROM }, { SCAN_RECENT } },
	{ "not believed: too short", FROM "Content-Length: 2\n\nx\ny\n\n" FROM,
	    { "Content-Length: 2\n\nx\ny\n", "" }, { SCAN_RECENT, SCAN_RECENT } },
	{ "not believed: beyond the end", FROM "Content-Length: 1000\n\nx\n\n" FROM,
	    { "Content-Length: 1000\n\nx\n", "" }, { SCAN_RECENT, SCAN_RECENT } },
	{ "not believed: no number",
	    FROM "Content-Length: 45x\n\nx\n\n" FROM FROM "Content-Length:\n\n",
	    { "Content-Length: 45x\n\nx\n", FROM "Content-Length:\n" },
	    { SCAN_RECENT, SCAN_RECENT } },
	{ "not believed: beyond any number",
	    FROM "Content-Length: 18446744073709551619\n\nx\n\n" FROM,
	    { "Content-Length: 18446744073709551619\n\nx\n", "" }, { SCAN_RECENT, SCAN_RECENT } },
	{ "not believed: in the body", FROM "\nContent-Length: 45\n\nx\n\n" FROM,
	    { "\nContent-Length: 45\n\nx\n", "" }, { SCAN_RECENT, SCAN_RECENT } },
};

START_TEST(split)
{
	const struct split *c = &splits[_i];
	size_t n = 0;

	write_to(path, c->mbox, strlen(c->mbox));
	must_scan();
	for (; n < COUNT(c->raw) && c->raw[n] != NULL; n++)
		assert_raw(n + 1, c->raw[n], strlen(c->raw[n]), c->what);
	ck_assert_msg(seen.count == n, "%s: %zu messages", c->what, seen.count);
	for (size_t i = 0; i < n; i++)
		ck_assert_msg(seen.messages[i].flags == c->flags[i],
		    "%s: message %zu has flags %#x", c->what, i + 1, seen.messages[i].flags);
}
END_TEST

START_TEST(details)
{
	static const char text[] = "From a Thu Jan  1 00:01:40 1970\n"
	                           "Subject: one\r\n\tmore\n\nbody\n\n"
	                           "From b Thu Jan  1 00:03:20 1970\n\nbody\n\n";

	write_to(path, text, sizeof(text) - 1);
	must_scan();
	ck_assert_uint_eq(seen.count, 2);
	ck_assert_uint_eq(seen.messages[0].offset, 0);
	ck_assert_uint_eq(seen.messages[1].offset, 32 + 27);
	ck_assert_uint_eq(seen.messages[0].size, 27 - 1);
	ck_assert_uint_eq(seen.messages[1].size, 6);
	ck_assert_int_eq(seen.messages[0].received, 100);
	ck_assert_int_eq(seen.messages[1].received, 200);
	ck_assert_uint_eq(seen.messages[0].header_len, 20);
	ck_assert_uint_eq(seen.messages[1].header_len, 0);
	ck_assert_mem_eq(seen.headers.data, text + 32, 20);
}
END_TEST

START_TEST(callback_stops)
{
	struct err err;

	write_to(path, FROM "\n" FROM "\n" FROM, 3 * strlen(FROM) + 2);
	seen.stop = 2;
	ck_assert_int_eq(scan(&err), 7);
	ck_assert_uint_eq(seen.count, 2);
}
END_TEST

START_TEST(raw_of_none)
{
	struct mailbox mailbox = { .format = MAILBOX_MBOX, .path = path };
	struct buf raw = BUF_INIT;
	struct err err;

	ck_assert_int_eq(mailbox_raw(&mailbox, 1, append, &raw, &err), 0);
	write_to(path, FROM "\n", strlen(FROM) + 1);
	ck_assert_int_eq(mailbox_raw(&mailbox, 0, append, &raw, &err), 0);
	ck_assert_int_eq(mailbox_raw(&mailbox, 2, append, &raw, &err), 0);
	ck_assert_int_eq(mailbox_raw(&mailbox, 1, append, &raw, &err), 1);
	ck_assert_uint_eq(raw.len, 0);
}
END_TEST

/* ---- windows: every offset around a boundary ---------------------------------------------- */

static void
fill(struct buf *text, size_t len, const char *line)
{
	while (len > 0) {
		size_t n = strlen(line) < len ? strlen(line) : len;

		ck_assert_int_eq(buf_add(text, line, n), 0);
		len -= n;
	}
}

START_TEST(boundaries)
{
	struct buf text = BUF_INIT;
	size_t first = (size_t)(STEP - 60 + _i);

	/* The second From_ line begins at byte `first`, the third at twice that. */
	for (int m = 1; m <= 2; m++) {
		ck_assert_int_eq(buf_adds(&text, FROM "Status: R\n\n"), 0);
		fill(&text, (size_t)m * first - 2 - text.len, ">>>>>>>>>>>>>>>>>>>>>>>>>>>>>\n");
		text.data[text.len - 1] = 'x';
		ck_assert_int_eq(buf_adds(&text, "\n\n"), 0);
	}
	ck_assert_int_eq(buf_adds(&text, FROM "Status: R\n\n"), 0);
	write_to(path, text.data, text.len);
	must_scan();
	ck_assert_uint_eq(seen.count, 3);
	for (size_t i = 0; i < 3; i++) {
		ck_assert_uint_eq(seen.messages[i].offset, i * first);
		ck_assert_uint_eq(seen.messages[i].flags, SCAN_SEEN | SCAN_RECENT);
	}
	ck_assert_uint_eq(seen.messages[0].size, first - strlen(FROM) - 1);
	ck_assert_uint_eq(seen.messages[2].size, 10);
	buf_free(&text);
}
END_TEST

/* ---- header limits ----------------------------------------------------------------------------
 */

/* A header beyond the limit, in lines or in one: cut, and the next message is found. */
START_TEST(huge_header)
{
	static const char *const lines[] = { "A: b\n", "A: bbbbbbbbbbbbbb" };
	struct buf text = BUF_INIT;

	ck_assert_int_eq(buf_adds(&text, FROM), 0);
	fill(&text, 5 * SCAN_HEADER_MAX, lines[_i]);
	ck_assert_int_eq(
	    buf_adds(&text, "\nStatus: R\nContent-Length: 1\n\nbody\n\n" FROM "A: b\n\n"), 0);
	write_to(path, text.data, text.len);
	must_scan();
	ck_assert_uint_eq(seen.count, 2);
	ck_assert_uint_eq(seen.messages[0].header_len, SCAN_HEADER_MAX);
	ck_assert_mem_eq(seen.headers.data, text.data + strlen(FROM), SCAN_HEADER_MAX);
	ck_assert_uint_eq(seen.messages[1].header_len, 5);
	assert_raw(1, text.data + strlen(FROM), text.len - 2 * strlen(FROM) - 7, "huge header");
	buf_free(&text);
}
END_TEST

/* A header exactly as long as is looked at, one byte less, one more. */
START_TEST(header_at_limit)
{
	struct buf text = BUF_INIT;
	size_t len = (size_t)(SCAN_HEADER_MAX - 2 + _i);

	ck_assert_int_eq(buf_adds(&text, FROM), 0);
	fill(&text, len - 1, "A: bb\n");
	ck_assert_int_eq(buf_adds(&text, "\n\nx\n\n" FROM), 0);
	write_to(path, text.data, text.len);
	must_scan();
	ck_assert_uint_eq(seen.count, 2);
	ck_assert_uint_eq(
	    seen.messages[0].header_len, len < SCAN_HEADER_MAX ? len : SCAN_HEADER_MAX);
	ck_assert_uint_eq(seen.messages[0].size, len + 3);
	buf_free(&text);
}
END_TEST

/* ---- random mailboxes -------------------------------------------------------------------------
 */

static unsigned long state;

static unsigned
draw(unsigned below)
{
	state = state * 6364136223846793005UL + 1442695040888963407UL;
	return (unsigned)(state >> 33) % below;
}

static void
add_line(struct buf *text)
{
	static const char *const lines[] = { "\n", "\n", "\n", FROM, FROM, "From here\n", "\r\n",
		"Status: RO\n", "X-Status: F\n", ">From a\n", ">>From \n", "F\n", "From \n",
		"From - Fri Feb 13 23:31:30 2009\r\n", "x\n", "\r\r\n", "A: b\n", "FFFF\nFrom\n",
		"From aFrom b Thu Jan  1 00:00:00 1970\n" };
	unsigned which = draw(COUNT(lines) + 3);

	if (which < COUNT(lines)) {
		ck_assert_int_eq(buf_adds(text, lines[which]), 0);
		return;
	}
	for (unsigned len = draw(which == COUNT(lines) ? 3000 : 80); len > 0; len--)
		ck_assert_int_eq(buf_addc(text, (unsigned char)draw(256)), 0);
	if (draw(8) != 0)
		ck_assert_int_eq(buf_addc(text, '\n'), 0);
}

struct expected {
	size_t count;
	uint64_t offset[COUNT(seen.messages)], size[COUNT(seen.messages)];
};

static int
is_from(const unsigned char *line, size_t len)
{
	struct from_date date;

	return len > 5 && from_line_parse(line, len, &date) == len;
}

/* Line by line, the whole file in memory. */
static void
split_simply(const unsigned char *text, size_t len, struct expected *out)
{
	size_t empty = 1; /* bytes of the line before, if it was empty; the start counts as one */
	size_t body = 0;

	out->count = 0;
	for (size_t at = 0, n; at <= len; at += n) {
		const unsigned char *newline = at < len ? memchr(text + at, '\n', len - at) : NULL;
		int last = at == len;

		n = newline != NULL ? (size_t)(newline - text) + 1 - at : len - at;
		if (last || (empty != 0 && is_from(text + at, n))) {
			if (out->count > 0)
				out->size[out->count - 1] =
				    at - body - (at - body < empty ? 0 : empty);
			if (last)
				return;
			out->offset[out->count++] = at;
			body = at + n;
		}
		empty = n == 1 && text[at] == '\n'                           ? 1
		        : n == 2 && text[at] == '\r' && text[at + 1] == '\n' ? 2
		                                                             : 0;
	}
}

START_TEST(random_mailboxes)
{
	static struct expected expected;
	struct buf text = BUF_INIT;

	state = (unsigned long)_i + 1;
	if (draw(4) != 0)
		ck_assert_int_eq(buf_adds(&text, FROM), 0);
	while (text.len < (_i % 4 == 0 ? 900000U : 20000U))
		add_line(&text);
	write_to(path, text.data, text.len);
	split_simply(text.data, text.len, &expected);
	if (expected.count > 0)
		must_scan();
	else
		seen.count = 0; /* refused: not an mbox */
	ck_assert_uint_eq(seen.count, expected.count);
	for (size_t i = 0; i < seen.count; i++) {
		ck_assert_uint_eq(seen.messages[i].offset, expected.offset[i]);
		ck_assert_uint_eq(seen.messages[i].size, expected.size[i]);
	}
	buf_free(&text);
}
END_TEST

/* What is quoted comes out as it was, whatever it is and wherever the reads end. */
START_TEST(quoting_undone)
{
	struct buf plain = BUF_INIT, quoted = BUF_INIT;

	state = (unsigned long)_i + 1;
	ck_assert_int_eq(buf_adds(&plain, "A: b\n\n"), 0);
	while (plain.len < 400000) {
		fill(&plain, draw(4) == 0 ? draw(4000) : draw(3), ">");
		ck_assert_int_eq(buf_adds(&plain, &"From >from\n"[draw(6)]), 0);
		if (draw(3) == 0)
			ck_assert_int_eq(buf_addc(&plain, (unsigned char)draw(256)), 0);
	}
	ck_assert_int_eq(buf_adds(&plain, "\n"), 0);
	ck_assert_int_eq(buf_adds(&quoted, FROM), 0);
	for (size_t at = 0, n; at < plain.len; at += n) {
		const unsigned char *line = plain.data + at,
		                    *newline = memchr(line, '\n', plain.len - at);
		size_t quotes = 0;

		n = (size_t)(newline - line) + 1;
		while (line[quotes] == '>')
			quotes++;
		if (n - quotes >= 5 && memcmp(line + quotes, "From ", 5) == 0)
			ck_assert_int_eq(buf_addc(&quoted, '>'), 0);
		ck_assert_int_eq(buf_add(&quoted, line, n), 0);
	}
	ck_assert_int_eq(buf_adds(&quoted, "\n"), 0);
	write_to(path, quoted.data, quoted.len);
	assert_raw(1, plain.data, plain.len, "random quoting");
	buf_free(&plain);
	buf_free(&quoted);
}
END_TEST

/* ---- while others write -----------------------------------------------------------------------
 */

#define TWO FROM "A: b\n\nx\n\n" FROM "C: d\n\nhalf a mess"

static void
touch(const char *name, time_t when)
{
	struct timespec times[2] = { { .tv_sec = when }, { .tv_sec = when } };

	ck_assert_int_eq(utimensat(AT_FDCWD, name, times, 0), 0);
}

static struct mailbox_summary
summarise(void)
{
	struct mailbox mailbox = { .format = MAILBOX_MBOX, .path = path };
	struct mailbox_summary sum;
	struct err err;

	ck_assert_msg(mailbox_summarise(&mailbox, geteuid(), &sum, &err) == 0, "%s", err.text);
	return sum;
}

START_TEST(dotlock)
{
	char lock[80];

	snprintf(lock, sizeof(lock), "%s.lock", path);
	write_to(path, TWO, strlen(TWO));
	ck_assert_uint_eq(summarise().messages, 2); /* nobody writes: this is all there will be */
	write_to(lock, "1\n", 2);
	touch(path, 1000);
	touch(lock, 999);
	ck_assert_uint_eq(summarise().messages, 1);
	ck_assert_uint_eq(summarise().locks, SCAN_LOCK_DOT);
	ck_assert_int_eq(summarise().newest, 0);
	must_scan();
	ck_assert_uint_eq(seen.count, 1);
	touch(lock, 1000);
	ck_assert_uint_eq(summarise().messages, 1);
	touch(lock, 1001); /* nothing was written since */
	ck_assert_uint_eq(summarise().messages, 2);
	ck_assert_uint_eq(summarise().locks, SCAN_LOCK_DOT);
}
END_TEST

START_TEST(fcntl_lock)
{
	int ready[2];
	pid_t child;
	char byte;

	write_to(path, TWO, strlen(TWO));
	ck_assert_int_eq(pipe(ready), 0);
	child = fork();
	ck_assert_int_ne(child, -1);
	if (child == 0) {
		struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
		int fd = open(path, O_RDWR);

		if (fd == -1 || fcntl(fd, F_SETLK, &lock) == -1 || write(ready[1], "x", 1) != 1)
			_exit(1);
		pause();
		_exit(0);
	}
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	ck_assert_uint_eq(summarise().messages, 1);
	ck_assert_uint_eq(summarise().locks, SCAN_LOCK_FCNTL);
	kill(child, SIGKILL);
	ck_assert_int_eq(waitpid(child, NULL, 0), child);
	ck_assert_uint_eq(summarise().messages, 2);
	ck_assert_uint_eq(summarise().locks, 0);
}
END_TEST

static int
find_second(void *arg, const struct mbox_message *message)
{
	*(struct mbox_message *)arg = *message;
	return message->number == 2;
}

/* The message was expunged between finding and reading it. */
START_TEST(changed_meanwhile)
{
	static const char before[] = FROM "A: b\n\n1\n\n" FROM "A: b\n\n2\n\n",
	                  after[] = FROM "A: b\n\nbut it is longer now\n\n" FROM "\n";
	struct mbox_file file = { .path = path, .end = sizeof(before) - 1 };
	struct buf raw = BUF_INIT;
	struct mbox_message message;
	struct err err;

	write_to(path, before, sizeof(before) - 1);
	file.fd = open(path, O_RDONLY);
	ck_assert_int_eq(mbox_scan(&file, 0, find_second, &message, NULL, &err), 1);
	ck_assert_int_eq(mbox_raw(&file, &message, append, &raw, &err), 0);
	write_to(path, after, sizeof(after) - 1);
	ck_assert_int_eq(mbox_raw(&file, &message, append, &raw, &err), -1);
	ck_assert_int_eq(err.num, EAGAIN);
	write_to(path, before, sizeof(before) - 4);
	ck_assert_int_eq(mbox_raw(&file, &message, append, &raw, &err), -1);
	ck_assert_int_eq(err.num, EAGAIN);
	close(file.fd);
	buf_free(&raw);
}
END_TEST

/* The file is shorter than it was when it was opened. */
START_TEST(shrunk)
{
	struct mbox_file file = { .path = path, .end = 1000000 };
	struct mbox_message message = { 0 };
	struct err err;

	write_to(path, FROM "\n", strlen(FROM) + 1);
	file.fd = open(path, O_RDONLY);
	ck_assert_int_eq(mbox_scan(&file, 0, find_second, &message, NULL, &err), 0);
	ck_assert_uint_eq(message.number, 1);
	close(file.fd);
}
END_TEST

/* ---- what stands in the mailbox's place --------------------------------------------------- */

static void
make_nothing(void)
{
}

static void
make_symlink(void)
{
	char target[80];

	snprintf(target, sizeof(target), "%s.2", path);
	write_to(target, FROM, strlen(FROM));
	ck_assert_int_eq(symlink(target, path), 0);
}

static void
make_directory(void)
{
	ck_assert_int_eq(mkdir(path, 0700), 0);
}

static void
make_fifo(void)
{
	ck_assert_int_eq(mkfifo(path, 0600), 0);
}

static void
make_socket(void)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	strcpy(name.sun_path, path);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&name, sizeof(name)), 0);
	close(fd);
}

static void
make_text(void)
{
	write_to(path, "Hello\n\nthere\n", 14);
}

static void
make_hard_link(void)
{
	char other[80];

	write_to(path, FROM, strlen(FROM));
	snprintf(other, sizeof(other), "%s.2", path);
	ck_assert_int_eq(link(path, other), 0);
}

static void
make_unreadable(void)
{
	write_to(path, FROM, strlen(FROM));
	ck_assert_int_eq(chmod(path, 0), 0);
}

static const struct place {
	void (*make)(void);
	enum mailbox_health health;
	int errnum; /* of a scan; 0: it works */
} places[] = {
	{ make_nothing, MAILBOX_MISSING, 0 },
	{ make_symlink, MAILBOX_SYMLINK, EINVAL },
	{ make_directory, MAILBOX_WRONG_TYPE, EINVAL },
	{ make_fifo, MAILBOX_WRONG_TYPE, EINVAL },
	{ make_socket, MAILBOX_WRONG_TYPE, EINVAL },
	{ make_text, MAILBOX_OTHER_FORMAT, EINVAL },
	{ make_hard_link, MAILBOX_HARD_LINKED, 0 },
	{ make_unreadable, MAILBOX_UNREADABLE, EACCES },
};

START_TEST(place)
{
	const struct place *p = &places[_i];
	struct mailbox mailbox = { .format = MAILBOX_MBOX, .path = path };
	struct buf raw = BUF_INIT;
	struct err err;

	/* Root reads it all the same. */
	if (p->make == make_unreadable && geteuid() == 0)
		return;
	p->make();
	ck_assert_str_eq(mailbox_health_text(summarise().health), mailbox_health_text(p->health));
	ck_assert_int_eq(scan(&err), p->errnum == 0 ? 0 : -1);
	if (p->errnum != 0) {
		ck_assert_int_eq(err.num, p->errnum);
		ck_assert_ptr_nonnull(strstr(err.text, path));
	}
	if (p->make != make_text && p->errnum != 0)
		ck_assert_int_eq(mailbox_raw(&mailbox, 1, append, &raw, &err), -1);
	buf_free(&raw);
}
END_TEST

START_TEST(foreign)
{
	struct mailbox mailbox = { .format = MAILBOX_MBOX, .path = path };
	struct mailbox_summary sum;
	struct err err;

	write_to(path, FROM "\n", strlen(FROM) + 1);
	ck_assert_int_eq(mailbox_summarise(&mailbox, geteuid() + 1, &sum, &err), 0);
	ck_assert_str_eq(mailbox_health_text(sum.health), mailbox_health_text(MAILBOX_FOREIGN));
	ck_assert_uint_eq(sum.messages, 1);
}
END_TEST

START_TEST(summary)
{
	static const char text[] = "From a Thu Jan  1 00:03:20 1970\nStatus: RO\n\n"
	                           "From b Sun Feb 29 12:34:56 2004 +0000\nStatus: O\n\n"
	                           "From c Thu Jan  1 00:05:00 1970\n\n";
	struct mailbox_summary sum;

	write_to(path, text, sizeof(text) - 1);
	sum = summarise();
	ck_assert_int_eq(sum.health, MAILBOX_SOUND);
	ck_assert_uint_eq(sum.messages, 3);
	ck_assert_uint_eq(sum.unread, 2);
	ck_assert_uint_eq(sum.bytes, sizeof(text) - 1);
	ck_assert_int_eq(sum.newest, 1078058096);
	write_to(path, "", 0);
	sum = summarise();
	ck_assert_int_eq(sum.health, MAILBOX_SOUND);
	ck_assert_uint_eq(sum.messages, 0);
	ck_assert_int_eq(sum.newest, -1);
}
END_TEST

/* With relatime a read marks a file whose access time is not newer than its modification. */
START_TEST(access_time_stays)
{
	struct stat before, after;

	write_to(path, FROM "\n", strlen(FROM) + 1);
	touch(path, 1000);
	ck_assert_int_eq(stat(path, &before), 0);
	must_scan();
	(void)summarise();
	ck_assert_int_eq(stat(path, &after), 0);
	ck_assert_mem_eq(&before, &after, sizeof(before));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("mbox_scan");
	TCase *tc = tcase_create("mbox_scan");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, from_line, 0, COUNT(from_cases));
	tcase_add_test(tc, from_line_length);
	tcase_add_test(tc, from_line_utc);
	tcase_add_test(tc, from_line_calendar);
	tcase_add_loop_test(tc, split, 0, COUNT(splits));
	tcase_add_test(tc, details);
	tcase_add_test(tc, callback_stops);
	tcase_add_test(tc, raw_of_none);
	tcase_add_loop_test(tc, boundaries, 0, 64);
	tcase_add_loop_test(tc, huge_header, 0, 2);
	tcase_add_loop_test(tc, header_at_limit, 0, 4);
	tcase_add_loop_test(tc, random_mailboxes, 0, 40);
	tcase_add_loop_test(tc, quoting_undone, 0, 4);
	tcase_add_test(tc, dotlock);
	tcase_add_test(tc, fcntl_lock);
	tcase_add_test(tc, changed_meanwhile);
	tcase_add_test(tc, shrunk);
	tcase_add_loop_test(tc, place, 0, COUNT(places));
	tcase_add_test(tc, foreign);
	tcase_add_test(tc, summary);
	tcase_add_test(tc, access_time_stays);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
