/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * message: what is read is what was sent, whatever the pieces; what is written is one message to
 * every reader, and gives back the body byte for byte. The writer is compared with a plain model of
 * it that holds everything in memory.
 */
#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../src/message/view.h"
#include "io.h"
#include "suite.h"

static struct err err;

static const char *const to_joe[] = { "joe+x@one.example" };
static const struct message_envelope envelope = {
	.sender = "ann@two.example", .recipients = to_joe, .nrecipients = 1, .date = 0
};
#define FROM "From ann@two.example Thu Jan  1 00:00:00 1970\n"
#define OURS "Return-Path: <ann@two.example>\nDelivered-To: joe+x@one.example\n"

static struct message *
spool_limited(const void *data, size_t len, size_t in_memory, size_t window)
{
	struct message *message;
	int fd = memfd_create("message", MFD_CLOEXEC);

	ck_assert_int_ne(fd, -1);
	ck_assert_int_eq(io_write_all(fd, data, len), 0);
	ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0);
	ck_assert_msg(message_read_limited(&message, fd, "/tmp", in_memory, window, &err) == 0,
	    "%s", err.text);
	close(fd);
	ck_assert_uint_eq(message_size(message), len);
	return message;
}

static struct message *
spool(const char *text)
{
	return spool_limited(text, strlen(text), MESSAGE_IN_MEMORY, VIEW_WINDOW);
}

static int
collect(void *arg, const void *data, size_t len, struct err *e)
{
	(void)e;
	return buf_add(arg, data, len);
}

static void
write_to(struct buf *out, const struct message *message, enum message_format format)
{
	buf_clear(out);
	ck_assert_msg(
	    message_write(message, format, &envelope, collect, out, &err) == 0, "%s", err.text);
}

/* ---- the model ----------------------------------------------------------------------- */

static bool
model_is_dropped(const unsigned char *line, size_t len, enum message_format format)
{
	static const char *const names[] = { "return-path", "content-length", "status", "x-status",
		"x-keywords", "x-uid", "x-imap", "x-imapbase" };

	for (size_t i = 0; i < (format == MESSAGE_MBOX ? 8 : 1); i++) {
		size_t n = strlen(names[i]);

		if (len <= n || strncasecmp((const char *)line, names[i], n) != 0)
			continue;
		while (n < len && (line[n] == ' ' || line[n] == '\t'))
			n++;
		if (n < len && line[n] == ':')
			return true;
	}
	return false;
}

static size_t
model_line(const unsigned char *p, size_t len)
{
	const unsigned char *newline = memchr(p, '\n', len);

	return newline == NULL ? len : (size_t)(newline - p) + 1;
}

static bool
model_is_empty(const unsigned char *p, size_t len)
{
	return (len == 1 && p[0] == '\n') || (len == 2 && memcmp(p, "\r\n", 2) == 0);
}

static bool
model_is_header(const unsigned char *p, size_t len)
{
	size_t n = 0;

	while (n < len && p[n] > ' ' && p[n] < 127 && p[n] != ':')
		n++;
	if (n == 0)
		return false;
	while (n < len && (p[n] == ' ' || p[n] == '\t'))
		n++;
	return n < len && p[n] == ':';
}

/* What should stand behind our own lines: headers, an empty line, body; not quoted. */
static void
model(struct buf *out, const unsigned char *p, size_t len, enum message_format format)
{
	bool dropping = false;
	size_t n;

	buf_clear(out);
	if (len >= 5 && memcmp(p, "From ", 5) == 0) {
		n = model_line(p, len);
		p += n, len -= n;
	}
	if (!model_is_header(p, len) && !model_is_empty(p, model_line(p, len)))
		buf_adds(out, "\n");
	else
		for (; len > 0 && !model_is_empty(p, n = model_line(p, len)); p += n, len -= n) {
			if (p[0] != ' ' && p[0] != '\t')
				dropping = model_is_dropped(p, n, format);
			if (!dropping)
				buf_add(out, p, n);
		}
	buf_add(out, p, len);
}

