/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * mbox: appended whole or not at all, only to the account's own plain file, only with both locks.
 */
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/sysmacros.h>
#include <utime.h>

#include "lock.h"
#include "mailbox_tool.h"

static int
deliver(void)
{
	char path[PATH_MAX];
	struct mailbox mailbox = { .format = MAILBOX_MBOX, .path = path };

	strlcpy(path, in_dir("box"), sizeof(path));
	err = (struct err){ 0 };
	return mailbox_deliver(&mailbox, &delivery, &receipt, &err);
}

/* With a limit on the size of files, which Check's own must not meet. */
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

#define ck_delivered() ck_assert_msg(deliver() == 0, "%s", err.text)

static void
ck_deferred(int num, const char *why)
{
	ck_assert_int_eq(deliver(), -1);
	ck_assert_int_eq(err.num, num);
	ck_assert_msg(strstr(err.text, why) != NULL, "\"%s\" lacks \"%s\"", err.text, why);
	ck_assert_msg(strstr(err.text, dir) != NULL, "\"%s\" names no path", err.text);
}

START_TEST(a_missing_mailbox_is_made)
{
	struct stat st;

	ck_delivered();
	ck_assert_int_eq(stat(in_dir("box"), &st), 0);
	ck_content("box", FROM OURS TEXT "\n");
	ck_assert_uint_eq(st.st_mode & 07777, 0600);
	ck_assert_uint_eq(receipt.bytes, (uint64_t)st.st_size);
	ck_assert_str_eq(receipt.note, "");
	ck_assert_uint_eq(receipt.lock_wait_ms, 0);
	ck_assert_str_eq(receipt.name, "");
	/* Readers call it new mail by these times. */
	ck_assert(
	    st.st_atim.tv_sec < st.st_mtim.tv_sec ||
	    (st.st_atim.tv_sec == st.st_mtim.tv_sec && st.st_atim.tv_nsec < st.st_mtim.tv_nsec));
	ck_delivered();
	ck_content("box", FROM OURS TEXT "\n" FROM OURS TEXT "\n");
	ck_assert_int_eq(entries(""), 1);
}
END_TEST

static const struct {
	const char *before, *between;
} tails[] = {
	{ "", "" },
	{ "From x\n\nb\n\n", "" },
	{ "From x\n\nb\n", "\n" },
	{ "From x\n\nb", "\n\n" },
	{ "From x\r\n\r\nb\r\n\r\n", "" },
	{ "From x\r\n\r\nb\r\n", "\n" },
	{ "\n\n", "" },
	{ "\n", "\n" },
	{ "x", "\n\n" },
};

START_TEST(nothing_is_glued)
{
	char want[512];

	put("box", tails[_i].before);
	ck_delivered();
	snprintf(
	    want, sizeof(want), "%s%s" FROM OURS TEXT "\n", tails[_i].before, tails[_i].between);
	ck_content("box", want);
	ck_assert_int_eq(receipt.note[0] == '\0', tails[_i].between[0] == '\0');
	ck_assert_uint_eq(receipt.bytes, strlen(want) - strlen(tails[_i].before));
}
END_TEST

/* ---- what is not a mailbox of ours ---------------------------------------------------- */

static void
lay_link(void)
{
	put("victim", "victim");
	ck_assert_int_eq(symlink(in_dir("victim"), in_dir("box")), 0);
}

static void
lay_dangling_link(void)
{
	ck_assert_int_eq(symlink(in_dir("nowhere"), in_dir("box")), 0);
}

static void
lay_hard_link(void)
{
	put("victim", "victim");
	ck_assert_int_eq(link(in_dir("victim"), in_dir("box")), 0);
}

static void
lay_fifo(void)
{
	ck_assert_int_eq(mkfifo(in_dir("box"), 0600), 0);
}

static void
lay_directory(void)
{
	ck_assert_int_eq(mkdir(in_dir("box"), 0700), 0);
}

static void
lay_device(void)
{
	ck_assert_int_eq(mknod(in_dir("box"), S_IFCHR | 0600, makedev(1, 3)), 0);
}

static void
lay_others(void)
{
	put("box", "");
	ck_assert_int_eq(chown(in_dir("box"), NOBODY, NOBODY), 0);
}

