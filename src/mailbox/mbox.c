/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Append one message to an mbox: both locks, old length remembered, written, flushed, and the old
 * length restored on the held descriptor if anything at all goes wrong. Nothing but the account's
 * own regular file with one name is opened; path and descriptor are compared again once the locks
 * are held, for an expunging reader may have put another file in place. The cost does not depend on
 * the mailbox's size: only its last bytes are read.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "io.h"
#include "mbox.h"

#define WARNING_TIMEOUT 5 /* seconds for the locks once more */

/* ---- recovery ---------------------------------------------------------------------- */

/* The name of a file that the broker made in the mail directory: "directory/name", or just the
 * directory where it cannot be found. Not from /proc/self/fd, which shows a file that was born
 * without a name as "#7 (deleted)" for ever. */
static void
find_name(const struct mbox *m, int fd, char *path, size_t size)
{
	const struct dirent *entry;
	struct stat st;
	DIR *dir = opendir(m->directory);

	snprintf(path, size, "%s", m->directory);
	if (dir == NULL)
		return;
	if (fstat(fd, &st) == 0)
		while ((entry = readdir(dir)) != NULL)
			if (entry->d_ino == st.st_ino) {
				snprintf(path, size, "%s/%s", m->directory, entry->d_name);
				break;
			}
	closedir(dir);
}

/* A file for the bytes that are cut off: beside the mailbox, or where the broker puts it. `path`
 * gets its name. */
static int
create_saved(const struct mbox *m, char *path, size_t size, struct err *err)
{
	const struct mailbox_broker *broker = m->delivery->broker;
	int fd, n = snprintf(path, size, "%s/.%s.torn.%lld.%ld", m->directory, m->base,
	            (long long)m->delivery->envelope.date, (long)getpid());

	if (n < 0 || (size_t)n >= size)
		return err_set(err, ENAMETOOLONG, "mbox: save torn bytes of %s", m->path);
	fd = openat(m->dirfd, strrchr(path, '/') + 1,
	    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC, 0600);
	if (fd != -1)
		return fd;
	if (!mbox_not_allowed(errno) || broker->create_saved == NULL)
		return err_set(err, errno, "mbox: create %s", path);
	fd = broker->create_saved(broker->arg, err);
	if (fd != -1)
		find_name(m, fd, path, size);
	return fd;
}

static int
save_torn(const struct mbox *m, char *path, size_t size, struct err *err)
{
	int failed, fd = create_saved(m, path, size, err);

	if (fd == -1)
		return -1;
	failed = mbox_record_save(m->fd, m->length, m->size, fd);
	if (failed == -1)
		err_set(err, errno, "mbox: write %s", path);
	if (close(fd) == -1 && failed == 0)
		failed = err_set(err, errno, "mbox: close %s", path);
	if (failed == 0 && mbox_sync_directory(m) == -1)
		failed = err_set(err, errno, "mbox: fsync %s", m->directory);
	if (failed == -1)
		unlink(path);
	return failed;
}

/* Both locks are held: cut what the dead deliverer left. 1 done or nothing to do; 0 it is to stay
 * after all, and everything must be planned anew; -1 with err. */
static int
cut_torn(struct mbox *m, struct err *err)
{
	char path[PATH_MAX + NAME_MAX];
	struct err why;

	if (m->cut == NULL) {
		if (m->ntorn > 0)
			receipt_note(m->receipt, "it left no torn message");
		m->ntorn = 0;
		return 1;
	}
	if (save_torn(m, path, sizeof(path), &why) == -1) {
		receipt_note(m->receipt, "torn message at offset %lld kept: %s",
		    (long long)m->length, why.text);
		m->ntorn = 0;
		return 0;
	}
	if (ftruncate(m->fd, m->length) == -1)
		return err_set(
		    err, errno, "mbox: truncate %s to %lld", m->path, (long long)m->length);
	receipt_note(m->receipt, "cut %lld bytes of a torn message at offset %lld, kept in %s",
	    (long long)(m->size - m->length), (long long)m->length, path);
	m->ntorn = 0;
	return 1;
}

/* Locks held, mailbox whole: 0, or -1 with err. */
static int
lock_mailbox(struct mbox *m, struct err *err)
{
	for (;;) {
		int ready;

		if (mbox_lock(m, err) == -1)
			return -1;
		ready = cut_torn(m, err);
		if (ready != 0)
			return ready == 1 ? 0 : -1;
		if (mbox_unlock_dot(m, err) == -1)
			return -1;
		lock_fcntl_release(m->fd);
	}
}

/* ---- append ------------------------------------------------------------------------ */

