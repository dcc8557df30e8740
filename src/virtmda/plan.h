/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The plan of one transaction: every recipient with its answer, and the copies of the message that
 * take it there. Recipients that come to one account and mailbox share one copy. It grows one
 * recipient at a time, as LMTP names them.
 */
#ifndef VIRTMDA_PLAN_H
#define VIRTMDA_PLAN_H

#include <stdbool.h>
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
	char *original; /* as the caller spelled it */
	struct answer answer;
	struct outcome outcome; /* without a copy it is final; with one it is the copy's report */
	struct copy *copy;      /* NULL: nothing to write */
};

/* Recipients and copies stay where they are while others are added. */
struct plan {
	const struct settings *settings;
	struct recipient **recipients;
	size_t nrecipients;
	struct copy **copies;
	size_t ncopies;
};

/* An empty plan; the settings must outlive it. */
void plan_init(struct plan *plan, const struct settings *settings);
void plan_free(struct plan *plan); /* back to an empty one */

/* Resolve one more recipient and plan its way; what came of it is in the last of
 * plan->recipients. explain (may be NULL) gets the steps as text. 0, or -1 with err and the plan
 * as it was (only ENOMEM). */
int plan_add(struct plan *plan, struct resolver *resolver, const char *recipient,
    struct buf *explain, struct err *err);

/* Settle the last recipient otherwise: it has no way any more, and the outcome is final. */
void plan_refuse_last(struct plan *plan, const struct outcome *outcome);
/* Take the last recipient out again, which must be a refused one. */
void plan_drop_last(struct plan *plan);

/* Does the message go anywhere for this recipient (or is it to be discarded)? If not, plan_outcome
 * is final. */
bool plan_takes(const struct recipient *recipient);

/* What became of this recipient: its copy's outcome where it has one. */
const struct outcome *plan_outcome(const struct recipient *recipient);

#endif