/* A reader of mboxrd: one From_ line and no other, an empty line at the end, quotes taken off. */
static void
unquote(struct buf *out, const struct buf *mbox)
{
	const unsigned char *p = mbox->data;
	size_t len = mbox->len, n;

	buf_clear(out);
	ck_assert_uint_gt(len, 5);
	ck_assert_int_eq(memcmp(p, "From ", 5), 0);
	ck_assert_int_eq(memcmp(p + len - 2, "\n\n", 2), 0);
	n = model_line(p, len);
	for (p += n, len -= n + 1; len > 0; p += n, len -= n) {
		size_t quotes = 0;

		n = model_line(p, len);
		while (quotes < n && p[quotes] == '>')
			quotes++;
		if (n - quotes >= 5 && memcmp(p + quotes, "From ", 5) == 0) {
			ck_assert_uint_gt(quotes, 0);
			buf_add(out, p + 1, n - 1);
		} else {
			buf_add(out, p, n);
		}
	}
}

static void
ck_same(const struct buf *got, size_t skip, const struct buf *want, const char *what)
{
	ck_assert_msg(
	    got->len - skip == want->len &&
	        memcmp(got->data + skip, want->data ? want->data : (void *)"", want->len) == 0,
	    "%s: got\n%.*s\nwanted\n%.*s", what, (int)(got->len - skip), got->data + skip,
	    (int)want->len, want->data);
}

static void
ck_like_model(const void *data, size_t len, const struct message *message)
{
	struct buf got = BUF_INIT, want = BUF_INIT, plain = BUF_INIT;

	write_to(&got, message, MESSAGE_MAILDIR);
	model(&want, data, len, MESSAGE_MAILDIR);
	ck_assert_int_eq(memcmp(got.data, OURS, strlen(OURS)), 0);
	ck_same(&got, strlen(OURS), &want, "Maildir");

	write_to(&got, message, MESSAGE_MBOX);
	model(&want, data, len, MESSAGE_MBOX);
	ck_assert_int_eq(memcmp(got.data, FROM OURS, strlen(FROM OURS)), 0);
	unquote(&plain, &got);
	if (want.len > 0 && want.data[want.len - 1] != '\n')
		buf_addc(&want, '\n');
	ck_same(&plain, strlen(OURS), &want, "mbox");
	buf_free(&got);
	buf_free(&want);
	buf_free(&plain);
}

/* ---- writing --------------------------------------------------------------------------- */

