/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The broker and the mail directory: what a worker may ask, what root does for it, and where
 * root refuses. The directory's tests need root (ownership is the point) and are skipped without.
 */
#include "../../src/virtmda/broker.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../src/virtmda/mail_directory.h"
#include "../../src/virtmda/process.h"
#include "suite.h"

#define JOE   4242
#define JOES  4243
#define GROUP 8 /* mail, on every Debian; any will do */

static char all_of_it[64]; /* made and removed by main: a test that fails cleans up nothing */
static char top[80], dir[96], box[112], lock[128];

static void
setup(void)
{
	process_remember_starter();
	snprintf(top, sizeof(top), "%s/XXXXXX", all_of_it);
	ck_assert_ptr_nonnull(mkdtemp(top));
	snprintf(dir, sizeof(dir), "%s/mail", top);
	snprintf(box, sizeof(box), "%s/joe", dir);
	snprintf(lock, sizeof(lock), "%s/joe.lock", dir);
	ck_assert_int_eq(mkdir(dir, 0775), 0);
	if (geteuid() == 0) {
		ck_assert_int_eq(chown(dir, 0, GROUP), 0);
		ck_assert_int_eq(chmod(dir, 02775), 0);
	}
	umask(077);
}

static struct mail_directory *
directory(const char *path)
{
	struct mail_directory *md;
	struct err err;

	ck_assert_msg(mail_directory_new(&md, path, JOE, JOES, &err) == 0, "%s", err.text);
	return md;
}

static void
assert_file(const char *path, uid_t uid, gid_t gid, mode_t mode, off_t size)
{
	struct stat st;

	ck_assert_msg(lstat(path, &st) == 0, "%s", path);
	ck_assert(S_ISREG(st.st_mode));
	ck_assert_uint_eq(st.st_uid, uid);
	ck_assert_uint_eq(st.st_gid, gid);
	ck_assert_uint_eq(st.st_mode & 07777, mode);
	ck_assert_int_eq(st.st_size, size);
	ck_assert_uint_eq(st.st_nlink, 1);
}

static size_t
entries(void)
{
	char command[128], line[16] = "";
	FILE *out;

	snprintf(command, sizeof(command), "ls -A %s | wc -l", dir);
	out = popen(command, "r");
	ck_assert_ptr_nonnull(out);
	ck_assert_ptr_nonnull(fgets(line, sizeof(line), out));
	pclose(out);
	return (size_t)atoi(line);
}

