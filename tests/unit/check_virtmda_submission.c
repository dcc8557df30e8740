/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A message handed to an SMTP server that follows a script: what is asked of it, what its answers
 * come to, and what it may do that no server should. A server that ends, hangs or talks nonsense at
 * any step must leave "later", and only 250 behind the dot is "delivered".
 */
#include "../../src/virtmda/submission.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io.h"
#include "suite.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* ---- the server -------------------------------------------------------------------------------
 */

/* It says its first line at once, and one more for each line that it reads (in DATA: for the dot).
 * What it has read goes to `heard`. */
struct server {
	int in, out, heard;
	pid_t pid;
};

#define HANG "(hang)" /* instead of an answer */
#define END  "(end)"
#define DIE  "(die)"

static void
utter(int fd, const char *text)
{
	if (strcmp(text, HANG) == 0)
		pause();
	if (strcmp(text, END) == 0)
		_exit(0);
	if (strcmp(text, DIE) == 0)
		kill(getpid(), SIGKILL);
	if (io_write_all(fd, text, strlen(text)) == -1)
		_exit(1);
}

static size_t
read_line(FILE *in, char *line, size_t size)
{
	size_t len = 0;
	int c;

	while (len < size - 1 && (c = getc(in)) != EOF) {
		line[len++] = (char)c;
		if (c == '\n')
			break;
	}
	line[len] = '\0';
	return len;
}

static void
serve(FILE *in, int out, int heard, const char *const *script)
{
	char line[20000];
	bool data = false;

	utter(out, *script);
	while (*++script != NULL) {
		size_t len;

		do {
			len = read_line(in, line, sizeof(line));
			if (len == 0)
				_exit(0);
			if (io_write_all(heard, line, len) == -1)
				_exit(1);
		} while (data && strcmp(line, ".\r\n") != 0);
		data = strncmp(*script, "354", 3) == 0;
		utter(out, *script);
	}
	while (read_line(in, line, sizeof(line)) > 0)
		if (io_write_all(heard, line, strlen(line)) == -1)
			_exit(1);
	_exit(0);
}

static void
start(struct server *server, const char *const *script)
{
	int to[2], from[2];

	ck_assert_int_eq(pipe2(to, O_CLOEXEC), 0);
	ck_assert_int_eq(pipe2(from, O_CLOEXEC), 0);
	server->heard = open("/tmp", O_TMPFILE | O_RDWR, 0600);
	ck_assert_int_ne(server->heard, -1);
	server->pid = fork();
	ck_assert_int_ne(server->pid, -1);
	if (server->pid == 0) {
		close(to[1]);
		close(from[0]);
		serve(fdopen(to[0], "r"), from[1], server->heard, script);
	}
	close(to[0]);
	close(from[1]);
	server->in = from[0];
	server->out = to[1];
}

/* What it has heard. */
static void
stop(struct server *server, struct buf *heard)
{
	close(server->in);
	close(server->out);
	/* It may hang, as it was told. */
	for (int i = 0; i < 100 && waitpid(server->pid, NULL, WNOHANG) == 0; i++)
		usleep(2000);
	kill(server->pid, SIGKILL);
	waitpid(server->pid, NULL, 0);
	ck_assert_int_eq(lseek(server->heard, 0, SEEK_SET), 0);
	ck_assert_int_eq(io_read_all(server->heard, 10000000, heard), 0);
	ck_assert_int_eq(buf_addc(heard, '\0'), 0);
	close(server->heard);
}

/* ---- the client -------------------------------------------------------------------------------
 */

struct letter {
	const char *text;
	size_t len, piece;
	bool fails;
	int asked;
	bool unwanted;
};

static int
content(void *arg, message_sink *sink, void *sink_arg, struct err *err)
{
	const struct letter *letter = arg;

	if (letter->fails)
		return err_set(err, EIO, "the test's message");
	for (size_t at = 0; at < letter->len; at += letter->piece) {
		size_t n = letter->len - at < letter->piece ? letter->len - at : letter->piece;

		if (sink(sink_arg, letter->text + at, n, err) == -1)
			return -1;
	}
	return 0;
}

