/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Deliver into a Maildir (https://cr.yp.to/proto/maildir.html): written and flushed under a unique
 * name in tmp/, moved to new/ without ever replacing anything, and new/ flushed before anybody is
 * told. No locks, and no look into new/ or cur/, so that the cost does not depend on how much is in
 * them; only a quota that seems exceeded makes somebody count.
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
clean_sometimes(const struct maildir_place *place)
{
	time_t now = time(NULL);

	if (place->tmp_read.tv_sec < now - MAILDIR_CLEAN_EVERY)
		maildir_clean_tmp(place->tmpfd, now);
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

struct copy {
	const struct maildir_place *place;
	const struct mailbox_delivery *delivery;
	const char *name;
	int fd;
};

static int
write_file(void *arg, const void *data, size_t len, struct err *err)
{
	const struct copy *copy = arg;

	if (io_write_all(copy->fd, data, len) == -1)
		return err_set(
		    err, errno, "maildir: write %s/tmp/%s", copy->place->where, copy->name);
	return 0;
}

/* Write and flush the message in tmp/. The file is gone again if that fails. -1 with EEXIST: the
 * name is taken. */
static int
write_tmp(struct copy *copy, struct err *err)
{
	const struct maildir_place *place = copy->place;
	const char *name = copy->name;
	int failed;

	copy->fd = openat(place->tmpfd, name,
	    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC, 0600);
	if (copy->fd == -1)
		return err_set(err, errno, "maildir: create %s/tmp/%s", place->where, name);
	failed = message_write(copy->delivery->message, MESSAGE_MAILDIR, &copy->delivery->envelope,
	    write_file, copy, err);
	if (failed == 0 && fsync(copy->fd) == -1)
		failed = err_set(err, errno, "maildir: fsync %s/tmp/%s", place->where, name);
	if (close(copy->fd) == -1 && failed == 0)
		failed = err_set(err, errno, "maildir: close %s/tmp/%s", place->where, name);
	if (failed == -1)
		unlinkat(place->tmpfd, name, 0);
	return failed;
}

/* NFS: a link that was made can be reported as failed, when the answer was lost and the question
 * repeated (link(2), BUGS). The count of names tells. */
static bool
is_linked(const struct copy *copy)
{
	struct stat st;
	int num = errno;
	bool linked = fstatat(copy->place->tmpfd, copy->name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	              st.st_nlink == 2;

	errno = num;
	return linked;
}

/* rename(2) would replace what is there. */
static int
move_to_new(const struct copy *copy)
{
	int tmpfd = copy->place->tmpfd, newfd = copy->place->newfd;

	if (renameat2(tmpfd, copy->name, newfd, copy->name, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -1;
	if (linkat(tmpfd, copy->name, newfd, copy->name, 0) == -1 && !is_linked(copy))
		return -1;
	unlinkat(tmpfd, copy->name, 0);
	return 0;
}

/* From tmp/ to new/, durably; out of both if that fails. */
static int
publish(const struct copy *copy, struct err *err)
{
	const struct maildir_place *place = copy->place;

	if (delivery_wanted(copy->delivery, err) == -1) {
		unlinkat(place->tmpfd, copy->name, 0);
		return -1;
	}
	if (move_to_new(copy) == -1) {
		err_set(err, errno, "maildir: move %s/tmp/%s to new", place->where, copy->name);
		unlinkat(place->tmpfd, copy->name, 0);
		return -1;
	}
	if (io_fsync_dir(place->newfd) == -1) {
		err_set(err, errno, "maildir: fsync %s/new", place->where);
		if (unlinkat(place->newfd, copy->name, 0) == -1)
			err_prefix(err, "maildir: %s/new/%s not removed (%s)", place->where,
			    copy->name, strerror(errno));
		return -1;
	}
	return 0;
}

int
maildir_write(struct maildir_place *place, const struct mailbox_delivery *delivery, uint64_t bytes,
    struct mailbox_receipt *receipt, struct err *err)
{
	struct copy copy = { .place = place, .delivery = delivery };
	struct buf name = BUF_INIT;
	int failed = -1;

	for (int i = 0; i < NAME_ATTEMPTS && failed == -1; i++) {
		buf_clear(&name);
		if (maildir_name(&name, bytes) == -1 || (copy.name = buf_cstr(&name)) == NULL) {
			err_set(err, errno, "maildir: %s", place->where);
			break;
		}
		if (name.len >= sizeof(receipt->name)) {
			err_set(err, ENAMETOOLONG, "maildir: %s/new/%s", place->where, copy.name);
			break;
		}
		failed = write_tmp(&copy, err) == -1 ? -1 : publish(&copy, err);
		if (failed == -1 && err->num != EEXIST) /* another name may do */
			break;
	}
	if (failed == 0) {
		memcpy(receipt->name, name.data, name.len + 1);
		receipt->bytes = bytes;
	}
	buf_free(&name);
	return failed;
}

/* ---- one delivery ------------------------------------------------------------------ */

/* 0 there is room, with *used; -1 with err. */
static int
ask_for_room(const struct maildir_place *place, const struct mailbox_delivery *delivery,
    uint64_t bytes, struct quota *used, struct mailbox_receipt *receipt, struct err *err)
{
	int room;

	if (!quota_limited(&delivery->quota))
		return 0;
	room = maildir_room(place, &delivery->quota, bytes, false, used, err);
	receipt->over_quota = room == 0;
	return room == 1 ? 0 : -1;
}

static int
deliver(struct maildir_place *place, const struct mailbox_delivery *delivery, uint64_t bytes,
    struct mailbox_receipt *receipt, struct err *err)
{
	struct quota used = { 0 };

	if (ask_for_room(place, delivery, bytes, &used, receipt, err) == -1 ||
	    maildir_write(place, delivery, bytes, receipt, err) == -1)
		return -1;
	strlcpy(receipt->folder, place->folder, sizeof(receipt->folder));
	maildir_add_size(place, bytes);
	used.bytes += bytes;
	used.messages++;
	maildir_warn(place, delivery, &used, receipt);
	clean_sometimes(place);
	return 0;
}

int
maildir_deliver(const struct mailbox *mailbox, const struct mailbox_delivery *delivery,
    struct mailbox_receipt *receipt, struct err *err)
{
	struct maildir_place place;
	uint64_t bytes;
	int failed;

	if (delivery_count(delivery, MESSAGE_MAILDIR, &bytes, err) == -1 ||
	    maildir_open(&place, mailbox->path, delivery->uid, mailbox->folder,
	        delivery->create_folder, receipt, err) == -1)
		return -1;
	failed = deliver(&place, delivery, bytes, receipt, err);
	maildir_close(&place);
	if (failed == -1)
		errno = err->num;
	return failed;
}

int
maildir_has_room(const struct mailbox *mailbox, const struct mailbox_delivery *delivery,
    uint64_t bytes, bool look_only, struct err *err)
{
	const struct quota nothing = { 0 };
	struct maildir_place place;
	struct quota used;
	int room = maildir_open_root(&place, mailbox->path, delivery->uid, err);

	if (room == -1)
		return -1;
	/* What is not there yet is empty. */
	if (room == 0)
		return quota_exceeded(&delivery->quota, &nothing, bytes, 1)
		           ? over_quota(&delivery->quota, bytes, err)
		           : 1;
	room = maildir_room(&place, &delivery->quota, bytes, look_only, &used, err);
	maildir_close(&place);
	return room;
}
