/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Both locks on an mbox, in Debian's and Dovecot's order: fcntl, then the dotlock. With the first
 * alone the delivery is planned (where to append, what to cut), since the dotlock has to announce
 * it from the moment it exists; with both, path and length are looked at again.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "mbox.h"

/* ---- what is to be done ------------------------------------------------------------ */

static int
find_torn(struct mbox *m, const struct stat *st, struct err *err)
{
	m->cut = NULL;
	m->size = m->length = st->st_size;
	for (size_t i = 0; i < m->ntorn; i++) {
		int whole = mbox_record_whole(&m->torn[i], m->fd, st, err), torn;

		/* A holder that wrote its message whole had settled what it took over. The record
		 * behind its own may have the same From_ line, and must not be held against it. */
		if (whole != 0)
			return whole == 1 ? 0 : -1;
		torn = mbox_record_torn(&m->torn[i], m->fd, st, err);
		if (torn == -1)
			return -1;
		if (torn == 1) {
			m->cut = &m->torn[i];
			m->length = m->cut->length;
			return 0;
		}
	}
	return 0;
}

/* 0 there is room for it, -1 with err. */
static int
check_quota(const struct mbox *m, struct err *err)
{
	const struct quota limits = { .bytes = m->delivery->quota.bytes };
	const struct quota used = { .bytes = (uint64_t)m->length };
	uint64_t bytes = m->newlines + m->ours.bytes;

	m->receipt->over_quota = quota_exceeded(&limits, &used, bytes, 0);
	if (!m->receipt->over_quota)
		return 0;
	over_quota(&limits, bytes, err);
	return -1;
}

/* Decide, with the fcntl lock held, from the file as it is now. 1, 0 it has lost its name, -1 with
 * err. */
static int
make_plan(struct mbox *m, struct err *err)
{
	struct stat st;

	if (fstat(m->fd, &st) == -1)
		return err_set(err, errno, "mbox: stat %s", m->path);
	if (st.st_nlink == 0)
		return 0;
	if (mbox_check_file(m, &st, err) == -1 || find_torn(m, &st, err) == -1 ||
	    mbox_missing_newlines(m, m->length, &m->newlines, err) == -1 ||
	    check_quota(m, err) == -1)
		return -1;
	m->times[0] = st.st_atim;
	m->times[1] = st.st_mtim;
	m->ours.dev = st.st_dev;
	m->ours.ino = st.st_ino;
	m->ours.length = m->length + (off_t)m->newlines;
	return 1;
}

/* ---- the dotlock ------------------------------------------------------------------- */

/* Who we are, what we are about to write, and what we took over and have not yet settled. */
static int
announce(const struct mbox *m, struct buf *text, struct err *err)
{
	if (lock_dot_identity(text, err) == -1)
		return -1;
	if (mbox_record_add(text, &m->ours) == -1)
		return err_set(err, errno, "mbox: dotlock");
	if (m->cut != NULL && mbox_record_add(text, m->cut) == -1)
		return err_set(err, errno, "mbox: dotlock");
	return 0;
}

static int
ask_for_dotlock(struct mbox *m, const struct buf *text, struct err *err)
{
	const struct mailbox_broker *broker = m->delivery->broker;

	m->lock_is_brokers = broker->create_dotlock(broker->arg, text->data, text->len, err) == 0;
	return m->lock_is_brokers ? 0 : -1;
}

/* -1 with EEXIST: there is one. */
static int
create_dotlock(struct mbox *m, struct err *err)
{
	struct buf text = BUF_INIT;
	int failed = announce(m, &text, err);

	if (failed == 0) {
		m->lock_fd = lock_dot_create(m->dirfd, m->lock_name, text.data, text.len, err);
		failed = m->lock_fd == -1 ? -1 : 0;
		if (failed == -1 && mbox_not_allowed(err->num) &&
		    m->delivery->broker->create_dotlock != NULL)
			failed = ask_for_dotlock(m, &text, err);
	}
	if (failed == -1)
		err_prefix(err, "mbox: %s", m->path);
	buf_free(&text);
	return failed;
}

/* What the account may not remove, the broker may be asked to. 0, or -1 with err. */
static int
ask_to_remove(const struct mbox *m, dev_t dev, ino_t ino, struct err *err)
{
	const struct mailbox_broker *broker = m->delivery->broker;

	if (broker->remove_dotlock != NULL &&
	    broker->remove_dotlock(broker->arg, dev, ino, err) == 0)
		return 0;
	return err_prefix(err, "mbox: %s", m->path);
}

int
mbox_unlock_dot(struct mbox *m, struct err *err)
{
	const struct mailbox_broker *broker = m->delivery->broker;
	int failed = 0;

	if (m->lock_is_brokers && broker->drop_dotlock(broker->arg, err) == -1)
		failed = err_prefix(err, "mbox: %s", m->path);
	m->lock_is_brokers = false;
	if (m->lock_fd != -1) {
		failed = lock_dot_drop(m->dirfd, m->lock_name, m->lock_fd, err);
		close(m->lock_fd);
		m->lock_fd = -1;
	}
	return failed;
}

static int
remove_stale(const struct mbox *m, const struct lock_dot *dot, struct err *err)
{
	if (lock_dot_remove(m->dirfd, m->lock_name, dot->dev, dot->ino, err) == 0)
		return 0;
	return mbox_not_allowed(err->num) ? ask_to_remove(m, dot->dev, dot->ino, err)
	                                  : err_prefix(err, "mbox: %s", m->path);
}

