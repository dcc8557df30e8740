/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Opening what others have put into a mailbox's place, and reading it without moving a position:
 * read-only, follows no link, waits for no FIFO.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "scan.h"

ssize_t
scan_pread(int fd, void *data, size_t len, uint64_t offset)
{
	ssize_t n;

	do
		n = pread(fd, data, len, (off_t)offset);
	while (n == -1 && errno == EINTR);
	return n;
}

int
scan_open(int dirfd, const char *name, bool directory, struct stat *st)
{
	const int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC |
	                  (directory ? O_DIRECTORY : 0);
	int fd = openat(dirfd, name, flags | O_NOATIME);

	/* O_NOATIME is for the owner alone (open(2)). */
	if (fd == -1 && errno == EPERM)
		fd = openat(dirfd, name, flags);
	if (fd == -1 && errno == ENXIO) /* a socket, or a device without a driver */
		errno = EINVAL;
	if (fd == -1)
		return -1;
	if (fstat(fd, st) == -1 || !(directory ? S_ISDIR(st->st_mode) : S_ISREG(st->st_mode))) {
		close(fd);
		errno = EINVAL;
		return -1;
	}
	return fd;
}
