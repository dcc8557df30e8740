/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One delivery to an mbox, from file to locks to append: the state that its parts share. Private to
 * the mailbox room.
 */
#ifndef MBOX_H
#define MBOX_H

#include <limits.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>

#include "deliver.h"
#include "lock.h"
#include "mbox_recover.h"

enum mbox_obstacle { MBOX_FCNTL, MBOX_DOTLOCK, MBOX_REPLACED };

struct mbox {
	const char *path;
	char *directory;
	const char *base;             /* name in the directory */
	char lock_name[NAME_MAX + 1]; /* of the dotlock, there */
	const struct mailbox_delivery *delivery;
	struct mailbox_receipt *receipt;
	struct lock_wait wait;
	enum mbox_obstacle obstacle; /* what the last attempt met */
	pid_t obstacle_pid;
	struct err stuck; /* why a stale dotlock could not be removed; "" */

	int dirfd;
	bool dir_readable;    /* else opened with O_PATH, which fsync(2) refuses */
	int fd;               /* the mailbox, or -1 */
	int lock_fd;          /* our dotlock, open so that its inode number stays its own; or -1 */
	bool lock_is_brokers; /* the broker made one, and only the broker can remove it */

	/* What is to be done, decided under the fcntl lock and announced in the dotlock. */
	struct mbox_record ours;
	struct mbox_record torn[MBOX_RECORDS_MAX]; /* what a dead deliverer announced */
	size_t ntorn;
	const struct mbox_record *cut; /* the one that applies: cut back to `length` first */
	off_t size;                    /* as found */
	off_t length;                  /* to append at, and to restore on failure */
	size_t newlines;               /* that the last message lacks */
	struct timespec times[2];      /* of access and change, as found */
};

/* ---- mbox_file.c: the mailbox, opened safely */

/* Open the directory that holds the mailbox. 0, or -1 with err. */
int mbox_open_directory(struct mbox *m, struct err *err);

/* Open what is there, or create it. 0 with m->fd, or -1 with err. */
int mbox_open_file(struct mbox *m, struct err *err);
void mbox_close_file(struct mbox *m);

/* Refuse what is not the account's own plain mailbox. 0, or -1 with err. */
int mbox_check_file(const struct mbox *m, const struct stat *st, struct err *err);

/* How many newlines the message before `length` lacks until it ends in an empty line. 0, or -1 with
 * err. */
int mbox_missing_newlines(const struct mbox *m, off_t length, size_t *newlines, struct err *err);

/* Flush new names in the directory. 0, or -1 with errno. */
int mbox_sync_directory(const struct mbox *m);

/* Did this fail for want of rights, so that the broker may be asked? */
bool mbox_not_allowed(int num);

/* ---- mbox_lock.c: both locks, and the plan they are taken for */

/* Take both locks on the file that has the mailbox's name, waiting within the one deadline. 0 with
 * the plan made (cut, size, length, newlines), or -1 with err and nothing held. */
int mbox_lock(struct mbox *m, struct err *err);

/* Let go of the dotlock, if we have it. 0, or -1 with err: it is still there. */
int mbox_unlock_dot(struct mbox *m, struct err *err);

#endif
