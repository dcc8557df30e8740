/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Parts of a Maildir delivery that stand on their own. Private to the mailbox room.
 */
#ifndef MAILDIR_H
#define MAILDIR_H

#include <limits.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "buf.h"
#include "deliver.h"

#define MAILDIR_TMP_AGE     (36 * 3600) /* seconds; maildir.html: "not accessed in 36 hours" */
#define MAILDIR_CLEAN_EVERY (8 * 3600)  /* seconds between two looks into one tmp/ */
#define MAILDIR_CLEAN_MAX   1000        /* entries looked at in one go */

/* ---- maildir_open.c: the directories, opened safely, made where they are missing --------- */

struct maildir_place {
	const char *path; /* of the Maildir */
	uid_t uid;        /* whose it must be */
	char folder[NAME_MAX + 1];
	char *where; /* "path" or "path/folder", for messages */
	int rootfd;  /* the Maildir itself */
	int dirfd;   /* where tmp and new are; the same for the inbox */
	int tmpfd, newfd;
	struct timespec tmp_read; /* when tmp/ was last read */
};

/* Open the inbox of the Maildir `path`, or its folder `folder` (NULL for the inbox). A folder that
 * is not there is made if `create`; one of the same name but for the case of ASCII letters is taken
 * first (sendmail folds addresses). Where there is no folder, or something else stands in its
 * place, the inbox is opened, and `receipt` (may be NULL) notes why. 0 with *out (maildir_close),
 * or -1 with err and *out closed. */
int maildir_open(struct maildir_place *out, const char *path, uid_t uid, const char *folder,
    bool create, struct mailbox_receipt *receipt, struct err *err);

/* Only the Maildir itself, of which nothing is made. 1, 0 it is not there, -1 with err. */
int maildir_open_root(struct maildir_place *out, const char *path, uid_t uid, struct err *err);
void maildir_close(struct maildir_place *place);

/* ---- maildir.c -------------------------------------------------------------------------- */

/* Append a file name that nobody else makes: SECONDS.M<microseconds>P<pid>Q<counter>.HOST,S=<size>.
 * 0, or -1 with errno ENOMEM. */
int maildir_name(struct buf *out, uint64_t size);

/* Remove the left-overs of killed deliveries and mark tmp/ as read. Failing is no harm. */
void maildir_clean_tmp(int tmpfd, time_t now);

/* ---- maildir_letter.c: written, flushed and published, whatever the quota ----------------- */

struct maildir_letter {
	struct maildir_place *place;
	const struct mailbox_delivery *delivery;
	uint64_t bytes;                  /* that it will have */
	struct mailbox_receipt *receipt; /* name and bytes are filled in */
	struct err *err;
	int failed; /* the result: 0, or -1 with err and nothing of it there */

	/* On its way. */
	int fd;                          /* in tmp/, not flushed yet */
	struct maildir_letter *original; /* the same bytes: a link to that will do */
	unsigned twins;                  /* links that it has got so */
	bool alone;                      /* no link could be made */
};

void maildir_send(struct maildir_letter *letter);
/* Up to MAILBOX_AT_ONCE; their flushes overlap. */
void maildir_send_all(struct maildir_letter *letters, size_t n);

/* ---- maildir_quota.c: what the Maildir holds, by maildirsize or by counting -------------- */

/* Is there room for one message of `bytes`? 1, with *used as it was before it; 0 no, with err
 * (EDQUOT) saying how full it is, never without having counted; -1 with err: could not tell.
 * Nothing is written if look_only. */
int maildir_room(const struct maildir_place *place, const struct quota *limits, uint64_t bytes,
    bool look_only, struct quota *used, struct err *err);

/* Add a message that was delivered to maildirsize, if there is one. Failing makes it drift, which
 * the next count mends. */
void maildir_add_size(const struct maildir_place *place, uint64_t bytes);

#endif
