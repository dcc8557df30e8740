/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Maildir: in new/ and durable, or nowhere; names that nobody else has and no reader misreads;
 * directories made on first use, left-overs cleared now and then.
 */
#include <dirent.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <time.h>

#include "../../src/mailbox/maildir.h"
#include "mailbox_tool.h"

static int
deliver(void)
{
	char path[PATH_MAX];
	struct mailbox mailbox = { .format = MAILBOX_MAILDIR, .path = path };

	strlcpy(path, in_dir("Maildir"), sizeof(path));
	err = (struct err){ 0 };
	return mailbox_deliver(&mailbox, &delivery, &receipt, &err);
}

#define ck_delivered() ck_assert_msg(deliver() == 0, "%s", err.text)

static void
ck_deferred(int num, const char *why)
{
	ck_assert_int_eq(deliver(), -1);
	ck_assert_msg(err.num == num, "%d instead of %d: %s", err.num, num, err.text);
	ck_assert_msg(strstr(err.text, why) != NULL, "\"%s\" lacks \"%s\"", err.text, why);
}

static const char *
in_new(void)
{
	static char path[NAME_MAX + 16];

	snprintf(path, sizeof(path), "Maildir/new/%.255s", receipt.name);
	return path;
}

static mode_t
mode_of(const char *name)
{
	struct stat st;

	ck_assert_int_eq(lstat(in_dir(name), &st), 0);
	return st.st_mode;
}

START_TEST(made_on_first_use)
{
	ck_delivered();
	ck_assert_uint_eq(mode_of("Maildir"), S_IFDIR | 0700);
	ck_assert_uint_eq(mode_of("Maildir/new"), S_IFDIR | 0700);
	ck_assert_uint_eq(mode_of("Maildir/cur"), S_IFDIR | 0700);
	ck_assert_uint_eq(mode_of("Maildir/tmp"), S_IFDIR | 0700);
	ck_assert_uint_eq(mode_of(in_new()), S_IFREG | 0600);
	ck_content(in_new(), OURS TEXT);
	ck_assert_uint_eq(receipt.bytes, strlen(OURS TEXT));
	ck_assert_int_eq(entries("Maildir/tmp"), 0);
	ck_assert_int_eq(entries("Maildir/new"), 1);
	ck_assert_str_eq(receipt.note, "");
	ck_assert_uint_eq(receipt.lock_wait_ms, 0);
}
END_TEST

/* A maker that was killed at any step is finished by the next. */
START_TEST(half_made_is_completed)
{
	static const char *const steps[] = { "Maildir", "Maildir/cur", "Maildir/new",
		"Maildir/tmp" };

	for (unsigned have = 0; have < 16; have++) {
		char command[PATH_MAX + 32];

		if (have != 0 && (have & 1) == 0)
			continue;
		snprintf(command, sizeof(command), "rm -rf %s/Maildir", dir);
		ck_assert_int_eq(system(command), 0);
		for (unsigned i = 0; i < 4; i++)
			if ((have >> i & 1) != 0)
				ck_assert_int_eq(mkdir(in_dir(steps[i]), 0700), 0);
		ck_delivered();
		ck_content(in_new(), OURS TEXT);
		/* cur/ is the readers', and needed only where they have none. */
		if ((have & 12) != 12)
			ck_assert_uint_eq(mode_of("Maildir/cur"), S_IFDIR | 0700);
	}
}
END_TEST

START_TEST(bytes_are_kept)
{
	static const unsigned char in[] = "A: 1\r\n\r\n\0\x80\xff\r>From x\nFrom y\r\nno end";
	struct buf got = BUF_INIT;

	message_free((struct message *)(uintptr_t)delivery.message);
	delivery.message = message_of(in, sizeof(in) - 1);
	ck_delivered();
	get(in_new(), &got);
	ck_assert_uint_eq(got.len, strlen(OURS) + sizeof(in) - 1);
	ck_assert_int_eq(memcmp(got.data + strlen(OURS), in, sizeof(in) - 1), 0);
	buf_free(&got);
}
END_TEST

