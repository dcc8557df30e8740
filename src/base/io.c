/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * System calls as they are meant: a short write goes on, a read error is no end of
 * file.
 */
#include "io.h"

#include <errno.h>
#include <fcntl.h>
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

/* The end of a file whose length is reached need not be asked for: settings are read once for each
 * message. Files of /proc have no length, and others may have shrunk. */
static int
read_file(int fd, const struct stat *st, size_t max, struct buf *out)
{
	size_t size = st->st_size < 0 ? 0 : (size_t)st->st_size, start = out->len;

	if (size > 0 && size <= max && buf_reserve(out, size + 1) == -1)
		return -1;
	while (size > 0 && size <= max) {
		ssize_t n = io_read(fd, out->data + out->len, size - (out->len - start));

		if (n <= 0)
			return (int)n;
		out->len += (size_t)n;
		if (out->len - start == size)
			return 0;
	}
	return io_read_all(fd, max, out);
}

int
io_read_file(const char *path, bool trusted, size_t max, struct buf *out, struct err *err)
{
	struct stat st;
	int fd = trusted ? io_open_trusted(path, &st, err)
	                 : open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	int failed = 0;

	if (fd == -1)
		return trusted ? -1 : err_set(err, errno, "open %s", path);
	if (!trusted && fstat(fd, &st) == -1)
		failed = err_set(err, errno, "stat %s", path);
	else if (read_file(fd, &st, max, out) == -1)
		failed = err_set(err, errno, "read %s", path);
	close(fd);
	if (failed == -1)
		errno = err->num;
	return failed;
}

int
io_fsync_dir(int dirfd)
{
	return fsync(dirfd) == -1 && errno != EINVAL ? -1 : 0;
}
