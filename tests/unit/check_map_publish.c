/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * From text to compiled map and domains file: all of it or nothing, whatever fails and whenever the
 * writer is killed; staleness is seen; one writer at a time.
 */
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "io.h"
#include "map.h"
#include "suite.h"

static char dir[] = "/tmp/check_map_publish.XXXXXX";
static char path[PATH_MAX], domains[PATH_MAX];
static struct err err;

static void
setup(void)
{
	strcpy(dir, "/tmp/check_map_publish.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/virtmaps", dir);
	snprintf(domains, sizeof(domains), "%s/domains", dir);
}

static void
teardown(void)
{
	DIR *d = opendir(dir);
	struct dirent *found;

	while ((found = readdir(d)) != NULL)
		if (found->d_name[0] != '.' && unlinkat(dirfd(d), found->d_name, 0) == -1 &&
		    errno == EISDIR)
			unlinkat(dirfd(d), found->d_name, AT_REMOVEDIR);
	closedir(d);
	ck_assert_int_eq(rmdir(dir), 0);
}

/* Names in the directory, sorted, with blanks between. */
static const char *
names(void)
{
	static char out[1000];
	struct dirent **found;
	int n = scandir(dir, &found, NULL, alphasort);

	*out = '\0';
	for (int i = 0; i < n; i++) {
		if (found[i]->d_name[0] != '.') {
			strcat(out, *out != '\0' ? " " : "");
			strcat(out, found[i]->d_name);
		}
		free(found[i]);
	}
	free(found);
	return out;
}

static void
put(const char *name, const char *text)
{
	FILE *f = fopen(name, "w");

	fputs(text, f);
	fclose(f);
}

static const char *
content(const char *name)
{
	static struct buf buf;
	int fd = open(name, O_RDONLY);

	ck_assert_int_ne(fd, -1);
	buf_clear(&buf);
	ck_assert_int_eq(io_read_all(fd, 1 << 24, &buf), 0);
	close(fd);
	return buf_cstr(&buf);
}

static struct map_source *
read_source(void)
{
	struct map_source *source;

	ck_assert_msg(map_source_read(&source, path, 0, NULL, NULL, &err) == 0, "%s", err.text);
	return source;
}

/* No ck_: children use it, too. */
static int
try_compile(void)
{
	struct map_source *source;
	int rc;

	if (map_source_read(&source, path, 0, NULL, NULL, &err) == -1)
		return -1;
	rc = map_compile(source, domains, (gid_t)-1, 0644, NULL, NULL, NULL, &err);
	map_source_free(source);
	return rc;
}

static int
try_publish(struct map_source *source)
{
	return map_publish(source, domains, (gid_t)-1, 0644, NULL, NULL, NULL, &err);
}

static const char *
target_of(const char *recipient)
{
	static char out[100];
	struct address address;
	struct map_match match;
	struct map *map;
	int rc;

	ck_assert_msg(map_open(&map, path, 0, &err) == 0, "%s", err.text);
	ck_assert_int_eq(address_parse(&address, recipient, &err), 0);
	rc = map_lookup(map, &address, 0, NULL, NULL, NULL, &match, &err);
	ck_assert_int_ne(rc, -1);
	snprintf(out, sizeof(out), "%s", rc == 1 ? match.target : "none");
	map_match_free(&match);
	address_free(&address);
	map_close(map);
	return out;
}

static int
stale(int by_content)
{
	struct map *map;
	int rc;

	ck_assert_int_eq(map_open(&map, path, 0, &err), 0);
	rc = by_content ? map_is_stale_content(map, &err) : map_is_stale(map, &err);
	map_close(map);
	return rc;
}

