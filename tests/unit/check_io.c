/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * io: whole reads and writes, files replaced whole or not at all, and as root no order taken
 * from a file that somebody else could have written.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io.h"
#include "suite.h"

static char dir[] = "/tmp/check_io.XXXXXX";
static struct err err;

static const char *
in_dir(const char *name)
{
	static char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static void
put(const char *name, const char *text, mode_t mode)
{
	int fd = open(in_dir(name), O_WRONLY | O_CREAT | O_TRUNC, 0600);

	ck_assert_int_ne(fd, -1);
	ck_assert_int_eq(io_write_all(fd, text, strlen(text)), 0);
	ck_assert_int_eq(fchmod(fd, mode), 0);
	close(fd);
}

static void
ck_content(const char *name, const char *text)
{
	struct buf buf = BUF_INIT;
	int fd = open(in_dir(name), O_RDONLY);

	ck_assert_int_ne(fd, -1);
	ck_assert_int_eq(io_read_all(fd, 1 << 20, &buf), 0);
	close(fd);
	ck_assert_str_eq(buf_cstr(&buf), text);
	buf_free(&buf);
}

static void
setup(void)
{
	strcpy(dir, "/tmp/check_io.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
}

static void
teardown(void)
{
	char command[PATH_MAX + 16];

	snprintf(command, sizeof(command), "rm -rf %s", dir);
	ck_assert_int_eq(system(command), 0);
}

START_TEST(read_all_has_a_limit)
{
	struct buf buf = BUF_INIT;
	int fds[2];

	put("f", "0123456789", 0600);
	for (size_t max = 0; max < 12; max++) {
		int fd = open(in_dir("f"), O_RDONLY);

		buf_clear(&buf);
		ck_assert_int_eq(buf_adds(&buf, "ab"), 0);
		if (max < 10) {
			ck_assert_int_eq(io_read_all(fd, max, &buf), -1);
			ck_assert_int_eq(errno, EFBIG);
			ck_assert_uint_eq(buf.len, 2);
		} else {
			ck_assert_int_eq(io_read_all(fd, max, &buf), 0);
			ck_assert_str_eq(buf_cstr(&buf), "ab0123456789");
		}
		close(fd);
	}
	/* An error is not the end. */
	ck_assert_int_eq(pipe(fds), 0);
	ck_assert_int_eq(io_read_all(fds[1], 100, &buf), -1);
	ck_assert_int_eq(errno, EBADF);
	close(fds[0]);
	close(fds[1]);
	buf_free(&buf);
}
END_TEST

START_TEST(reads_files_whole)
{
	static const char *const texts[] = { "", "x", "0123456789" };
	struct buf buf = BUF_INIT;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		size_t len = strlen(texts[i]);

		put("f", texts[i], 0600);
		buf_clear(&buf);
		ck_assert_int_eq(buf_adds(&buf, "ab"), 0);
		ck_assert_int_eq(io_read_file(in_dir("f"), false, len, &buf, &err), 0);
		ck_assert_int_eq(strncmp(buf_cstr(&buf), "ab", 2), 0);
		ck_assert_str_eq(buf_cstr(&buf) + 2, texts[i]);
		if (len == 0)
			continue;
		buf_clear(&buf);
		ck_assert_int_eq(io_read_file(in_dir("f"), false, len - 1, &buf, &err), -1);
		ck_assert_int_eq(err.num, EFBIG);
		ck_assert_int_eq(errno, EFBIG);
		ck_assert_uint_eq(buf.len, 0);
	}
	/* One whose length is not known is read to its end. */
	buf_clear(&buf);
	ck_assert_int_eq(io_read_file("/proc/self/status", false, 1 << 20, &buf, &err), 0);
	ck_assert_ptr_nonnull(strstr(buf_cstr(&buf), "nonvoluntary_ctxt_switches:"));

	for (int trusted = 0; trusted < 2; trusted++) {
		ck_assert_int_eq(io_read_file("/nonexistent", trusted, 9, &buf, &err), -1);
		ck_assert_int_eq(err.num, ENOENT);
		ck_assert_ptr_nonnull(strstr(err.text, "open /nonexistent"));
	}
	ck_assert_int_eq(io_read_file("/tmp", false, 1 << 20, &buf, &err), -1);
	ck_assert_int_eq(err.num, EISDIR);
	ck_assert_int_eq(io_read_file("/tmp", true, 1 << 20, &buf, &err), -1);
	ck_assert_int_eq(err.num, EINVAL);
	buf_free(&buf);
}
END_TEST

START_TEST(write_all_reports_a_full_disk)
{
	struct rlimit limit, old;
	char data[100] = { 0 };
	int fd = open(in_dir("f"), O_WRONLY | O_CREAT, 0600);

	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &old), 0);
	limit = old;
	limit.rlim_cur = 50;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	ck_assert_int_eq(io_write_all(fd, data, sizeof(data)), -1);
	ck_assert_int_eq(errno, EFBIG);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &old), 0);
	close(fd);
}
END_TEST