static int
wanted(void *arg, struct err *err)
{
	struct letter *letter = arg;

	letter->asked++;
	return letter->unwanted ? err_set(err, EPIPE, "the test's sender is gone") : 0;
}

#define PATIENCE 10000 /* milliseconds for servers that answer */
#define SHORT    50    /* for those that do not */

struct trial {
	int patience;
	struct letter letter;
	struct submission submission;
	struct submission_member members[3];
	struct outcome outcome;
	struct buf heard;
};

static void
trial_init(struct trial *t, const char *text, size_t nmembers)
{
	static const char *const names[] = { "ann", "\"b c\"@d.example", "carol@e.example" };

	*t = (struct trial){ .patience = PATIENCE,
		.letter = { .text = text, .len = strlen(text), .piece = 4096 } };
	for (size_t i = 0; i < nmembers; i++)
		t->members[i].address = names[i];
	t->submission = (struct submission){
		.sender = "x@y.example",
		.members = t->members,
		.nmembers = nmembers,
		.content = content,
		.still_wanted = wanted,
		.arg = &t->letter,
	};
}

static void
run(struct trial *t, const char *const *script)
{
	struct session session;
	struct server server;
	struct err err;

	signal(SIGPIPE, SIG_IGN);
	start(&server, script);
	submission_init(&session, server.in, server.out);
	session.patience = session.patience_last = t->patience;
	if (submission_open(&session, &err) == -1)
		outcome_from_err(&t->outcome, &err);
	else
		submission_send(&session, &t->submission, &t->outcome);
	submission_close(&session);
	stop(&server, &t->heard);
}

static const char *
heard(const struct trial *t)
{
	return (const char *)t->heard.data;
}

#define GREETING "220 here ESMTP\r\n"
#define EHLO                                                                                       \
	"250-here.example Hello\r\n250-ENHANCEDSTATUSCODES\r\n250-8BITMIME\r\n250-SIZE 1000\r\n"   \
	"250-DSN\r\n250 HELP\r\n"
#define OK   "250 2.1.0 ok\r\n"
#define DATA "354 go on\r\n"
#define DONE "250 2.0.0 6AMx Message accepted for delivery\r\n"

/* ---- what is asked ----------------------------------------------------------------------------
 */

START_TEST(asks_in_order)
{
	struct trial t;

	trial_init(&t, "Subject: x\n\nline\n.dot\n", 2);
	t.submission.ret = "HDRS";
	t.submission.envid = "q1";
	t.submission.notify = "FAILURE";
	t.submission.orcpt = "rfc822;z@y.example";
	run(&t, (const char *const[]){ GREETING, EHLO, OK, OK, OK, DATA, DONE, NULL });
	ck_assert_int_eq(t.outcome.class, OUTCOME_DELIVERED);
	ck_assert_str_eq(t.outcome.text, "6AMx Message accepted for delivery");
	ck_assert_int_eq(t.letter.asked, 1);
	ck_assert_str_eq(heard(&t),
	    "EHLO localhost\r\n"
	    "MAIL FROM:<x@y.example> SIZE=27 RET=HDRS ENVID=q1\r\n"
	    "RCPT TO:<ann> NOTIFY=FAILURE ORCPT=rfc822;z@y.example\r\n"
	    "RCPT TO:<\"b c\"@d.example> NOTIFY=FAILURE ORCPT=rfc822;z@y.example\r\n"
	    "DATA\r\nSubject: x\r\n\r\nline\r\n..dot\r\n.\r\nQUIT\r\n");
	buf_free(&t.heard);
}
END_TEST

