/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The front between clients and a back that the test plays: everybody gets the answer to his own
 * question, whoever is late, slow or too many.
 */
#include <check.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../src/virtmap/backroom.h"
#include "../../src/virtmap/front.h"
#include "suite.h"

#define CROWD 400

static char directory[64];
static struct sockaddr_un address;
static int back; /* the test's end */
static pid_t front;

static void
start(const struct client_limits *limits)
{
	int ends[2], listener = socket(AF_UNIX, SOCK_STREAM, 0);

	strcpy(directory, "/tmp/check_front.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
	address.sun_family = AF_UNIX;
	snprintf(address.sun_path, sizeof(address.sun_path), "%.60s/s", directory);
	ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(listen(listener, SOMAXCONN), 0);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
	back = ends[1];
	if ((front = fork()) == 0) {
		struct err err;

		close(back);
		_exit(front_run(&listener, 1, ends[0], limits, &err) == 0 ? 0 : 1);
	}
	close(ends[0]);
	close(listener);
}

/* Without a back it ends, and well. */
static void
stop(void)
{
	int status;

	close(back);
	ck_assert_int_eq(waitpid(front, &status, 0), front);
	ck_assert_int_eq(status, 0);
	unlink(address.sun_path);
	rmdir(directory);
}

static int
client(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	ck_assert_int_ne(fd, -1);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static void
say(int fd, const char *text)
{
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

static void
hear(int fd, const char *wanted)
{
	char got[256] = "";
	size_t len = 0;

	while (len < strlen(wanted)) {
		ssize_t n = read(fd, got + len, strlen(wanted) - len);

		ck_assert_msg(n > 0, "\"%s\", and then the end, not \"%s\"", got, wanted);
		len += (size_t)n;
	}
	ck_assert_str_eq(got, wanted);
}

static void
hear_end(int fd)
{
	char byte;
	ssize_t n = read(fd, &byte, 1);

	ck_assert(n == 0 || (n == -1 && errno == ECONNRESET));
	close(fd);
}

static struct backroom_question
next_question(void)
{
	struct backroom_question question;

	ck_assert_int_eq(recv(back, &question, sizeof(question), 0), (ssize_t)sizeof(question));
	return question;
}

static void
reply(const struct backroom_question *question, const char *text)
{
	struct backroom_answer answer;

	memset(&answer, 0, sizeof(answer));
	answer.serial = question->serial;
	answer.slot = question->slot;
	strcpy(answer.reply, text);
	ck_assert_int_eq(send(back, &answer, sizeof(answer), 0), (ssize_t)sizeof(answer));
}

static const struct client_limits patient = {
	.clients = 2 * CROWD, .idle = 600, .partial = 600, .answer = 600, .reading = 600
};
static const struct client_limits hasty = {
	.clients = 3, .idle = 600, .partial = 1, .answer = 1, .reading = 1
};

START_TEST(passes_on)
{
	struct backroom_question question;
	int fd;

	start(&patient);
	fd = client();
	say(fd, "13:verify a@b.cd,");
	question = next_question();
	ck_assert_str_eq(question.key, "a@b.cd");
	ck_assert_int_eq(question.map, lookup_find("verify", 6));
	reply(&question, "OK OK");
	hear(fd, "5:OK OK,");
	/* In pieces, and two at once. */
	say(fd, "13:virt");
	say(fd, "map abcde,10:domain b.c,");
	question = next_question();
	ck_assert_str_eq(question.key, "abcde");
	reply(&question, "NOTFOUND ");
	hear(fd, "9:NOTFOUND ,");
	question = next_question();
	ck_assert_str_eq(question.key, "b.c");
	reply(&question, "OK x");
	hear(fd, "4:OK x,");
	close(fd);
	stop();
}
END_TEST

/* More questions than the socket to the back holds, answered in another order. */
START_TEST(mixes_nobody_up)
{
	static struct backroom_question questions[CROWD];
	static int fds[CROWD];
	char text[64];

	start(&patient);
	for (int i = 0; i < CROWD; i++) {
		fds[i] = client();
		snprintf(text, sizeof(text), "10:verify %03d,", i);
		say(fds[i], text);
	}
	for (int i = 0; i < CROWD; i++)
		questions[i] = next_question();
	for (int i = CROWD - 1; i >= 0; i--) {
		snprintf(text, sizeof(text), "OK %s", questions[i].key);
		reply(&questions[i], text);
	}
	for (int i = 0; i < CROWD; i++) {
		snprintf(text, sizeof(text), "6:OK %03d,", i);
		hear(fds[i], text);
		close(fds[i]);
	}
	stop();
}
END_TEST

/* Who waited too long is told so; what comes then is nobody's answer. */
START_TEST(drops_a_late_answer)
{
	struct backroom_question late, question;
	int fd;

	start(&hasty);
	fd = client();
	say(fd, "8:verify a,");
	late = next_question();
	hear(fd, "22:TEMP no answer in time,");
	say(fd, "8:verify b,");
	question = next_question();
	reply(&late, "OK wrong");
	reply(&question, "OK right");
	hear(fd, "8:OK right,");
	close(fd);
	stop();
}
END_TEST

START_TEST(drops_an_answer_to_one_who_left)
{
	struct backroom_question question, other;
	int fd;

	start(&patient);
	fd = client();
	say(fd, "8:verify a,");
	question = next_question();
	close(fd);
	fd = client();
	say(fd, "8:verify b,");
	other = next_question();
	reply(&question, "OK wrong");
	reply(&other, "OK right");
	hear(fd, "8:OK right,");
	close(fd);
	stop();
}
END_TEST

START_TEST(waits_only_so_long_for_a_question)
{
	int slow;

	start(&hasty);
	slow = client();
	say(slow, "8:verify");
	hear_end(slow);
	stop();
}
END_TEST

START_TEST(makes_place)
{
	struct backroom_question question;
	int fds[4];

	start(&hasty);
	for (int i = 0; i < 3; i++) {
		fds[i] = client();
		say(fds[i], "8:verify a,");
		question = next_question();
		reply(&question, "OK OK");
		hear(fds[i], "5:OK OK,");
	}
	/* The second asks again, so the first is now longest without a word. */
	fds[3] = client();
	hear_end(fds[0]);
	say(fds[3], "8:verify b,");
	question = next_question();
	reply(&question, "OK OK");
	hear(fds[3], "5:OK OK,");
	say(fds[1], "8:verify c,");
	question = next_question();
	ck_assert_str_eq(question.key, "c");
	reply(&question, "OK OK");
	hear(fds[1], "5:OK OK,");
	for (int i = 1; i < 4; i++)
		close(fds[i]);
	stop();
}
END_TEST

/* Nobody may be let go while all wait for the back: the next one waits outside until one is done.
 */
START_TEST(lets_nobody_in_for_now)
{
	struct backroom_question questions[3], question;
	int fds[4];

	start(&patient);
	stop();
	start(&(struct client_limits){
	    .clients = 3, .idle = 600, .partial = 600, .answer = 600, .reading = 600 });
	for (int i = 0; i < 3; i++) {
		fds[i] = client();
		say(fds[i], "8:verify a,");
		questions[i] = next_question();
	}
	fds[3] = client();
	say(fds[3], "8:verify b,");
	reply(&questions[0], "OK OK");
	hear(fds[0], "5:OK OK,");
	close(fds[0]);
	question = next_question();
	ck_assert_str_eq(question.key, "b");
	reply(&question, "OK OK");
	hear(fds[3], "5:OK OK,");
	for (int i = 1; i < 4; i++)
		close(fds[i]);
	stop();
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("front");
	TCase *tests = tcase_create("front");

	signal(SIGPIPE, SIG_IGN);
	tcase_set_timeout(tests, 30);
	tcase_add_test(tests, passes_on);
	tcase_add_test(tests, mixes_nobody_up);
	tcase_add_test(tests, drops_a_late_answer);
	tcase_add_test(tests, drops_an_answer_to_one_who_left);
	tcase_add_test(tests, waits_only_so_long_for_a_question);
	tcase_add_test(tests, makes_place);
	tcase_add_test(tests, lets_nobody_in_for_now);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