static void
lay_writable(void)
{
	put("box", "");
	ck_assert_int_eq(chmod(in_dir("box"), 0602), 0);
}

static const struct {
	void (*lay)(void);
	const char *why;
	bool root;
} traps[] = {
	{ lay_link, "not a regular file", false },
	{ lay_dangling_link, "not a regular file", false },
	{ lay_hard_link, "2 names", false },
	{ lay_fifo, "not a regular file", false },
	{ lay_directory, "not a regular file", false },
	{ lay_writable, "everybody may write", false },
	{ lay_device, "not a regular file", true },
	{ lay_others, "belongs to uid", true },
};

START_TEST(traps_are_not_opened)
{
	if (traps[_i].root && !is_root())
		return;
	traps[_i].lay();
	ck_deferred(0, traps[_i].why);
	if (exists("victim"))
		ck_content("victim", "victim");
	ck_assert(!exists("nowhere"));
	ck_assert(!exists("box.lock"));
}
END_TEST

START_TEST(a_missing_directory_is_not_made)
{
	struct mailbox mailbox = { .format = MAILBOX_MBOX,
		.path = (char *)(uintptr_t)in_dir("home/box") };

	ck_assert_int_eq(mailbox_deliver(&mailbox, &delivery, &receipt, &err), -1);
	ck_assert_int_eq(err.num, ENOENT);
	ck_assert(!exists("home"));
}
END_TEST

/* ---- locks ---------------------------------------------------------------------------------- */

/* A process that does something to the mailbox until it is told to stop by the pipe's end. */
struct helper {
	pid_t pid;
	int ready, stop;
};

static void
start(struct helper *helper, void (*begin)(void), void (*end)(void))
{
	int ready[2], stop[2];
	char c;

	ck_assert_int_eq(pipe(ready), 0);
	ck_assert_int_eq(pipe(stop), 0);
	fflush(NULL);
	helper->pid = fork();
	if (helper->pid == 0) {
		close(stop[1]);
		begin();
		(void)!write(ready[1], "x", 1);
		(void)!read(stop[0], &c, 1);
		if (end != NULL)
			end();
		_exit(0);
	}
	close(ready[1]);
	close(stop[0]);
	helper->ready = ready[0];
	helper->stop = stop[1];
	ck_assert_int_eq(read(helper->ready, &c, 1), 1);
}

static void
let_go(struct helper *helper)
{
	if (helper->stop != -1)
		close(helper->stop);
	helper->stop = -1;
}

static void
finish(struct helper *helper)
{
	int status;

	let_go(helper);
	close(helper->ready);
	ck_assert_int_eq(waitpid(helper->pid, &status, 0), helper->pid);
	ck_assert_int_eq(status, 0);
}

static void
fcntl_lock(void)
{
	if (lock_fcntl(open(in_dir("box"), O_RDWR)) != 1)
		_exit(1);
}

START_TEST(an_fcntl_lock_is_respected)
{
	struct helper helper;
	char holder[64];

	put("box", "");
	start(&helper, fcntl_lock, NULL);
	ck_deferred(EAGAIN, "locked");
	snprintf(holder, sizeof(holder), "by process %ld ", (long)helper.pid);
	ck_assert_ptr_nonnull(strstr(err.text, holder));
	ck_content("box", "");
	ck_assert(!exists("box.lock"));
	finish(&helper);
	ck_delivered();
}
END_TEST

static void
sleep_a_little(void)
{
	usleep(60000);
}

START_TEST(an_fcntl_lock_is_waited_for)
{
	struct helper helper;

	put("box", "");
	start(&helper, fcntl_lock, sleep_a_little);
	let_go(&helper);
	delivery.lock_timeout = 30;
	ck_delivered();
	ck_assert_uint_gt(receipt.lock_wait_ms, 0);
	finish(&helper);
}
END_TEST

START_TEST(a_held_dotlock_is_respected)
{
	char text[64];

	put("box", "");
	snprintf(text, sizeof(text), "%ld\n", (long)getpid());
	put("box.lock", text);
	ck_deferred(EAGAIN, "box.lock: held by process");
	put("box.lock", "0");
	ck_deferred(EAGAIN, "box.lock: held for");
	ck_content("box", "");
	ck_assert(exists("box.lock"));
}
END_TEST