START_TEST(asks_only_what_is_offered)
{
	struct trial t;

	trial_init(&t, "\351\n", 1);
	t.submission.ret = "HDRS";
	t.submission.notify = "NEVER";
	t.submission.sender = "\303\251@y.example";
	run(&t,
	    (const char *const[]){ "220 a\r\n", "250 b\r\n", OK, OK, DATA, "250 ok\r\n", NULL });
	ck_assert_int_eq(t.outcome.class, OUTCOME_DELIVERED);
	ck_assert_ptr_nonnull(strstr(heard(&t), "MAIL FROM:<\303\251@y.example>\r\n"));
	ck_assert_ptr_nonnull(strstr(heard(&t), "RCPT TO:<ann>\r\n"));
	buf_free(&t.heard);
	trial_init(&t, "\351\n", 1);
	t.submission.sender = "\303\251@y.example";
	run(&t, (const char *const[]){ GREETING, "250-b\r\n250-8bitmime\r\n250 SMTPUTF8\r\n", OK,
	            OK, DATA, DONE, NULL });
	ck_assert_ptr_nonnull(
	    strstr(heard(&t), "MAIL FROM:<\303\251@y.example> BODY=8BITMIME SMTPUTF8\r\n"));
	buf_free(&t.heard);
}
END_TEST

/* LF and CRLF end a line, a bare CR becomes a blank, dots are doubled; whatever the pieces. */
static const struct {
	const char *text, *wire;
} contents[] = {
	{ "", "" },
	{ "\n", "\r\n" },
	{ "a", "a\r\n" },
	{ ".", "..\r\n" },
	{ ".\n", "..\r\n" },
	{ "..\n.a\n", "...\r\n..a\r\n" },
	{ "a\r\nb\r\n", "a\r\nb\r\n" },
	{ ".\r\n", "..\r\n" },
	{ "\r\n.\r\n", "\r\n..\r\n" },
	{ "a\rb\n", "a b\r\n" },
	{ "\r.\n", " .\r\n" },
	{ "a\r.\r\n", "a .\r\n" },
	{ "\r\r\n", " \r\n" },
	{ "\r\r.\n", "  .\r\n" },
	{ "a\r", "a \r\n" },
	{ "\n.\r", "\r\n.. \r\n" },
	{ "\r", " \r\n" },
	{ "a\n.\nb\n", "a\r\n..\r\nb\r\n" },
};

START_TEST(writes_lines_of_smtp)
{
	const char *text = contents[_i].text;

	for (size_t piece = 1; piece <= strlen(text) + 1; piece++) {
		char expected[200];
		struct trial t;

		trial_init(&t, text, 1);
		t.letter.piece = piece;
		run(&t, (const char *const[]){ GREETING, EHLO, OK, OK, DATA, DONE, NULL });
		ck_assert_int_eq(t.outcome.class, OUTCOME_DELIVERED);
		snprintf(expected, sizeof(expected), "DATA\r\n%s.\r\nQUIT\r\n", contents[_i].wire);
		ck_assert_str_eq(strstr(heard(&t), "DATA\r\n"), expected);
		snprintf(expected, sizeof(expected), " SIZE=%zu\r\n", strlen(contents[_i].wire));
		ck_assert_ptr_nonnull(strstr(heard(&t), expected));
		buf_free(&t.heard);
	}
}
END_TEST

START_TEST(writes_long_messages)
{
	size_t len = 300000;
	char *text = malloc(len + 1);
	struct trial t;

	ck_assert_ptr_nonnull(text);
	memset(text, 'x', len);
	text[len] = '\0';
	for (size_t i = 70; i < len; i += 71)
		text[i] = '\n';
	trial_init(&t, text, 1);
	t.letter.piece = len;
	run(&t, (const char *const[]){ GREETING, EHLO, OK, OK, DATA, DONE, NULL });
	ck_assert_int_eq(t.outcome.class, OUTCOME_DELIVERED);
	ck_assert_uint_gt(t.heard.len, len + len / 71);
	buf_free(&t.heard);
	free(text);
}
END_TEST

/* ---- what the answers come to -----------------------------------------------------------------
 */

