/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The hand-overs of a plan, several at a time, beside whatever else is done meanwhile.
 */
#ifndef VIRTMDA_DISPATCH_H
#define VIRTMDA_DISPATCH_H

#include "apart.h"
#include "intake.h"
#include "plan.h"
#include "process.h"
#include "transaction.h"

struct dispatch {
	const struct transaction *transaction;
	const struct intake *intake; /* spooled before the first hand-over begins */
	struct plan *plan;
	struct {
		struct handover *handover; /* NULL: a free place */
		struct apart apart;
	} places[PROCESS_HANDOVERS_MAX];
	size_t running;
};

void dispatch_init(struct dispatch *dispatch, const struct transaction *transaction,
    struct plan *plan, const struct intake *intake);

/* Begin those that have not begun, as many at a time as the setting `workers` allows. Waits for
 * none. */
void dispatch_start(struct dispatch *dispatch);

/* Carry out all of them: afterwards every hand-over's report is final. */
void dispatch_finish(struct dispatch *dispatch);

#endif