/* As procmail: dotlock first, then fcntl, which we must not keep while we wait for the dotlock. */
static void
procmail_takes_fcntl(void)
{
	int fd = open(in_dir("box"), O_RDWR);

	for (int i = 0; i < 2000; i++) {
		if (lock_fcntl(fd) == 1) {
			(void)!write(fd, "other\n\n", 7);
			unlink(in_dir("box.lock"));
			_exit(0);
		}
		usleep(1000);
	}
	_exit(1);
}

static void
procmail_takes_dotlock(void)
{
	put("box.lock", "0");
}

START_TEST(procmails_order_does_not_deadlock)
{
	struct helper helper;

	put("box", "");
	start(&helper, procmail_takes_dotlock, procmail_takes_fcntl);
	let_go(&helper);
	delivery.lock_timeout = 30;
	ck_delivered();
	finish(&helper);
	ck_content("box", "other\n\n" FROM OURS TEXT "\n");
}
END_TEST

/* An expunging reader: it holds the dotlock, and puts another file in the mailbox's place. */
static void
replace_mailbox(void)
{
	usleep(30000);
	put("box.new", "kept\n\n");
	if (rename(in_dir("box.new"), in_dir("box")) == -1 || unlink(in_dir("box.lock")) == -1)
		_exit(1);
}

START_TEST(a_replaced_mailbox_gets_the_message)
{
	struct helper helper;

	put("box", "expunged\n\n");
	start(&helper, procmail_takes_dotlock, replace_mailbox);
	let_go(&helper);
	delivery.lock_timeout = 30;
	ck_delivered();
	finish(&helper);
	ck_content("box", "kept\n\n" FROM OURS TEXT "\n");
}
END_TEST

static void
remove_mailbox(void)
{
	usleep(30000);
	if (unlink(in_dir("box")) == -1 || unlink(in_dir("box.lock")) == -1)
		_exit(1);
}

START_TEST(a_removed_mailbox_is_made_anew)
{
	struct helper helper;

	put("box", "read and done\n\n");
	start(&helper, procmail_takes_dotlock, remove_mailbox);
	let_go(&helper);
	delivery.lock_timeout = 30;
	ck_delivered();
	finish(&helper);
	ck_content("box", FROM OURS TEXT "\n");
}
END_TEST

static void
plant_link(void)
{
	usleep(30000);
	put("victim", "victim");
	if (unlink(in_dir("box")) == -1 || symlink(in_dir("victim"), in_dir("box")) == -1 ||
	    unlink(in_dir("box.lock")) == -1)
		_exit(1);
}

START_TEST(a_link_planted_while_we_wait_is_not_followed)
{
	struct helper helper;

	put("box", "");
	start(&helper, procmail_takes_dotlock, plant_link);
	let_go(&helper);
	delivery.lock_timeout = 30;
	ck_deferred(0, "not a regular file");
	finish(&helper);
	ck_content("victim", "victim");
	ck_assert(!exists("box.lock"));
}
END_TEST

/* ---- failures ------------------------------------------------------------------------------- */

/* Old mail, longer than a dotlock, so that limits on file sizes meet the mailbox only. */
static void
put_old(struct buf *old)
{
	buf_clear(old);
	while (old->len < 1000)
		buf_adds(old, "From x\n\nold mail in a line of some length\n\n");
	put_bytes("box", old->data, old->len);
}

static void
ck_bytes(const struct buf *want)
{
	struct buf got = BUF_INIT;

	get("box", &got);
	ck_assert_uint_eq(got.len, want->len);
	ck_assert_int_eq(memcmp(got.data, want->data, want->len), 0);
	buf_free(&got);
}

START_TEST(a_size_limit_at_every_byte_restores)
{
	struct buf old = BUF_INIT;
	size_t len = strlen(FROM OURS TEXT "\n");

	signal(SIGXFSZ, SIG_IGN);
	put_old(&old);
	for (size_t i = 0; i < len; i++) {
		ck_assert_int_eq(deliver_limited(old.len + i), -1);
		ck_assert_int_eq(err.num, EFBIG);
		ck_bytes(&old);
		ck_assert(!exists("box.lock"));
	}
	ck_assert_int_eq(deliver_limited(old.len + len), 0);
	buf_adds(&old, FROM OURS TEXT "\n");
	ck_bytes(&old);
	buf_free(&old);
}
END_TEST

