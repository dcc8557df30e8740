/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a mailbox says of mail for one address: is it sound, and which messages came for it last.
 */
#ifndef MAILPEEK_SIGHT_H
#define MAILPEEK_SIGHT_H

#include <stdbool.h>

#include "arrival.h"
#include "findings.h"

#define SIGHT_NEWEST_MAX 10000

struct sight {
	struct findings findings; /* of the mailbox with its folders */
	bool is_missing;
	uint64_t came;          /* messages for the address */
	struct arrival *newest; /* `count` of them, the newest first */
	size_t count;
	struct err trouble; /* text "": the messages could be read */
};

/* In a process that is the account. newest: how many are wanted, up to SIGHT_NEWEST_MAX.
 * sight_free in any case. Out of memory ends the process. */
void sight_look(
    struct sight *out, const struct mailbox *mailbox, const char *address, size_t newest);
void sight_free(struct sight *sight); /* accepts a zeroed one */

/* For the way through a pipe. read: 0 with *out, or -1: this is none, and *out is empty. */
void sight_write(const struct sight *sight, struct buf *out);
int sight_read(struct sight *out, const struct buf *in);

#endif
