/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The message's way in. Standard input can be read once; where several processes want the message
 * it is first read into a file, which they then share.
 */
#ifndef VIRTMDA_INTAKE_H
#define VIRTMDA_INTAKE_H

#include <stdbool.h>
#include <stddef.h>

#include "err.h"
#include "message.h"

struct intake {
	int fd;       /* -1: there is nothing to read */
	bool spooled; /* a file, complete and for reading only; else a stream for one reader */
};

/* One reader: standard input itself, nothing is read here. More: it is read to its end into an
 * unlinked file of spool_dir. As root that is done by a process without rights. 0 with *out
 * (intake_close), or -1 with err. */
int intake_open(struct intake *out, size_t nreaders, const char *spool_dir, struct err *err);
void intake_close(struct intake *intake); /* standard input stays open */

/* Get the message out of it, by any number of processes if it is spooled, else by one. 0 with *out
 * (message_free, before intake_close), or -1 with err. */
int intake_message(
    const struct intake *intake, const char *spool_dir, struct message **out, struct err *err);

/* A new file in spool_dir without a name: *reader can only read, the result write. Both are
 * O_CLOEXEC and the caller's to close; -1 with err. */
int intake_spool(const char *spool_dir, int *reader, struct err *err);

#endif
