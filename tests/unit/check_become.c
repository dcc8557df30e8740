/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Becoming an account cannot be undone: so every test gives up its rights in a child of its own.
 * What needs root is left out for other users. And what an account is asked afterwards: its
 * .forward.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <linux/securebits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "account.h"
#include "suite.h"

#define UID 60001
#define GID 60002

/* In the child: Check's own asserts would end or unwind the wrong process. */
#define MUST(what)                                                                                 \
	do {                                                                                       \
		if (!(what)) {                                                                     \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #what);         \
			_exit(1);                                                                  \
		}                                                                                  \
	} while (0)

static void
in_child(void (*body)(void))
{
	int status;
	pid_t child = fork();

	ck_assert_int_ne(child, -1);
	if (child == 0) {
		body();
		_exit(0);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_msg(status == 0, "the child failed with status %#x", (unsigned)status);
}

static struct account
someone(uid_t uid, gid_t gid)
{
	static char name[] = "bob", home[] = "/";

	return (struct account){ .name = name, .uid = uid, .gid = gid, .home = home };
}

static int
refused(struct account account, unsigned min_uid, const char *why)
{
	struct err err = { 0, "" };

	if (account_become(&account, min_uid, &err) == -1 && err.num == EPERM &&
	    strstr(err.text, why) != NULL)
		return 1;
	fprintf(stderr, "\"%s\" is not in \"%s\" (%d)\n", why, err.text, err.num);
	return 0;
}

static void
refuses(void)
{
	uid_t uid = geteuid();

	MUST(refused(someone(0, 100), 1, "no mail is delivered as this uid"));
	MUST(refused(someone(0, 100), 0, "no mail is delivered as this uid"));
	MUST(refused(someone((uid_t)-1, 100), 1, "no mail is delivered as this uid"));
	MUST(refused(someone(99, 100), 100, "uid below min_uid"));
	MUST(geteuid() == uid);
}

static void
user_stays_user(void)
{
	struct account account = someone(geteuid(), getegid());
	struct err err;

	MUST(account_become(&account, 1, &err) == 0);
	MUST(refused(someone(geteuid() + 1, getegid()), 1, "only root can"));
}

static void
refuses_as_root(void)
{
	MUST(refused(someone(UID, 0), 1, "no mail is delivered as this gid"));
	MUST(refused(someone(UID, (gid_t)-1), 1, "no mail is delivered as this gid"));
	MUST(geteuid() == 0 && getegid() == 0); /* nothing was given up */
}

static void
has_ids(void)
{
	uid_t ruid, euid, suid;
	gid_t rgid, egid, sgid, groups[16];

	MUST(getresuid(&ruid, &euid, &suid) == 0);
	MUST(ruid == UID && euid == UID && suid == UID);
	MUST(getresgid(&rgid, &egid, &sgid) == 0);
	MUST(rgid == GID && egid == GID && sgid == GID);
	MUST(getgroups(16, groups) == 1 && groups[0] == GID);
}

static void
becomes(void)
{
	const gid_t many[] = { 0, 4, 8, 60003 };
	struct account account = someone(UID, GID);
	struct err err;

	MUST(setgroups(4, many) == 0);
	MUST(account_become(&account, 1, &err) == 0);
	has_ids();
	MUST(setuid(0) == -1 && seteuid(0) == -1 && setreuid(0, 0) == -1);
	MUST(setresuid(0, 0, 0) == -1 && setgid(0) == -1 && setresgid(0, 0, 0) == -1);
	MUST(setgid(8) == -1 && setgroups(4, many) == -1 && setgroups(0, NULL) == -1);
	has_ids();
	/* The ids that files are opened with went too. */
	MUST(open("/etc/shadow", O_RDONLY | O_CLOEXEC) == -1 && errno == EACCES);
	MUST(refused(someone(60004, 60004), 1, "only root can"));
}

/* A process that keeps its capabilities over setresuid(2) could come back: that is noticed. */
static void
notices_what_is_left(void)
{
	MUST(prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP, 0, 0, 0) == 0);
	MUST(refused(someone(UID, GID), 1, "could be had back"));
}

/* Capabilities that are only kept as permitted are no help to setuid(0), until they are raised. */
static void
notices_what_could_be_raised(void)
{
	MUST(prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) == 0);
	MUST(refused(someone(UID, GID), 1, "could be had back"));
}

static void (*const bodies[])(void) = { refuses, user_stays_user, refuses_as_root, becomes,
	notices_what_is_left, notices_what_could_be_raised };
#define FOR_ALL   1
#define FOR_USERS 2

START_TEST(body)
{
	in_child(bodies[_i]);
}
END_TEST

/* ---- .forward ---------------------------------------------------------------------------- */

static char home[] = "/tmp/check_become.XXXXXX";

static int
has_forward(char *where)
{
	const struct account account = { .home = where };
	struct err err;

	return account_has_forward(&account, &err);
}

START_TEST(forward_file)
{
	static char none[] = "", missing[] = "/nonexistent/home", file[] = "/etc/passwd";
	static char endless[PATH_MAX];

	ck_assert_ptr_nonnull(mkdtemp(home));
	ck_assert_int_eq(chdir(home), 0);
	ck_assert_int_eq(has_forward(home), 0);
	ck_assert_int_eq(close(creat("mine", 0600)), 0);
	ck_assert_int_eq(symlink("mine", ".forward"), 0);
	ck_assert_int_eq(has_forward(home), 1);
	ck_assert_int_eq(unlink("mine"), 0);
	ck_assert_int_eq(has_forward(home), 0);
	/* It would keep the mail waiting for ever; sendmail goes on without it. */
	ck_assert_int_eq(symlink(".forward", "mine"), 0);
	ck_assert_int_eq(has_forward(home), 0);
	ck_assert_int_eq(unlink("mine") | unlink(".forward"), 0);
	ck_assert_int_eq(mkdir(".forward", 0700), 0);
	ck_assert_int_eq(has_forward(home), 0);
	ck_assert_int_eq(rmdir(".forward") | rmdir(home), 0);

	ck_assert_int_eq(has_forward(NULL), 0);
	ck_assert_int_eq(has_forward(none), 0);
	ck_assert_int_eq(has_forward(missing), 0);
	ck_assert_int_eq(has_forward(file), 0);
	memset(endless, '/', sizeof(endless) - 1);
	ck_assert_int_eq(has_forward(endless), -1);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("become");
	TCase *tests = tcase_create("rights");

	tcase_add_loop_test(tests, body, 0, FOR_ALL);
	if (geteuid() == 0) {
		tcase_add_loop_test(
		    tests, body, FOR_USERS, (int)(sizeof(bodies) / sizeof(bodies[0])));
	} else {
		tcase_add_loop_test(tests, body, FOR_ALL, FOR_USERS);
		puts("become: skipped as an ordinary user: giving up root's rights");
	}
	tcase_add_test(tests, forward_file);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
