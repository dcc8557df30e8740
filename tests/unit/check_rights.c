/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A process without rights has none, gets none back, and does not outlive its parent.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rights.h"
#include "suite.h"

/* What is true of the process behind rights_drop; its exit status is the first thing that is not.
 */
static int
fault(void)
{
	gid_t group = 0;

	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
		return 2;
	if (prctl(PR_GET_DUMPABLE) != 0)
		return 3;
	if (getuid() == RIGHTS_UID &&
	    (setuid(0) != -1 || setgid(0) != -1 || setgroups(1, &group) != -1))
		return 4;
	if (getuid() == 0 || getgid() == 0 || getgroups(0, NULL) != 0)
		return 5;
	return open("/etc/shadow", O_RDONLY) != -1 ? 6 : 0;
}

static int
status_of(pid_t pid)
{
	int status;

	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

START_TEST(nothing_is_left)
{
	pid_t pid, parent = getpid();
	struct err err;

	if (geteuid() != 0)
		return; /* an ordinary user's groups stay */
	if ((pid = fork()) == 0)
		_exit(rights_drop(parent, &err) == 0 ? fault() : 1);
	ck_assert_int_eq(status_of(pid), 0);
}
END_TEST

START_TEST(refuses_without_a_parent)
{
	pid_t pid, parent = getpid();
	struct err err;

	if ((pid = fork()) == 0)
		_exit(rights_drop(parent + 1, &err) == -1 && err.num == ESRCH ? 0 : 1);
	ck_assert_int_eq(status_of(pid), 0);
}
END_TEST

/* A grandchild holds the pipe's end: it is closed when the grandchild was killed with its parent.
 */
START_TEST(ends_with_its_parent)
{
	int ready[2], held[2];
	char byte;
	pid_t pid;

	ck_assert_int_eq(pipe(ready), 0);
	ck_assert_int_eq(pipe(held), 0);
	if ((pid = fork()) == 0) {
		pid_t parent = getpid();
		struct err err;

		if (fork() == 0) {
			if (rights_drop(parent, &err) == -1 || write(ready[1], "r", 1) != 1)
				_exit(1);
			for (;;)
				pause();
		}
		close(held[1]);
		if (read(ready[0], &byte, 1) != 1)
			_exit(1);
		_exit(0);
	}
	close(held[1]);
	ck_assert_int_eq(status_of(pid), 0);
	ck_assert_int_eq(read(held[0], &byte, 1), 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("rights");
	TCase *tests = tcase_create("rights");

	tcase_add_test(tests, nothing_is_left);
	tcase_add_test(tests, refuses_without_a_parent);
	tcase_add_test(tests, ends_with_its_parent);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