/* A dotlock is in the way. 1 it is gone (or was stale and is removed): try again; 0 it is held; -1
 * with err. */
static int
clear_stale(struct mbox *m, struct err *err)
{
	struct lock_dot dot;
	int cleared = -1;

	if (lock_dot_look(m->dirfd, m->lock_name, m->delivery->uid, &dot, err) == 0) {
		cleared = dot.state == LOCK_DOT_GONE;
		m->obstacle_pid = dot.pid;
		m->stuck.text[0] = '\0';
	} else {
		err_prefix(err, "mbox: %s", m->path);
	}
	if (cleared == 0 && dot.state == LOCK_DOT_STALE && remove_stale(m, &dot, &m->stuck) == 0) {
		if (dot.ours)
			m->ntorn = mbox_record_parse(&dot.rest, m->torn);
		if (dot.pid != 0)
			receipt_note(
			    m->receipt, "removed the dotlock of dead process %ld", (long)dot.pid);
		else
			receipt_note(m->receipt, "removed a dotlock from before the boot");
		cleared = 1;
	}
	lock_dot_release(&dot);
	return cleared;
}

/* 1 we have it, 0 not now, -1 with err. */
static int
take_dotlock(struct mbox *m, struct err *err)
{
	/* Most likely there is none; once there was one, a look comes cheaper than a try. */
	int cleared = m->wait.pauses == 0 ? 1 : clear_stale(m, err);

	m->obstacle = MBOX_DOTLOCK;
	for (int attempt = 0; attempt < 2 && cleared == 1; attempt++) {
		int planned = make_plan(m, err);

		if (planned == 0)
			m->obstacle = MBOX_REPLACED;
		if (planned != 1)
			return planned;
		if (create_dotlock(m, err) == 0)
			return 1;
		if (err->num != EEXIST)
			return -1;
		cleared = clear_stale(m, err);
	}
	return cleared == -1 ? -1 : 0;
}

/* ---- both locks -------------------------------------------------------------------- */

/* Both are held: is the file that was planned for still the one with that name, and as long? 1 / 0
 * / -1. */
static int
is_settled(const struct mbox *m, struct err *err)
{
	struct stat st;

	if (fstatat(m->dirfd, m->base, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return errno == ENOENT ? 0 : err_set(err, errno, "mbox: stat %s", m->path);
	return st.st_dev == m->ours.dev && st.st_ino == m->ours.ino && st.st_nlink == 1 &&
	       st.st_size == m->size;
}

/* One attempt. 1 both locks are held, 0 not now, -1 with err. Whatever is not 1 holds nothing:
 * procmail takes the locks the other way round, and would wait for our fcntl lock while we wait for
 * its dotlock. */
static int
try_locks(struct mbox *m, struct err *err)
{
	struct err why;
	int got;

	/* Removed while we looked, or made: a mailbox that was read to its end. */
	m->obstacle = MBOX_REPLACED;
	if (m->fd == -1 && mbox_open_file(m, err) == -1)
		return err->num == ENOENT || err->num == EEXIST ? 0 : -1;
	m->obstacle = MBOX_FCNTL;
	got = lock_fcntl(m->fd);
	if (got == -1)
		return err_set(err, errno, "mbox: lock %s", m->path);
	if (got == 0)
		return 0;
	got = take_dotlock(m, err);
	if (got == 1) {
		m->obstacle = MBOX_REPLACED;
		got = is_settled(m, err);
	}
	if (got == 1)
		return 1;
	if (mbox_unlock_dot(m, &why) == -1 && got == 0) {
		*err = why;
		got = -1;
	}
	if (m->obstacle == MBOX_REPLACED)
		mbox_close_file(m);
	else
		lock_fcntl_release(m->fd);
	return got;
}

static int
timed_out(struct mbox *m, struct err *err)
{
	char holder[64] = "";

	if (m->obstacle == MBOX_FCNTL)
		m->obstacle_pid = lock_fcntl_holder(m->fd);
	if (m->obstacle == MBOX_DOTLOCK && m->stuck.text[0] != '\0')
		return err_set(err, EAGAIN, "stale dotlock stays: %s", m->stuck.text);
	if (m->obstacle_pid != 0)
		snprintf(holder, sizeof(holder), " by process %ld", (long)m->obstacle_pid);
	switch (m->obstacle) {
	case MBOX_FCNTL:
		return err_set(err, EAGAIN, "mbox: %s: locked%s for more than %u s", m->path,
		    holder, m->wait.timeout);
	case MBOX_DOTLOCK:
		return err_set(err, EAGAIN, "mbox: %s" LOCK_SUFFIX ": held%s for more than %u s",
		    m->path, holder, m->wait.timeout);
	case MBOX_REPLACED:
		break;
	}
	return err_set(
	    err, EAGAIN, "mbox: %s: replaced again and again for %u s", m->path, m->wait.timeout);
}

int
mbox_lock(struct mbox *m, struct err *err)
{
	for (;;) {
		int got = try_locks(m, err);

		if (got == -1)
			return -1;
		if (got == 1)
			return 0;
		if (lock_pause(&m->wait) == 0)
			return timed_out(m, err);
	}
}
