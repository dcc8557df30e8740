/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A plan carried out. Recipients that take no message are settled already and logged first; then
 * what goes to sendmail is handed over, for that may turn out to need a copy; then each copy is
 * delivered, by a worker with its account's rights, and logged.
 */
#include "transaction.h"

#include "forward.h"
#include "journal.h"
#include "process.h"
#include "worker.h"

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
deliver(const struct transaction *t, struct copy *copy, const struct intake *intake)
{
	const struct job job = {
		.settings = t->settings,
		.account = copy->account,
		.mailbox = &copy->mailbox,
		.envelope = {
			.sender = t->sender,
			.recipients = copy->recipients,
			.nrecipients = t->settings->delivered_to ? copy->nrecipients : 0,
			.date = t->date,
		},
		.intake = intake,
		.final = copy->final,
		.dry_run = t->dry_run,
	};

	if (process_stopped())
		outcome_defer(&copy->report.outcome, "4.3.2", "stopped by a signal");
	else
		worker_run(&job, &copy->report);
}

static void
run_copy(const struct transaction *t, struct copy *copy, const struct intake *intake)
{
	struct intake spooled = { .fd = -1 };

	deliver(t, copy, intake);
	if (copy->report.finding == REPORT_FORWARD && forward_copy(t, copy, intake, &spooled) == 0)
		deliver(t, copy, spooled.spooled ? &spooled : intake);
	intake_close(&spooled);
}

bool
transaction_has_room(
    const struct settings *settings, const struct copy *copy, uint64_t size, struct outcome *out)
{
	struct quota limits;
	struct report report;
	struct job job = { .settings = settings, .size = size, .dry_run = true };
	struct err err;

	if (copy == NULL)
		return true;
	job.account = copy->account;
	job.mailbox = &copy->mailbox;
	if (quota_limits(&limits, settings->quota, copy->account->quota_rule, &err) == -1) {
		outcome_from_err(out, &err);
		return false;
	}
	if (!quota_limited(&limits))
		return true;
	job.final = copy->final;
	worker_run(&job, &report);
	/* That mail goes on, and needs no room here. */
	if (report.finding == REPORT_FORWARD)
		return true;
	*out = report.outcome;
	return out->class == OUTCOME_DELIVERED;
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
	for (size_t i = 0; i < plan->ncopies; i++) {
		if (intake == NULL)
			outcome_from_err(&plan->copies[i]->report.outcome, trouble);
		else
			run_copy(t, plan->copies[i], intake);
		journal_copy(t, plan, plan->copies[i]);
	}
}