START_TEST(makes_a_mailbox)
{
	struct mail_directory *md = directory(box);
	struct err err;
	int fd = mail_directory_create_mailbox(md, &err);

	ck_assert_msg(fd != -1, "%s", err.text);
	assert_file(box, JOE, GROUP, 0660, 0);
	ck_assert_int_eq(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	ck_assert_int_eq(fcntl(fd, F_GETFL) & (O_ACCMODE | O_APPEND), O_RDWR | O_APPEND);
	ck_assert_int_eq(write(fd, "x", 1), 1);
	close(fd);
	assert_file(box, JOE, GROUP, 0660, 1);
	ck_assert_int_eq(mail_directory_create_mailbox(md, &err), -1);
	ck_assert_int_eq(err.num, EEXIST);
	assert_file(box, JOE, GROUP, 0660, 1);
	mail_directory_free(md);
	ck_assert_uint_eq(entries(), 1);
}
END_TEST

/* Nothing that stands in the way is followed, opened or changed, whatever it is. */
START_TEST(leaves_what_is_there)
{
	static const char *const kinds[] = { "ln -s /etc/passwd", "ln -s nowhere", "mkdir",
		"mkfifo", "touch" };
	struct mail_directory *md = directory(box);
	char command[256];
	struct stat before, after;
	struct err err;

	snprintf(command, sizeof(command), "%s %s && %s %s", kinds[_i], box, kinds[_i], lock);
	ck_assert_int_eq(system(command), 0);
	ck_assert_int_eq(lstat(box, &before), 0);
	ck_assert_int_eq(mail_directory_create_mailbox(md, &err), -1);
	ck_assert_int_eq(err.num, EEXIST);
	ck_assert_int_eq(mail_directory_create_dotlock(md, "1\n", 2, &err), -1);
	ck_assert_int_eq(err.num, EEXIST);
	ck_assert_int_eq(lstat(box, &after), 0);
	ck_assert_uint_eq(before.st_ino, after.st_ino);
	ck_assert_uint_eq(before.st_uid, after.st_uid);
	ck_assert_uint_eq(before.st_mode, after.st_mode);
	mail_directory_free(md);
	ck_assert_uint_eq(entries(), 2);
}
END_TEST

START_TEST(makes_and_removes_a_dotlock)
{
	struct mail_directory *md = directory(box);
	struct stat st;
	struct err err;

	ck_assert_int_eq(mail_directory_create_dotlock(md, "123\nmore", 8, &err), 0);
	assert_file(lock, JOE, JOES, 0600, 8);
	ck_assert_int_eq(mail_directory_create_dotlock(md, "123\n", 4, &err), -1);
	ck_assert_int_eq(err.num, EEXIST);
	ck_assert_int_eq(lstat(lock, &st), 0);
	/* another's by now: stays */
	ck_assert_int_eq(mail_directory_remove_dotlock(md, st.st_dev, st.st_ino + 1, &err), 0);
	ck_assert_int_eq(mail_directory_remove_dotlock(md, st.st_dev + 1, st.st_ino, &err), 0);
	assert_file(lock, JOE, JOES, 0600, 8);
	ck_assert_int_eq(mail_directory_remove_dotlock(md, st.st_dev, st.st_ino, &err), 0);
	ck_assert_int_eq(mail_directory_remove_dotlock(md, st.st_dev, st.st_ino, &err), 0);
	ck_assert_uint_eq(entries(), 0);
	mail_directory_free(md);
}
END_TEST

START_TEST(drops_its_own_dotlock)
{
	struct mail_directory *md = directory(box);
	char other[160];
	struct err err;

	ck_assert_int_eq(mail_directory_drop_dotlock(md, &err), 0);
	ck_assert_int_eq(mail_directory_create_dotlock(md, "1\n", 2, &err), 0);
	ck_assert_int_eq(mail_directory_drop_dotlock(md, &err), 0);
	ck_assert_uint_eq(entries(), 0);
	/* dropped already: what somebody has put there since stays */
	ck_assert_int_eq(close(creat(lock, 0600)), 0);
	ck_assert_int_eq(mail_directory_drop_dotlock(md, &err), 0);
	ck_assert_uint_eq(entries(), 1);
	ck_assert_int_eq(unlink(lock), 0);

	/* renamed, and another in its place: that is not ours */
	snprintf(other, sizeof(other), "%s/other", dir);
	ck_assert_int_eq(mail_directory_create_dotlock(md, "1\n", 2, &err), 0);
	ck_assert_int_eq(rename(lock, other), 0);
	ck_assert_int_eq(close(creat(lock, 0600)), 0);
	ck_assert_int_eq(mail_directory_drop_dotlock(md, &err), 0);
	ck_assert_uint_eq(entries(), 2);
	ck_assert_int_eq(unlink(lock), 0);

	/* removed by somebody, and made again: the second is the one to drop */
	ck_assert_int_eq(mail_directory_create_dotlock(md, "1\n", 2, &err), 0);
	ck_assert_int_eq(unlink(lock), 0);
	ck_assert_int_eq(mail_directory_create_dotlock(md, "2\n", 2, &err), 0);
	ck_assert_int_eq(mail_directory_drop_dotlock(md, &err), 0);
	ck_assert_uint_eq(entries(), 1);

	/* nobody has heard how it ended: it stays, and says whose it was */
	ck_assert_int_eq(mail_directory_create_dotlock(md, "3\n", 2, &err), 0);
	mail_directory_free(md);
	assert_file(lock, JOE, JOES, 0600, 2);
}
END_TEST

START_TEST(makes_a_file_for_saved_bytes)
{
	struct mail_directory *md = directory(box);
	char command[160];
	struct err err;
	int fd = mail_directory_create_saved(md, &err);

	ck_assert_int_ne(fd, -1);
	close(fd);
	mail_directory_free(md);
	snprintf(command, sizeof(command),
	    "test \"$(stat -c %%u:%%g:%%a %s/.joe.torn.*)\" = %d:%d:600", dir, JOE, JOES);
	ck_assert_int_eq(system(command), 0);
}
END_TEST

/* Whoever can replace the directory, or one above it, could make root write elsewhere. */
START_TEST(refuses_a_directory_that_is_not_roots)
{
	static const struct {
		const char *change; /* shell; $t is the top, $d the directory */
		int allowed;
	} cases[] = {
		{ "true", 1 },
		{ "chmod 755 $d", 1 },
		{ "chmod 3777 $d", 1 },
		{ "chmod 777 $d", 0 },
		{ "chown 4242 $d", 0 },
		{ "chown 4242 $t", 0 },
		{ "chmod 777 $t", 0 },
		{ "chmod 775 $t", 0 },
		{ "chmod 1777 $t", 1 },
		{ "mv $d $t/real; ln -s real $d", 1 },
		{ "mv $d $t/real; ln -s $t/real $d; chown 4242 $t/real", 0 },
		{ "mkdir $t/open; chmod 777 $t/open; mv $d $t/open/m; ln -s open/m $d", 0 },
		{ "rmdir $d; touch $d", 0 },
		{ "rmdir $d", 0 },
	};
	struct mail_directory *md;
	char command[512];
	struct err err;

	snprintf(command, sizeof(command), "t=%s d=%s; %s", top, dir, cases[_i].change);
	ck_assert_int_eq(system(command), 0);
	md = directory(box);
	ck_assert_msg(
	    (mail_directory_create_dotlock(md, "1\n", 2, &err) != -1) == cases[_i].allowed,
	    "%s: %s", cases[_i].change, cases[_i].allowed ? err.text : "allowed");
	mail_directory_free(md);
}
END_TEST

START_TEST(refuses_names)
{
	char longest[400] = "/tmp/", *p = longest + 5;
	struct mail_directory *md;
	struct err err;

	ck_assert_int_eq(mail_directory_new(&md, "joe", JOE, JOES, &err), -1);
	ck_assert_int_eq(mail_directory_new(&md, "/var/mail/", JOE, JOES, &err), -1);
	memset(p, 'x', 252); /* fits, but its lock does not */
	ck_assert_int_eq(mail_directory_new(&md, longest, JOE, JOES, &err), -1);
	ck_assert_int_eq(err.num, ENAMETOOLONG);
	ck_assert_ptr_null(md);
}
END_TEST

/* ---- over the socket ------------------------------------------------------------------------- */

static const struct account joe = { .uid = JOE, .gid = JOES };

/* Run `work` in a child that asks; serve it here until it has reported or is gone. What
 * broker_serve said last. */
static int
serve(
    const struct mailbox *mailbox, void (*work)(int socket), struct report *report, struct err *err)
{
	struct broker *broker;
	int sockets[2], served, status;
	pid_t pid;

	ck_assert_int_eq(broker_new(&broker, mailbox, &joe, err), 0);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets), 0);
	pid = fork();
	ck_assert_int_ne(pid, -1);
	if (pid == 0) {
		close(sockets[0]);
		process_forked();
		work(sockets[1]);
		_exit(0);
	}
	close(sockets[1]);
	do
		served = broker_serve(broker, sockets[0], report, err);
	while (served == 0);
	close(sockets[0]);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "worker: status %x", status);
	broker_free(broker);
	return served;
}

