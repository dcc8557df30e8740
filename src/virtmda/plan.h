/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The plan of one run: every recipient with its answer, and the copies of the message that take
 * it there. Recipients that come to one account and mailbox share one copy.
 */
#ifndef VIRTMDA_PLAN_H
#define VIRTMDA_PLAN_H

#include <stddef.h>

#include "buf.h"
#include "err.h"
#include "mailbox.h"
#include "outcome.h"
#include "report.h"
#include "resolve.h"
#include "settings.h"

struct copy {
	const struct account *account; /* of its first recipient; the plan owns it */
	struct mailbox mailbox;
	const char **recipients; /* original spelling, nrecipients of them */
	size_t nrecipients;
	struct report report;
};

struct recipient {
	const char *original; /* the caller's string */
	struct answer answer;
	struct outcome outcome;  /* without a copy it is final; with one it is the copy's report */
	const struct copy *copy; /* NULL: nothing to write */
};

struct plan {
	struct recipient *recipients;
	size_t nrecipients;
	struct copy *copies;
	size_t ncopies;
};

/* Resolve all of them and plan the copies. Map, accounts and aliases are closed again when this
 * returns: a worker inherits none. explain (may be NULL) gets the steps as text. 0 with *out
 * (plan_free), or -1 with err when there is not even memory for a plan. */
int plan_make(struct plan *out, const struct settings *settings, const char *const *recipients,
    size_t nrecipients, struct buf *explain, struct err *err);
void plan_free(struct plan *plan); /* accepts a zeroed one */

/* What became of this recipient: its copy's outcome where it has one. */
const struct outcome *plan_outcome(const struct recipient *recipient);

#endif