static const struct {
	const char *in, *maildir, *mbox; /* behind our lines */
} cases[] = {
	{ "Subject: x\n\nbody\n", "Subject: x\n\nbody\n", "Subject: x\n\nbody\n\n" },
	{ "Subject: x\n\nno end", "Subject: x\n\nno end", "Subject: x\n\nno end\n\n" },
	{ "", "\n", "\n\n" },
	{ "\n", "\n", "\n\n" },
	{ "\nbody\n", "\nbody\n", "\nbody\n\n" },
	{ "no header here\n", "\nno header here\n", "\nno header here\n\n" },
	{ "From x\nno header\n", "\nno header\n", "\nno header\n\n" },
	{ "From x y z\nSubject: x\n\nb\n", "Subject: x\n\nb\n", "Subject: x\n\nb\n\n" },
	{ "From x", "\n", "\n\n" },
	{ "Subject: x", "Subject: x", "Subject: x\n\n" },
	{ "Subject: x\n", "Subject: x\n", "Subject: x\n\n" },
	{ "Subject: x\r\n\r\nb\r\n", "Subject: x\r\n\r\nb\r\n", "Subject: x\r\n\r\nb\r\n\n" },
	{ "A: 1\nReturn-Path: <x>\n y\n\tz\nB: 2\n\nReturn-Path: kept\n",
	    "A: 1\nB: 2\n\nReturn-Path: kept\n", "A: 1\nB: 2\n\nReturn-Path: kept\n\n" },
	{ "return-path : <x>\nRETURN-PATH\t:<x>\nReturn-Pathology: k\n\n",
	    "Return-Pathology: k\n\n", "Return-Pathology: k\n\n\n" },
	{ "Content-Length: 5\nstatus: RO\nX-Status: A\nX-Keywords: k\nX-UID: 7\n"
	  "X-IMAP: 1\nX-IMAPbase: 1 2\nStatus-x: 1\n\nStatus: b\n",
	    "Content-Length: 5\nstatus: RO\nX-Status: A\nX-Keywords: k\nX-UID: 7\n"
	    "X-IMAP: 1\nX-IMAPbase: 1 2\nStatus-x: 1\n\nStatus: b\n",
	    "Status-x: 1\n\nStatus: b\n\n" },
	{ "A: 1\n\nFrom here\n>From there\n>>From\n>> From x\nfrom low\nFromage\n",
	    "A: 1\n\nFrom here\n>From there\n>>From\n>> From x\nfrom low\nFromage\n",
	    "A: 1\n\n>From here\n>>From there\n>>From\n>> From x\nfrom low\nFromage\n\n" },
	{ "A: 1\nFrom in the header\n>From too\nB: 2\n\nb\n",
	    "A: 1\nFrom in the header\n>From too\nB: 2\n\nb\n",
	    "A: 1\n>From in the header\n>>From too\nB: 2\n\nb\n\n" },
	{ "A: 1\n\nb\n\n\n", "A: 1\n\nb\n\n\n", "A: 1\n\nb\n\n\n\n" },
	{ "A: 1\n\nb\rFrom x\n", "A: 1\n\nb\rFrom x\n", "A: 1\n\nb\rFrom x\n\n" },
	{ "Delivered-To: other@x\nA: 1\n\n", "Delivered-To: other@x\nA: 1\n\n",
	    "Delivered-To: other@x\nA: 1\n\n\n" },
	{ "A: 1\n\nF", "A: 1\n\nF", "A: 1\n\nF\n\n" },
	{ "A: 1\n\nFrom", "A: 1\n\nFrom", "A: 1\n\nFrom\n\n" },
	{ "A: 1\n\nFrom ", "A: 1\n\nFrom ", "A: 1\n\n>From \n\n" },
	{ "A: 1\n\n>>>", "A: 1\n\n>>>", "A: 1\n\n>>>\n\n" },
};

START_TEST(written_as_the_table_says)
{
	struct message *message = spool(cases[_i].in);
	struct buf got = BUF_INIT, want = BUF_INIT;

	buf_addf(&want, OURS "%s", cases[_i].maildir);
	write_to(&got, message, MESSAGE_MAILDIR);
	ck_same(&got, 0, &want, "Maildir");
	buf_clear(&want);
	buf_addf(&want, FROM OURS "%s", cases[_i].mbox);
	write_to(&got, message, MESSAGE_MBOX);
	ck_same(&got, 0, &want, "mbox");
	ck_like_model(cases[_i].in, strlen(cases[_i].in), message);
	message_free(message);
	buf_free(&got);
	buf_free(&want);
}
END_TEST

START_TEST(window_edges_change_nothing)
{
	const char *in = cases[_i].in;

	for (size_t window = VIEW_WINDOW_MIN; window < strlen(in) + 2; window++) {
		struct message *message = spool_limited(in, strlen(in), 0, window);

		ck_like_model(in, strlen(in), message);
		message_free(message);
	}
}
END_TEST

/* A message larger than memory is allowed to hold: "From " and friends over every edge of the
 * file's window and of the writer's batch. */
START_TEST(large_messages_are_exact)
{
	static const char edge[] = "\nFrom x\n>From y\n>>From z\nStatus: q\n";
	size_t len = MESSAGE_IN_MEMORY + 5 * VIEW_WINDOW;
	char *data = malloc(len + 1);
	struct message *message;

	ck_assert_ptr_nonnull(data);
	for (size_t shift = 0; shift < sizeof(edge) + 8; shift += 3) {
		memset(data, 'x', len);
		for (size_t i = 79; i < len; i += 80)
			data[i] = '\n';
		memcpy(data, "Subject: large\nStatus: R\n\n", 26);
		for (size_t at = VIEW_WINDOW; at + 100 < len; at += VIEW_WINDOW)
			memcpy(data + at - shift, edge, sizeof(edge) - 1);
		message = spool_limited(data, len, MESSAGE_IN_MEMORY, VIEW_WINDOW);
		ck_like_model(data, len, message);
		message_free(message);
	}
	free(data);
}
END_TEST

