/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Those in the back, and a front that was taken over: a question of the right form is answered, to
 * whoever asked it and with nothing else of ours; any other ends them. What is wrong with us is
 * said once, not for every recipient.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../src/virtmap/backroom.h"
#include "io.h"
#include "settings.h"
#include "suite.h"

enum { ENDED_WELL, REFUSED, FAILED };

static char directory[] = "/tmp/check_backroom.XXXXXX"; /* main's */
static char log_path[80];
static struct settings settings;
static int front; /* the test's end */
static pid_t pid;

/* There is no map: every address is a trouble of ours. */
static void
start(void)
{
	char conf[80], text[256];
	struct err err;
	int ends[2], fd;

	snprintf(conf, sizeof(conf), "%s/conf", directory);
	snprintf(log_path, sizeof(log_path), "%s/log", directory);
	snprintf(text, sizeof(text), "map = %s/none\naliases = none\n", directory);
	fd = open(conf, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	ck_assert_int_eq(io_write_all(fd, text, strlen(text)), 0);
	close(fd);
	ck_assert_msg(settings_load(&settings, conf, NULL, 0, &err) == 0, "%s", err.text);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
	front = ends[0];
	fflush(NULL);
	if ((pid = fork()) == 0) {
		if (dup2(open(log_path, O_WRONLY | O_CREAT | O_TRUNC, 0600), STDERR_FILENO) == -1)
			_exit(99);
		close(front);
		if (backroom_run(ends[1], &settings, &err) == 0)
			_exit(ENDED_WELL);
		_exit(err.num == EPROTO ? REFUSED : FAILED);
	}
	close(ends[1]);
}

static void
end(void)
{
	settings_free(&settings);
	unlink(log_path);
}

/* The front is gone. */
static void
ck_ends(int how)
{
	int status;

	close(front);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(WEXITSTATUS(status), how);
}

static void
ask(const char *key, int map, uint64_t serial)
{
	struct backroom_question question = { .serial = serial, .slot = 7, .map = map };
	struct err err;

	strlcpy(question.key, key, sizeof(question.key));
	ck_assert_int_eq(backroom_ask(front, &question, &err), 1);
}

/* The answer, whole; no byte behind its reply is anything but zero. */
static void
ck_answer(const char *reply, uint64_t serial)
{
	struct backroom_answer answer;
	size_t len;

	ck_assert_int_eq(recv(front, &answer, sizeof(answer), 0), (ssize_t)sizeof(answer));
	ck_assert_uint_eq(answer.serial, serial);
	ck_assert_uint_eq(answer.slot, 7);
	len = strnlen(answer.reply, sizeof(answer.reply));
	ck_assert_uint_lt(len, sizeof(answer.reply));
	ck_assert_str_eq(answer.reply, reply);
	for (size_t i = len; i < sizeof(answer.reply); i++)
		ck_assert_int_eq(answer.reply[i], 0);
}

static size_t
lines_said(void)
{
	struct buf text = BUF_INIT;
	size_t n = 0;
	int fd = open(log_path, O_RDONLY);

	ck_assert_int_eq(io_read_all(fd, 65536, &text), 0);
	close(fd);
	for (size_t i = 0; i < text.len; i++)
		n += text.data[i] == '\n';
	buf_free(&text);
	return n;
}

START_TEST(answers_and_says_a_trouble_once)
{
	int verify = lookup_find("verify", 6), domain = lookup_find("domain", 6);

	for (uint64_t serial = 1; serial < 5; serial++) {
		ask("joe@d.example", verify, serial);
		ck_answer("OK TEMP 4.3.0 \"451 temporary trouble here, try again later\"", serial);
	}
	/* A short reply behind a long one. */
	ask("joe@d.example", domain, 5);
	ck_answer("NOTFOUND ", 5);
	ck_ends(ENDED_WELL);
	ck_assert_uint_eq(lines_said(), 1);
}
END_TEST

START_TEST(no_such_map)
{
	ask("joe@d.example", _i < 0 ? -1 : lookup_count() + _i, 1);
	ck_ends(REFUSED);
}
END_TEST

START_TEST(endless_key)
{
	struct backroom_question question = { .map = 0 };
	struct err err;

	memset(question.key, 'x', sizeof(question.key));
	ck_assert_int_eq(backroom_ask(front, &question, &err), 1);
	ck_ends(REFUSED);
}
END_TEST

START_TEST(other_sizes)
{
	static char noise[sizeof(struct backroom_question) + 1];

	ck_assert_int_ne(send(front, noise, sizeof(noise) - 2 + 2 * (size_t)_i, 0), -1);
	ck_ends(REFUSED);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("virtmap backroom");
	TCase *tests = tcase_create("backroom");
	char command[64];
	int failed;

	if (mkdtemp(directory) == NULL)
		return 1;
	tcase_add_checked_fixture(tests, start, end);
	tcase_add_test(tests, answers_and_says_a_trouble_once);
	tcase_add_loop_test(tests, no_such_map, -1, 2);
	tcase_add_test(tests, endless_key);
	tcase_add_loop_test(tests, other_sizes, 0, 2);
	suite_add_tcase(suite, tests);
	failed = suite_run(suite);
	snprintf(command, sizeof(command), "rm -rf '%s'", directory);
	return system(command) == 0 && failed == 0 ? 0 : 1;
}