/* The map that is published and the one that was open before it; edits by hand are told of. */
START_TEST(stale_or_replaced)
{
	struct map *before;

	put(path, "a@one 1\n");
	ck_assert_int_eq(try_compile(), 0);
	ck_assert_int_eq(map_open(&before, path, 0, &err), 0);
	ck_assert_int_eq(map_is_stale(before, &err), 0);
	put(path, "a@one 22\n");
	ck_assert_int_eq(map_is_stale(before, &err), 1);
	ck_assert_int_eq(try_compile(), 0);
	ck_assert_int_eq(map_is_stale(before, &err), 0);
	ck_assert_int_eq(stale(0), 0);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(map_is_stale(before, &err), -1);
	map_close(before);
}
END_TEST

/* Who asks between the two renames waits for the second, though not for ever: on a machine that is
 * busy it may take a few rounds to see that. */
START_TEST(stale_between_renames)
{
	int rc = 1;

	put(path, "a@one 1\n");
	ck_assert_int_eq(try_compile(), 0);
	for (int i = 0; rc == 1 && i < 50; i++) {
		char text[32];
		struct map *before;
		int status;
		pid_t pid;

		ck_assert_int_eq(map_open(&before, path, 0, &err), 0);
		snprintf(text, sizeof(text), "a@one %d\n", 100 + i);
		put(path, text);
		if ((pid = fork()) == 0) {
			nanosleep(&(struct timespec){ .tv_nsec = 20000000 }, NULL);
			_exit(try_compile() == 0 ? 0 : 1);
		}
		rc = map_is_stale(before, &err);
		ck_assert_int_eq(waitpid(pid, &status, 0), pid);
		ck_assert_int_eq(status, 0);
		map_close(before);
	}
	ck_assert_int_eq(rc, 0);
}
END_TEST

/* ---- compiling ----------------------------------------------------------------------------------
 */

