/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Asked whether there is room: yes, no, could not tell; never one for another, whatever becomes of
 * the process that looks, and none of them left behind.
 */
#include <grp.h>
#include <poll.h>
#include <signal.h>

#include "admission.h"
#include "leftover.h"
#include "mailbox_tool.h"

static struct settings settings;
static struct account account;
static char home[PATH_MAX], mailbox[] = "maildir:~/Maildir", quota[] = "none";
static char name[] = "joe", rule[64];

/* The account: nobody where we are root, else ourselves. */
static void
begin(void)
{
	setup();
	strlcpy(home, in_dir("home"), sizeof(home));
	account = (struct account){ .name = name,
		.uid = is_root() ? NOBODY : getuid(),
		.gid = is_root() ? NOBODY : getgid(),
		.home = home,
		.quota_rule = rule };
	settings = (struct settings){ .mailbox = mailbox, .quota = quota, .min_uid = 1 };
	strcpy(rule, "*:messages=1");
	must(chmod(dir, 0755) == 0 && mkdir(home, 0700) == 0);
	must(chown(home, account.uid, account.gid) == 0);
}

static void
end(void)
{
	errno = 0;
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
	ck_assert_int_eq(errno, ECHILD);
	teardown();
}

static void
give(const char *path, mode_t mode)
{
	int fd;

	if (S_ISDIR(mode)) {
		ck_assert_int_eq(mkdir(path, mode & 0777), 0);
	} else {
		fd = open(path, O_WRONLY | O_CREAT | O_EXCL, mode & 0777);
		ck_assert_int_ne(fd, -1);
		must(io_write_all(fd, "12345", 5) == 0);
		close(fd);
	}
	ck_assert_int_eq(lchown(path, account.uid, account.gid), 0);
}

static void
give_message(void)
{
	give(in_dir("home/Maildir"), S_IFDIR | 0700);
	give(in_dir("home/Maildir/tmp"), S_IFDIR | 0700);
	give(in_dir("home/Maildir/new"), S_IFDIR | 0700);
	give(in_dir("home/Maildir/new/1.a.host"), S_IFREG | 0600);
}

START_TEST(no_quota)
{
	struct admission admission;

	strcpy(rule, "*:messages=0");
	account.uid = 12345; /* somebody that we may not even be able to become */
	ck_assert_int_eq(admission_ask(&settings, &account, UINT64_MAX, &err), 1);
	ck_assert_int_eq(admission_start(&admission, &settings, &account, 1, &err), 1);
	account.quota_rule = NULL;
	ck_assert_int_eq(admission_ask(&settings, &account, 1, &err), 1);
}
END_TEST

START_TEST(empty_room_full)
{
	struct stat st;

	ck_assert_msg(admission_ask(&settings, &account, 1, &err) == 1, "%s", err.text);
	give_message();
	ck_assert_int_eq(admission_ask(&settings, &account, 1, &err), 0);
	ck_assert_str_eq(err.text, "the mailbox is full");
	ck_assert_int_eq(err.num, EDQUOT);
	/* What was counted on the way is the account's. */
	ck_assert_int_eq(stat(in_dir("home/Maildir/maildirsize"), &st), 0);
	ck_assert_uint_eq(st.st_uid, account.uid);
	strcpy(rule, "*:bytes=10");
	/* Five are there. Of ten that are announced five may be line ends, of eleven no six. */
	ck_assert_int_eq(admission_ask(&settings, &account, 10, &err), 1);
	ck_assert_int_eq(admission_ask(&settings, &account, 11, &err), 0);
	ck_assert_int_eq(admission_ask(&settings, &account, 21, &err), 0);
	ck_assert_str_eq(err.text, "the message is too large for the mailbox");
}
END_TEST

START_TEST(passed_on)
{
	give_message();
	give(in_dir("home/.forward"), S_IFREG | 0600);
	settings.forward_files = FORWARD_HANDOVER;
	ck_assert_int_eq(admission_ask(&settings, &account, 1, &err), 1);
	settings.forward_files = FORWARD_IGNORE;
	ck_assert_int_eq(admission_ask(&settings, &account, 1, &err), 0);
}
END_TEST

START_TEST(mbox)
{
	static char box[] = "mbox:~/box";

	account.mailbox = box;
	strcpy(rule, "*:bytes=10");
	ck_assert_int_eq(admission_ask(&settings, &account, 20, &err), 1);
	give(in_dir("home/box"), S_IFREG | 0600);
	ck_assert_int_eq(admission_ask(&settings, &account, 10, &err), 1);
	ck_assert_int_eq(admission_ask(&settings, &account, 11, &err), 0);
}
END_TEST

START_TEST(could_not_tell)
{
	static char nowhere[] = "maildir:~x";

	strcpy(rule, "*:lots=1");
	ck_assert_int_eq(admission_ask(&settings, &account, 1, &err), -1);
	strcpy(rule, "*:messages=1");
	account.mailbox = nowhere;
	ck_assert_int_eq(admission_ask(&settings, &account, 1, &err), -1);
	account.mailbox = NULL;
	put("home/Maildir", "no directory");
	ck_assert_int_eq(admission_ask(&settings, &account, 1, &err), -1);
	ck_assert(err.text[0] != '\0');
	account.uid = 0;
	ck_assert_int_eq(admission_ask(&settings, &account, 1, &err), -1);
	account.uid = 12345;
	settings.min_uid = 20000;
	ck_assert_int_eq(admission_ask(&settings, &account, 1, &err), -1);
}
END_TEST

