/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * New files that appear complete: born without a name, given to their owner, filled, and linked to
 * the name, which fails if anything is there, a symbolic link too. A kill between two of the steps
 * leaves nothing behind. Where there are no nameless files, a temporary name does.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "io.h"

static int
fill(int fd, const struct io_new *new, struct err *err)
{
	if (new->uid != (uid_t)-1 && fchown(fd, new->uid, new->gid) == -1)
		return err_set(err, errno, "chown %s", new->name);
	/* No umask takes more from 0600. */
	if (new->uid != (uid_t)-1 && new->mode != 0600 && fchmod(fd, new->mode) == -1)
		return err_set(err, errno, "chmod %s", new->name);
	if (new->len > 0 && io_write_all(fd, new->content, new->len) == -1)
		return err_set(err, errno, "write %s", new->name);
	return 0;
}

/* ---- without a name ------------------------------------------------------------------ */

/* Give the nameless file its name: 0, or -1 with errno. */
static int
link_nameless(int fd, int dirfd, const char *name)
{
	char self[64];

	/* Root may, and since Linux 6.10 whoever opened it; for others /proc leads there. */
	if (linkat(fd, "", dirfd, name, AT_EMPTY_PATH) == 0)
		return 0;
	if (errno != ENOENT && errno != EINVAL)
		return -1;
	snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	return linkat(AT_FDCWD, self, dirfd, name, AT_SYMLINK_FOLLOW);
}

static int
create_nameless(int dirfd, const struct io_new *new, struct err *err)
{
	int fd = openat(dirfd, ".", O_TMPFILE | O_RDWR | O_APPEND | O_CLOEXEC, new->mode);

	if (fd == -1)
		return err_set(err, errno, "create %s", new->name);
	if (fill(fd, new, err) == 0) {
		if (link_nameless(fd, dirfd, new->name) == 0)
			return fd;
		err_set(err, errno, "create %s", new->name);
	}
	close(fd);
	return -1;
}

/* ---- by way of another name ---------------------------------------------------------- */

/* Move `from` to `name` where nothing is; either way `from` is gone. On NFS a link may be made and
 * an error reported all the same: the number of links tells. */
static int
move_into_place(int fd, int dirfd, const char *from, const char *name)
{
	struct stat st;
	int saved, done;

	done = renameat2(dirfd, from, dirfd, name, RENAME_NOREPLACE);
	if (done == 0)
		return 0;
	if (errno == EINVAL || errno == ENOSYS)
		done = linkat(dirfd, from, dirfd, name, 0);
	saved = errno;
	if (done == -1 && fstat(fd, &st) == 0 && st.st_nlink == 2)
		done = 0;
	unlinkat(dirfd, from, 0);
	errno = saved;
	return done;
}

static int
create_named(int dirfd, const struct io_new *new, struct err *err)
{
	static const int flags = O_RDWR | O_APPEND | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
	char from[NAME_MAX + 1];
	uint64_t unique;
	int fd, n;

	/* A process number is another's, too: of a host that shares the directory, or a container.
	 * Whatever stands there may be in use. */
	arc4random_buf(&unique, sizeof(unique));
	n = snprintf(from, sizeof(from), ".%s.%016" PRIx64, new->name, unique);
	if (n < 0 || (size_t)n >= sizeof(from))
		return err_set(err, ENAMETOOLONG, "create %s", new->name);
	fd = openat(dirfd, from, flags, new->mode);
	if (fd == -1)
		return err_set(err, errno, "create %s", from);
	if (fill(fd, new, err) == -1) {
		unlinkat(dirfd, from, 0);
	} else if (move_into_place(fd, dirfd, from, new->name) == -1) {
		err_set(err, errno, "create %s", new->name);
	} else {
		return fd;
	}
	close(fd);
	return -1;
}

/* NFS has no O_TMPFILE (EOPNOTSUPP; EISDIR where the kernel is old), and linking a nameless file
 * takes /proc or CAP_DAC_READ_SEARCH (ENOENT without), which containers often withhold. */
int
io_new_file(int dirfd, const struct io_new *new, struct err *err)
{
	static const int no_nameless[] = { EOPNOTSUPP, EISDIR, EINVAL, ENOENT };
	int fd = create_nameless(dirfd, new, err);

	for (size_t i = 0; fd == -1 && i < sizeof(no_nameless) / sizeof(no_nameless[0]); i++) {
		if (err->num == no_nameless[i]) {
			fd = create_named(dirfd, new, err);
			break;
		}
	}
	if (fd == -1)
		errno = err->num;
	return fd;
}
