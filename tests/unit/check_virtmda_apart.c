/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A process that says one block: what it says, what its end says, and that nobody waits for one
 * that does not end.
 */
#include "../../src/virtmda/apart.h"

#include <check.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../src/virtmda/moment.h"
#include "../../src/virtmda/process.h"
#include "io.h"
#include "leftover.h"
#include "suite.h"

#define BLOCK 100000 /* more than a pipe holds */

static struct err err;
static char heard[BLOCK];

static int
talks(void *arg, int out, pid_t parent)
{
	static char block[BLOCK];
	const size_t *len = arg;

	if (parent != getppid())
		return 1;
	memset(block, 'x', sizeof(block));
	return io_write_all(out, block, *len) == -1 ? 1 : 7;
}

static int
dies(void *arg, int out, pid_t parent)
{
	(void)arg;
	(void)out;
	(void)parent;
	kill(getpid(), SIGKILL);
	return 0;
}

static int
hangs(void *arg, int out, pid_t parent)
{
	const size_t *len = arg;

	(void)parent;
	if (io_write_all(out, heard, *len) == -1)
		return 1;
	for (;;)
		pause();
}

/* Descriptor: the same one afterwards if none was kept. */
static int
lowest_free(void)
{
	int fd = dup(STDERR_FILENO);

	ck_assert_int_ne(fd, -1);
	close(fd);
	return fd;
}

static int
hangs_unheard(void *arg, int out, pid_t parent)
{
	const size_t *len = arg;

	(void)parent;
	if (io_write_all(out, heard, *len) == -1)
		return 1;
	close(out);
	for (;;)
		pause();
}

static int
run(int (*body)(void *arg, int out, pid_t parent), size_t len, long long until, int *status)
{
	struct apart apart;
	int result, before = lowest_free();

	ck_assert_int_eq(apart_start(&apart, -1, body, &len, &err), 0);
	result = apart_hear(&apart, heard, sizeof(heard), until, status);
	ck_assert_int_eq(apart.pid, 0);
	ck_assert_int_eq(lowest_free(), before);
	return result;
}

static void
begin(void)
{
	process_forget_starter();
}

/* Every child is buried. */
static void
end(void)
{
	siginfo_t info;

	while (waitid(P_ALL, 0, &info, WEXITED | WNOWAIT) == 0)
		leftover_bury();
	ck_assert_int_eq(errno, ECHILD);
}

START_TEST(a_block_is_heard)
{
	int status;

	ck_assert_int_eq(run(talks, BLOCK, MOMENT_NEVER, &status), 1);
	ck_assert_int_eq(heard[BLOCK - 1], 'x');
	ck_assert_int_eq(run(talks, BLOCK, moment_now() + 60000, &status), 1);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 7);
}
END_TEST

START_TEST(anything_else_is_not)
{
	int status;

	ck_assert_int_eq(run(talks, BLOCK - 1, MOMENT_NEVER, &status), 0);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 7);
	ck_assert_int_eq(run(talks, 0, MOMENT_NEVER, &status), 0);
	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(run(dies, 0, MOMENT_NEVER, &status), 0);
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}
END_TEST

START_TEST(nobody_waits_for_ever)
{
	int status;

	ck_assert_int_eq(run(hangs, 0, moment_now() + 20, &status), 0);
	ck_assert_int_eq(status, APART_KILLED);
	ck_assert_int_eq(run(hangs, 10, moment_now() + 20, &status), 0);
	ck_assert_int_eq(status, APART_KILLED);
	ck_assert_int_eq(run(hangs, 0, moment_now() - 1, &status), 0);
	ck_assert_int_eq(status, APART_KILLED);
	/* Not even for one that has said what it had to say, and not for one that says it has. */
	ck_assert_int_eq(run(hangs, BLOCK, moment_now() + 20, &status), 1);
	ck_assert_int_eq(run(hangs, BLOCK + 1, MOMENT_NEVER, &status), 1);
	ck_assert_int_eq(run(hangs_unheard, BLOCK, MOMENT_NEVER, &status), 1);
	ck_assert_int_eq(run(hangs_unheard, 0, MOMENT_NEVER, &status), 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("apart");
	TCase *tcase = tcase_create("apart");

	tcase_add_checked_fixture(tcase, begin, end);
	tcase_add_test(tcase, a_block_is_heard);
	tcase_add_test(tcase, anything_else_is_not);
	tcase_add_test(tcase, nobody_waits_for_ever);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