/* The newlines that an older message lacked go again, too. */
START_TEST(completed_tails_are_restored_as_well)
{
	struct buf old = BUF_INIT;

	signal(SIGXFSZ, SIG_IGN);
	put_old(&old);
	old.len -= 2;
	put_bytes("box", old.data, old.len);
	for (size_t i = 0; i < 20; i++) {
		ck_assert_int_eq(deliver_limited(old.len + i), -1);
		ck_assert_int_eq(err.num, EFBIG);
		ck_bytes(&old);
	}
	buf_free(&old);
}
END_TEST

/* A file system with one page left, in a mount namespace of its own. */
static void
fill_disk(void)
{
	char fill[4096] = { 0 };
	struct buf old = BUF_INIT;
	struct buf large = BUF_INIT;
	int fd;

	if (unshare(CLONE_NEWNS) == -1 || mount("", "/", "", MS_REC | MS_PRIVATE, "") == -1 ||
	    mount("none", dir, "tmpfs", 0, "size=256k") == -1)
		_exit(77);
	put_old(&old);
	fd = open(in_dir("fill"), O_WRONLY | O_CREAT, 0600);
	while (write(fd, fill, sizeof(fill)) == sizeof(fill))
		;
	close(fd);
	ck_deferred(ENOSPC, "dotlock");
	ck_bytes(&old);
	ck_assert_int_eq(truncate(in_dir("fill"), 256 * 1024 - 32 * 1024), 0);
	buf_adds(&large, "Subject: large\n\n");
	while (large.len < 100000)
		buf_adds(&large, "a line that takes its room\n");
	use_message(buf_cstr(&large));
	ck_deferred(ENOSPC, "write");
	ck_bytes(&old);
	ck_assert(!exists("box.lock"));
	use_message(TEXT);
	ck_delivered();
	buf_adds(&old, FROM OURS TEXT "\n");
	ck_bytes(&old);
	buf_free(&old);
	buf_free(&large);
	umount2(dir, MNT_DETACH);
}

START_TEST(a_full_disk_restores)
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
	struct stat st;

	/* Asked last of all: written, and both locks still held. */
	*(bool *)arg = exists("box.lock") && stat(in_dir("box"), &st) == 0 && st.st_size > 1000;
	return err_set(e, ECONNRESET, "sendmail in %s is gone", dir);
}

START_TEST(nobody_waits_nothing_is_left)
{
	struct buf old = BUF_INIT;
	struct stat before, after;
	bool locked = false;

	put_old(&old);
	ck_assert_int_eq(stat(in_dir("box"), &before), 0);
	usleep(20000);
	broker.still_wanted = not_wanted;
	broker.arg = &locked;
	ck_deferred(ECONNRESET, "gone");
	ck_assert(locked);
	/* Nothing came, so nothing may look new. */
	ck_assert_int_eq(stat(in_dir("box"), &after), 0);
	ck_assert(memcmp(&before.st_mtim, &after.st_mtim, sizeof(before.st_mtim)) == 0);
	ck_assert(memcmp(&before.st_atim, &after.st_atim, sizeof(before.st_atim)) == 0);
	ck_bytes(&old);
	ck_assert_int_eq(entries(""), 1);
	buf_free(&old);
}
END_TEST

/* The mailbox exists; the descriptors are the directory's, the mailbox's, the dotlock's. */
static void
fsync_fails(void)
{
	break_call(SYS_fsync, 0, next_fd() + 1, EIO);
	must(deliver() == -1 && err.num == EIO);
	must(strstr(err.text, "fsync") != NULL);
}

static void
close_fails(void)
{
	break_call(SYS_close, 0, next_fd() + 1, EIO);
	must(deliver() == -1 && err.num == EIO);
	must(strstr(err.text, "close") != NULL && strstr(err.text, "not restored") == NULL);
}

