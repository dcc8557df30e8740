/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Opening the files that we take orders from. A root program that reads settings somebody
 * else may write is that somebody's program; so as root every directory on the way, every
 * symbolic link and the file itself must be root's, and nobody else may be able to put
 * another in its place.
 */
#include "io.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#define LINKS_MAX 16 /* symbolic links on the way */

/* The directory last found good: settings, map and accounts usually share theirs. */
static char known_good[PATH_MAX];

static const char *
fault_of(const struct stat *st)
{
	if (st->st_uid != 0)
		return "is not owned by root";
	if (S_ISLNK(st->st_mode))
		return NULL; /* its mode means nothing */
	/* In a sticky directory others may add names, but not move ours. */
	if ((st->st_mode & (S_IWGRP | S_IWOTH)) != 0 &&
	    !(S_ISDIR(st->st_mode) && (st->st_mode & S_ISVTX) != 0))
		return "can be written by others";
	return NULL;
}

static int
refuse(struct err *err, const char *path, const char *fault)
{
	err_set(err, 0, "%s %s, so root does not trust it", path, fault);
	errno = err->num = EPERM;
	return -1;
}

static int
check_component(const char *path, struct stat *st, struct err *err)
{
	const char *fault;

	if (lstat(path, st) == -1)
		return err_set(err, errno, "stat %s", path);
	fault = fault_of(st);
	return fault == NULL ? 0 : refuse(err, path, fault);
}

/* Put what the link `prefix` points to in its place, in front of `rest`. */
static int
follow_link(char path[PATH_MAX], const char *prefix, const char *rest, struct err *err)
{
	char target[PATH_MAX], joined[PATH_MAX];
	const char *slash = strrchr(prefix, '/');
	size_t directory = 0;
	ssize_t n = readlink(prefix, target, sizeof(target) - 1);

	if (n == -1)
		return err_set(err, errno, "readlink %s", prefix);
	target[n] = '\0';
	if (target[0] != '/' && slash != NULL)
		directory = (size_t)(slash - prefix) + 1;
	if (directory + (size_t)n + strlen(rest) >= sizeof(joined))
		return err_set(err, ENAMETOOLONG, "follow %s", prefix);
	memcpy(joined, prefix, directory);
	memcpy(joined + directory, target, (size_t)n + 1);
	strlcat(joined, rest, sizeof(joined));
	memcpy(path, joined, strlen(joined) + 1);
	return 0;
}

/* Check the directories of an absolute path; links are replaced in `path` by where they lead. The
 * last component is left to open(2). "." and ".." need no care: they are directories like
 * others, and are checked like them. */
static int
check_way(char path[PATH_MAX], int *links, struct err *err)
{
	size_t good = strlen(known_good);
	struct stat st;

	if (good == 0 || strncmp(path, known_good, good) != 0 || path[good] != '/')
		good = 0;
	for (size_t at = good + 1;;) {
		size_t end = at + strcspn(path + at, "/");
		char prefix[PATH_MAX];

		if (path[end] == '\0')
			return 0;
		memcpy(prefix, path, end);
		prefix[end] = '\0';
		if (check_component(prefix, &st, err) == -1)
			return -1;
		if (S_ISLNK(st.st_mode)) {
			if (++*links > LINKS_MAX)
				return err_set(err, ELOOP, "follow %s", prefix);
			if (follow_link(path, prefix, path + end, err) == -1)
				return -1;
			at = 1;
			continue;
		}
		memcpy(known_good, prefix, end + 1);
		at = end + 1;
	}
}

static int
make_absolute(char out[PATH_MAX], const char *path, struct err *err)
{
	size_t len = 0;

	if (path[0] != '/') {
		if (getcwd(out, PATH_MAX) == NULL)
			return err_set(err, errno, "getcwd, for %s", path);
		len = strlen(out);
		if (len + 1 < PATH_MAX)
			out[len++] = '/';
	}
	if (strlcpy(out + len, path, PATH_MAX - len) >= PATH_MAX - len)
		return err_set(err, ENAMETOOLONG, "open %s", path);
	return 0;
}

/* O_NONBLOCK: a FIFO must not hold us up before fstat can refuse it. */
#define OPEN_FLAGS (O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)

/* As root: check the way, then open without following; a link in last place is checked, followed
 * and its way checked in turn. `path` becomes the name that was opened. */
static int
open_checked(char path[PATH_MAX], struct err *err)
{
	struct stat st;
	int links = 0;

	for (;;) {
		char link[PATH_MAX];
		int fd;

		if (check_way(path, &links, err) == -1)
			return -1;
		fd = open(path, OPEN_FLAGS | O_NOFOLLOW);
		if (fd != -1)
			return fd;
		if (errno != ELOOP)
			return err_set(err, errno, "open %s", path);
		if (++links > LINKS_MAX)
			return err_set(err, ELOOP, "follow %s", path);
		memcpy(link, path, strlen(path) + 1);
		if (check_component(link, &st, err) == -1 || follow_link(path, link, "", err) == -1)
			return -1;
	}
}

static int
open_file(char opened[PATH_MAX], const char *path, struct err *err)
{
	int fd;

	if (io_is_root())
		return make_absolute(opened, path, err) == -1 ? -1 : open_checked(opened, err);
	if (strlcpy(opened, path, PATH_MAX) >= PATH_MAX)
		return err_set(err, ENAMETOOLONG, "open %s", path);
	fd = open(path, OPEN_FLAGS);
	/* cppcheck-suppress resourceLeak ; it is returned */
	return fd != -1 ? fd : err_set(err, errno, "open %s", path);
}

/* What was opened is what counts, not what stood at the name before. */
static int
check_opened(int fd, const char *path, struct stat *st, struct err *err)
{
	const char *fault;

	if (fstat(fd, st) == -1)
		return err_set(err, errno, "stat %s", path);
	if (!S_ISREG(st->st_mode)) {
		err_set(err, 0, "%s is not a regular file", path);
		err->num = EINVAL;
		return -1;
	}
	fault = io_is_root() ? fault_of(st) : NULL;
	return fault == NULL ? 0 : refuse(err, path, fault);
}

int
io_open_trusted(const char *path, struct stat *st, struct err *err)
{
	struct stat own;
	char opened[PATH_MAX];
	int fd = open_file(opened, path, err);

	if (fd == -1)
		return -1;
	if (check_opened(fd, opened, st != NULL ? st : &own, err) == -1) {
		close(fd);
		errno = err->num;
		return -1;
	}
	return fd;
}

int
io_check_way(const char *path, struct err *err)
{
	char way[PATH_MAX];
	int links = 0;

	if (!io_is_root())
		return 0;
	return make_absolute(way, path, err) == -1 ? -1 : check_way(way, &links, err);
}

bool
io_is_root(void)
{
	return getauxval(AT_EUID) == 0;
}
