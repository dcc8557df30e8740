/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The plan of one transaction: every recipient with its answer, the copies of the message that take
 * it to mailboxes, and the hand-overs that take it to sendmail. Recipients that come to one mailbox
 * share one copy, and those that sendmail would see to in the same way share one hand-over. It
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
	bool final; /* nobody's .forward is asked for: all its recipients are final */
	struct report report;
};

struct handover {
	const char **members; /* addr-specs and bare names, quoted where need be; the plan's */
	size_t nmembers;
	bool known;              /* names that this host has, not what a list says */
	bool folds;              /* they are aliases: to sendmail the same whatever their case */
	const char **recipients; /* original spelling, nrecipients of them */
	size_t nrecipients;
	const char *notify, *orcpt; /* RFC 3461, of its first recipient; NULL where not given */
	bool begun;                 /* under way: nobody can join it any more */
	struct report report;
};

struct recipient {
	char *original; /* as the caller spelled it */
	struct answer answer;
	struct outcome outcome; /* final where there is neither of the next two */
	struct copy *copy;
	struct handover *handover;
	/* Its account's .forward is no matter: sendmail has asked for it, or need not. */
	bool final;
	bool logged;
	char *notify, *orcpt; /* RFC 3461, as they came; NULL where they did not */
};

/* Recipients, copies and hand-overs stay where they are while others are added. */
struct plan {
	const struct settings *settings;
	struct recipient **recipients;
	size_t nrecipients;
	struct copy **copies;
	size_t ncopies;
	struct handover **handovers;
	size_t nhandovers;
};

/* What the sender said about notices to one recipient (RFC 3461); NULL where nothing. */
struct plan_notice {
	const char *notify, *orcpt;
};

/* An empty plan; the settings must outlive it. */
void plan_init(struct plan *plan, const struct settings *settings);
void plan_free(struct plan *plan); /* back to an empty one */

/* Resolve one more recipient and plan its way; what came of it is in the last of
 * plan->recipients. notice (may be NULL) is copied; explain (may be NULL) gets the steps as text.
 * 0, or -1 with err and the plan as it was (only ENOMEM). */
int plan_add(struct plan *plan, struct resolver *resolver, const char *recipient,
    const struct plan_notice *notice, struct buf *explain, struct err *err);

/* The message has been handed over for this recipient before. One that has a copy is final now. Of
 * the others, an alias that has an account's name becomes a copy for that account, and the rest is
 * refused. A hand-over may have no recipients afterwards. */
void plan_loop(struct plan *plan, struct recipient *recipient, struct resolver *resolver);

/* The copy's account has a .forward. Recipients that are not final are handed over instead, under
 * the account's bare name; the others, if any, are the copy's still, which is final then. */
void plan_forward(struct plan *plan, struct copy *copy);

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
