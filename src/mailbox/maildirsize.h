/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The text of Maildir++'s maildirsize: "LIMIT[,LIMIT]\n", then a line "BYTES MESSAGES\n" for what
 * was once counted and one for every change since. Pure, and shared by those who keep the file and
 * those who only look. Private to the mailbox room.
 */
#ifndef MAILDIRSIZE_H
#define MAILDIRSIZE_H

#include <stddef.h>
#include <time.h>

#include "quota.h"

#define MAILDIRSIZE_NAME  "maildirsize"
#define MAILDIRSIZE_MAX   5120      /* bytes; a file that has grown to this is to be counted anew */
#define MAILDIRSIZE_FRESH (15 * 60) /* seconds that a bare count is good for */

struct maildirsize {
	struct quota limits; /* as its writer knew them */
	struct quota used;
	size_t lines; /* of figures: 1 for a count that nothing has changed since */
};

/* Take the text apart. 1, or 0 if it is not to be believed: anything malformed, a last line without
 * its end, sums below zero, no figures, too much text. */
int maildirsize_parse(const char *text, size_t len, struct maildirsize *out);

/* Append the text for a count. 0, or -1 with errno. */
int maildirsize_text(struct buf *out, const struct quota *limits, const struct quota *used);

#endif