START_TEST(compile)
{
	struct stat st;
	struct map *map;

	ck_assert_int_eq(map_open(&map, path, 0, &err), -1);
	ck_assert_int_eq(err.num, ENOENT);
	put(path, "# x\na@Two 1\n@one 2\n.b\xc3\xbc"
	          "cher 3\n@ 4\nb@two 5\n++@three 6\n");
	ck_assert_msg(try_compile() == 0, "%s", err.text);
	ck_assert_str_eq(names(), "domains virtmaps virtmaps.gdbm");
	ck_assert_str_eq(content(domains), ".xn--bcher-kva\none\nthree\ntwo\n");
	ck_assert_int_eq(stat(domains, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0644);
	ck_assert_str_eq(target_of("a@two"), "1");
	ck_assert_str_eq(target_of("c@three"), "4");
	ck_assert_int_eq(stale(0), 0);
	ck_assert_int_eq(stale(1), 0);
	ck_assert_int_eq(map_open(&map, path, 0, &err), 0);
	ck_assert_uint_eq(map_count(map), 6);
	map_close(map);
	map_close(NULL);
}
END_TEST

START_TEST(empty_map)
{
	struct map *map;

	put(path, "");
	ck_assert_int_eq(try_compile(), 0);
	ck_assert_str_eq(content(domains), "");
	ck_assert_str_eq(target_of("a@b"), "none");
	ck_assert_int_eq(map_open(&map, path, 0, &err), 0);
	ck_assert_int_eq(map_has_domain(map, "b", &err), 0);
	ck_assert_uint_eq(map_count(map), 0);
	map_close(map);
}
END_TEST

START_TEST(mode_and_group)
{
	struct map_source *source;
	char compiled[PATH_MAX + 5];
	struct stat st;

	put(path, "a@one 1\n");
	source = read_source();
	ck_assert_int_eq(map_compile(source, NULL, getegid(), 0640, NULL, NULL, NULL, &err), 0);
	map_source_free(source);
	ck_assert_str_eq(names(), "virtmaps virtmaps.gdbm");
	snprintf(compiled, sizeof(compiled), "%s.gdbm", path);
	ck_assert_int_eq(stat(compiled, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0640);
	ck_assert_uint_eq(st.st_gid, getegid());
}
END_TEST

START_TEST(domains_only_when_changed)
{
	struct stat before, after;

	put(path, "a@one 1\n");
	ck_assert_int_eq(try_compile(), 0);
	ck_assert_int_eq(stat(domains, &before), 0);
	put(path, "a@one 1\nb@one 2\n");
	ck_assert_int_eq(try_compile(), 0);
	ck_assert_int_eq(stat(domains, &after), 0);
	ck_assert_uint_eq(before.st_ino, after.st_ino);
	put(path, "a@one 1\nb@two 2\n");
	ck_assert_int_eq(try_compile(), 0);
	ck_assert_str_eq(content(domains), "one\ntwo\n");
}
END_TEST

START_TEST(errors_change_nothing)
{
	static const char *const bad[] = { "a@one 1\nbroken\n", "a@one 1\na@one 2\n",
		"a@one b@two\nb@two a@one\n" };
	struct stat before, after;
	char compiled[PATH_MAX + 5];

	snprintf(compiled, sizeof(compiled), "%s.gdbm", path);
	put(path, "a@one old\n");
	ck_assert_int_eq(try_compile(), 0);
	ck_assert_int_eq(stat(compiled, &before), 0);
	for (size_t i = 0; i < 3; i++) {
		put(path, bad[i]);
		ck_assert_int_eq(try_compile(), -1);
		ck_assert_ptr_nonnull(strstr(err.text, path));
		ck_assert_int_eq(stat(compiled, &after), 0);
		ck_assert_uint_eq(before.st_ino, after.st_ino);
		ck_assert_str_eq(content(domains), "one\n");
		ck_assert_str_eq(names(), "domains virtmaps virtmaps.gdbm");
		ck_assert_str_eq(target_of("a@one"), "old");
	}
}
END_TEST

START_TEST(check_writes_nothing)
{
	struct map_source *source;

	put(path, "a@one 1\n");
	source = read_source();
	ck_assert_int_eq(map_check(source, NULL, NULL, NULL, &err), 0);
	map_source_free(source);
	put(path, "a@one a@one\n");
	source = read_source();
	ck_assert_int_eq(map_check(source, NULL, NULL, NULL, &err), -1);
	map_source_free(source);
	ck_assert_str_eq(names(), "virtmaps");
}
END_TEST

/* ---- stale --------------------------------------------------------------------------------------
 */

START_TEST(staleness)
{
	const struct timespec times[2] = { { 1, 2 }, { 1, 2 } };
	struct stat st;

	put(path, "a@one 1\n");
	ck_assert_int_eq(utimensat(AT_FDCWD, path, times, 0), 0);
	ck_assert_int_eq(try_compile(), 0);
	ck_assert_int_eq(stale(0), 0);
	put(path, "a@one 22\n");
	ck_assert_int_eq(stale(0), 1);
	ck_assert_int_eq(stale(1), 1);
	/* the same size and time, other bytes: only the sure way sees it */
	put(path, "a@one 2\n");
	ck_assert_int_eq(utimensat(AT_FDCWD, path, times, 0), 0);
	ck_assert_int_eq(stale(0), 0);
	ck_assert_int_eq(stale(1), 1);
	/* other times, the same bytes */
	put(path, "a@one 1\n");
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(stale(0), 1);
	ck_assert_int_eq(stale(1), 0);
	unlink(path);
	ck_assert_int_eq(stale(0), -1);
	ck_assert_int_eq(stale(1), -1);
}
END_TEST

/* ---- publishing ---------------------------------------------------------------------------------
 */

START_TEST(publish)
{
	struct map_source *source;
	struct stat st;

	put(path, "# head\na@one 1\n");
	ck_assert_int_eq(chmod(path, 0604), 0);
	source = read_source();
	ck_assert_int_eq(map_source_add(source, "b@two", "2", &err), 0);
	ck_assert_int_eq(map_compile(source, domains, (gid_t)-1, 0644, NULL, NULL, NULL, &err), -1);
	ck_assert_int_eq(err.num, EINVAL); /* the text would be older than the map */
	ck_assert_msg(try_publish(source) == 0, "%s", err.text);
	map_source_free(source);
	ck_assert_str_eq(content(path), "# head\na@one 1\nb@two 2\n");
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0604);
	ck_assert_str_eq(names(), "domains virtmaps virtmaps.gdbm");
	ck_assert_str_eq(content(domains), "one\ntwo\n");
	ck_assert_str_eq(target_of("b@two"), "2");
	ck_assert_int_eq(stale(0), 0);
	ck_assert_int_eq(stale(1), 0);
}
END_TEST

START_TEST(publish_first)
{
	struct map_source *source;

	ck_assert_int_eq(map_source_parse(&source, path, "a@one 1\n", 8, NULL, NULL, &err), 0);
	ck_assert_int_eq(try_publish(source), 0);
	map_source_free(source);
	ck_assert_str_eq(content(path), "a@one 1\n");
	ck_assert_str_eq(target_of("a@one"), "1");
	ck_assert_int_eq(stale(0), 0);
}
END_TEST

START_TEST(publish_unedited_compiles)
{
	struct map_source *source;
	struct stat before, after;

	put(path, "a@one 1\n");
	ck_assert_int_eq(stat(path, &before), 0);
	source = read_source();
	ck_assert_int_eq(try_publish(source), 0);
	map_source_free(source);
	ck_assert_int_eq(stat(path, &after), 0);
	ck_assert_uint_eq(before.st_ino, after.st_ino);
	ck_assert_str_eq(target_of("a@one"), "1");
}
END_TEST

/* What stands in the way of the rename, and when it shows. */
START_TEST(publish_that_fails)
{
	static const char *const obstacles[] = { "virtmaps.gdbm", "domains" };
	struct map_source *source;
	struct stat before, after;
	char obstacle[PATH_MAX + 20], with[100];

	snprintf(obstacle, sizeof(obstacle), "%s/%s", dir, obstacles[_i]);
	put(path, "a@one old\n");
	ck_assert_int_eq(mkdir(obstacle, 0700), 0);
	ck_assert_int_eq(stat(path, &before), 0);
	strcpy(with, names());
	source = read_source();
	ck_assert_int_eq(map_source_set(source, "a@one", "new", &err), 0);
	ck_assert_int_eq(try_publish(source), -1);
	ck_assert_ptr_nonnull(strstr(err.text, obstacles[_i]));
	map_source_free(source);
	ck_assert_str_eq(names(), with);
	ck_assert_str_eq(content(path), "a@one old\n");
	ck_assert_int_eq(stat(path, &after), 0);
	ck_assert_int_eq(before.st_mtim.tv_sec, after.st_mtim.tv_sec);
	ck_assert_int_eq(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec);
	ck_assert_uint_eq(before.st_mode, after.st_mode);
}
END_TEST

START_TEST(first_publish_that_fails)
{
	struct map_source *source;
	char obstacle[PATH_MAX + 20];

	snprintf(obstacle, sizeof(obstacle), "%s.gdbm", path);
	ck_assert_int_eq(mkdir(obstacle, 0700), 0);
	ck_assert_int_eq(map_source_parse(&source, path, "a@one 1\n", 8, NULL, NULL, &err), 0);
	ck_assert_int_eq(try_publish(source), -1);
	map_source_free(source);
	ck_assert_str_eq(names(), "virtmaps.gdbm");
}
END_TEST

START_TEST(publish_with_errors)
{
	struct map_source *source;

	put(path, "a@one old\nbroken\n");
	source = read_source();
	ck_assert_int_eq(map_source_set(source, "a@one", "new", &err), 0);
	ck_assert_int_eq(try_publish(source), -1);
	ck_assert_ptr_nonnull(strstr(err.text, "1 malformed line"));
	map_source_free(source);
	ck_assert_str_eq(content(path), "a@one old\nbroken\n");
	ck_assert_str_eq(names(), "virtmaps");
}
END_TEST

/* 0: one that compiles the whole text; 1: a layer. */
START_TEST(publish_on_a_full_disk)
{
	char long_target[200];
	struct rlimit unlimited, limit;
	struct buf text = BUF_INIT;
	struct map_source *source;
	int failed = 0;

	buf_adds(&text, "a@one old\n");
	for (int i = 0; i < 700; i++)
		buf_addf(&text, "u%d@one somebody\n", i);
	put(path, buf_cstr(&text));
	ck_assert_int_eq(try_compile(), 0);
	memset(long_target, 'x', sizeof(long_target));
	memcpy(long_target, "error:nouser ", strlen("error:nouser "));
	long_target[sizeof(long_target) - 1] = '\0';
	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &unlimited), 0);
	limit = unlimited;
	/* Below 16384 it is gdbm_fd_open that fails, and GDBM 1.23 then loses 4 KiB of memory. */
	for (rlim_t size = 16384; size < 100000; size += 900) {
		int rc;

		source = read_source();
		ck_assert_int_eq(map_source_set(source, "a@one", "new", &err), 0);
		ck_assert_int_eq(
		    map_source_set(source, _i == 0 ? ".three" : "c@three", "new", &err), 0);
		for (int i = 0; _i == 1 && i < 28; i++) {
			char key[30];

			snprintf(key, sizeof(key), "u%d@one", 10 * i);
			ck_assert_int_eq(map_source_set(source, key, long_target, &err), 0);
		}
		limit.rlim_cur = size;
		setrlimit(RLIMIT_FSIZE, &limit);
		rc = try_publish(source); /* Check writes to a file as well: lift the limit first */
		setrlimit(RLIMIT_FSIZE, &unlimited);
		map_source_free(source);
		if (rc == 0)
			break;
		ck_assert_str_eq(names(), "domains virtmaps virtmaps.gdbm");
		failed++;
		ck_assert_int_eq(err.num, EFBIG);
		ck_assert_str_eq(content(path), buf_cstr(&text));
		ck_assert_str_eq(content(domains), "one\n");
		ck_assert_str_eq(target_of("a@one"), "old");
		ck_assert_int_eq(stale(0), 0);
	}
	buf_free(&text);
	ck_assert_int_gt(failed, 5);
	ck_assert_str_eq(names(), _i == 0 ? "domains virtmaps virtmaps.gdbm"
	                                  : "domains virtmaps virtmaps.gdbm virtmaps.gdbm.base");
	ck_assert_str_eq(target_of("a@one"), "new");
}
END_TEST

