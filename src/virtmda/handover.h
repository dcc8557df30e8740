/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A message given to sendmail: for an alias, for addresses elsewhere, for an account with a
 * .forward. sendmail is started for it (`sendmail -Am -odb -bs`: no shell, no addresses in
 * arguments), and a process without rights reads the message and speaks SMTP to it.
 */
#ifndef VIRTMDA_HANDOVER_H
#define VIRTMDA_HANDOVER_H

#include "apart.h"
#include "intake.h"
#include "plan.h"
#include "transaction.h"

struct handover_job {
	const struct transaction *transaction;
	const struct intake *intake; /* spooled: others may need the message, too */
	const struct handover *handover;
};

/* Begin to hand over, in a process of its own. 0 with *apart, which must be finished, or -1 with
 * err.
 */
int handover_start(const struct handover_job *job, struct apart *apart, struct err *err);

/* Milliseconds that its word may take from now on, for poll(2). */
int handover_patience(const struct transaction *transaction);

/* Wait for sendmail's word. *report: its outcome is delivered once sendmail has queued the message
 * (exactly one submission), rejected where sendmail refused it for good and for reasons of the
 * mail's own, deferred otherwise. Members of several that were refused get a notice to the sender;
 * if that cannot be handed over, the outcome is "rejected", so that who called us tells the sender.
 *
 * Where the transaction has an end, it is kept: what has no answer then is deferred. If sendmail
 * has had the final dot by then it may send the message all the same; so it gets none unless half
 * of the time is left. */
void handover_finish(
    const struct transaction *transaction, struct apart *apart, struct report *report);

#endif