static int
write_mailbox(void *arg, const void *data, size_t len, struct err *err)
{
	const struct mbox *m = arg;

	if (io_write_all(m->fd, data, len) == -1)
		return err_set(err, errno, "mbox: write %s", m->path);
	return 0;
}

/* procmail's rule, for a mailbox made or read within this very second: let what was read last look
 * older than what comes now. Failing is no harm. */
static void
keep_looking_new(const struct mbox *m)
{
	time_t now = time(NULL);
	struct timespec times[2] = { { .tv_sec = now - 1 }, { .tv_nsec = UTIME_OMIT } };

	if (m->times[0].tv_sec >= now)
		futimens(m->fd, times);
}

static int
append(struct mbox *m, struct err *err)
{
	const struct mailbox_delivery *delivery = m->delivery;

	if (m->newlines > 0 && write_mailbox(m, "\n\n", m->newlines, err) == -1)
		return -1;
	if (message_write(
	        delivery->message, MESSAGE_MBOX, &delivery->envelope, write_mailbox, m, err) == -1)
		return -1;
	keep_looking_new(m);
	if (fsync(m->fd) == -1)
		return err_set(err, errno, "mbox: fsync %s", m->path);
	/* Empty until now: its name may be as new as its content. */
	if (m->length == 0 && mbox_sync_directory(m) == -1)
		return err_set(err, errno, "mbox: fsync %s", m->directory);
	/* Asked as late as can be: a sendmail that is killed closes its end of the pipe before its
	 * children get a new parent. Until the locks are gone nobody has read the message. */
	return delivery_wanted(delivery, err);
}

/* Back to the old length and times, on the held descriptor. `end`: where our writing ended, to see
 * whether somebody who takes no lock has appended behind it: that mail is not ours to cut. */
static void
restore(const struct mbox *m, off_t end, struct err *err)
{
	struct stat st;
	bool known = fstat(m->fd, &st) == 0;

	if (end < m->length)
		end = m->length;
	if (known && st.st_size == m->length) /* to truncate would look like new mail */
		return;
	if (known && st.st_size > end) {
		err_prefix(err, "mbox: %s not restored to %lld bytes, others wrote behind it",
		    m->path, (long long)m->length);
		return;
	}
	if (ftruncate(m->fd, m->length) == 0) {
		futimens(m->fd, m->times); /* wrong times are no loss */
		if (fsync(m->fd) == 0)
			return;
	}
	err_prefix(err, "mbox: %s not restored to %lld bytes (%s)", m->path, (long long)m->length,
	    strerror(errno));
}

/* close(2) failed behind a good fsync(2), so nobody knows. The descriptor is gone, but the dotlock
 * is still ours: open the very same file again and restore it. */
