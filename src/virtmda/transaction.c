/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A plan carried out. Recipients that take no message are settled already and logged first; then
 * what goes to sendmail is handed over, for that may turn out to need a copy; then the copies are
 * delivered, by workers with their accounts' rights, and logged.
 */
#include "transaction.h"

#include "crew.h"
#include "forward.h"
#include "journal.h"

static void
journal_copy(const struct transaction *t, const struct plan *plan, const struct copy *copy)
{
	if (t->dry_run)
		return;
	for (size_t i = 0; i < plan->nrecipients; i++)
		if (plan->recipients[i]->copy == copy)
			journal_recipient(plan->recipients[i], t->sender);
}

static void
journal_where(const struct transaction *t, const struct plan *plan, bool handed_over)
{
	if (t->dry_run)
		return;
	for (size_t i = 0; i < plan->nrecipients; i++) {
		const struct recipient *recipient = plan->recipients[i];

		if (recipient->copy == NULL && (recipient->handover != NULL) == handed_over)
			journal_recipient(recipient, t->sender);
	}
}

static void
deliver(const struct transaction *t, const struct intake *intake, struct copy **copies, size_t n)
{
	const struct job job = {
		.settings = t->settings,
		.sender = t->sender,
		.date = t->date,
		.intake = intake,
		.dry_run = t->dry_run,
		.copies = copies,
		.ncopies = n,
	};

	crew_run(&job);
}

/* Its worker found a .forward. */
static void
pass_on(const struct transaction *t, const struct intake *intake, struct copy *copy)
{
	struct intake spooled = { .fd = -1 };

	if (forward_copy(t, copy, intake, &spooled) == 0)
		deliver(t, spooled.spooled ? &spooled : intake, &copy, 1);
	intake_close(&spooled);
}

size_t
transaction_readers(const struct plan *plan)
{
	/* For what is handed over there may have to be a copy. */
	return plan->ncopies + 2 * plan->nhandovers;
}

void
transaction_run(const struct transaction *t, struct plan *plan, const struct intake *intake,
    const struct err *trouble)
{
	journal_where(t, plan, false);
	forward_handovers(t, plan, intake, trouble);
	journal_where(t, plan, true);
	if (intake != NULL)
		deliver(t, intake, plan->copies, plan->ncopies);
	for (size_t i = 0; i < plan->ncopies; i++) {
		struct copy *copy = plan->copies[i];

		if (intake == NULL)
			outcome_from_err(&copy->report.outcome, trouble);
		else if (copy->report.finding == REPORT_FORWARD)
			pass_on(t, intake, copy);
		journal_copy(t, plan, copy);
	}
}
