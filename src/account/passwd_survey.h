/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * All names of a passwd-file at once: for its index, for who checks it, and for who will ask for
 * many of them. Private to the room.
 */
#ifndef VIRTMDA_PASSWD_SURVEY_H
#define VIRTMDA_PASSWD_SURVEY_H

#include <stddef.h>
#include <sys/types.h>

#include "account.h"

struct passwd_entry {
	char *folded;
	size_t line; /* from 1 */
	off_t offset;
	size_t len; /* of its line, newline not counted */
};

/* Begin with path, and complain with arg or NULL. */
struct passwd_survey {
	const char *path;
	accounts_complain_fn *complain;
	void *arg;
	struct passwd_entry *entries; /* n of them, by folded name, then line; none of a bad line */
	size_t n, room;
	size_t faults; /* malformed lines, and names that stand twice */
};

/* Read all lines of fd. 0, or -1 with err; passwd_survey_free in any case. */
int passwd_survey_read(struct passwd_survey *survey, int fd, struct err *err);

/* The first entry of this folded name, or NULL. */
const struct passwd_entry *passwd_survey_find(
    const struct passwd_survey *survey, const char *folded);

void passwd_survey_free(struct passwd_survey *survey); /* leaves one without entries */

#endif
