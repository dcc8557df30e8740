/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * System calls as they are meant: a short write goes on, a read error is no end of
 * file.
 */
#include "io.h"

#include <errno.h>
#include <unistd.h>

#define READ_STEP  65536 /* bytes asked for at a time */
#define READ_LEAST 4096

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

		/* Growing copies all that is allocated: not for the read that only finds the end.
		 */
		if (buf_reserve(out, out->len == start ? READ_STEP : READ_LEAST) == -1)
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