/* ---- names ----------------------------------------------------------------------------- */

START_TEST(names_are_unique_and_say_the_size)
{
	char names[50][256], size[32];

	snprintf(size, sizeof(size), ",S=%zu", strlen(OURS TEXT));
	for (int i = 0; i < 50; i++) {
		long long seconds;
		unsigned usec, pid, q;
		char end[256];

		ck_delivered();
		strlcpy(names[i], receipt.name, sizeof(names[i]));
		ck_assert_int_eq(
		    sscanf(names[i], "%lld.M%6uP%uQ%u.%255s", &seconds, &usec, &pid, &q, end), 5);
		ck_assert_int_le(llabs(seconds - (long long)time(NULL)), 5);
		ck_assert_uint_eq(pid, (unsigned)getpid());
		ck_assert_str_eq(end + strlen(end) - strlen(size), size);
		ck_assert_ptr_null(strpbrk(names[i], "/:"));
		for (int k = 0; k < i; k++)
			ck_assert_str_ne(names[i], names[k]);
	}
	ck_assert_int_eq(entries("Maildir/new"), 50);
}
END_TEST

static void
named_oddly(void)
{
	static const char odd[] = "a/b:c,d\\e f";
	struct buf name = BUF_INIT;

	if (unshare(CLONE_NEWUTS) == -1 || sethostname(odd, sizeof(odd) - 1) == -1)
		_exit(77);
	must(maildir_name(&name, 7) == 0);
	must(strstr(buf_cstr(&name), ".a\\057b\\072c\\054d\\134e\\040f,S=7") != NULL);
	must(sethostname("", 0) == 0);
	buf_clear(&name);
	must(maildir_name(&name, 7) == 0);
	must(strstr(buf_cstr(&name), ".localhost,S=7") != NULL);
	buf_free(&name);
}

START_TEST(odd_host_names_are_encoded)
{
	int status;

	if (!is_root())
		return;
	status = apart(named_oddly);
	ck_assert(status == 0 || WEXITSTATUS(status) == 77);
}
END_TEST

/* ---- what is not a Maildir of ours -------------------------------------------------------- */

static void
lay_file(void)
{
	put("Maildir", "x");
}

static void
lay_link(void)
{
	ck_assert_int_eq(mkdir(in_dir("elsewhere"), 0700), 0);
	ck_assert_int_eq(symlink("elsewhere", in_dir("Maildir")), 0);
}

static void
lay_dangling_link(void)
{
	ck_assert_int_eq(symlink("nowhere", in_dir("Maildir")), 0);
}

static void
lay_linked_new(void)
{
	ck_assert_int_eq(mkdir(in_dir("elsewhere"), 0700), 0);
	ck_assert_int_eq(mkdir(in_dir("Maildir"), 0700), 0);
	ck_assert_int_eq(mkdir(in_dir("Maildir/tmp"), 0700), 0);
	ck_assert_int_eq(symlink("../elsewhere", in_dir("Maildir/new")), 0);
}

static void
lay_linked_tmp(void)
{
	ck_assert_int_eq(mkdir(in_dir("elsewhere"), 0700), 0);
	ck_assert_int_eq(mkdir(in_dir("Maildir"), 0700), 0);
	ck_assert_int_eq(mkdir(in_dir("Maildir/new"), 0700), 0);
	ck_assert_int_eq(symlink("../elsewhere", in_dir("Maildir/tmp")), 0);
}

static void
lay_fifo(void)
{
	ck_assert_int_eq(mkfifo(in_dir("Maildir"), 0600), 0);
}

static void
lay_writable(void)
{
	ck_assert_int_eq(mkdir(in_dir("Maildir"), 0700), 0);
	ck_assert_int_eq(chmod(in_dir("Maildir"), 0777), 0);
}

static void
lay_others(void)
{
	ck_assert_int_eq(mkdir(in_dir("Maildir"), 0700), 0);
	ck_assert_int_eq(chown(in_dir("Maildir"), NOBODY, NOBODY), 0);
}

