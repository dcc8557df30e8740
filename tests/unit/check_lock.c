/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Locks: a dotlock appears whole or not at all, goes only when it is the one meant, and is called
 * stale only with proof that its holder is dead.
 */
#include <sched.h>
#include <signal.h>
#include <sys/time.h>
#include <time.h>

#include "lock.h"
#include "mailbox_tool.h"

#define NAME "box.lock"

static int at; /* the directory */
static struct lock_dot dot;

static void
open_dir(void)
{
	setup();
	at = open(dir, O_RDONLY | O_DIRECTORY);
	ck_assert_int_ne(at, -1);
}

static void
close_dir(void)
{
	close(at);
	teardown();
}

static int
create(const char *text)
{
	return lock_dot_create(at, NAME, text, strlen(text), &err);
}

static void
age(const char *name, time_t seconds)
{
	struct timespec times[2] = { { .tv_sec = time(NULL) - seconds },
		{ .tv_sec = time(NULL) - seconds } };

	must(utimensat(at, name, times, AT_SYMLINK_NOFOLLOW) == 0);
}

static void
ck_state(enum lock_dot_state state)
{
	ck_assert_msg(lock_dot_look(at, NAME, geteuid(), &dot, &err) == 0, "look: %s", err.text);
	ck_assert_int_eq(dot.state, state);
	lock_dot_release(&dot);
}

/* ---- create, remove ---------------------------------------------------------------------- */

static bool
named(struct stat *st)
{
	return fstatat(at, NAME, st, AT_SYMLINK_NOFOLLOW) == 0;
}

static void
create_and_remove(void)
{
	int other, fd = create("content\n");
	struct stat st, now;

	ck_assert_msg(fd != -1, "%s", err.text);
	ck_assert(named(&st));
	ck_assert_uint_eq(st.st_nlink, 1);
	ck_assert_uint_eq(st.st_mode, S_IFREG | (0644 & ~umask(022)));
	ck_assert_int_eq(st.st_size, 8);
	ck_assert_int_eq(create("other"), -1);
	ck_assert_int_eq(err.num, EEXIST);
	ck_assert_int_eq(lock_dot_remove(at, NAME, st.st_dev, st.st_ino + 1, &err), 0);
	ck_assert(named(&now) && now.st_ino == st.st_ino && now.st_size == 8);
	ck_assert_int_eq(lock_dot_remove(at, NAME, st.st_dev, st.st_ino, &err), 0);
	ck_assert(!named(&now));
	ck_assert_int_eq(lock_dot_remove(at, NAME, st.st_dev, st.st_ino, &err), 0);

	/* Ours was removed by somebody, and this is another's: it is left alone. */
	other = create("other");
	ck_assert_int_ne(other, -1);
	ck_assert_int_eq(lock_dot_drop(at, NAME, fd, &err), 0);
	ck_assert(named(&now));
	ck_assert_int_eq(lock_dot_drop(at, NAME, other, &err), 0);
	ck_assert(!named(&now));
	ck_assert_int_eq(lock_dot_drop(at, NAME, other, &err), 0);
	close(fd);
	close(other);
}

START_TEST(created_once_and_removed_once)
{
	create_and_remove();
	ck_assert_int_eq(entries(""), 0);
}
END_TEST

START_TEST(not_over_a_dangling_link)
{
	ck_assert_int_eq(symlink("nowhere", in_dir(NAME)), 0);
	ck_assert_int_eq(create("x"), -1);
	ck_assert_int_eq(err.num, EEXIST);
	ck_assert(!exists("nowhere"));
	ck_state(LOCK_DOT_HELD);
}
END_TEST

/* Where /proc is not mounted a file without a name cannot get one; the other way must do the same
 * and leave nothing behind. */
static void
in_chroot(void)
{
	if (chroot(dir) == -1)
		_exit(77);
	create_and_remove();
	ck_assert_int_ne(create("x"), -1);
}

START_TEST(created_without_proc)
{
	int status;

	if (!is_root())
		return;
	status = apart(in_chroot);
	ck_assert_msg(status == 0 || WEXITSTATUS(status) == 77, "status %x", (unsigned)status);
	ck_assert_int_eq(entries(""), 1);
}
END_TEST

/* NFS: no O_TMPFILE, no RENAME_NOREPLACE. */
#define TMPFILE (O_TMPFILE | O_RDWR | O_APPEND | O_CLOEXEC) /* as io_new_file has it */

static void
without_tmpfile(void)
{
	break_call(SYS_openat, 2, TMPFILE, EOPNOTSUPP);
	create_and_remove();
}