static void
restore_closed(struct mbox *m, struct err *err)
{
	struct stat st;

	m->fd = openat(
	    m->dirfd, m->base, O_RDWR | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (m->fd == -1 || fstat(m->fd, &st) == -1)
		err_prefix(err, "mbox: %s not restored to %lld bytes (%s)", m->path,
		    (long long)m->length, strerror(errno));
	else if (st.st_dev != m->ours.dev || st.st_ino != m->ours.ino || lock_fcntl(m->fd) != 1)
		err_prefix(err, "mbox: %s not restored to %lld bytes, others have it", m->path,
		    (long long)m->length);
	else
		restore(m, m->ours.length + (off_t)m->ours.bytes, err);
	mbox_close_file(m);
}

static int
append_and_close(struct mbox *m, struct err *err)
{
	int fd = m->fd;

	if (append(m, err) == -1) {
		restore(m, lseek(m->fd, 0, SEEK_CUR), err);
		return -1;
	}
	m->fd = -1;
	if (close(fd) == -1) {
		err_set(err, errno, "mbox: close %s", m->path);
		restore_closed(m, err);
		return -1;
	}
	if (m->newlines > 0)
		receipt_note(m->receipt, "the last message had no empty line behind it: added");
	m->receipt->bytes = m->newlines + m->ours.bytes;
	return 0;
}

/* ---- one delivery ------------------------------------------------------------------ */

/* What we shall write, known before anything is locked. */
static int
prepare(struct mbox *m, struct err *err)
{
	const struct message_envelope *envelope = &m->delivery->envelope;
	struct buf from = BUF_INIT;
	size_t len;

	if (delivery_count(m->delivery, MESSAGE_MBOX, &m->ours.bytes, err) == -1)
		return -1;
	if (message_from_line(&from, envelope->sender, envelope->date) == -1)
		return err_set(err, errno, "mbox: From_ line");
	len = from.len < MBOX_FROM_KEPT ? from.len : MBOX_FROM_KEPT;
	memcpy(m->ours.from, from.data, len);
	m->ours.from[len] = '\0';
	buf_free(&from);
	return mbox_open_directory(m, err);
}

/* 0 with the mailbox's size in *size, or -1 with err. */
static int
deliver(const struct mailbox *mailbox, const struct mailbox_delivery *delivery,
    struct mailbox_receipt *receipt, uint64_t *size, struct err *err)
{
	struct mbox m = { .path = mailbox->path,
		.delivery = delivery,
		.receipt = receipt,
		.wait = { .timeout = delivery->lock_timeout },
		.dirfd = -1,
		.fd = -1,
		.lock_fd = -1 };
	struct err unlock;
	int failed;

	failed = prepare(&m, err);
	if (failed == 0)
		failed = lock_mailbox(&m, err);
	receipt->lock_wait_ms = lock_waited(&m.wait);
	if (failed == 0)
		failed = append_and_close(&m, err);
	mbox_close_file(&m);
	/* The message is durable or gone by now; a dotlock that stays is stale once we have ended.
	 * The broker removes its own when it hears what became of this. */
	if (!m.lock_is_brokers && mbox_unlock_dot(&m, &unlock) == -1)
		receipt_note(receipt, "%s", unlock.text);
	if (m.dirfd != -1)
		close(m.dirfd);
	free(m.directory);
	*size = (uint64_t)m.length + receipt->bytes;
	if (failed == -1)
		errno = err->num;
	return failed;
}

/* ---- getting full ------------------------------------------------------------------ */

/* Contract of warning_way.put. */
static int
put_warning(const void *mailbox, const struct mailbox_delivery *warning, struct err *err)
{
	const struct mailbox_broker *broker = warning->broker;
	struct mailbox_receipt receipt = { 0 };
	uint64_t size;

	/* The message's own may still be there. */
	if (broker->drop_dotlock != NULL && broker->drop_dotlock(broker->arg, err) == -1)
		return -1;
	return deliver(mailbox, warning, &receipt, &size, err);
}

/* The account may not be allowed to make files beside its mailbox, nor should it: others take what
 * stands there for mailboxes. The stamp is in its home. */
static void
warn(const struct mailbox *mailbox, const struct mailbox_delivery *delivery, uint64_t size,
    struct mailbox_receipt *receipt)
{
	const struct quota used = { .bytes = size };
	const char *home = delivery->warning.home;
	struct mailbox_delivery warned = *delivery;
	char stamp[NAME_MAX + 1];
	struct warning_way way = {
		.dir = home, .stamp = stamp, .put = put_warning, .mailbox = mailbox
	};
	int n = snprintf(stamp, sizeof(stamp), ".quotawarn.%s", delivery->warning.account);

	warned.quota.messages = 0;
	if (!warning_is_due(&warned, &used))
		return;
	/* The message is there; whoever waits for our answer need not wait long for this one. */
	if (warned.lock_timeout > WARNING_TIMEOUT)
		warned.lock_timeout = WARNING_TIMEOUT;
	errno = ENAMETOOLONG;
	way.dirfd =
	    n < 0 || (size_t)n >= sizeof(stamp) ? -1 : open(home, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (way.dirfd == -1) {
		receipt_note(receipt, "quota warning: no place for %s in the home \"%s\": %s",
		    stamp, home, strerror(errno));
		return;
	}
	warning_give(&warned, &used, &way, receipt);
	close(way.dirfd);
}

int
mbox_deliver(const struct mailbox *mailbox, const struct mailbox_delivery *delivery,
    struct mailbox_receipt *receipt, struct err *err)
{
	uint64_t size;

	if (deliver(mailbox, delivery, receipt, &size, err) == -1)
		return -1;
	warn(mailbox, delivery, size, receipt);
	return 0;
}

/* ---- before there is a message ------------------------------------------------------ */

/* An mbox is as large as its file. How many messages are in it nobody knows who has not read all of
 * it: a limit on their number is not one for an mbox. */
int
mbox_has_room(const struct mailbox *mailbox, const struct mailbox_delivery *delivery,
    uint64_t bytes, struct err *err)
{
	const struct quota limits = { .bytes = delivery->quota.bytes };
	struct quota used = { 0 };
	struct stat st;

	if (lstat(mailbox->path, &st) == 0)
		used.bytes = (uint64_t)st.st_size;
	else if (errno != ENOENT)
		return err_set(err, errno, "mbox: stat %s", mailbox->path);
	return quota_exceeded(&limits, &used, bytes, 0) ? over_quota(&limits, bytes, err) : 1;
}
