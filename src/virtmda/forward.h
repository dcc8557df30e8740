/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Those parts of a plan that go to sendmail, and the mailbox as the way out where that would be a
 * loop.
 */
#ifndef VIRTMDA_FORWARD_H
#define VIRTMDA_FORWARD_H

#include "intake.h"
#include "plan.h"
#include "transaction.h"

/* Hand over for every recipient that the plan has a hand-over for. Afterwards some may have a copy
 * instead, which is still to be made. `intake` must be spooled if it is not NULL; NULL: `trouble`
 * says why there is no message. */
void forward_handovers(const struct transaction *transaction, struct plan *plan,
    const struct intake *intake, const struct err *trouble);

/* A copy whose worker found a .forward: hand over under the account's bare name. 1: done, the
 * copy's report says how. 0: the message has been that way, the mailbox is to have it; the copy is
 * final now. *spooled (zeroed, fd -1) is filled when standard input had to be read for it, and is
 * then the intake to go on with; the caller closes it. */
int forward_copy(const struct transaction *transaction, struct copy *copy,
    const struct intake *intake, struct intake *spooled);

#endif
