/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * System calls as they are meant: a short write goes on, a read error is no end of file, a
 * file is replaced whole and durably or not at all.
 */
#include "io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define READ_STEP 65536 /* bytes asked for at a time */

ssize_t
io_read(int fd, void *data, size_t len)
{
	ssize_t n;

	do
		n = read(fd, data, len);
	while (n == -1 && errno == EINTR);
	return n;
}

int
io_write_all(int fd, const void *data, size_t len)
{
	const unsigned char *p = data;

	while (len > 0) {
		ssize_t n = write(fd, p, len);

		if (n == -1 && errno == EINTR)
			continue;
		if (n == 0)
			errno = EIO;
		if (n <= 0)
			return -1;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

int
io_read_all(int fd, size_t max, struct buf *out)
{
	size_t start = out->len;

	for (;;) {
		ssize_t n;

		if (buf_reserve(out, READ_STEP) == -1)
			return -1;
		n = io_read(fd, out->data + out->len, out->cap - out->len);
		if (n <= 0)
			return (int)n;
		out->len += (size_t)n;
		if (out->len - start > max) {
			out->len = start;
			errno = EFBIG;
			return -1;
		}
	}
}

int
io_fsync_dir(int dirfd)
{
	return fsync(dirfd) == -1 && errno != EINVAL ? -1 : 0;
}

/* The directory part of `path`, malloc'ed: "/" for "/x", "." for "x". */
static char *
directory_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (slash == NULL)
		return strdup(".");
	return strndup(path, slash == path ? 1 : (size_t)(slash - path));
}

static int
fill(int fd, const struct stat *old, const void *data, size_t len, mode_t mode, const char *name,
    struct err *err)
{
	if (io_write_all(fd, data, len) == -1)
		return err_set(err, errno, "write %s", name);
	if (old != NULL && fchown(fd, old->st_uid, old->st_gid) == -1)
		return err_set(err, errno, "chown %s", name);
	if (fchmod(fd, old != NULL ? old->st_mode & 07777 : mode) == -1)
		return err_set(err, errno, "chmod %s", name);
	if (fsync(fd) == -1)
		return err_set(err, errno, "fsync %s", name);
	return 0;
}

static int
sync_directory(const char *path, struct err *err)
{
	char *directory = directory_of(path);
	int fd, failed = 0;

	if (directory == NULL)
		return err_set(err, errno, "fsync the directory of %s", path);
	fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1 || io_fsync_dir(fd) == -1)
		failed = err_set(err, errno, "fsync %s", directory);
	if (fd != -1)
		close(fd);
	free(directory);
	return failed;
}

/* A new file `name` in place of `path`, or nothing at all. */
static int
replace_by(const char *name, const char *path, const struct stat *old, const void *data, size_t len,
    mode_t mode, struct err *err)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	int failed;

	if (fd == -1)
		return err_set(err, errno, "create %s", name);
	failed = fill(fd, old, data, len, mode, name, err);
	if (close(fd) == -1 && failed == 0)
		failed = err_set(err, errno, "close %s", name);
	if (failed == 0 && rename(name, path) == -1)
		failed = err_set(err, errno, "rename %s to %s", name, path);
	if (failed == -1)
		unlink(name);
	return failed;
}

int
io_replace(const char *path, const void *data, size_t len, mode_t mode, struct err *err)
{
	struct stat st;
	const struct stat *old = NULL;
	char *name = NULL;
	int failed;

	if (lstat(path, &st) == 0)
		old = &st;
	else if (errno != ENOENT)
		return err_set(err, errno, "stat %s", path);
	if (old != NULL && !S_ISREG(old->st_mode)) {
		err_set(err, 0, "replace %s: not a regular file", path);
		errno = err->num = EINVAL;
		return -1;
	}
	if (asprintf(&name, "%s.new.%ld", path, (long)getpid()) == -1)
		return err_set(err, ENOMEM, "replace %s", path);
	failed = replace_by(name, path, old, data, len, mode, err);
	if (failed == 0)
		failed = sync_directory(path, err);
	free(name);
	if (failed == -1)
		errno = err->num;
	return failed;
}