START_TEST(replace_keeps_mode_and_leaves_nothing)
{
	struct stat st;
	char command[PATH_MAX + 64];

	ck_assert_int_eq(io_replace(in_dir("new"), "one", 3, 0640, &err), 0);
	ck_content("new", "one");
	ck_assert_int_eq(stat(in_dir("new"), &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0640);
	put("old", "old", 0604);
	ck_assert_int_eq(io_replace(in_dir("old"), "two", 3, 0640, &err), 0);
	ck_content("old", "two");
	ck_assert_int_eq(stat(in_dir("old"), &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0604);
	snprintf(command, sizeof(command), "test \"$(ls -A %s | wc -l)\" -eq 2", dir);
	ck_assert_int_eq(system(command), 0);
}
END_TEST

START_TEST(replace_refuses_links_and_missing_directories)
{
	char target[PATH_MAX];

	put("real", "real", 0600);
	snprintf(target, sizeof(target), "%s", in_dir("real"));
	ck_assert_int_eq(symlink(target, in_dir("link")), 0);
	ck_assert_int_eq(io_replace(in_dir("link"), "x", 1, 0600, &err), -1);
	ck_assert_int_eq(err.num, EINVAL);
	ck_content("real", "real");
	ck_assert_int_eq(io_replace(in_dir("no/where"), "x", 1, 0600, &err), -1);
	ck_assert_int_eq(err.num, ENOENT);
	ck_assert_ptr_nonnull(strstr(err.text, "no/where"));
}
END_TEST

START_TEST(replace_that_fails_changes_nothing)
{
	struct rlimit limit, old;
	char data[100] = { 0 };
	struct stat st;
	char temporary[PATH_MAX + 32];

	put("f", "old", 0600);
	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &old), 0);
	limit = old;
	limit.rlim_cur = 50;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	ck_assert_int_eq(io_replace(in_dir("f"), data, sizeof(data), 0600, &err), -1);
	ck_assert_int_eq(err.num, EFBIG);
	ck_assert_int_eq(errno, EFBIG);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &old), 0);
	ck_content("f", "old");
	snprintf(temporary, sizeof(temporary), "%s.new.%ld", in_dir("f"), (long)getpid());
	ck_assert_int_eq(stat(temporary, &st), -1);
}
END_TEST