static const struct {
	const char *mail, *rcpt, *data, *dot;
	enum outcome_class class;
	const char *status;
} answers[] = {
	{ OK, OK, DATA, DONE, OUTCOME_DELIVERED, "2.0.0" },
	{ OK, "251 2.1.5 will forward\r\n", DATA, DONE, OUTCOME_DELIVERED, "2.0.0" },
	{ "452 4.3.1 full\r\n", OK, OK, OK, OUTCOME_DEFERRED, "4.3.1" },
	{ "552 5.2.3 too large\r\n", OK, OK, OK, OUTCOME_REJECTED, "5.2.3" },
	{ "553 5.1.8 no such domain\r\n", OK, OK, OK, OUTCOME_REJECTED, "5.1.8" },
	{ "501 5.5.4 bad\r\n", OK, OK, OK, OUTCOME_DEFERRED, "4.3.0" },
	{ "503 5.5.0 what\r\n", OK, OK, OK, OUTCOME_DEFERRED, "4.3.0" },
	{ "530 authenticate\r\n", OK, OK, OK, OUTCOME_DEFERRED, "4.3.0" },
	{ "550 no\r\n", OK, OK, OK, OUTCOME_REJECTED, "5.0.0" },
	{ "350 what\r\n", OK, OK, OK, OUTCOME_DEFERRED, "4.3.0" },
	{ OK, "450 4.2.0 busy\r\n", OK, OK, OUTCOME_DEFERRED, "4.2.0" },
	{ OK, "421 bye\r\n", OK, OK, OUTCOME_DEFERRED, "4.3.0" },
	{ OK, "550 5.1.1 unknown\r\n", OK, OK, OUTCOME_REJECTED, "5.1.1" },
	{ OK, "550-5.7.1 no\r\n550 5.7.1 and no\r\n", OK, OK, OUTCOME_REJECTED, "5.7.1" },
	{ OK, "554 5.3.5 misconfigured\r\n", OK, OK, OUTCOME_DEFERRED, "4.3.0" },
	{ OK, "554 5.3.4 too large\r\n", OK, OK, OUTCOME_REJECTED, "5.3.4" },
	{ OK, "550 2.1.1 mixed\r\n", OK, OK, OUTCOME_REJECTED, "5.0.0" },
	{ OK, "550 5.1.1111 odd\r\n", OK, OK, OUTCOME_REJECTED, "5.0.0" },
	{ OK, OK, "451 4.7.0 later\r\n", OK, OUTCOME_DEFERRED, "4.7.0" },
	{ OK, OK, "554 5.7.1 no\r\n", OK, OUTCOME_REJECTED, "5.7.1" },
	{ OK, OK, OK, OK, OUTCOME_DEFERRED, "4.3.0" },
	{ OK, OK, DATA, "451 4.3.0 later\r\n", OUTCOME_DEFERRED, "4.3.0" },
	{ OK, OK, DATA, "554 5.4.6 hops\r\n", OUTCOME_REJECTED, "5.4.6" },
	{ OK, OK, DATA, "554 5.5.0 what\r\n", OUTCOME_DEFERRED, "4.3.0" },
	{ OK, OK, DATA, "252 hm\r\n", OUTCOME_DEFERRED, "4.3.0" },
	{ OK, OK, DATA, "350 more\r\n", OUTCOME_DEFERRED, "4.3.0" },
};

START_TEST(answers_are_judged)
{
	struct trial t;

	trial_init(&t, "x\n", 1);
	run(&t, (const char *const[]){ GREETING, EHLO, answers[_i].mail, answers[_i].rcpt,
	            answers[_i].data, answers[_i].dot, OK, NULL });
	ck_assert_msg(t.outcome.class == answers[_i].class, "%d: %s", _i, t.outcome.text);
	ck_assert_str_eq(t.outcome.status, answers[_i].status);
	ck_assert_int_eq(strstr(heard(&t), "\r\nx\r\n.\r\n") != NULL,
	    answers[_i].mail[0] == '2' && answers[_i].rcpt[0] == '2' && answers[_i].data[0] == '3');
	buf_free(&t.heard);
}
END_TEST