/* Root's rights are not used: what the account may not see is not seen. */
START_TEST(with_the_rights_of_the_account)
{
	if (!is_root())
		return;
	give_message();
	ck_assert_int_eq(chown(home, 0, 0), 0);
	ck_assert_int_eq(admission_ask(&settings, &account, 1, &err), -1);
	ck_assert_int_eq(err.num, EACCES);
}
END_TEST

static void
bury_abandoned(void)
{
	while (waitpid(-1, NULL, 0) > 0)
		continue;
	leftover_bury();
}

START_TEST(beside_others)
{
	struct admission asked[3];

	give_message();
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(admission_start(&asked[i], &settings, &account, 1, &err), 0);
	admission_abandon(&asked[1]);
	admission_abandon(&asked[1]);
	for (int i = 0; i < 3; i += 2) {
		struct pollfd fd = { .fd = asked[i].fd, .events = POLLIN };

		ck_assert_int_eq(poll(&fd, 1, -1), 1);
		ck_assert_int_eq(admission_finish(&asked[i], &err), 0);
	}
	bury_abandoned();
}
END_TEST

/* One that a file system holds is not waited for, but it does not stay a zombie either. */
START_TEST(abandoned_and_buried)
{
	struct admission asked;
	siginfo_t info;

	give_message();
	ck_assert_int_eq(admission_start(&asked, &settings, &account, 1, &err), 0);
	kill(asked.pid, SIGSTOP);
	admission_abandon(&asked);
	/* Dead, and unburied or already gone. */
	waitid(P_ALL, 0, &info, WEXITED | WNOWAIT);
	ck_assert_int_eq(admission_ask(&settings, &account, 1, &err), 0);
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
}
END_TEST

START_TEST(killed)
{
	struct admission asked;

	give_message();
	ck_assert_int_eq(admission_start(&asked, &settings, &account, 1, &err), 0);
	kill(asked.pid, SIGSTOP);
	kill(asked.pid, SIGKILL);
	/* It may have been quicker. */
	ck_assert_int_ne(admission_finish(&asked, &err), 1);
}
END_TEST

/* The process that looks has the account's rights, and may have been taken over: whatever it says
 * but one of three answers is none. */
static int
finish_with(const void *said, size_t len)
{
	struct admission asked;
	int ends[2];

	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	fflush(NULL);
	asked = (struct admission){ .pid = fork(), .fd = ends[0] };
	ck_assert_int_ne(asked.pid, -1);
	if (asked.pid == 0)
		_exit(io_write_all(ends[1], said, len) == -1);
	close(ends[1]);
	return admission_finish(&asked, &err);
}

START_TEST(nonsense_is_no_answer)
{
	struct {
		int room;
		struct err err;
	} word = { .room = 1 };

	ck_assert_int_eq(finish_with(&word, sizeof(word)), 1);
	ck_assert_int_eq(finish_with(&word, sizeof(word.room)), -1);
	ck_assert_int_eq(finish_with(&word, 0), -1);
	for (word.room = 2; word.room > -3; word.room -= 4)
		ck_assert_int_eq(finish_with(&word, sizeof(word)), -1);
	ck_assert_str_eq(err.text, "the process that looks for room said nothing");
	memset(&word, 'x', sizeof(word));
	word.room = 0;
	ck_assert_int_eq(finish_with(&word, sizeof(word)), 0);
	ck_assert_uint_eq(strlen(err.text), sizeof(err.text) - 1);
}
END_TEST

START_TEST(refused_as_set)
{
	struct outcome outcome;

	err_set(&err, 0, "full");
	admission_refuse(&settings, &err, &outcome);
	ck_assert_int_eq(outcome.class, OUTCOME_DEFERRED);
	ck_assert_str_eq(outcome.status, "4.2.2");
	settings.over_quota = OVER_QUOTA_REJECT;
	admission_refuse(&settings, &err, &outcome);
	ck_assert_int_eq(outcome.class, OUTCOME_REJECTED);
	ck_assert_str_eq(outcome.status, "5.2.2");
	ck_assert_str_eq(outcome.text, "full");
}
END_TEST

int
main(void)
{
	TCase *tcase = tcase_create("admission");

	tcase_add_checked_fixture(tcase, begin, end);
	tcase_add_test(tcase, no_quota);
	tcase_add_test(tcase, empty_room_full);
	tcase_add_test(tcase, passed_on);
	tcase_add_test(tcase, mbox);
	tcase_add_test(tcase, could_not_tell);
	tcase_add_test(tcase, with_the_rights_of_the_account);
	tcase_add_test(tcase, beside_others);
	tcase_add_test(tcase, abandoned_and_buried);
	tcase_add_test(tcase, killed);
	tcase_add_test(tcase, nonsense_is_no_answer);
	tcase_add_test(tcase, refused_as_set);
	return run_suite("admission", tcase);
}