START_TEST(trusted_needs_a_regular_file)
{
	struct stat st;
	int fd;

	put("f", "x", 0600);
	fd = io_open_trusted(in_dir("f"), &st, &err);
	ck_assert_int_ne(fd, -1);
	ck_assert_int_eq(st.st_size, 1);
	ck_assert_int_ne(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
	close(fd);
	ck_assert_int_eq(io_open_trusted(in_dir("missing"), NULL, &err), -1);
	ck_assert_int_eq(err.num, ENOENT);
	ck_assert_int_eq(io_open_trusted(dir, NULL, &err), -1);
	ck_assert_int_eq(err.num, EINVAL);
	ck_assert_int_eq(mkfifo(in_dir("fifo"), 0600), 0);
	ck_assert_int_eq(io_open_trusted(in_dir("fifo"), NULL, &err), -1);
	ck_assert_int_eq(err.num, EINVAL);
	ck_assert_int_eq(io_open_trusted("/dev/null", NULL, &err), -1);
}
END_TEST

/* Each row makes dir/a/b/f, changes one thing, and says whether root may still trust it. */
static const struct {
	const char *change;
	int trusted;
} hostile[] = {
	{ "true", 1 },
	{ "chown nobody f", 0 },
	{ "chmod g+w f", 0 },
	{ "chmod o+w f", 0 },
	{ "chmod 0777 .", 0 },
	{ "chmod 0770 .", 0 },
	{ "chmod 1777 .", 1 },
	{ "chown nobody .", 0 },
	{ "chmod 0777 ..", 0 },
	{ "chown nobody ..", 0 },
	{ "mv f g && ln -s g f", 1 },
	{ "mv f g && ln -s $PWD/g f", 1 },
	{ "mv f g && ln -s ../b/./g f", 1 },
	{ "mv f g && ln -s g f && chown -h nobody f", 0 },
	{ "mv f ../g && ln -s ../g f && chown nobody ../g", 0 },
	{ "rm f && ln -s f f", 0 },
	{ "mkdir -m 777 w && mv f w/f && ln -s w/f f", 0 },
	{ "cd .. && mv b c && ln -s c b", 1 },
	{ "cd .. && mv b c && ln -s c b && chown -h nobody b", 0 },
	{ "cd .. && mv b c && ln -s c b && chmod 777 c", 0 },
};

START_TEST(trusted_as_root_means_nobody_else_could_write)
{
	char command[2 * PATH_MAX];
	int fd;

	if (geteuid() != 0)
		return;
	snprintf(command, sizeof(command),
	    "umask 022; cd %s && mkdir -p a/b && cd a/b && echo x >f && %s", dir,
	    hostile[_i].change);
	ck_assert_int_eq(system(command), 0);
	fd = io_open_trusted(in_dir("a/b/f"), NULL, &err);
	ck_assert_msg((fd != -1) == hostile[_i].trusted, "%s: %s", hostile[_i].change,
	    fd == -1 ? err.text : "was trusted");
	if (fd != -1)
		close(fd);
	else
		ck_assert(err.num == EPERM || err.num == ELOOP);
}
END_TEST

/* What is remembered of one directory must not be believed of another. */
START_TEST(trusted_remembers_the_right_directory)
{
	char command[PATH_MAX + 256];
	int fd;

	if (geteuid() != 0)
		return;
	snprintf(command, sizeof(command),
	    "umask 022; cd %s && mkdir a ab && echo x >a/f && echo x >ab/f && chmod 777 ab", dir);
	ck_assert_int_eq(system(command), 0);
	fd = io_open_trusted(in_dir("a/f"), NULL, &err);
	ck_assert_int_ne(fd, -1);
	close(fd);
	fd = io_open_trusted(in_dir("a/f"), NULL, &err);
	ck_assert_int_ne(fd, -1);
	close(fd);
	ck_assert_int_eq(io_open_trusted(in_dir("ab/f"), NULL, &err), -1);
	ck_assert_int_eq(io_open_trusted(in_dir("a/../ab/f"), NULL, &err), -1);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("io");
	TCase *tcase = tcase_create("io");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, read_all_has_a_limit);
	tcase_add_test(tcase, reads_files_whole);
	tcase_add_test(tcase, write_all_reports_a_full_disk);
	tcase_add_test(tcase, replace_keeps_mode_and_leaves_nothing);
	tcase_add_test(tcase, replace_refuses_links_and_missing_directories);
	tcase_add_test(tcase, replace_that_fails_changes_nothing);
	tcase_add_test(tcase, trusted_needs_a_regular_file);
	tcase_add_loop_test(tcase, trusted_as_root_means_nobody_else_could_write, 0,
	    sizeof(hostile) / sizeof(hostile[0]));
	tcase_add_test(tcase, trusted_remembers_the_right_directory);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