START_TEST(one_is_refused)
{
	struct trial t;

	trial_init(&t, "x\n", 3);
	run(&t, (const char *const[]){
	            GREETING, EHLO, OK, OK, "550 5.1.1 who?\r\n", OK, DATA, DONE, NULL });
	ck_assert_int_eq(t.outcome.class, OUTCOME_DELIVERED);
	ck_assert_int_eq(t.members[0].refusal.code, 0);
	ck_assert_int_eq(t.members[1].refusal.code, 550);
	ck_assert_str_eq(t.members[1].refusal.status, "5.1.1");
	ck_assert_str_eq(t.members[1].refusal.text, "550 5.1.1 who?");
	ck_assert_int_eq(t.members[2].refusal.code, 0);
	buf_free(&t.heard);
}
END_TEST

START_TEST(one_later_is_all_later)
{
	struct trial t;

	trial_init(&t, "x\n", 3);
	run(&t, (const char *const[]){ GREETING, EHLO, OK, OK, "550 5.1.1 who?\r\n",
	            "451 4.1.8 later\r\n", OK, NULL });
	ck_assert_int_eq(t.outcome.class, OUTCOME_DEFERRED);
	ck_assert_str_eq(t.outcome.status, "4.1.8");
	ck_assert_ptr_null(strstr(heard(&t), "DATA"));
	ck_assert_ptr_nonnull(strstr(heard(&t), "RSET\r\nQUIT\r\n"));
	buf_free(&t.heard);
}
END_TEST

START_TEST(all_are_refused)
{
	struct trial t;

	trial_init(&t, "x\n", 2);
	run(&t, (const char *const[]){
	            GREETING, EHLO, OK, "550 5.1.1 who?\r\n", "550 5.2.1 disabled\r\n", OK, NULL });
	ck_assert_int_eq(t.outcome.class, OUTCOME_REJECTED);
	ck_assert_str_eq(t.outcome.status, "5.1.1");
	ck_assert_ptr_null(strstr(heard(&t), "DATA"));
	buf_free(&t.heard);
}
END_TEST

/* A name that we have found must be known to sendmail, too. */
START_TEST(unknown_and_yet_known_waits)
{
	static const struct {
		const char *reply;
		enum outcome_class class;
	} cases[] = {
		{ "550 5.1.1 who?\r\n", OUTCOME_DEFERRED },
		{ "550 who?\r\n", OUTCOME_DEFERRED },
		{ "550 5.7.1 not you\r\n", OUTCOME_REJECTED },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct trial t;

		trial_init(&t, "x\n", 1);
		t.submission.known = true;
		run(&t, (const char *const[]){ GREETING, EHLO, OK, cases[i].reply, OK, NULL });
		ck_assert_int_eq(t.outcome.class, cases[i].class);
		buf_free(&t.heard);
	}
}
END_TEST

/* ---- servers that fail ------------------------------------------------------------------------
 */

static const char *const nonsense[] = { HANG, END, DIE, "\r\n", "25\r\n", "2500 x\r\n", "abc\r\n",
	"250-x\r\n354 y\r\n", "250-no end\r\n", "199 x\r\n", "600 x\r\n", "250", "\0250 x\r\n",
	"HTTP/1.1 200 OK\r\n" };
static const char *const good[] = { GREETING, EHLO, OK, OK, DATA, DONE };

START_TEST(nonsense_at_any_step_is_later)
{
	size_t step = (size_t)_i / COUNT(nonsense), what = (size_t)_i % COUNT(nonsense);
	const char *script[COUNT(good) + 1] = { NULL };
	struct trial t;

	memcpy(script, good, sizeof(good));
	script[step] = nonsense[what];
	script[step + 1] = NULL;
	trial_init(&t, "x\n", 1);
	t.patience = SHORT;
	run(&t, script);
	ck_assert_msg(t.outcome.class == OUTCOME_DEFERRED, "step %zu, %s: %s", step, nonsense[what],
	    t.outcome.text);
	buf_free(&t.heard);
}
END_TEST

