/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The same work for many accounts, by a few processes at a time, each with its account's rights
 * and none of root's.
 */
#ifndef MAILPEEK_CREW_H
#define MAILPEEK_CREW_H

#include <stddef.h>

#include "account.h"
#include "buf.h"
#include "err.h"

#define CREW_REPORT_MAX (16 * 1024 * 1024) /* bytes of what is told of one account */
#define CREW_PATIENCE   3600               /* seconds that one account may take */

/* Why there is nothing of an account whose report is not what it should be. */
#define CREW_NONSENSE "the process that read it told nonsense"

struct crew {
	unsigned min_uid;
	const char *doing; /* for the meter */
	unsigned patience; /* seconds; 0: CREW_PATIENCE */
	size_t count;
	void *arg;

	/* Whose work is number i? NULL: nobody's, pass over it. */
	const struct account *(*account)(void *arg, size_t i);

	/* In a process that is the account: do it, and put what is to be told into `report`. 0, or
	 * -1 with err. Nothing else comes back from there. */
	int (*work)(void *arg, size_t i, struct buf *report, struct err *err);

	/* Here, once for every number that has an account, as they come: the report of a process
	 * that hostile mail may have taken over, or NULL and why there is none (err->num EPERM: the
	 * account could not be become). */
	void (*done)(void *arg, size_t i, const struct buf *report, const struct err *err);
};

/* Returns when all is done. A process that dies, talks nonsense or does not come to an end costs
 * the account it was at, and no other. Accounts side by side with the same uid and gid share a
 * process, a few dozen at a time. */
void crew_run(const struct crew *crew);

#endif