static void
lay_others_new(void)
{
	ck_assert_int_eq(mkdir(in_dir("Maildir"), 0700), 0);
	ck_assert_int_eq(mkdir(in_dir("Maildir/tmp"), 0700), 0);
	ck_assert_int_eq(mkdir(in_dir("Maildir/new"), 0700), 0);
	ck_assert_int_eq(chown(in_dir("Maildir/new"), NOBODY, NOBODY), 0);
}

static const struct {
	void (*lay)(void);
	int num;
	const char *why;
	bool root;
} traps[] = {
	{ lay_file, ENOTDIR, "open", false },
	{ lay_link, ENOTDIR, "open", false },
	{ lay_dangling_link, ENOTDIR, "open", false },
	{ lay_linked_new, ENOTDIR, "/Maildir/new", false },
	{ lay_linked_tmp, ENOTDIR, "/Maildir/tmp", false },
	{ lay_fifo, ENOTDIR, "open", false },
	{ lay_writable, 0, "everybody may write", false },
	{ lay_others, 0, "belongs to uid", true },
	{ lay_others_new, 0, "/Maildir/new belongs to uid", true },
};

START_TEST(traps_are_not_used)
{
	if (traps[_i].root && !is_root())
		return;
	traps[_i].lay();
	ck_deferred(traps[_i].num, traps[_i].why);
	if (exists("elsewhere"))
		ck_assert_int_eq(entries("elsewhere"), 0);
	ck_assert(!exists("nowhere"));
}
END_TEST

START_TEST(a_missing_home_is_not_made)
{
	char path[PATH_MAX];
	struct mailbox mailbox = { .format = MAILBOX_MAILDIR, .path = path };

	strlcpy(path, in_dir("home/Maildir"), sizeof(path));
	ck_assert_int_eq(mailbox_deliver(&mailbox, &delivery, &receipt, &err), -1);
	ck_assert_int_eq(err.num, ENOENT);
	ck_assert(!exists("home"));
}
END_TEST

/* ---- failures ------------------------------------------------------------------------------- */

static void
ck_empty(void)
{
	ck_assert_int_eq(entries("Maildir/new"), 0);
	ck_assert_int_eq(entries("Maildir/tmp"), 0);
	ck_assert_int_eq(entries("Maildir/cur"), 0);
}

static int
deliver_limited(size_t size)
{
	struct rlimit unlimited, limit;
	int failed;

	must(getrlimit(RLIMIT_FSIZE, &unlimited) == 0);
	limit = unlimited;
	limit.rlim_cur = size;
	must(setrlimit(RLIMIT_FSIZE, &limit) == 0);
	failed = deliver();
	must(setrlimit(RLIMIT_FSIZE, &unlimited) == 0);
	return failed;
}

START_TEST(a_size_limit_at_every_byte_leaves_nothing)
{
	size_t len = strlen(OURS TEXT);

	signal(SIGXFSZ, SIG_IGN);
	for (size_t i = 0; i < len; i++) {
		ck_assert_int_eq(deliver_limited(i), -1);
		ck_assert_int_eq(err.num, EFBIG);
		ck_empty();
	}
	ck_assert_int_eq(deliver_limited(len), 0);
	ck_content(in_new(), OURS TEXT);
}
END_TEST

static void
fill_disk(void)
{
	char fill[4096] = { 0 };
	struct buf large = BUF_INIT;
	int fd;

	if (unshare(CLONE_NEWNS) == -1 || mount("", "/", "", MS_REC | MS_PRIVATE, "") == -1 ||
	    mount("none", dir, "tmpfs", 0, "size=256k") == -1)
		_exit(77);
	fd = open(in_dir("fill"), O_WRONLY | O_CREAT, 0600);
	while (write(fd, fill, sizeof(fill)) == sizeof(fill))
		;
	close(fd);
	ck_deferred(ENOSPC, "Maildir");
	ck_assert_int_eq(truncate(in_dir("fill"), 256 * 1024 - 64 * 1024), 0);
	buf_adds(&large, "Subject: large\n\n");
	while (large.len < 150000)
		buf_adds(&large, "a line that takes its room\n");
	use_message(buf_cstr(&large));
	ck_deferred(ENOSPC, "write");
	ck_empty();
	use_message(TEXT);
	ck_delivered();
	ck_content(in_new(), OURS TEXT);
	buf_free(&large);
	umount2(dir, MNT_DETACH);
}