/* In the child: a failed check must reach the parent as a status. */
#define MUST(condition)                                                                            \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "line %d: %s (%s)\n", __LINE__, #condition, err.text);     \
			_exit(1);                                                                  \
		}                                                                                  \
	} while (0)

static void
report_delivered(int socket)
{
	struct report report;
	struct err err = { 0 };

	report_init(&report);
	outcome_deliver(&report.outcome, "2.0.0", "delivered");
	report.size = 4711;
	MUST(broker_report(socket, &report, &err) == 0);
}

static void
ask_everything(int socket)
{
	struct mailbox_broker broker;
	struct err err = { 0 };
	struct stat st;
	char huge[BROKER_CONTENT_MAX + 1] = { 0 };
	int fd;

	broker_proxy(&broker, &socket);
	MUST(broker.still_wanted(broker.arg, &err) == 0);
	MUST(broker.create_dotlock(broker.arg, "1\n", 2, &err) == 0);
	MUST(broker.create_dotlock(broker.arg, "1\n", 2, &err) == -1 && err.num == EEXIST);
	MUST(broker.create_dotlock(broker.arg, huge, sizeof(huge), &err) == -1 &&
	     err.num == EMSGSIZE);
	MUST(lstat(lock, &st) == 0 && st.st_size == 2);
	fd = broker.create_mailbox(broker.arg, &err);
	MUST(fd != -1 && write(fd, "hello", 5) == 5 && close(fd) == 0);
	MUST(broker.create_mailbox(broker.arg, &err) == -1 && err.num == EEXIST);
	fd = broker.create_saved(broker.arg, &err);
	MUST(fd != -1 && close(fd) == 0);
	MUST(broker.remove_dotlock(broker.arg, st.st_dev, st.st_ino, &err) == 0);
	MUST(lstat(lock, &st) == -1 && errno == ENOENT);
	MUST(broker.create_dotlock(broker.arg, "1\n", 2, &err) == 0);
	MUST(broker.drop_dotlock(broker.arg, &err) == 0);
	MUST(lstat(lock, &st) == -1 && errno == ENOENT);
	report_delivered(socket);
}