static void
write_fails(void)
{
	break_call(SYS_write, 0, next_fd() + 1, EDQUOT);
	must(deliver() == -1 && err.num == EDQUOT);
}

START_TEST(a_broken_disk_restores)
{
	struct buf old = BUF_INIT;

	put_old(&old);
	ck_broken(fsync_fails);
	ck_bytes(&old);
	ck_broken(close_fails);
	ck_bytes(&old);
	ck_broken(write_fails);
	ck_bytes(&old);
	ck_assert_int_eq(entries(""), 1);
	buf_free(&old);
}
END_TEST

static void
nothing_can_be_restored(void)
{
	unsigned fd = next_fd() + 1;

	break_call(SYS_fsync, 0, fd, EIO);
	break_call(SYS_ftruncate, 0, fd, EROFS);
	must(deliver() == -1 && err.num == EIO);
	must(strstr(err.text, "not restored to 0 bytes (Read-only file system)") != NULL);
	must(strstr(err.text, "fsync") != NULL);
}

START_TEST(a_torn_mailbox_is_admitted)
{
	put("box", "");
	ck_broken(nothing_can_be_restored);
}
END_TEST

static void
dotlock_stays(void)
{
	break_call(SYS_unlinkat, 0, next_fd(), EIO);
	must(deliver() == 0);
	must(strstr(receipt.note, "box.lock") != NULL);
}

/* The message is durable, so it was delivered; the dotlock is stale as soon as we have ended. */
START_TEST(a_dotlock_that_stays_is_no_failure)
{
	put("box", "");
	ck_broken(dotlock_stays);
	ck_delivered();
}
END_TEST

/* Somebody who takes no lock appends while we write: that mail is not cut off with ours. */
static int
append_and_leave(void *arg, struct err *e)
{
	int fd = open(in_dir("box"), O_WRONLY | O_APPEND);

	(void)arg;
	must(fd != -1 && io_write_all(fd, "other mail\n\n", 12) == 0);
	close(fd);
	return err_set(e, ECONNRESET, "sendmail is gone");
}

START_TEST(mail_of_others_is_not_cut)
{
	put("box", "");
	broker.still_wanted = append_and_leave;
	ck_deferred(ECONNRESET, "not restored to 0 bytes, others wrote behind it");
	ck_content("box", FROM OURS TEXT "\nother mail\n\n");
}
END_TEST

/* ---- sizes ------------------------------------------------------------------------------------
 */

START_TEST(behind_four_gigabytes)
{
	off_t size = (off_t)5 << 30;
	char got[8] = "";
	struct stat st;
	int fd;

	put("box", "");
	ck_assert_int_eq(truncate(in_dir("box"), size), 0);
	ck_delivered();
	ck_assert_int_eq(stat(in_dir("box"), &st), 0);
	ck_assert_int_eq(st.st_size, size + 2 + (off_t)strlen(FROM OURS TEXT "\n"));
	fd = open(in_dir("box"), O_RDONLY);
	ck_assert_int_eq(pread(fd, got, 7, size), 7);
	ck_assert_str_eq(got, "\n\nFrom ");
	close(fd);
}
END_TEST

START_TEST(large_messages_arrive_whole)
{
	struct buf in = BUF_INIT, want = BUF_INIT;

	buf_adds(&in, "Subject: large\n\n");
	while (in.len < 3 * MESSAGE_IN_MEMORY)
		buf_adds(&in, "a line of which there are many\n");
	use_message(buf_cstr(&in));
	ck_delivered();
	buf_adds(&want, FROM OURS);
	buf_add(&want, in.data, in.len);
	buf_adds(&want, "\n");
	ck_bytes(&want);
	buf_free(&in);
	buf_free(&want);
}
END_TEST

/* ---- a mail directory where the account may not write --------------------------------------- */

static char asked[64];

static int
as_root(const char *what)
{
	strlcat(asked, what, sizeof(asked));
	return seteuid(0);
}

static int
back(int result)
{
	int saved = errno;

	if (seteuid(NOBODY) == -1)
		_exit(98);
	errno = saved;
	return result;
}