/* The bytes of a good session, cut short at every one of them. */
START_TEST(cut_short_anywhere_is_later)
{
	size_t step = (size_t)_i;

	for (size_t cut = 0; cut < strlen(good[step]); cut++) {
		const char *script[COUNT(good) + 2] = { NULL };
		char *part = strndup(good[step], cut);
		struct trial t;

		memcpy(script, good, sizeof(good));
		script[step] = part;
		script[step + 1] = NULL;
		if (cut == 0)
			script[step] = END;
		trial_init(&t, "x\n", 1);
		t.patience = SHORT;
		/* Cut inside the reply, and the server ends when it is spoken to or not at all:
		 * nobody waits longer than the patience. */
		if (cut % 7 == 0 || step == COUNT(good) - 1) {
			run(&t, script);
			ck_assert_int_eq(t.outcome.class, OUTCOME_DEFERRED);
			buf_free(&t.heard);
		}
		free(part);
	}
}
END_TEST

/* What was said before it was asked for counts for nothing: least of all a 250 for the dot. */
START_TEST(unasked_answers_are_not_believed)
{
	static const char *const early[][7] = {
		{ GREETING "250 x\r\n", EHLO, OK, OK, DATA, DONE },
		{ GREETING, EHLO OK, OK, OK, DATA, DONE },
		{ GREETING, EHLO, OK OK, OK, DATA, DONE },
		{ GREETING, EHLO, OK, OK DATA, DATA, DONE },
		{ GREETING, EHLO, OK, OK, DATA DONE, END },
		{ GREETING, EHLO, OK, OK, DATA DONE, HANG },
	};

	for (size_t i = 0; i < COUNT(early); i++) {
		struct trial t;

		trial_init(&t, "x\n", 1);
		t.patience = SHORT;
		run(&t, early[i]);
		ck_assert_msg(t.outcome.class == OUTCOME_DEFERRED, "%zu", i);
		buf_free(&t.heard);
	}
}
END_TEST

/* A server that refuses while the message is still on its way is heard. */
START_TEST(a_refusal_in_the_middle_is_heard)
{
	size_t len = 1000000;
	char *text = malloc(len + 1);
	struct trial t;

	ck_assert_ptr_nonnull(text);
	memset(text, 'x', len);
	text[len] = '\0';
	trial_init(&t, text, 1);
	run(&t, (const char *const[]){
	            GREETING, EHLO, OK, OK, DATA "421 4.5.0 no bare CR\r\n", HANG, NULL });
	ck_assert_int_eq(t.outcome.class, OUTCOME_DEFERRED);
	ck_assert_str_eq(t.outcome.status, "4.5.0");
	buf_free(&t.heard);
	free(text);
}
END_TEST

START_TEST(greetings_and_EHLO_that_refuse_are_later)
{
	static const char *const no[][3] = {
		{ "554 5.7.1 go away\r\n" },
		{ "421 4.3.2 busy\r\n" },
		{ "451 4.3.5 start /usr/sbin/sendmail: No such file or directory\r\n" },
		{ GREETING, "502 5.5.1 what?\r\n" },
		{ GREETING, "550 5.7.1 no\r\n" },
	};

	for (size_t i = 0; i < COUNT(no); i++) {
		struct trial t;

		trial_init(&t, "x\n", 1);
		t.patience = SHORT;
		run(&t, no[i]);
		ck_assert_int_eq(t.outcome.class, OUTCOME_DEFERRED);
		ck_assert_ptr_nonnull(strstr(t.outcome.text, "sendmail: "));
		buf_free(&t.heard);
	}
}
END_TEST

/* ---- we ourselves -----------------------------------------------------------------------------
 */