START_TEST(a_full_disk_leaves_nothing)
{
	int status;

	if (!is_root())
		return;
	status = apart(fill_disk);
	ck_assert_msg(status == 0 || WEXITSTATUS(status) == 77, "status %d", status);
}
END_TEST

static int
not_wanted(void *arg, struct err *e)
{
	*(int *)arg = entries("Maildir/tmp");
	return err_set(e, ECONNRESET, "sendmail is gone");
}

START_TEST(nobody_waits_nothing_is_left)
{
	int in_tmp = -1;

	broker.still_wanted = not_wanted;
	broker.arg = &in_tmp;
	ck_deferred(ECONNRESET, "gone");
	ck_assert_int_eq(in_tmp, 1);
	ck_empty();
}
END_TEST

/* The Maildir exists; the descriptors are the Maildir's, tmp's, new's, the file's. */
static void
fsync_file_fails(void)
{
	break_call(SYS_fsync, 0, next_fd() + 3, EIO);
	must(deliver() == -1 && err.num == EIO);
}

static void
close_file_fails(void)
{
	break_call(SYS_close, 0, next_fd() + 3, EIO);
	must(deliver() == -1 && err.num == EIO);
}

static void
fsync_new_fails(void)
{
	break_call(SYS_fsync, 0, next_fd() + 2, EIO);
	must(deliver() == -1 && err.num == EIO);
}

static void
rename_fails(void)
{
	break_call(SYS_renameat2, 4, RENAME_NOREPLACE, EIO);
	must(deliver() == -1 && err.num == EIO);
}

static void
rename_is_taken(void)
{
	break_call(SYS_renameat2, 4, RENAME_NOREPLACE, EEXIST);
	must(deliver() == -1 && err.num == EEXIST);
}

static void
rename_cannot(void)
{
	break_call(SYS_renameat2, 4, RENAME_NOREPLACE, EINVAL);
	must(deliver() == 0);
}

START_TEST(a_broken_disk_leaves_nothing)
{
	ck_delivered();
	ck_assert_int_eq(unlink(in_dir(in_new())), 0);
	ck_broken(fsync_file_fails);
	ck_empty();
	ck_broken(close_file_fails);
	ck_empty();
	ck_broken(fsync_new_fails);
	ck_empty();
	ck_broken(rename_fails);
	ck_empty();
	ck_broken(rename_is_taken);
	ck_empty();
}
END_TEST

/* NFS and others know no RENAME_NOREPLACE: a link does as well. */
START_TEST(moved_by_a_link_where_need_be)
{
	ck_delivered();
	ck_broken(rename_cannot);
	ck_assert_int_eq(entries("Maildir/new"), 2);
	ck_assert_int_eq(entries("Maildir/tmp"), 0);
}
END_TEST

static void
deliver_as_nobody(void)
{
	become_nobody();
	delivery.uid = NOBODY;
	ck_deferred(EACCES, "mkdir");
	ck_assert(!exists("Maildir"));
}

START_TEST(a_home_without_rights_is_an_error)
{
	if (!is_root())
		return;
	ck_assert_int_eq(chmod(dir, 0755), 0);
	ck_assert_int_eq(apart(deliver_as_nobody), 0);
}
END_TEST

/* ---- left-overs ----------------------------------------------------------------------------- */

static void
open_tmp(int *fd)
{
	ck_delivered();
	*fd = open(in_dir("Maildir/tmp"), O_RDONLY | O_DIRECTORY);
	ck_assert_int_ne(*fd, -1);
}

