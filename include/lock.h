/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The two locks on an mbox that other mail programs know: fcntl(2) on the file itself, and the
 * dotlock, a file NAME.lock beside it. Everything about a dotlock is done by directory descriptor,
 * so that a process with more rights can do it for one with fewer.
 *
 * A dotlock of ours says who holds it and for what; it appears complete or not at all, and goes
 * only when its holder lets go of it or is proven dead, never for its age alone.
 */
#ifndef VIRTMDA_LOCK_H
#define VIRTMDA_LOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>

#include "buf.h"
#include "err.h"

#define LOCK_SUFFIX      ".lock"
#define LOCK_CONTENT_MAX 4096 /* bytes; a larger file is not anybody's dotlock */

/* ---- waiting: all locks of one delivery share one deadline ------------------------- */

struct lock_wait {
	struct timespec began; /* CLOCK_MONOTONIC; set at the first pause */
	unsigned timeout;      /* seconds */
	unsigned pauses;
};

/* Sleep 5 to 50 ms, longer the longer it lasts and never quite alike. 1 slept, try again; 0 the
 * time is over. Start from { .timeout = seconds }. */
int lock_pause(struct lock_wait *wait);

/* Milliseconds since the first pause, 0 if there was none. */
unsigned lock_waited(const struct lock_wait *wait);

/* ---- fcntl ------------------------------------------------------------------------- */

/* A write lock on the whole file, without waiting. 1 got, 0 somebody else has one, -1 with errno.
 * Closing *any* descriptor of the file in this process drops it (fcntl(2)). */
int lock_fcntl(int fd);
void lock_fcntl_release(int fd);
pid_t lock_fcntl_holder(int fd); /* a process that has it, for messages; 0 unknown */

/* ---- dotlocks ---------------------------------------------------------------------- */

/* Append the two lines with which our dotlocks begin: the process, and what tells it from any other
 * that ever had its number. 0, or -1 with err (ENOMEM). */
int lock_dot_identity(struct buf *out, struct err *err);

/* Link a new file with this content, 0644, into place as `name`. A descriptor (O_CLOEXEC) for
 * lock_dot_drop: while it is open no other file can get this inode number. -1 with err: EEXIST,
 * there is one. */
int lock_dot_create(int dirfd, const char *name, const void *content, size_t len, struct err *err);

/* Remove the dotlock whose descriptor this is; the caller closes it. 0, also when somebody has
 * removed it before, or -1 with err. */
int lock_dot_drop(int dirfd, const char *name, int fd, struct err *err);

/* Remove the dotlock if it still is the file (dev, ino). 0, also when it is gone or another one by
 * now, or -1 with err. */
int lock_dot_remove(int dirfd, const char *name, dev_t dev, ino_t ino, struct err *err);

enum lock_dot_state {
	LOCK_DOT_GONE, /* there is none any more */
	LOCK_DOT_HELD, /* its holder lives, or nothing proves that it does not */
	LOCK_DOT_STALE /* its holder is dead */
};

struct lock_dot {
	enum lock_dot_state state;
	int fd; /* open while this is looked at, or -1 */
	dev_t dev;
	ino_t ino;
	time_t mtime;
	pid_t pid; /* holder, 0 unknown */
	bool ours; /* written by this program, and by root or the account: `rest` can be believed */
	struct buf rest; /* ours: what stands behind the identity */
};

/* Look at a dotlock without following or waiting for anything. `uid`: the account. The caller holds
 * the mailbox's fcntl lock, which a holder of ours would have until its message is whole: the
 * second proof, where process numbers mean nothing (another PID namespace). 0 with *out
 * (lock_dot_release), or -1 with err. */
int lock_dot_look(int dirfd, const char *name, uid_t uid, struct lock_dot *out, struct err *err);
void lock_dot_release(struct lock_dot *dot);

#endif
