/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a deliverer leaves word of in its dotlock before it writes, and what the next one may
 * conclude if it was killed. Private to the mailbox room.
 */
#ifndef MBOX_RECOVER_H
#define MBOX_RECOVER_H

#include <stdint.h>
#include <sys/stat.h>

#include "buf.h"
#include "err.h"

#define MBOX_FROM_KEPT   512 /* bytes of a From_ line that serve to recognize it */
#define MBOX_RECORDS_MAX 2   /* the holder's own, and one it had taken over */

struct mbox_record {
	dev_t dev; /* the mailbox */
	ino_t ino;
	off_t length;                  /* before the From_ line */
	uint64_t bytes;                /* to come from there */
	char from[MBOX_FROM_KEPT + 1]; /* how the From_ line begins */
};

/* Append the record as text. 0, or -1 with errno ENOMEM. */
int mbox_record_add(struct buf *out, const struct mbox_record *record);

/* Read up to MBOX_RECORDS_MAX records; reading ends at the first that is not well-formed. How many
 * there are. */
size_t mbox_record_parse(const struct buf *text, struct mbox_record *records);

/* May the mailbox (`fd`, and *st what fstat says of it) be cut back to record->length? Only if
 * everything behind is the beginning of that one message: 1 yes, 0 no, -1 with err (could not
 * read). */
int mbox_record_torn(
    const struct mbox_record *record, int fd, const struct stat *st, struct err *err);

/* Does the announced message stand there whole, as the mailbox's last? It may have been reported
 * delivered. 1 / 0 / -1 with err. */
int mbox_record_whole(
    const struct mbox_record *record, int fd, const struct stat *st, struct err *err);

/* Copy the bytes [from, to) of `fd` to `out` and fsync it. 0, or -1 with errno. */
int mbox_record_save(int fd, off_t from, off_t to, int out);

#endif
