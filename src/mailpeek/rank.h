/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Which accounts get a row, and in which order.
 */
#ifndef MAILPEEK_RANK_H
#define MAILPEEK_RANK_H

#include "survey.h"

enum rank_key {
	RANK_AS_THEY_ARE,
	RANK_NAME,
	RANK_MESSAGES,
	RANK_UNREAD,
	RANK_SIZE,
	RANK_QUOTA,
	RANK_NEWEST
};

struct ranking {
	enum rank_key key;
	bool reverse;
	size_t top; /* 0: all */
};

/* From -s, -r and -n; `standard` where -s is not given. 0, or -1, told. */
int rank_parse(const struct peek *peek, enum rank_key standard, struct ranking *out);

/* Entries of the survey (all, or those that are worth a row), sorted: names from A, numbers from
 * the largest. An array of *count for free(3). *left: how many rows more there would be. */
const struct survey_entry **rank(const struct survey *survey, const struct ranking *ranking,
    bool all, size_t *count, size_t *left);

#endif