START_TEST(no_dot_without_the_whole_message)
{
	struct trial t;

	trial_init(&t, "x\n", 1);
	t.letter.unwanted = true;
	run(&t, (const char *const[]){ GREETING, EHLO, OK, OK, DATA, DONE, NULL });
	ck_assert_int_eq(t.outcome.class, OUTCOME_DEFERRED);
	ck_assert_ptr_null(strstr(heard(&t), "\r\n.\r\n"));
	ck_assert_ptr_null(strstr(heard(&t), "QUIT"));
	buf_free(&t.heard);
	trial_init(&t, "x\n", 1);
	t.letter.fails = true;
	run(&t, (const char *const[]){ GREETING, EHLO, OK, OK, DATA, DONE, NULL });
	ck_assert_int_eq(t.outcome.class, OUTCOME_DEFERRED);
	ck_assert_ptr_null(strstr(heard(&t), "DATA"));
	buf_free(&t.heard);
}
END_TEST

START_TEST(an_address_is_no_command)
{
	static const char *const bad[] = { "a\r\nRCPT TO:<z>", "a\nb", "a\tb", "a\177" };

	for (size_t i = 0; i < COUNT(bad); i++) {
		struct trial t;

		trial_init(&t, "x\n", 1);
		t.members[0].address = bad[i];
		run(&t, (const char *const[]){ GREETING, EHLO, OK, OK, DATA, DONE, NULL });
		ck_assert_int_eq(t.outcome.class, OUTCOME_DEFERRED);
		ck_assert_ptr_null(strstr(heard(&t), "RCPT"));
		buf_free(&t.heard);
	}
}
END_TEST

/* The same session takes another message. */
START_TEST(one_session_after_another)
{
	const char *const script[] = { GREETING, EHLO, OK, OK, DATA, DONE, OK, OK, DATA,
		"250 2.0.0 second\r\n", NULL };
	struct session session;
	struct server server;
	struct outcome outcome;
	struct trial t;
	struct err err;

	signal(SIGPIPE, SIG_IGN);
	trial_init(&t, "x\n", 1);
	start(&server, script);
	submission_init(&session, server.in, server.out);
	ck_assert_int_eq(submission_open(&session, &err), 0);
	ck_assert_str_eq(session.host, "here.example");
	submission_send(&session, &t.submission, &outcome);
	ck_assert_int_eq(outcome.class, OUTCOME_DELIVERED);
	submission_send(&session, &t.submission, &outcome);
	ck_assert_int_eq(outcome.class, OUTCOME_DELIVERED);
	ck_assert_str_eq(outcome.text, "second");
	submission_close(&session);
	stop(&server, &t.heard);
	buf_free(&t.heard);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("submission");
	TCase *tcase = tcase_create("submission");

	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, asks_in_order);
	tcase_add_test(tcase, asks_only_what_is_offered);
	tcase_add_loop_test(tcase, writes_lines_of_smtp, 0, COUNT(contents));
	tcase_add_test(tcase, writes_long_messages);
	tcase_add_loop_test(tcase, answers_are_judged, 0, COUNT(answers));
	tcase_add_test(tcase, one_is_refused);
	tcase_add_test(tcase, one_later_is_all_later);
	tcase_add_test(tcase, all_are_refused);
	tcase_add_test(tcase, unknown_and_yet_known_waits);
	tcase_add_loop_test(tcase, nonsense_at_any_step_is_later, 0, COUNT(good) * COUNT(nonsense));
	tcase_add_loop_test(tcase, cut_short_anywhere_is_later, 0, COUNT(good));
	tcase_add_test(tcase, unasked_answers_are_not_believed);
	tcase_add_test(tcase, a_refusal_in_the_middle_is_heard);
	tcase_add_test(tcase, greetings_and_EHLO_that_refuse_are_later);
	tcase_add_test(tcase, no_dot_without_the_whole_message);
	tcase_add_test(tcase, an_address_is_no_command);
	tcase_add_test(tcase, one_session_after_another);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
