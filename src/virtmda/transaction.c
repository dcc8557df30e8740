/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A plan carried out. What goes to sendmail is begun first, for its answers may take long; beside
 * it the copies are delivered, by workers with their accounts' rights, who may find that more of it
 * is sendmail's. Each recipient is logged when its fate is settled.
 */
#include "transaction.h"

#include <errno.h>
#include <stdlib.h>

#include "dispatch.h"
#include "forward.h"
#include "journal.h"

/* ---- the log -----------------------------------------------------------------------------------
 */

enum progress { RESOLVED, COPIED, DONE };

static bool
is_settled(const struct recipient *recipient, enum progress progress)
{
	if (recipient->handover != NULL)
		return progress == DONE;
	if (recipient->copy != NULL)
		return progress == DONE ||
		       (progress == COPIED && recipient->copy->report.finding != REPORT_FORWARD);
	return true;
}

static void
journal(const struct transaction *t, const struct plan *plan, enum progress progress)
{
	for (size_t i = 0; i < plan->nrecipients && !t->dry_run; i++) {
		struct recipient *recipient = plan->recipients[i];

		if (recipient->logged || !is_settled(recipient, progress))
			continue;
		journal_recipient(recipient, t->sender);
		recipient->logged = true;
	}
}

/* ---- copies ------------------------------------------------------------------------------------
 */

/* Those that have not been delivered: all of them, or what a .forward has left. */
static void
deliver(const struct transaction *t, const struct plan *plan, const struct intake *intake,
    enum report_finding finding)
{
	struct copy **copies = reallocarray(NULL, plan->ncopies, sizeof(*copies));
	struct job job = {
		.settings = t->settings,
		.sender = t->sender,
		.date = t->date,
		.until = t->until,
		.intake = intake,
		.dry_run = t->dry_run,
		.copies = copies,
	};
	struct err err;

	for (size_t i = 0; i < plan->ncopies; i++) {
		struct copy *copy = plan->copies[i];

		if (copy->nrecipients == 0 || copy->report.finding != finding)
			continue;
		if (copies != NULL) {
			copies[job.ncopies++] = copy;
			continue;
		}
		err_set(&err, ENOMEM, "deliver");
		outcome_from_err(&copy->report.outcome, &err);
	}
	if (job.ncopies > 0)
		crew_run(t->crew, &job);
	free(copies);
}

static void
give_up_copies(const struct plan *plan, enum report_finding finding, const struct err *why)
{
	for (size_t i = 0; i < plan->ncopies; i++)
		if (plan->copies[i]->report.finding == finding) {
			plan->copies[i]->report.finding = REPORT_NOTHING;
			outcome_from_err(&plan->copies[i]->report.outcome, why);
		}
}

/* ---- all of it ---------------------------------------------------------------------------------
 */

/* Workers have found a .forward. *spooled is filled when standard input had to be read for it. */
static void
pass_on(struct dispatch *dispatch, struct intake *spooled)
{
	const struct transaction *t = dispatch->transaction;
	struct err err;

	if (!t->dry_run && !dispatch->intake->spooled) {
		if (intake_open(spooled, 2, t->settings->spool_directory, &err) == -1) {
			give_up_copies(dispatch->plan, REPORT_FORWARD, &err);
			return;
		}
		dispatch->intake = spooled;
	}
	forward_plan(t, dispatch->plan, dispatch->intake);
	dispatch_start(dispatch);
	deliver(t, dispatch->plan, dispatch->intake, REPORT_FORWARD);
}

static void
carry_out(const struct transaction *t, struct plan *plan, const struct intake *intake)
{
	struct intake spooled = { .fd = -1 };
	struct dispatch dispatch;

	dispatch_init(&dispatch, t, plan, intake);
	forward_plan(t, plan, intake);
	dispatch_start(&dispatch);
	deliver(t, plan, intake, REPORT_NOTHING);
	journal(t, plan, COPIED);
	if (forward_is_found(plan))
		pass_on(&dispatch, &spooled);
	dispatch_finish(&dispatch);
	intake_close(&spooled);
}

size_t
transaction_readers(const struct plan *plan)
{
	/* One looks for loops, one hands over; and there may have to be a copy instead. */
	return plan->ncopies + 2 * plan->nhandovers;
}

void
transaction_run(const struct transaction *t, struct plan *plan, const struct intake *intake,
    const struct err *trouble)
{
	journal(t, plan, RESOLVED);
	if (intake != NULL) {
		carry_out(t, plan, intake);
	} else {
		give_up_copies(plan, REPORT_NOTHING, trouble);
		for (size_t i = 0; i < plan->nhandovers; i++)
			outcome_from_err(&plan->handovers[i]->report.outcome, trouble);
	}
	journal(t, plan, DONE);
}
