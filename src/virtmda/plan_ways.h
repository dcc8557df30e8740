/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the three parts of a plan share: plan.c has the recipients, plan_copy.c the copies,
 * plan_handover.c the hand-overs. Private to them.
 */
#ifndef VIRTMDA_PLAN_WAYS_H
#define VIRTMDA_PLAN_WAYS_H

#include "plan.h"

/* Put the recipient, whose answer is an account, into the copy for its mailbox, a new one or one
 * that is there. 0, or -1 with err and nothing changed. */
int plan_copy_join(struct plan *plan, struct recipient *recipient, struct err *err);
/* Take it out of its copy, which must be its last; one that is nobody's then must be the plan's
 * last and is freed. */
void plan_copy_leave_last(struct plan *plan, struct recipient *recipient);
void plan_copy_free(struct copy *copy);

/* The same for a hand-over to `members` (nmembers of them, addr-specs and bare names). */
int plan_handover_join(struct plan *plan, struct recipient *recipient, const char *const *members,
    size_t nmembers, bool known, struct err *err);
void plan_handover_leave_last(struct plan *plan, struct recipient *recipient);
void plan_handover_free(struct handover *handover);

/* Add a name to a list. 0, or -1 with err (ENOMEM). */
int plan_list(const char ***names, size_t *n, const char *name, struct err *err);

#endif
