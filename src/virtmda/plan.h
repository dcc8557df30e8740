/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The plan of one transaction: every recipient with its answer, the copies of the message that take
 * it to mailboxes, and the hand-overs that take it to sendmail. Recipients that come to one account
 * and mailbox share one copy; each hand-over is one recipient's, for what goes on names it. It
 * grows one recipient at a time, as LMTP names them.
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
	/* A .forward is not asked for: sendmail has done so, or need not. */
	bool final;
	bool handed_over; /* it had a .forward, and the report is of that */
	struct report report;
};

struct handover {
	const char **members; /* addr-specs and bare names, quoted where need be; the plan's */
	size_t nmembers;
	bool known; /* names that this host has, not what a list says */
	struct report report;
};

struct recipient {
	char *original; /* as the caller spelled it */
	struct answer answer;
	struct outcome outcome; /* final where there is neither of the next two */
	struct copy *copy;
	struct handover *handover;
	char *notify, *orcpt; /* RFC 3461, as they came; NULL where they did not */
};

/* Recipients and copies stay where they are while others are added. */
struct plan {
	const struct settings *settings;
	struct recipient **recipients;
	size_t nrecipients;
	struct copy **copies;
	size_t ncopies;
	size_t nhandovers; /* recipients that have one */
};

/* An empty plan; the settings must outlive it. */
void plan_init(struct plan *plan, const struct settings *settings);
void plan_free(struct plan *plan); /* back to an empty one */

/* Resolve one more recipient and plan its way; what came of it is in the last of
 * plan->recipients. explain (may be NULL) gets the steps as text. 0, or -1 with err and the plan
 * as it was (only ENOMEM). */
int plan_add(struct plan *plan, struct resolver *resolver, const char *recipient,
    struct buf *explain, struct err *err);

/* The recipient's hand-over would be a loop. If it is an alias that has an account's name, that
 * account gets a copy instead: 1. 0: it has none. -1 with err. */
int plan_copy_instead(
    struct plan *plan, struct recipient *recipient, struct resolver *resolver, struct err *err);

/* Settle the last recipient otherwise: it has no way any more, and the outcome is final. */
void plan_refuse_last(struct plan *plan, const struct outcome *outcome);
/* Take the last recipient out again, which must be a refused one. */
void plan_drop_last(struct plan *plan);

/* Does the message go anywhere for this recipient (or is it to be discarded)? If not, plan_outcome
 * is final. */
bool plan_takes(const struct recipient *recipient);

/* What became of this recipient: the outcome of its copy or hand-over where it has one. */
const struct outcome *plan_outcome(const struct recipient *recipient);

#endif
