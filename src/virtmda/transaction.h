/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One message and its plan, carried out: the path that the argument form and LMTP share.
 */
#ifndef VIRTMDA_TRANSACTION_H
#define VIRTMDA_TRANSACTION_H

#include <stdbool.h>
#include <time.h>

#include "crew.h"
#include "intake.h"
#include "plan.h"
#include "settings.h"

struct transaction {
	const struct settings *settings;
	struct crew *crew;       /* who delivers; NULL: workers for this message alone */
	const char *sender;      /* "" for the null sender */
	time_t date;             /* for the From_ line */
	bool utf8;               /* SMTPUTF8 was given */
	const char *ret, *envid; /* RFC 3461, as they came; NULL where they did not */
	long long until;         /* a moment (moment.h) by which all outcomes are wanted */
	bool dry_run;            /* become the accounts and look, but neither read nor write */
};

/* How many will read the message: intake_open wants to know. */
size_t transaction_readers(const struct plan *plan);

/* Carry the plan out and log a line for each recipient: afterwards plan_outcome is final for all of
 * them. intake NULL: the message could not be had, `trouble` says why, and whatever takes a message
 * is deferred. */
void transaction_run(const struct transaction *transaction, struct plan *plan,
    const struct intake *intake, const struct err *trouble);

#endif
