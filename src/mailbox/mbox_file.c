/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Open an mbox as if somebody had laid a trap in its place: a plain file, the account's own, with
 * one name, that nobody else may write. Devices and FIFOs are not opened even to look at them.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "io.h"
#include "mbox.h"

int
mbox_open_directory(struct mbox *m, struct err *err)
{
	int n;

	m->directory = path_split(m->path, &m->base);
	if (m->directory == NULL)
		return err_set(err, errno, "mbox: %s", m->path);
	n = snprintf(m->lock_name, sizeof(m->lock_name), "%s" LOCK_SUFFIX, m->base);
	if (n < 0 || (size_t)n >= sizeof(m->lock_name))
		return err_set(err, ENAMETOOLONG, "mbox: %s" LOCK_SUFFIX, m->path);
	m->dirfd = open(m->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	m->dir_readable = m->dirfd != -1;
	if (m->dirfd == -1 && errno == EACCES)
		m->dirfd = open(m->directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (m->dirfd == -1)
		return err_set(err, errno, "mbox: open %s", m->directory);
	return 0;
}

int
mbox_check_file(const struct mbox *m, const struct stat *st, struct err *err)
{
	if (!S_ISREG(st->st_mode))
		return err_set(err, 0, "mbox: %s is not a regular file", m->path);
	if (st->st_nlink != 1)
		return err_set(err, 0, "mbox: %s has %lu names instead of one", m->path,
		    (unsigned long)st->st_nlink);
	if (st->st_uid != m->delivery->uid)
		return err_set(err, 0, "mbox: %s belongs to uid %lu instead of %lu", m->path,
		    (unsigned long)st->st_uid, (unsigned long)m->delivery->uid);
	if ((st->st_mode & S_IWOTH) != 0)
		return err_set(err, 0, "mbox: everybody may write to %s", m->path);
	return 0;
}

bool
mbox_not_allowed(int num)
{
	return num == EACCES || num == EPERM;
}

/* -1 with EEXIST: somebody else was quicker. */
static int
create_file(struct mbox *m, struct err *err)
{
	const struct mailbox_broker *broker = m->delivery->broker;

	m->fd = openat(m->dirfd, m->base,
	    O_RDWR | O_APPEND | O_CREAT | O_EXCL | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC, 0600);
	if (m->fd != -1)
		return 0;
	if (!mbox_not_allowed(errno) || broker->create_mailbox == NULL)
		return err_set(err, errno, "mbox: create %s", m->path);
	m->fd = broker->create_mailbox(broker->arg, err);
	return m->fd == -1 ? -1 : 0;
}

/* Open what is there, or create it. Looked at by name first: to open a device can be to use it. */
int
mbox_open_file(struct mbox *m, struct err *err)
{
	int flags = O_RDWR | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
	struct stat st;

	if (fstatat(m->dirfd, m->base, &st, AT_SYMLINK_NOFOLLOW) == -1) {
		if (errno != ENOENT)
			return err_set(err, errno, "mbox: stat %s", m->path);
		if (create_file(m, err) == 0)
			return 0;
		if (err->num != EEXIST ||
		    fstatat(m->dirfd, m->base, &st, AT_SYMLINK_NOFOLLOW) == -1)
			return -1;
	}
	if (mbox_check_file(m, &st, err) == -1)
		return -1;
	/* Readers tell new mail by atime < mtime; a look at the last bytes must not spoil that. */
	m->fd = openat(m->dirfd, m->base, flags | O_NOATIME);
	if (m->fd == -1 && errno == EPERM)
		m->fd = openat(m->dirfd, m->base, flags);
	if (m->fd == -1)
		return err_set(err, errno, "mbox: open %s", m->path);
	return 0;
}

void
mbox_close_file(struct mbox *m)
{
	if (m->fd != -1)
		close(m->fd);
	m->fd = -1;
}

/* How many newlines the message before `length` lacks until it ends in an empty line. */
int
mbox_missing_newlines(const struct mbox *m, off_t length, size_t *newlines, struct err *err)
{
	char tail[3] = { 0 };
	size_t len = length < (off_t)sizeof(tail) ? (size_t)length : sizeof(tail);
	ssize_t n;

	*newlines = 0;
	if (len == 0)
		return 0;
	do
		n = pread(m->fd, tail + sizeof(tail) - len, len, length - (off_t)len);
	while (n == -1 && errno == EINTR);
	if (n != (ssize_t)len)
		return err_set(err, n == -1 ? errno : EIO, "mbox: read %s", m->path);
	if (tail[2] != '\n')
		*newlines = 2;
	else if (tail[1] != '\n' && !(tail[1] == '\r' && tail[0] == '\n'))
		*newlines = 1;
	return 0;
}

/* New names in the directory, flushed. */
int
mbox_sync_directory(const struct mbox *m)
{
	return m->dir_readable ? io_fsync_dir(m->dirfd) : syncfs(m->fd);
}