/* Random text over an alphabet in which every rule is likely to be met. */
START_TEST(random_messages_like_the_model)
{
	static const char *const words[] = { "From ", "From", ">", "\n", "\n\n", "\r\n", ":", " ",
		"\t", "Status", "return-PATH", "x", "X-IMAP", "\r", "Subject: ", "\x80", "F" };
	struct buf in = BUF_INIT;

	srandom(1);
	for (int round = 0; round < 3000; round++) {
		struct message *message;
		size_t window = VIEW_WINDOW_MIN + (size_t)random() % 16;

		buf_clear(&in);
		buf_addc(&in, (unsigned char)"SF\nx"[random() % 4]);
		for (long n = random() % 30; n > 0; n--)
			buf_adds(&in, words[(size_t)random() % (sizeof(words) / sizeof(words[0]))]);
		if (random() % 8 == 0)
			buf_addc(&in, '\0');
		message =
		    spool_limited(in.data, in.len, random() % 2 ? 0 : MESSAGE_IN_MEMORY, window);
		ck_like_model(in.data, in.len, message);
		message_free(message);
	}
	buf_free(&in);
}
END_TEST

START_TEST(nul_and_all_bytes_are_kept)
{
	unsigned char in[8 + 512] = "A: 1\n\n";
	struct message *message;

	for (size_t i = 0; i < 512; i++)
		in[6 + i] = (unsigned char)i;
	message = spool_limited(in, 6 + 512, MESSAGE_IN_MEMORY, VIEW_WINDOW);
	ck_like_model(in, 6 + 512, message);
	message_free(message);
}
END_TEST

START_TEST(endless_names_and_blanks_need_no_memory)
{
	struct buf in = BUF_INIT;
	struct message *message;

	buf_adds(&in, "A: 1\nStatus");
	for (int i = 0; i < 100000; i++)
		buf_addc(&in, i % 2 ? ' ' : '\t');
	buf_adds(&in, ": RO\nLong");
	for (int i = 0; i < 100000; i++)
		buf_addc(&in, 'g');
	buf_adds(&in, ": kept\n\n");
	for (int i = 0; i < 200000; i++)
		buf_addc(&in, '>');
	buf_adds(&in, "From x\n");
	for (int round = 0; round < 2; round++) {
		message = spool_limited(in.data, in.len, round ? 0 : MESSAGE_IN_MEMORY, 4096);
		ck_like_model(in.data, in.len, message);
		message_free(message);
	}
	buf_free(&in);
}
END_TEST

START_TEST(envelope_cannot_add_lines)
{
	static const char *const evil[] = { "a\nStatus: R\r\n@b", "second@x" };
	struct message_envelope e = { .sender = "x\ny\r@z", .recipients = evil, .nrecipients = 2 };
	struct message *message = spool("A: 1\n\n");
	struct buf got = BUF_INIT;

	ck_assert_int_eq(message_write(message, MESSAGE_MBOX, &e, collect, &got, &err), 0);
	ck_assert_str_eq(buf_cstr(&got), "From x-y-@z Thu Jan  1 00:00:00 1970\n"
	                                 "Return-Path: <x?y?@z>\nDelivered-To: a?Status: R??@b\n"
	                                 "Delivered-To: second@x\nA: 1\n\n\n");
	e = (struct message_envelope){ .sender = "" };
	buf_clear(&got);
	ck_assert_int_eq(message_write(message, MESSAGE_MBOX, &e, collect, &got, &err), 0);
	ck_assert_str_eq(buf_cstr(&got),
	    "From MAILER-DAEMON Thu Jan  1 00:00:00 1970\nReturn-Path: <>\nA: 1\n\n\n");
	buf_free(&got);
	message_free(message);
}
END_TEST

struct pieces {
	int calls, fail_at;
};