static void
lock_and_report(int socket)
{
	struct mailbox_broker broker;
	struct err err = { 0 };

	broker_proxy(&broker, &socket);
	MUST(broker.create_dotlock(broker.arg, "1\n", 2, &err) == 0);
	report_delivered(socket);
}

static void
lock_and_die(int socket)
{
	struct mailbox_broker broker;
	struct err err = { 0 };

	broker_proxy(&broker, &socket);
	MUST(broker.create_dotlock(broker.arg, "1\n", 2, &err) == 0);
}

START_TEST(serves_an_mbox)
{
	const struct mailbox mailbox = { .format = MAILBOX_MBOX, .path = box };
	struct report report;
	struct err err;

	ck_assert_msg(serve(&mailbox, ask_everything, &report, &err) == 1, "%s", err.text);
	ck_assert_int_eq(report.outcome.class, OUTCOME_DELIVERED);
	ck_assert_uint_eq(report.size, 4711);
	assert_file(box, JOE, GROUP, 0660, 5);
}
END_TEST

/* The dotlock goes with the report. Without one it stays, for it says what was begun. */
START_TEST(a_report_ends_the_lock)
{
	const struct mailbox mailbox = { .format = MAILBOX_MBOX, .path = box };
	struct report report;
	struct err err;

	ck_assert_msg(serve(&mailbox, lock_and_report, &report, &err) == 1, "%s", err.text);
	ck_assert_str_eq(report.receipt.note, "");
	ck_assert_uint_eq(entries(), 0);
	ck_assert_int_eq(serve(&mailbox, lock_and_die, &report, &err), -1);
	assert_file(lock, JOE, JOES, 0600, 2);
}
END_TEST

static void
ask_for_files(int socket)
{
	struct mailbox_broker broker;
	struct err err = { 0 };

	broker_proxy(&broker, &socket);
	MUST(broker.still_wanted(broker.arg, &err) == 0);
	MUST(broker.create_dotlock(broker.arg, "1\n", 2, &err) == -1 && err.num == EPERM);
	MUST(broker.create_mailbox(broker.arg, &err) == -1 && err.num == EPERM);
	MUST(broker.create_saved(broker.arg, &err) == -1 && err.num == EPERM);
	MUST(broker.remove_dotlock(broker.arg, 1, 1, &err) == -1 && err.num == EPERM);
	MUST(broker.drop_dotlock(broker.arg, &err) == -1 && err.num == EPERM);
	report_delivered(socket);
}