static int
root_creates_mailbox(void *arg, struct err *e)
{
	int fd;

	(void)arg;
	as_root("m");
	fd = open(in_dir("box"), O_RDWR | O_APPEND | O_CREAT | O_EXCL | O_NOFOLLOW, 0660);
	if (fd == -1)
		err_set(e, errno, "create");
	else if (fchown(fd, NOBODY, NOBODY) == -1)
		_exit(97);
	return back(fd);
}

static int
root_creates_dotlock(void *arg, const void *content, size_t len, struct err *e)
{
	int at, fd;

	(void)arg;
	as_root("l");
	at = open(dir, O_RDONLY | O_DIRECTORY);
	fd = lock_dot_create(at, "box.lock", content, len, e);
	close(at);
	if (fd != -1)
		close(fd);
	return back(fd == -1 ? -1 : 0);
}

static int
root_drops_dotlock(void *arg, struct err *e)
{
	(void)arg, (void)e;
	as_root("d");
	if (unlink(in_dir("box.lock")) == -1)
		_exit(96);
	return back(0);
}

/* What the broker does when it is told that this was delivered: the dotlock was left for that. */
static void
ck_delivered_and_told(void)
{
	ck_delivered();
	ck_assert(exists("box.lock"));
	root_drops_dotlock(NULL, &err);
}

/* Somebody with the dotlock alone is quicker, in the moment between our plan and our dotlock. */
static const char *quicker; /* "append", "replace" */

static int
root_is_late(void *arg, const void *content, size_t len, struct err *e)
{
	const char *what = quicker;

	quicker = "";
	as_root("");
	if (strcmp(what, "append") == 0) {
		int fd = open(in_dir("box"), O_WRONLY | O_APPEND);

		must(io_write_all(fd, "other", 5) == 0);
		close(fd);
	} else if (strcmp(what, "replace") == 0) {
		put("box.new", "kept\n\n");
		must(chown(in_dir("box.new"), NOBODY, NOBODY) == 0);
		must(rename(in_dir("box"), in_dir("box.old")) == 0);
		must(rename(in_dir("box.new"), in_dir("box")) == 0);
	}
	back(0);
	return root_creates_dotlock(arg, content, len, e);
}

static int
root_removes_dotlock(void *arg, dev_t dev, ino_t ino, struct err *e)
{
	int at, failed;

	(void)arg;
	as_root("r");
	at = open(dir, O_RDONLY | O_DIRECTORY);
	failed = lock_dot_remove(at, "box.lock", dev, ino, e);
	close(at);
	return back(failed);
}

static void
deliver_through_broker(void)
{
	struct stat st;

	ck_assert_int_eq(chmod(dir, 0755), 0);
	if (setgroups(0, NULL) == -1 || setegid(NOBODY) == -1 || seteuid(NOBODY) == -1)
		_exit(99);
	delivery.uid = NOBODY;
	ck_deferred(EACCES, "create");
	broker = (struct mailbox_broker){ .create_mailbox = root_creates_mailbox,
		.create_dotlock = root_creates_dotlock,
		.drop_dotlock = root_drops_dotlock,
		.remove_dotlock = root_removes_dotlock };
	ck_delivered_and_told();
	ck_assert_str_eq(asked, "mld");
	ck_delivered_and_told();
	ck_assert_str_eq(asked, "mldld");
	ck_assert_int_eq(stat(in_dir("box"), &st), 0);
	ck_assert_uint_eq(st.st_uid, NOBODY);
	ck_content("box", FROM OURS TEXT "\n" FROM OURS TEXT "\n");
	ck_assert(!exists("box.lock"));

	delivery.lock_timeout = 30;
	broker.create_dotlock = root_is_late;
	asked[0] = '\0';
	quicker = "append";
	ck_delivered_and_told();
	ck_content("box", FROM OURS TEXT "\n" FROM OURS TEXT "\nother\n\n" FROM OURS TEXT "\n");
	ck_assert_str_eq(asked, "ldld");
	quicker = "replace";
	ck_delivered_and_told();
	ck_content("box", "kept\n\n" FROM OURS TEXT "\n");
	delivery.lock_timeout = 0;

	/* Held by root: seen through the broker's EEXIST. */
	as_root("");
	put("box.lock", "0");
	back(0);
	ck_deferred(EAGAIN, "held");
	broker.create_dotlock = NULL;
	ck_deferred(EACCES, "dotlock");
}