static void
with_links_only(void)
{
	break_call(SYS_openat, 2, TMPFILE, EOPNOTSUPP);
	break_call(SYS_renameat2, 4, RENAME_NOREPLACE, EINVAL);
	create_and_remove();
}

/* Another host may have a process of our number, at work on the same name. */
static void
beside_another_host(void)
{
	char name[64];
	int other;

	snprintf(name, sizeof(name), "." NAME ".%ld", (long)getpid());
	other = openat(at, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	ck_assert_int_ne(other, -1);
	without_tmpfile();
	ck_assert(exists(name));
	close(other);
}

START_TEST(created_on_other_file_systems)
{
	ck_broken(without_tmpfile);
	ck_assert_int_eq(entries(""), 0);
	ck_broken(with_links_only);
	ck_assert_int_eq(entries(""), 0);
	ck_broken(beside_another_host);
	ck_assert_int_eq(entries(""), 1);
}
END_TEST

START_TEST(a_full_name_is_an_error)
{
	char name[NAME_MAX + 2];

	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	ck_assert_int_eq(lock_dot_create(at, name, "x", 1, &err), -1);
	ck_assert_int_eq(err.num, ENAMETOOLONG);
	ck_assert_int_eq(entries(""), 0);
}
END_TEST

/* ---- whose is it ------------------------------------------------------------------------- */

#define OLD 400 /* seconds */

static const struct {
	const char *text;
	time_t age;
	enum lock_dot_state state;
} contents[] = {
	/* procmail's lockfile, mutt_dotlock: no holder */
	{ "0", 0, LOCK_DOT_HELD },
	{ "0", 100000, LOCK_DOT_HELD },
	{ "", 100000, LOCK_DOT_HELD },
	/* liblockfile; this process number cannot be: it is over the kernel's limit */
	{ "2147483646\n", 0, LOCK_DOT_HELD },
	{ "2147483646\n", OLD, LOCK_DOT_STALE },
	{ "2147483646", OLD, LOCK_DOT_STALE },
	{ "2147483646 \n", OLD, LOCK_DOT_STALE },
	{ "1\n", OLD, LOCK_DOT_HELD },
	{ "-5\n", OLD, LOCK_DOT_HELD },
	{ "+5\n", OLD, LOCK_DOT_HELD },
	{ "99999999999999999999\n", OLD, LOCK_DOT_HELD },
	{ "6442450942\n", OLD, LOCK_DOT_HELD },
	/* Dovecot's, and others that say more than we understand */
	{ "2147483646:host.example", OLD, LOCK_DOT_HELD },
	{ "2147483646\nmore", OLD, LOCK_DOT_HELD },
	{ "2147483646\nvirtmda", OLD, LOCK_DOT_HELD },
	{ "2147483646\nvirtmda a b c\n", OLD, LOCK_DOT_HELD },
	{ "From somebody's mailbox named box.lock\n", OLD, LOCK_DOT_HELD },
	{ "no number\n", OLD, LOCK_DOT_HELD },
};

START_TEST(what_others_write)
{
	put(NAME, contents[_i].text);
	age(NAME, contents[_i].age);
	ck_state(contents[_i].state);
	ck_assert(!dot.ours);
}
END_TEST

START_TEST(not_a_file_is_not_read)
{
	ck_state(LOCK_DOT_GONE);
	ck_assert_int_eq(mkfifo(in_dir(NAME), 0600), 0);
	age(NAME, OLD);
	ck_state(LOCK_DOT_HELD);
	ck_assert_int_eq(unlink(in_dir(NAME)), 0);
	ck_assert_int_eq(mkdir(in_dir(NAME), 0700), 0);
	ck_state(LOCK_DOT_HELD);
	ck_assert_int_eq(rmdir(in_dir(NAME)), 0);
	put("victim", "2147483646\n");
	age("victim", OLD);
	ck_assert_int_eq(symlink("victim", in_dir(NAME)), 0);
	ck_state(LOCK_DOT_HELD);
	ck_assert_int_eq(unlink(in_dir(NAME)), 0);
	ck_assert_int_eq(rename(in_dir("victim"), in_dir(NAME)), 0);
	ck_state(LOCK_DOT_STALE);
	ck_assert_int_eq(truncate(in_dir(NAME), LOCK_CONTENT_MAX + 1), 0);
	age(NAME, OLD);
	ck_state(LOCK_DOT_HELD);
}
END_TEST

/* Lay a dotlock of ours with the words of its second line replaced where `words` says so. */
static struct {
	const char *host, *boot, *taken;
} words;

static void
lay_ours(void)
{
	char host[128], boot[128], taken[32];
	struct buf text = BUF_INIT;
	long pid;

	must(lock_dot_identity(&text, &err) == 0);
	must(sscanf(buf_cstr(&text), "%ld\nvirtmda %127s %127s %31s\n", &pid, host, boot, taken) ==
	     4);
	buf_clear(&text);
	must(buf_addf(&text, "%ld\nvirtmda %s %s %s\nrest\n", pid, words.host ? words.host : host,
	         words.boot ? words.boot : boot, words.taken ? words.taken : taken) == 0);
	put_bytes(NAME, text.data, text.len);
	buf_free(&text);
}

static const struct {
	const char *host, *boot, *taken;
	bool dead; /* laid by a process that has ended */
	time_t age;
	enum lock_dot_state state;
} identities[] = {
	{ NULL, NULL, NULL, false, 0, LOCK_DOT_HELD },
	{ NULL, NULL, NULL, false, 100000, LOCK_DOT_HELD },
	{ NULL, NULL, NULL, true, 0, LOCK_DOT_STALE },
	/* its number was given to another process since */
	{ NULL, NULL, "1", false, 0, LOCK_DOT_STALE },
	{ NULL, NULL, "0", false, 0, LOCK_DOT_HELD },
	{ NULL, NULL, "18446744073709551615", false, 0, LOCK_DOT_HELD },
	/* another boot */
	{ NULL, "11111111-2222-3333-4444-555555555555", NULL, false, 0, LOCK_DOT_STALE },
	/* another host, sharing the file system: its processes are not ours to judge */
	{ "elsewhere", NULL, NULL, true, 100000, LOCK_DOT_HELD },
	{ "elsewhere", "11111111-2222-3333-4444-555555555555", NULL, true, 100000, LOCK_DOT_HELD },
	/* no /proc: as for a number alone */
	{ NULL, "-", NULL, true, 0, LOCK_DOT_HELD },
	{ NULL, "-", NULL, true, OLD, LOCK_DOT_STALE },
	{ NULL, "-", NULL, false, OLD, LOCK_DOT_HELD },
};

START_TEST(what_we_write)
{
	words.host = identities[_i].host;
	words.boot = identities[_i].boot;
	words.taken = identities[_i].taken;
	if (identities[_i].dead)
		ck_assert_int_eq(apart(lay_ours), 0);
	else
		lay_ours();
	age(NAME, identities[_i].age);
	ck_assert_int_eq(lock_dot_look(at, NAME, geteuid(), &dot, &err), 0);
	ck_assert_int_eq(dot.state, identities[_i].state);
	ck_assert(dot.ours);
	ck_assert_str_eq(buf_cstr(&dot.rest), "rest\n");
	ck_assert_int_ne(dot.pid, 0);
	lock_dot_release(&dot);
}
END_TEST

START_TEST(ours_only_from_root_or_the_account)
{
	memset(&words, 0, sizeof(words));
	ck_assert_int_eq(apart(lay_ours), 0);
	ck_assert_int_eq(link(in_dir(NAME), in_dir("second name")), 0);
	ck_state(LOCK_DOT_HELD);
	ck_assert_int_eq(unlink(in_dir("second name")), 0);
	ck_state(LOCK_DOT_STALE);
	if (!is_root())
		return;
	ck_assert_int_eq(chown(in_dir(NAME), NOBODY, NOBODY), 0);
	ck_assert_int_eq(lock_dot_look(at, NAME, 1, &dot, &err), 0);
	ck_assert_int_eq(dot.state, LOCK_DOT_HELD);
	ck_assert(!dot.ours);
	lock_dot_release(&dot);
	ck_assert_int_eq(lock_dot_look(at, NAME, NOBODY, &dot, &err), 0);
	ck_assert_int_eq(dot.state, LOCK_DOT_STALE);
	lock_dot_release(&dot);
	ck_assert_int_eq(chown(in_dir(NAME), 0, 0), 0);
	ck_assert_int_eq(lock_dot_look(at, NAME, NOBODY, &dot, &err), 0);
	ck_assert_int_eq(dot.state, LOCK_DOT_STALE);
	lock_dot_release(&dot);
}
END_TEST

static void
look_as_nobody(void)
{
	become_nobody();
	ck_state(LOCK_DOT_HELD);
}

START_TEST(what_cannot_be_read_is_held)
{
	if (!is_root())
		return;
	put(NAME, "2147483646\n");
	age(NAME, OLD);
	ck_assert_int_eq(chmod(dir, 0755), 0);
	ck_assert_int_eq(apart(look_as_nobody), 0);
	ck_state(LOCK_DOT_STALE);
}
END_TEST

/* A time namespace in which the machine was booted a second ago: what is older than a minute is
 * from before the boot. Change times cannot be set, so an old file of the system stands for a
 * dotlock. */
static void
look_after_boot(void)
{
	int etc = open("/etc", O_RDONLY | O_DIRECTORY);
	struct timespec up;
	char offset[64];
	int fd, status;
	pid_t pid;

	clock_gettime(CLOCK_BOOTTIME, &up);
	snprintf(offset, sizeof(offset), "boottime %lld 0", 1 - (long long)up.tv_sec);
	if (unshare(CLONE_NEWTIME) == -1 ||
	    (fd = open("/proc/self/timens_offsets", O_WRONLY)) == -1 ||
	    write(fd, offset, strlen(offset)) == -1)
		_exit(77);
	close(fd);
	pid = fork();
	if (pid == 0) {
		must(lock_dot_look(etc, "debian_version", 12345, &dot, &err) == 0);
		must(dot.state == LOCK_DOT_STALE);
		lock_dot_release(&dot);
		put(NAME, "0");
		must(lock_dot_look(at, NAME, 12345, &dot, &err) == 0);
		must(dot.state == LOCK_DOT_HELD);
		_exit(0);
	}
	must(waitpid(pid, &status, 0) == pid);
	_exit(WEXITSTATUS(status));
}

START_TEST(a_lock_from_before_the_boot_is_stale)
{
	struct stat file;
	int status;

	if (!is_root() || stat("/etc/debian_version", &file) == -1 ||
	    file.st_ctime > time(NULL) - 120)
		return;
	status = apart(look_after_boot);
	ck_assert_msg(status == 0 || WEXITSTATUS(status) == 77, "status %x", (unsigned)status);
}
END_TEST

/* ---- fcntl and waiting --------------------------------------------------------------------- */

static void
lock_and_check(void)
{
	int fd = open(in_dir("box"), O_RDWR);

	if (lock_fcntl(fd) == 1)
		_exit(5);
	must(lock_fcntl_holder(fd) == getppid());
}

START_TEST(fcntl_locks_exclude)
{
	int fd;

	put("box", "");
	fd = open(in_dir("box"), O_RDWR);
	ck_assert_int_eq(lock_fcntl(fd), 1);
	ck_assert_int_eq(apart(lock_and_check), 0);
	lock_fcntl_release(fd);
	ck_assert_int_eq(WEXITSTATUS(apart(lock_and_check)), 5);
	close(fd);
	ck_assert_int_eq(lock_fcntl(-1), -1);
	ck_assert_int_eq(errno, EBADF);
}
END_TEST

START_TEST(waiting_has_an_end)
{
	struct lock_wait none = { .timeout = 0 }, one = { .timeout = 1 };
	unsigned pauses = 0;

	ck_assert_int_eq(lock_pause(&none), 0);
	ck_assert_uint_eq(lock_waited(&none), 0);
	while (lock_pause(&one) == 1)
		ck_assert_uint_lt(++pauses, 200);
	ck_assert_uint_gt(pauses, 1);
	ck_assert_uint_ge(lock_waited(&one), 1000);
}
END_TEST

int
main(void)
{
	TCase *tcase = tcase_create("lock");

	tcase_add_checked_fixture(tcase, open_dir, close_dir);
	tcase_add_test(tcase, created_once_and_removed_once);
	tcase_add_test(tcase, not_over_a_dangling_link);
	tcase_add_test(tcase, created_without_proc);
	tcase_add_test(tcase, created_on_other_file_systems);
	tcase_add_test(tcase, a_full_name_is_an_error);
	tcase_add_loop_test(tcase, what_others_write, 0, COUNT(contents));
	tcase_add_test(tcase, not_a_file_is_not_read);
	tcase_add_loop_test(tcase, what_we_write, 0, COUNT(identities));
	tcase_add_test(tcase, ours_only_from_root_or_the_account);
	tcase_add_test(tcase, what_cannot_be_read_is_held);
	tcase_add_test(tcase, a_lock_from_before_the_boot_is_stale);
	tcase_add_test(tcase, fcntl_locks_exclude);
	tcase_add_test(tcase, waiting_has_an_end);
	return run_suite("lock", tcase);
}