START_TEST(refuses_a_maildir_everything)
{
	const struct mailbox mailbox = { .format = MAILBOX_MAILDIR, .path = box };
	struct report report;
	struct err err;

	ck_assert_msg(serve(&mailbox, ask_for_files, &report, &err) == 1, "%s", err.text);
	ck_assert_uint_eq(entries(), 0);
}
END_TEST

static void
say_nothing(int socket)
{
	(void)socket;
}

static void
say_half(int socket)
{
	struct err err = { 0 };

	MUST(send(socket, "xy", 2, 0) == 2);
}

static void
say_nonsense(int socket)
{
	static unsigned char noise[65536];
	struct err err = { 0 };

	memset(noise, 0xee, sizeof(noise));
	MUST(send(socket, noise, sizeof(noise), 0) == sizeof(noise));
}

START_TEST(silence_is_no_report)
{
	static void (*const workers[])(int) = { say_nothing, say_half, say_nonsense };
	const struct mailbox mailbox = { .format = MAILBOX_MBOX, .path = box };
	struct report report;
	struct err err;

	ck_assert_int_eq(serve(&mailbox, workers[_i], &report, &err), -1);
	ck_assert_int_ne(err.num, ECONNRESET);
}
END_TEST

/* The worker's side when the parent was killed. */
START_TEST(without_a_parent_nothing_is_wanted)
{
	struct mailbox_broker broker;
	struct err err;
	int sockets[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sockets), 0);
	close(sockets[0]);
	broker_proxy(&broker, &sockets[1]);
	ck_assert_int_eq(broker.still_wanted(broker.arg, &err), -1);
	ck_assert_int_eq(broker.create_mailbox(broker.arg, &err), -1);
	ck_assert_int_eq(broker.create_dotlock(broker.arg, "1\n", 2, &err), -1);
	ck_assert_int_eq(broker.remove_dotlock(broker.arg, 1, 1, &err), -1);
	close(sockets[1]);
}
END_TEST

START_TEST(without_rights_nobody_is_asked)
{
	struct err err;

	ck_assert_int_eq(broker_none.create_mailbox(NULL, &err), -1);
	ck_assert_int_eq(err.num, EACCES);
	ck_assert_int_eq(broker_none.create_dotlock(NULL, "1\n", 2, &err), -1);
	ck_assert_int_eq(broker_none.remove_dotlock(NULL, 1, 1, &err), -1);
	ck_assert_int_eq(broker_none.create_saved(NULL, &err), -1);
	ck_assert_int_eq(broker_none.drop_dotlock(NULL, &err), 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("virtmda broker");
	TCase *roots = tcase_create("mail directory"), *all = tcase_create("socket");
	char command[128];
	int failed;

	strcpy(all_of_it, "/tmp/check_broker.XXXXXX");
	if (mkdtemp(all_of_it) == NULL)
		return 1;
	chmod(all_of_it, 0755);

	tcase_add_checked_fixture(roots, setup, NULL);
	tcase_add_test(roots, makes_a_mailbox);
	tcase_add_loop_test(roots, leaves_what_is_there, 0, 5);
	tcase_add_test(roots, makes_and_removes_a_dotlock);
	tcase_add_test(roots, drops_its_own_dotlock);
	tcase_add_test(roots, makes_a_file_for_saved_bytes);
	tcase_add_loop_test(roots, refuses_a_directory_that_is_not_roots, 0, 14);
	tcase_add_test(roots, serves_an_mbox);
	tcase_add_test(roots, a_report_ends_the_lock);
	tcase_add_checked_fixture(all, setup, NULL);
	tcase_add_test(all, refuses_names);
	tcase_add_test(all, refuses_a_maildir_everything);
	tcase_add_loop_test(all, silence_is_no_report, 0, 3);
	tcase_add_test(all, without_a_parent_nothing_is_wanted);
	tcase_add_test(all, without_rights_nobody_is_asked);
	if (geteuid() == 0)
		suite_add_tcase(suite, roots);
	else
		puts("# skipped: the mail directory's tests need root");
	suite_add_tcase(suite, all);
	failed = suite_run(suite);
	snprintf(command, sizeof(command), "rm -rf %s", all_of_it);
	if (system(command) != 0)
		return 1;
	return failed == 0 ? 0 : 1;
}