static int
count_calls(void *arg, const void *data, size_t len, struct err *e)
{
	struct pieces *pieces = arg;

	(void)data;
	ck_assert_uint_gt(len, 0);
	return pieces->calls++ == pieces->fail_at ? err_set(e, ENOSPC, "sink") : 0;
}

START_TEST(small_messages_come_in_one_piece)
{
	char body[40000];
	struct message *message;
	struct pieces pieces = { 0, -1 };

	memset(body, 'x', sizeof(body));
	for (size_t i = 60; i < sizeof(body); i += 61)
		body[i] = '\n';
	message = spool_limited(body, sizeof(body), MESSAGE_IN_MEMORY, VIEW_WINDOW);
	ck_assert_int_eq(
	    message_write(message, MESSAGE_MBOX, &envelope, count_calls, &pieces, &err), 0);
	ck_assert_int_eq(pieces.calls, 1);
	message_free(message);
}
END_TEST

START_TEST(a_failing_sink_ends_it)
{
	size_t len = 500000;
	char *body = malloc(len);
	struct message *message;
	int calls = 0;

	memset(body, 'x', len);
	for (size_t i = 60; i < len; i += 61)
		body[i] = '\n';
	message = spool_limited(body, len, 0, VIEW_WINDOW);
	for (int format = MESSAGE_MAILDIR; format <= MESSAGE_MBOX; format++) {
		for (int fail_at = 0;; fail_at++) {
			struct pieces pieces = { 0, fail_at };

			if (message_write(message, (enum message_format)format, &envelope,
			        count_calls, &pieces, &err) == 0)
				break;
			ck_assert_int_eq(err.num, ENOSPC);
			ck_assert_int_eq(pieces.calls, fail_at + 1);
			calls++;
		}
	}
	ck_assert_int_gt(calls, 10);
	message_free(message);
	free(body);
}
END_TEST

/* ---- reading --------------------------------------------------------------------------- */

/* Sequenced packets: each is a read of its own, as a slow pipe would give them. */
START_TEST(every_split_gives_the_same)
{
	static const char in[] = "From x\nSubject: a\nReturn-Path: <b>\n\nFrom c\n>From d\ne";
	size_t len = sizeof(in) - 1;

	for (size_t cut = 1; cut < len; cut++) {
		struct message *message;
		int fds[2];

		ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds), 0);
		ck_assert_int_eq(write(fds[1], in, cut), (ssize_t)cut);
		ck_assert_int_eq(write(fds[1], in + cut, len - cut), (ssize_t)(len - cut));
		close(fds[1]);
		ck_assert_int_eq(message_read_limited(&message, fds[0], "/tmp",
		                     cut % 2 ? MESSAGE_IN_MEMORY : cut / 2, 16, &err),
		    0);
		close(fds[0]);
		ck_like_model(in, len, message);
		message_free(message);
	}
}
END_TEST

START_TEST(a_read_error_is_no_end)
{
	struct message *message = (void *)1;
	int fd = open("/", O_RDONLY | O_DIRECTORY);

	ck_assert_int_eq(message_read(&message, fd, "/tmp", &err), -1);
	ck_assert_int_eq(err.num, EISDIR);
	ck_assert_ptr_null(message);
	close(fd);
}
END_TEST

/* The peer dies in mid-message: bytes first, then ECONNRESET. */
START_TEST(a_read_error_after_some_bytes_is_no_end)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	struct linger abort = { .l_onoff = 1 };
	socklen_t len = sizeof(address);
	struct message *message;
	int listener = socket(AF_INET, SOCK_STREAM, 0), out = socket(AF_INET, SOCK_STREAM, 0), in;

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, len), 0);
	ck_assert_int_eq(listen(listener, 1), 0);
	ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&address, &len), 0);
	ck_assert_int_eq(connect(out, (struct sockaddr *)&address, len), 0);
	in = accept(listener, NULL, NULL);
	ck_assert_int_eq(write(out, "Subject: x\n\nbo", 14), 14);
	ck_assert_int_eq(setsockopt(out, SOL_SOCKET, SO_LINGER, &abort, sizeof(abort)), 0);
	close(out);
	ck_assert_int_eq(message_read(&message, in, "/tmp", &err), -1);
	ck_assert_int_eq(err.num, ECONNRESET);
	close(in);
	close(listener);
}
END_TEST

