/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What of a plan goes to sendmail, and what does not although it was meant to: a message that comes
 * back to an alias or an account which has handed it over before did all that its alias or .forward
 * asks for, and is delivered to that account.
 */
#ifndef VIRTMDA_FORWARD_H
#define VIRTMDA_FORWARD_H

#include "intake.h"
#include "plan.h"
#include "transaction.h"

/* Is there a copy whose worker found a .forward? */
bool forward_is_found(const struct plan *plan);

/* Plan hand-overs for the copies whose worker found a .forward, and settle those that have not
 * begun and would be a loop: afterwards what is left of them can be handed over, and some
 * recipients may have a copy instead. `intake` must be spooled (or the transaction is a dry run).
 */
void forward_plan(
    const struct transaction *transaction, struct plan *plan, const struct intake *intake);

#endif