START_TEST(rights_that_are_lacking_are_asked_for)
{
	int status;

	if (!is_root())
		return;
	status = apart(deliver_through_broker);
	ck_assert_msg(status == 0, "status %x", (unsigned)status);
}
END_TEST

/* ---- all at once ------------------------------------------------------------------------------
 */

#define DELIVERERS 8
#define EACH       12

static void
deliver_many(void)
{
	char text[64];

	delivery.lock_timeout = 60;
	for (int i = 0; i < EACH; i++) {
		snprintf(text, sizeof(text), "X-Number: %ld.%d\n\nbody\n", (long)getpid(), i);
		use_message(text);
		if (deliver() == -1)
			_exit(1);
	}
	message_free((struct message *)(uintptr_t)delivery.message);
	_exit(0);
}

START_TEST(many_deliverers_lose_nothing)
{
	pid_t pids[DELIVERERS];
	struct buf got = BUF_INIT;
	size_t one;

	fflush(NULL);
	for (int i = 0; i < DELIVERERS; i++) {
		pids[i] = fork();
		if (pids[i] == 0)
			deliver_many();
	}
	for (int i = 0; i < DELIVERERS; i++) {
		int status;

		ck_assert_int_eq(waitpid(pids[i], &status, 0), pids[i]);
		ck_assert_int_eq(status, 0);
	}
	get("box", &got);
	buf_cstr(&got);
	for (int i = 0; i < DELIVERERS; i++) {
		for (int k = 0; k < EACH; k++) {
			char want[256];
			const char *first;

			snprintf(want, sizeof(want), FROM OURS "X-Number: %ld.%d\n\nbody\n\n",
			    (long)pids[i], k);
			first = strstr((char *)got.data, want);
			ck_assert_msg(first != NULL, "%s is missing", want);
			ck_assert_ptr_null(strstr(first + 1, want));
		}
	}
	for (one = 0; strstr((char *)got.data + one, FROM) == (char *)got.data + one;)
		one =
		    (size_t)(strstr((char *)got.data + one, "\n\nbody\n\n") - (char *)got.data) + 8;
	ck_assert_uint_eq(one, got.len);
	ck_assert_int_eq(entries(""), 1);
	buf_free(&got);
}
END_TEST

int
main(void)
{
	TCase *tcase = tcase_create("mbox");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_missing_mailbox_is_made);
	tcase_add_loop_test(tcase, nothing_is_glued, 0, COUNT(tails));
	tcase_add_loop_test(tcase, traps_are_not_opened, 0, COUNT(traps));
	tcase_add_test(tcase, a_missing_directory_is_not_made);
	tcase_add_test(tcase, an_fcntl_lock_is_respected);
	tcase_add_test(tcase, an_fcntl_lock_is_waited_for);
	tcase_add_test(tcase, a_held_dotlock_is_respected);
	tcase_add_test(tcase, procmails_order_does_not_deadlock);
	tcase_add_test(tcase, a_replaced_mailbox_gets_the_message);
	tcase_add_test(tcase, a_removed_mailbox_is_made_anew);
	tcase_add_test(tcase, a_link_planted_while_we_wait_is_not_followed);
	tcase_add_test(tcase, a_size_limit_at_every_byte_restores);
	tcase_add_test(tcase, completed_tails_are_restored_as_well);
	tcase_add_test(tcase, a_full_disk_restores);
	tcase_add_test(tcase, nobody_waits_nothing_is_left);
	tcase_add_test(tcase, a_broken_disk_restores);
	tcase_add_test(tcase, a_torn_mailbox_is_admitted);
	tcase_add_test(tcase, a_dotlock_that_stays_is_no_failure);
	tcase_add_test(tcase, mail_of_others_is_not_cut);
	tcase_add_test(tcase, behind_four_gigabytes);
	tcase_add_test(tcase, large_messages_arrive_whole);
	tcase_add_test(tcase, rights_that_are_lacking_are_asked_for);
	tcase_add_test(tcase, many_deliverers_lose_nothing);
	return run_suite("mbox", tcase);
}