START_TEST(no_spool_directory_is_an_error)
{
	struct message *message;
	int fd = memfd_create("message", 0);

	ck_assert_int_eq(io_write_all(fd, "0123456789", 10), 0);
	lseek(fd, 0, SEEK_SET);
	ck_assert_int_eq(message_read_limited(&message, fd, "/nonexistent/x", 5, 16, &err), -1);
	ck_assert_int_eq(err.num, ENOENT);
	close(fd);
}
END_TEST

/* ---- one header ------------------------------------------------------------------------ */

static const struct {
	const char *in, *name;
	int found;
	const char *value;
} headers[] = {
	{ "Subject: x\n\n", "subject", 1, "x" },
	{ "Subject: x\n\nTo: y\n", "to", 0, "" },
	{ "A: 1\nMessage-Id:\n <a@b>\nA: 2\n\n", "message-id", 1, "<a@b>" },
	{ "A: 1\r\nB: x\r\n\ty\r\nA: 2\r\n\r\n", "B", 1, "x\ty" },
	{ "A: 1\nA: 2\n\n", "A", 1, "1" },
	{ "From x\nA  : 1 \t \n\n", "A", 1, "1" },
	{ "A:\n\n", "A", 1, "" },
	{ "A: 1", "A", 1, "1" },
	{ "AA: 1\n\n", "A", 0, "" },
	{ "", "A", 0, "" },
	{ "no header\nA: 1\n\n", "A", 1, "1" },
	{ "X: a\n A: 1\n\n", "A", 0, "" },
};

/* By position, wherever the descriptor stands, in memory or not; the descriptor stays open. */
START_TEST(a_file_is_opened_as_a_message)
{
	static const size_t sizes[] = { 0, 1, 5000, MESSAGE_IN_MEMORY, MESSAGE_IN_MEMORY + 1,
		3 * MESSAGE_IN_MEMORY };
	size_t size = sizes[_i];
	unsigned char *data = malloc(size + 1);
	struct message *first, *second;
	int fd = memfd_create("message", MFD_CLOEXEC);

	ck_assert_ptr_nonnull(data);
	for (size_t i = 0; i < size; i++)
		data[i] = (unsigned char)("Subject: x\n\nFrom here\n\0\r"[i % 25]);
	ck_assert_int_eq(io_write_all(fd, data, size), 0);
	ck_assert_msg(message_open(&first, fd, &err) == 0, "%s", err.text);
	ck_assert_msg(message_open(&second, fd, &err) == 0, "%s", err.text);
	ck_assert_uint_eq(message_size(first), size);
	ck_like_model(data, size, first);
	message_free(first);
	ck_like_model(data, size, second);
	message_free(second);
	ck_assert_int_eq(lseek(fd, 0, SEEK_CUR), (off_t)size);
	close(fd);
	free(data);
}
END_TEST

START_TEST(only_a_file_is_opened)
{
	struct message *message;
	int ends[2];

	ck_assert_int_eq(pipe(ends), 0);
	ck_assert_int_eq(message_open(&message, ends[0], &err), -1);
	ck_assert_int_eq(err.num, EINVAL);
	ck_assert_int_eq(message_open(&message, -1, &err), -1);
	ck_assert_int_eq(err.num, EBADF);
	close(ends[0]);
	close(ends[1]);
}
END_TEST

START_TEST(headers_are_found)
{
	struct buf value = BUF_INIT;

	for (size_t window = VIEW_WINDOW_MIN; window < 30; window++) {
		struct message *message = spool_limited(
		    headers[_i].in, strlen(headers[_i].in), window % 2 ? 0 : 1000, window);

		buf_clear(&value);
		buf_adds(&value, "kept ");
		ck_assert_int_eq(
		    message_header(message, headers[_i].name, &value), headers[_i].found);
		ck_assert_int_eq(strncmp(buf_cstr(&value), "kept ", 5), 0);
		ck_assert_str_eq(buf_cstr(&value) + 5, headers[_i].value);
		message_free(message);
	}
	buf_free(&value);
}
END_TEST