static time_t
read_at(int fd)
{
	struct stat st;

	ck_assert_int_eq(fstat(fd, &st), 0);
	return st.st_atime;
}

START_TEST(only_old_files_are_cleared)
{
	time_t now = time(NULL);
	int fd;

	open_tmp(&fd);
	put("Maildir/tmp/left", "x");
	put("Maildir/tmp/.hidden", "x");
	ck_assert_int_eq(mkdir(in_dir("Maildir/tmp/directory"), 0700), 0);
	ck_assert_int_eq(symlink("left", in_dir("Maildir/tmp/link")), 0);
	maildir_clean_tmp(fd, now);
	maildir_clean_tmp(fd, now + MAILDIR_TMP_AGE - 10);
	ck_assert_int_eq(entries("Maildir/tmp"), 4);
	maildir_clean_tmp(fd, now + MAILDIR_TMP_AGE + 10);
	ck_assert(!exists("Maildir/tmp/left"));
	ck_assert_int_eq(entries("Maildir/tmp"), 3);
	ck_assert_int_eq(read_at(fd), now + MAILDIR_TMP_AGE + 10);
	close(fd);
}
END_TEST

START_TEST(one_clearing_has_bounds)
{
	time_t now = time(NULL);
	int fd;

	open_tmp(&fd);
	for (int i = 0; i < MAILDIR_CLEAN_MAX + 300; i++) {
		char name[64];

		snprintf(name, sizeof(name), "Maildir/tmp/left.%d", i);
		put(name, "");
	}
	maildir_clean_tmp(fd, now + MAILDIR_TMP_AGE + 10);
	ck_assert_int_ge(entries("Maildir/tmp"), 300);
	ck_assert_int_lt(entries("Maildir/tmp"), 400);
	maildir_clean_tmp(fd, now + MAILDIR_TMP_AGE + 10);
	ck_assert_int_eq(entries("Maildir/tmp"), 0);
	close(fd);
}
END_TEST

/* tmp/'s access time says when it was last looked through. */
START_TEST(cleared_every_eight_hours)
{
	struct timespec times[2] = { { .tv_sec = 0 }, { .tv_nsec = UTIME_OMIT } };
	time_t now = time(NULL);
	int fd;

	open_tmp(&fd);
	times[0].tv_sec = now - MAILDIR_CLEAN_EVERY + 60;
	ck_assert_int_eq(futimens(fd, times), 0);
	ck_delivered();
	ck_assert_int_eq(read_at(fd), times[0].tv_sec);
	times[0].tv_sec = now - MAILDIR_CLEAN_EVERY - 60;
	ck_assert_int_eq(futimens(fd, times), 0);
	ck_delivered();
	ck_assert_int_ge(read_at(fd), now);
	close(fd);
}
END_TEST

int
main(void)
{
	TCase *tcase = tcase_create("maildir");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, made_on_first_use);
	tcase_add_test(tcase, half_made_is_completed);
	tcase_add_test(tcase, bytes_are_kept);
	tcase_add_test(tcase, names_are_unique_and_say_the_size);
	tcase_add_test(tcase, odd_host_names_are_encoded);
	tcase_add_loop_test(tcase, traps_are_not_used, 0, COUNT(traps));
	tcase_add_test(tcase, a_missing_home_is_not_made);
	tcase_add_test(tcase, a_size_limit_at_every_byte_leaves_nothing);
	tcase_add_test(tcase, a_full_disk_leaves_nothing);
	tcase_add_test(tcase, nobody_waits_nothing_is_left);
	tcase_add_test(tcase, a_broken_disk_leaves_nothing);
	tcase_add_test(tcase, moved_by_a_link_where_need_be);
	tcase_add_test(tcase, a_home_without_rights_is_an_error);
	tcase_add_test(tcase, only_old_files_are_cleared);
	tcase_add_test(tcase, one_clearing_has_bounds);
	tcase_add_test(tcase, cleared_every_eight_hours);
	return run_suite("maildir", tcase);
}
