/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Files that are replaced whole and durably or not at all: written and flushed under a name
 * of their own beside the old one, then renamed. Several can be made ready before the first is
 * shown. A writer that is killed leaves a file whose name says whose it was; the next removes
 * it.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io.h"

/* ---- names ------------------------------------------------------------------------------------
 */

/* The directory part of `path`, malloc'ed: "/" for "/x", "." for "x". */
static char *
directory_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (slash == NULL)
		return strdup(".");
	return strndup(path, slash == path ? 1 : (size_t)(slash - path));
}

/* Is `name` BASE.new.PID of a process that is no more (or that is us)? */
static int
is_leftover(const char *name, const char *base)
{
	size_t len = strlen(base);
	char *end;
	long pid;

	if (strncmp(name, base, len) != 0 || strncmp(name + len, ".new.", 5) != 0)
		return 0;
	errno = 0;
	pid = strtol(name + len + 5, &end, 10);
	if (errno != 0 || end == name + len + 5 || *end != '\0' || pid <= 0 || pid > INT_MAX)
		return 0;
	return pid == getpid() || (kill((pid_t)pid, 0) == -1 && errno == ESRCH);
}

/* Nothing is lost when this fails: such a file is in nobody's way but the disk's, and ours is
 * then refused by O_EXCL. */
static void
remove_leftovers(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *directory = directory_of(path);
	DIR *dir = directory != NULL ? opendir(directory) : NULL;
	const struct dirent *found;

	free(directory);
	if (dir == NULL)
		return;
	while ((found = readdir(dir)) != NULL)
		if (is_leftover(found->d_name, slash == NULL ? path : slash + 1))
			unlinkat(dirfd(dir), found->d_name, 0);
	closedir(dir);
}

char *
io_beside(const char *path)
{
	char *name;

	remove_leftovers(path);
	return asprintf(&name, "%s.new.%ld", path, (long)getpid()) == -1 ? NULL : name;
}

/* ---- one step each ----------------------------------------------------------------------------
 */

int
io_sync_directory_of(const char *path, struct err *err)
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
	if (failed == -1)
		errno = err->num;
	return failed;
}

int
io_rename(const char *from, const char *to, struct err *err)
{
	if (rename(from, to) == -1)
		return err_set(err, errno, "rename %s to %s", from, to);
	return io_sync_directory_of(to, err);
}

/* ---- staging ----------------------------------------------------------------------------------
 */

/* The file that is to be replaced: 1 there is one, 0 there is none, -1 with err. */
static int
look_at_old(const char *path, struct stat *old, struct err *err)
{
	if (lstat(path, old) == -1)
		return errno == ENOENT ? 0 : err_set(err, errno, "stat %s", path);
	if (S_ISREG(old->st_mode))
		return 1;
	err_set(err, 0, "replace %s: not a regular file", path);
	errno = err->num = EINVAL;
	return -1;
}

/* Owner, group and mode of the file that is to be replaced, or this mode. */
static int
own(int fd, const struct stat *old, mode_t mode, const char *name, struct err *err)
{
	if (old != NULL && fchown(fd, old->st_uid, old->st_gid) == -1)
		return err_set(err, errno, "chown %s", name);
	if (fchmod(fd, old != NULL ? old->st_mode & 07777 : mode) == -1)
		return err_set(err, errno, "chmod %s", name);
	return 0;
}

int
io_stage_begin(struct io_stage *out, const char *path, mode_t mode, int *fd, struct err *err)
{
	struct stat old;
	int is_old = look_at_old(path, &old, err), failed = 0;

	memset(out, 0, sizeof(*out));
	if (is_old == -1)
		return -1;
	out->path = strdup(path);
	out->beside = io_beside(path);
	if (out->path == NULL || out->beside == NULL) {
		free(out->path);
		free(out->beside);
		memset(out, 0, sizeof(*out));
		return err_set(err, ENOMEM, "replace %s", path);
	}
	*fd = open(out->beside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (*fd == -1) {
		failed = err_set(err, errno, "create %s", out->beside);
		free(out->beside); /* not ours to unlink */
		out->beside = NULL;
	} else if ((failed = own(*fd, is_old ? &old : NULL, mode, out->beside, err)) == -1) {
		close(*fd);
	}
	if (failed == -1) {
		io_stage_discard(out);
		errno = err->num;
	}
	return failed;
}

int
io_stage_end(struct io_stage *stage, int fd, struct stat *st, struct err *err)
{
	int failed = 0;

	if (fsync(fd) == -1)
		failed = err_set(err, errno, "fsync %s", stage->beside);
	else if (st != NULL && fstat(fd, st) == -1)
		failed = err_set(err, errno, "stat %s", stage->beside);
	if (close(fd) == -1 && failed == 0)
		failed = err_set(err, errno, "close %s", stage->beside);
	if (failed == -1) {
		io_stage_discard(stage);
		errno = err->num;
	}
	return failed;
}

int
io_stage(struct io_stage *out, const char *path, const void *data, size_t len, mode_t mode,
    struct stat *st, struct err *err)
{
	int fd;

	if (io_stage_begin(out, path, mode, &fd, err) == -1)
		return -1;
	if (io_write_all(fd, data, len) == 0)
		return io_stage_end(out, fd, st, err);
	err_set(err, errno, "write %s", out->beside);
	close(fd);
	io_stage_discard(out);
	errno = err->num;
	return -1;
}

int
io_stage_publish(struct io_stage *stage, struct err *err)
{
	int failed = 0;

	if (rename(stage->beside, stage->path) == -1) {
		failed = err_set(err, errno, "rename %s to %s", stage->beside, stage->path);
	} else {
		free(stage->beside);
		stage->beside = NULL;
		failed = io_sync_directory_of(stage->path, err);
	}
	io_stage_discard(stage);
	return failed;
}

void
io_stage_discard(struct io_stage *stage)
{
	int saved = errno;

	if (stage->beside != NULL)
		unlink(stage->beside);
	free(stage->beside);
	free(stage->path);
	memset(stage, 0, sizeof(*stage));
	errno = saved;
}

int
io_replace(const char *path, const void *data, size_t len, mode_t mode, struct err *err)
{
	struct io_stage stage;

	if (io_stage(&stage, path, data, len, mode, NULL, err) == -1)
		return -1;
	return io_stage_publish(&stage, err);
}
