/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Deliver into a Maildir (https://cr.yp.to/proto/maildir.html): written and flushed under a unique
 * name in tmp/, moved to new/ without ever replacing anything, and new/ flushed before anybody is
 * told. No locks, and no look into new/ or cur/, so that the cost does not depend on how much is in
 * them. Made on first use, but not its parents: a home directory that is missing is not mounted.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "buf.h"
#include "deliver.h"
#include "io.h"
#include "maildir.h"

#define NAME_ATTEMPTS 16 /* unique names are unique; this many times over is something else */

struct maildir {
	const char *path;
	const struct mailbox_delivery *delivery;
	struct mailbox_receipt *receipt;
	uint64_t bytes;
	int dirfd, tmpfd, newfd;
	struct timespec tmp_read; /* when tmp/ was last read, for cleaning */
};

/* ---- the directories --------------------------------------------------------------- */

/* Open a directory that must be one, and the account's. -1 with err; ENOENT: it is not there. */
static int
open_own(struct maildir *m, int at, const char *name, struct stat *st, struct err *err)
{
	const char *below = at == AT_FDCWD ? "" : name;
	const char *slash = at == AT_FDCWD ? "" : "/";
	int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd == -1)
		return err_set(err, errno, "maildir: open %s%s%s", m->path, slash, below);
	if (fstat(fd, st) == -1)
		err_set(err, errno, "maildir: stat %s%s%s", m->path, slash, below);
	else if (st->st_uid != m->delivery->uid)
		err_set(err, 0, "maildir: %s%s%s belongs to uid %lu instead of %lu", m->path, slash,
		    below, (unsigned long)st->st_uid, (unsigned long)m->delivery->uid);
	else if ((st->st_mode & S_IWOTH) != 0)
		err_set(err, 0, "maildir: everybody may write to %s%s%s", m->path, slash, below);
	else
		return fd;
	close(fd);
	errno = err->num;
	return -1;
}

static int
make(struct maildir *m, int at, const char *name, struct err *err)
{
	if (mkdirat(at, name, 0700) == 0 || errno == EEXIST)
		return 0;
	return err_set(err, errno, "maildir: mkdir %s%s%s", m->path, at == AT_FDCWD ? "" : "/",
	    at == AT_FDCWD ? "" : name);
}

static int
sync_parent(const struct maildir *m, struct err *err)
{
	const char *base;
	char *parent = path_split(m->path, &base);
	int fd, failed = 0;

	if (parent == NULL)
		return err_set(err, errno, "maildir: %s", m->path);
	fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1 && errno == EACCES) /* may be searched, not read */
		failed = syncfs(m->dirfd);
	else
		failed = fd == -1 ? -1 : io_fsync_dir(fd);
	if (failed == -1)
		err_set(err, errno, "maildir: fsync %s", parent);
	if (fd != -1)
		close(fd);
	free(parent);
	return failed;
}

/* Make what is missing. tmp/ comes last, when the rest is durable: whoever finds a tmp/ need not
 * flush the others again, although its maker may have been killed on the way. */
static int
make_directories(struct maildir *m, struct err *err)
{
	struct stat st;

	if (make(m, AT_FDCWD, m->path, err) == -1)
		return -1;
	if (m->dirfd == -1)
		m->dirfd = open_own(m, AT_FDCWD, m->path, &st, err);
	if (m->dirfd == -1 || make(m, m->dirfd, "cur", err) == -1 ||
	    make(m, m->dirfd, "new", err) == -1)
		return -1;
	if (io_fsync_dir(m->dirfd) == -1)
		return err_set(err, errno, "maildir: fsync %s", m->path);
	if (sync_parent(m, err) == -1)
		return -1;
	return make(m, m->dirfd, "tmp", err);
}

static int
open_all(struct maildir *m, struct err *err)
{
	struct stat st;

	if (m->dirfd == -1)
		m->dirfd = open_own(m, AT_FDCWD, m->path, &st, err);
	if (m->dirfd == -1)
		return -1;
	if (m->tmpfd == -1) {
		m->tmpfd = open_own(m, m->dirfd, "tmp", &st, err);
		if (m->tmpfd == -1)
			return -1;
		m->tmp_read = st.st_atim;
	}
	m->newfd = open_own(m, m->dirfd, "new", &st, err);
	return m->newfd == -1 ? -1 : 0;
}

