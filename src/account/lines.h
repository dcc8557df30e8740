/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A text file line by line, by position: memory for one line only, a read error is no end of file,
 * and every line knows where it stands, so that an index can lead back to it.
 */
#ifndef VIRTMDA_ACCOUNT_LINES_H
#define VIRTMDA_ACCOUNT_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "buf.h"
#include "err.h"

#define LINES_LONGEST 65536 /* bytes of one line; no honest account needs more */

struct lines {
	int fd; /* not closed here */
	const char *path;
	struct buf held; /* bytes read and not yet given out begin at `used` */
	size_t used;
	off_t next; /* offset of held.data[used] in the file */
	size_t number;
};

struct line {
	char *text; /* may be changed; NUL-ended, without newline; good until the next call */
	size_t len; /* may be more than strlen(text) says: NUL bytes are kept */
	off_t offset;
	size_t number; /* from 1 */
	bool ended;    /* by a newline; false only for a last line that lacks it */
};

void lines_init(struct lines *lines, int fd, const char *path);
void lines_free(struct lines *lines);

/* 1 with *out, 0 at the end, -1 with err. */
int lines_next(struct lines *lines, struct line *out, struct err *err);

#endif