START_TEST(headers_behind_the_limit_are_not_looked_for)
{
	struct buf in = BUF_INIT, value = BUF_INIT;
	struct message *message;

	buf_adds(&in, "Folded: x\n");
	while (in.len < 300 * 1024)
		buf_adds(&in, " and on\n");
	buf_adds(&in, "Late: y\n\n");
	message = spool_limited(in.data, in.len, MESSAGE_IN_MEMORY, VIEW_WINDOW);
	ck_assert_int_eq(message_header(message, "Late", &value), 0);
	ck_assert_int_eq(message_header(message, "Folded", &value), 1);
	ck_assert_uint_le(value.len, 256 * 1024);
	message_free(message);
	buf_free(&in);
	buf_free(&value);
}
END_TEST

/* ---- the From_ line -------------------------------------------------------------------- */

static int
note(void *arg, const char *value, size_t len)
{
	struct buf *all = arg;

	ck_assert_int_eq(buf_addf(all, "[%s/%zu]", value, len), 0);
	return strcmp(value, "stop") == 0 ? 7 : 0;
}

START_TEST(every_header_of_a_name_is_shown)
{
	static const struct {
		const char *text, *seen;
		size_t max;
		int result;
	} shown[] = {
		{ "To: a\nX: b\nto:c\n\nTo: body\n", "[a/1][c/1]", 100, 0 },
		{ "From x\nTo: a\n b\n\tc\n\n", "[a b\tc/5]", 100, 0 },
		{ "no field\nTo : a\r\n\r\nTo: body\n", "[a/1]", 100, 0 },
		{ "To: 1\nTo: stop\nTo: 3\n", "[1/1][stop/4]", 100, 7 },
		{ "To: 12345\nTo:\n", "[123/3][/0]", 4, 0 },
		{ "To: 1\n 2\nTo: 3\n", "[/0][/0]", 0, 0 },
		{ "\nTo: body\n", "", 100, 0 },
		{ "", "", 100, 0 },
	};
	const char *text = shown[_i].text;

	for (size_t in_memory = 0; in_memory <= 1000; in_memory += 1000) {
		struct message *message =
		    spool_limited(text, strlen(text), in_memory, VIEW_WINDOW_MIN);
		struct buf all = BUF_INIT;

		ck_assert_int_eq(message_each_header(message, "To", shown[_i].max, note, &all),
		    shown[_i].result);
		ck_assert_str_eq(buf_cstr(&all), shown[_i].seen);
		buf_free(&all);
		message_free(message);
	}
}
END_TEST

/* message_header looks no further than its limit; who asks for loops must. */
START_TEST(every_header_is_shown_however_far_behind)
{
	struct buf text = BUF_INIT, all = BUF_INIT;
	struct message *message;

	while (text.len < 1024 * 1024)
		ck_assert_int_eq(buf_adds(&text, "Received: from here\n"), 0);
	ck_assert_int_eq(buf_adds(&text, "To: a\n\n"), 0);
	message = spool_limited(text.data, text.len, MESSAGE_IN_MEMORY, VIEW_WINDOW);
	ck_assert_int_eq(message_header(message, "To", &all), 0);
	ck_assert_int_eq(message_each_header(message, "To", 100, note, &all), 0);
	ck_assert_str_eq(buf_cstr(&all), "[a/1]");
	message_free(message);
	buf_free(&text);
	buf_free(&all);
}
END_TEST

START_TEST(forwarded_as_the_table_says)
{
	static const struct {
		const char *in, *out;
	} forwarded[] = {
		{ "Subject: x\n\nFrom me\n",
		    "Delivered-To: joe+x@one.example\nSubject: x\n\nFrom me\n" },
		{ "From a b\nReturn-Path: <evil@x>\n\tfolded\nStatus: RO\n\nb",
		    "Delivered-To: joe+x@one.example\nStatus: RO\n\nb" },
		{ "body only, no field\n",
		    "Delivered-To: joe+x@one.example\n\nbody only, no field\n" },
	};
	struct message *message = spool(forwarded[_i].in);
	struct buf out = BUF_INIT;

	write_to(&out, message, MESSAGE_FORWARD);
	ck_assert_str_eq(buf_cstr(&out), forwarded[_i].out);
	buf_free(&out);
	message_free(message);
}
END_TEST