static int
open_directories(struct maildir *m, struct err *err)
{
	if (open_all(m, err) == 0)
		return 0;
	if (err->num != ENOENT || make_directories(m, err) == -1)
		return -1;
	return open_all(m, err);
}

/* ---- what others left -------------------------------------------------------------- */

void
maildir_clean_tmp(int tmpfd, time_t now)
{
	struct timespec read_now[2] = { { .tv_sec = now }, { .tv_nsec = UTIME_OMIT } };
	int fd = openat(tmpfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd == -1 ? NULL : fdopendir(fd);
	struct dirent *entry;
	struct stat st;

	if (dir == NULL) {
		if (fd != -1)
			close(fd);
		return;
	}
	futimens(tmpfd, read_now);
	for (int i = 0; i < MAILDIR_CLEAN_MAX && (entry = readdir(dir)) != NULL; i++) {
		if (entry->d_name[0] == '.' ||
		    fstatat(tmpfd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == -1 ||
		    !S_ISREG(st.st_mode))
			continue;
		if (st.st_mtime < now - MAILDIR_TMP_AGE && st.st_atime < now - MAILDIR_TMP_AGE &&
		    st.st_ctime < now - MAILDIR_TMP_AGE)
			unlinkat(tmpfd, entry->d_name, 0);
	}
	closedir(dir);
}

/* tmp/'s own access time says when it was last read; it is set by hand, as a file system may be
 * mounted noatime. */
static void
clean_sometimes(const struct maildir *m)
{
	time_t now = time(NULL);

	if (m->tmp_read.tv_sec < now - MAILDIR_CLEAN_EVERY)
		maildir_clean_tmp(m->tmpfd, now);
}

/* ---- the name ---------------------------------------------------------------------- */

/* The host's name as maildir.html wants it in a file's: no slash, and no colon, behind which the
 * flags begin; no comma either, behind which our size does. */
static int
add_host(struct buf *out)
{
	struct utsname names;

	if (uname(&names) == -1 || names.nodename[0] == '\0')
		return buf_adds(out, "localhost");
	for (const char *p = names.nodename; *p != '\0'; p++) {
		unsigned char c = (unsigned char)*p;
		int failed = c <= ' ' || c >= 127 || strchr("/:,\\", c) != NULL
		                 ? buf_addf(out, "\\%03o", c)
		                 : buf_addc(out, c);

		if (failed == -1)
			return -1;
	}
	return 0;
}

int
maildir_name(struct buf *out, uint64_t size)
{
	static unsigned sequence;
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	if (buf_addf(out, "%lld.M%06ldP%ldQ%u.", (long long)now.tv_sec, now.tv_nsec / 1000,
	        (long)getpid(), ++sequence) == -1 ||
	    add_host(out) == -1)
		return -1;
	return buf_addf(out, ",S=%llu", (unsigned long long)size);
}

/* ---- the file ---------------------------------------------------------------------- */

struct sink {
	const struct maildir *maildir;
	const char *name;
	int fd;
};

static int
write_file(void *arg, const void *data, size_t len, struct err *err)
{
	const struct sink *sink = arg;

	if (io_write_all(sink->fd, data, len) == -1)
		return err_set(
		    err, errno, "maildir: write %s/tmp/%s", sink->maildir->path, sink->name);
	return 0;
}

/* Write and flush the message in tmp/. The file is gone again if that fails. -1 with EEXIST: the
 * name is taken. */
static int
write_tmp(struct maildir *m, const char *name, struct err *err)
{
	const struct mailbox_delivery *delivery = m->delivery;
	struct sink sink = { m, name, -1 };
	int failed;

	sink.fd = openat(
	    m->tmpfd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC, 0600);
	if (sink.fd == -1)
		return err_set(err, errno, "maildir: create %s/tmp/%s", m->path, name);
	failed = message_write(
	    delivery->message, MESSAGE_MAILDIR, &delivery->envelope, write_file, &sink, err);
	if (failed == 0 && fsync(sink.fd) == -1)
		failed = err_set(err, errno, "maildir: fsync %s/tmp/%s", m->path, name);
	if (close(sink.fd) == -1 && failed == 0)
		failed = err_set(err, errno, "maildir: close %s/tmp/%s", m->path, name);
	if (failed == -1)
		unlinkat(m->tmpfd, name, 0);
	return failed;
}

/* rename(2) would replace what is there. */
/* NFS: a link that was made can be reported as failed, when the answer was lost and the question
 * repeated (link(2), BUGS). The count of names tells. */
static bool
is_linked(const struct maildir *m, const char *name)
{
	struct stat st;
	int num = errno;
	bool linked = fstatat(m->tmpfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_nlink == 2;

	errno = num;
	return linked;
}

static int
move_to_new(const struct maildir *m, const char *name)
{
	if (renameat2(m->tmpfd, name, m->newfd, name, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -1;
	if (linkat(m->tmpfd, name, m->newfd, name, 0) == -1 && !is_linked(m, name))
		return -1;
	unlinkat(m->tmpfd, name, 0);
	return 0;
}

/* From tmp/ to new/, durably; out of both if that fails. */
static int
publish(struct maildir *m, const char *name, struct err *err)
{
	if (delivery_wanted(m->delivery, err) == -1) {
		unlinkat(m->tmpfd, name, 0);
		return -1;
	}
	if (move_to_new(m, name) == -1) {
		err_set(err, errno, "maildir: move %s/tmp/%s to new", m->path, name);
		unlinkat(m->tmpfd, name, 0);
		return -1;
	}
	if (io_fsync_dir(m->newfd) == -1) {
		err_set(err, errno, "maildir: fsync %s/new", m->path);
		if (unlinkat(m->newfd, name, 0) == -1)
			err_prefix(err, "maildir: %s/new/%s not removed (%s)", m->path, name,
			    strerror(errno));
		return -1;
	}
	return 0;
}

/* -1 with EEXIST: another name may do. */
static int
deliver_as(struct maildir *m, const char *name, struct err *err)
{
	size_t size = sizeof(m->receipt->name);

	if (strlen(name) >= size)
		return err_set(err, ENAMETOOLONG, "maildir: %s/new/%s", m->path, name);
	if (write_tmp(m, name, err) == -1 || publish(m, name, err) == -1)
		return -1;
	memcpy(m->receipt->name, name, strlen(name) + 1);
	m->receipt->bytes = m->bytes;
	return 0;
}

static int
deliver(struct maildir *m, struct err *err)
{
	struct buf name = BUF_INIT;
	int failed = -1;

	for (int i = 0; i < NAME_ATTEMPTS && failed == -1; i++) {
		buf_clear(&name);
		if (maildir_name(&name, m->bytes) == -1 || buf_cstr(&name) == NULL) {
			err_set(err, errno, "maildir: %s", m->path);
			break;
		}
		failed = deliver_as(m, (const char *)name.data, err);
		if (failed == -1 && err->num != EEXIST)
			break;
	}
	buf_free(&name);
	return failed;
}

int
maildir_deliver(const char *path, const struct mailbox_delivery *delivery,
    struct mailbox_receipt *receipt, struct err *err)
{
	struct maildir m = { .path = path,
		.delivery = delivery,
		.receipt = receipt,
		.dirfd = -1,
		.tmpfd = -1,
		.newfd = -1 };
	int failed;

	failed = delivery_count(delivery, MESSAGE_MAILDIR, &m.bytes, err);
	if (failed == 0)
		failed = open_directories(&m, err);
	if (failed == 0)
		failed = deliver(&m, err);
	if (failed == 0)
		clean_sometimes(&m);
	if (m.newfd != -1)
		close(m.newfd);
	if (m.tmpfd != -1)
		close(m.tmpfd);
	if (m.dirfd != -1)
		close(m.dirfd);
	if (failed == -1)
		errno = err->num;
	return failed;
}