/* Killed anywhere: text and map are each old or new and whole, and a new text with an old map is
 * seen to be stale. A new map with an old text must not be. */
START_TEST(publish_killed)
{
	struct buf big = BUF_INIT;
	int killed = 0, status;

	for (int i = 0; i < 3000; i++)
		buf_addf(&big, "u%d@one old\n", i);
	put(path, buf_cstr(&big));
	ck_assert_int_eq(try_compile(), 0);
	for (unsigned n = 0; n < 60; n++) {
		pid_t pid = fork();
		const char *text;
		char target[100];

		ck_assert_int_ne(pid, -1);
		if (pid == 0) {
			struct map_source *source;
			char value[30];

			snprintf(value, sizeof(value), "new%u", n);
			if (map_source_read(&source, path, 0, NULL, NULL, &err) == -1 ||
			    map_source_set(source, "u7@one", value, &err) == -1 ||
			    try_publish(source) == -1)
				_exit(1);
			_exit(0);
		}
		usleep(n * 400);
		kill(pid, SIGKILL);
		ck_assert_int_eq(waitpid(pid, &status, 0), pid);
		ck_assert(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
		killed += WIFSIGNALED(status);
		text = content(path);
		text = strstr(text, "u7@one ") + strlen("u7@one ");
		strcpy(target, target_of("u7@one"));
		if (strncmp(text, target, strlen(target)) != 0 || text[strlen(target)] != '\n')
			ck_assert_int_eq(stale(0), 1);
		else
			ck_assert_int_eq(stale(1), 0);
		/* "new7" and so on: the text is never behind the map */
		ck_assert_int_ge(atoi(text + 3), atoi(target + 3));
		ck_assert_str_eq(target_of("u2999@one"), "old");
		ck_assert_str_eq(content(domains), "one\n");
	}
	ck_assert_int_gt(killed, 0);
	ck_assert_int_eq(try_compile(), 0);
	/* what the killed left of the text goes with the next edit */
	{
		struct map_source *source = read_source();

		ck_assert_int_eq(map_source_set(source, "u7@one", "end", &err), 0);
		ck_assert_int_eq(try_publish(source), 0);
		map_source_free(source);
	}
	ck_assert_str_eq(names(), "domains virtmaps virtmaps.gdbm virtmaps.gdbm.base");
	ck_assert_int_eq(try_compile(), 0);
	ck_assert_str_eq(names(), "domains virtmaps virtmaps.gdbm");
	buf_free(&big);
}
END_TEST

/* ---- lock ---------------------------------------------------------------------------------------
 */

START_TEST(lock)
{
	char expected[64];
	int ready[2], status, fd;
	struct stat st;
	char lock_path[PATH_MAX + 5], byte;
	pid_t pid;

	snprintf(lock_path, sizeof(lock_path), "%s.lock", path);
	ck_assert_int_eq(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		struct err e;

		if (map_lock(path, 0, &e) == -1 || write(ready[1], "x", 1) != 1)
			_exit(1);
		pause();
	}
	ck_assert_int_eq((int)read(ready[0], &byte, 1), 1);
	ck_assert_int_eq(map_lock(path, 0, &err), -1);
	ck_assert_int_eq(err.num, EWOULDBLOCK);
	snprintf(expected, sizeof(expected), "locked by process %ld", (long)pid);
	ck_assert_msg(strstr(err.text, expected) != NULL, "%s", err.text);
	ck_assert_int_eq(stat(lock_path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0600);
	kill(pid, SIGKILL);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	/* nothing of a dead holder is in the way */
	ck_assert_int_ge(fd = map_lock(path, 0, &err), 0);
	close(fd);
	close(ready[0]);
	close(ready[1]);
}
END_TEST

START_TEST(lock_waits)
{
	int fd = map_lock(path, 0, &err), status;
	pid_t pid = fork();

	if (pid == 0) {
		struct err e;

		close(fd);
		_exit(map_lock(path, 30, &e) == -1);
	}
	usleep(100000);
	close(fd);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}
END_TEST

START_TEST(lock_refuses_links)
{
	char lock_path[PATH_MAX + 5];

	snprintf(lock_path, sizeof(lock_path), "%s.lock", path);
	ck_assert_int_eq(symlink("victim", lock_path), 0);
	ck_assert_int_eq(map_lock(path, 0, &err), -1);
	ck_assert_int_eq(err.num, ELOOP);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("map_publish");
	TCase *tests = tcase_create("map_publish");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, stale_or_replaced);
	tcase_add_test(tests, stale_between_renames);
	tcase_add_test(tests, compile);
	tcase_add_test(tests, empty_map);
	tcase_add_test(tests, mode_and_group);
	tcase_add_test(tests, domains_only_when_changed);
	tcase_add_test(tests, errors_change_nothing);
	tcase_add_test(tests, check_writes_nothing);
	tcase_add_test(tests, staleness);
	tcase_add_test(tests, publish);
	tcase_add_test(tests, publish_first);
	tcase_add_test(tests, publish_unedited_compiles);
	tcase_add_loop_test(tests, publish_that_fails, 0, 2);
	tcase_add_test(tests, first_publish_that_fails);
	tcase_add_test(tests, publish_with_errors);
	tcase_add_loop_test(tests, publish_on_a_full_disk, 0, 2);
	tcase_add_test(tests, publish_killed);
	tcase_add_test(tests, lock);
	tcase_add_test(tests, lock_waits);
	tcase_add_test(tests, lock_refuses_links);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