START_TEST(dates_as_in_the_c_library)
{
	struct buf line = BUF_INIT;

	srandom(2);
	for (int i = 0; i < 20000; i++) {
		time_t date = (time_t)(random() % 400000000000 - 100000000000);
		char want[64];
		struct tm tm;

		if (i < 4000) /* days around leap years' ends */
			date = (time_t)i * 86400 * 23 - 1;
		gmtime_r(&date, &tm);
		strftime(want, sizeof(want), "From x %a %b %e %H:%M:%S ", &tm);
		buf_clear(&line);
		ck_assert_int_eq(message_from_line(&line, "x", date), 0);
		ck_assert_int_eq(strncmp(buf_cstr(&line), want, strlen(want)), 0);
		ck_assert_int_eq(atoi(buf_cstr(&line) + strlen(want)), (int)(tm.tm_year + 1900));
	}
	buf_free(&line);
}
END_TEST

static const struct {
	const char *sender, *word;
} senders[] = {
	{ "", "MAILER-DAEMON" },
	{ "a@b", "a@b" },
	{ "\"a b\"@c", "\"a-b\"@c" },
	{ "a\tb\nc\x7f", "a-b-c-" },
	{ "j\xc3\xb6rg@x", "j\xc3\xb6rg@x" },
};

START_TEST(the_sender_is_one_word)
{
	struct buf line = BUF_INIT, want = BUF_INIT;

	buf_addf(&want, "From %s Tue Jan 19 03:14:08 2038", senders[_i].word);
	ck_assert_int_eq(message_from_line(&line, senders[_i].sender, 2147483648), 0);
	ck_assert_str_eq(buf_cstr(&line), buf_cstr(&want));
	buf_free(&line);
	buf_free(&want);
}
END_TEST

#define COUNT(a) (int)(sizeof(a) / sizeof((a)[0]))

int
main(void)
{
	Suite *suite = suite_create("message");
	TCase *tcase = tcase_create("message");

	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, written_as_the_table_says, 0, COUNT(cases));
	tcase_add_loop_test(tcase, window_edges_change_nothing, 0, COUNT(cases));
	tcase_add_test(tcase, large_messages_are_exact);
	tcase_add_test(tcase, random_messages_like_the_model);
	tcase_add_test(tcase, nul_and_all_bytes_are_kept);
	tcase_add_test(tcase, endless_names_and_blanks_need_no_memory);
	tcase_add_test(tcase, envelope_cannot_add_lines);
	tcase_add_test(tcase, small_messages_come_in_one_piece);
	tcase_add_test(tcase, a_failing_sink_ends_it);
	tcase_add_test(tcase, every_split_gives_the_same);
	tcase_add_test(tcase, a_read_error_is_no_end);
	tcase_add_test(tcase, a_read_error_after_some_bytes_is_no_end);
	tcase_add_test(tcase, no_spool_directory_is_an_error);
	tcase_add_loop_test(tcase, a_file_is_opened_as_a_message, 0, 6);
	tcase_add_test(tcase, only_a_file_is_opened);
	tcase_add_loop_test(tcase, headers_are_found, 0, COUNT(headers));
	tcase_add_test(tcase, headers_behind_the_limit_are_not_looked_for);
	tcase_add_loop_test(tcase, every_header_of_a_name_is_shown, 0, 8);
	tcase_add_test(tcase, every_header_is_shown_however_far_behind);
	tcase_add_loop_test(tcase, forwarded_as_the_table_says, 0, 3);
	tcase_add_test(tcase, dates_as_in_the_c_library);
	tcase_add_loop_test(tcase, the_sender_is_one_word, 0, COUNT(senders));
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
