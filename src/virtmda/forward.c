/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * From a plan to hand-overs. A message that comes back to an alias or an account which has handed
 * it over before is delivered to that account: it did all that its alias or .forward asks for.
 */
#include "forward.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "address.h"
#include "handover.h"
#include "io.h"
#include "process.h"

static struct handover_job
job_for(const struct transaction *t, const struct intake *intake)
{
	return (struct handover_job){
		.settings = t->settings,
		.intake = intake,
		.sender = t->sender,
		.utf8 = t->utf8,
		.ret = t->ret,
		.envid = t->envid,
	};
}

/* -n: whatever can be seen to be in the way. */
static void
look_only(const struct transaction *t, struct report *report)
{
	struct err err;
	int fd = io_open_trusted(t->settings->sendmail, NULL, &err);

	report_init(report);
	if (fd == -1) {
		outcome_from_err(&report->outcome, &err);
		return;
	}
	close(fd);
	outcome_deliver(&report->outcome, "2.0.0", "would be handed over");
}

static void
run(const struct transaction *t, const struct handover_job *job, struct report *report)
{
	if (t->dry_run)
		look_only(t, report);
	else if (process_stopped())
		outcome_defer(&report->outcome, "4.3.2", "stopped by a signal");
	else
		handover_run(job, report);
}

/* ---- aliases, addresses elsewhere -------------------------------------------------------------
 */

static void
copy_instead(const struct transaction *t, struct plan *plan, struct recipient *recipient)
{
	struct resolver *resolver;
	struct err err;
	int failed = resolver_new(&resolver, t->settings, &err);

	if (failed == 0) {
		failed = plan_copy_instead(plan, recipient, resolver, &err);
		resolver_free(resolver);
	}
	if (failed == -1)
		outcome_from_err(&recipient->handover->report.outcome, &err);
}

static void
hand_over(const struct transaction *t, struct plan *plan, struct recipient *recipient,
    const struct intake *intake)
{
	const char *const original = recipient->original;
	struct handover *handover = recipient->handover;
	struct handover_job job = job_for(t, intake);

	job.orcpt = recipient->orcpt;
	job.notify = recipient->notify;
	job.originals = &original;
	job.noriginals = 1;
	job.members = handover->members;
	job.nmembers = handover->nmembers;
	job.known = handover->known;
	run(t, &job, &handover->report);
	if (handover->report.finding == REPORT_LOOP)
		copy_instead(t, plan, recipient);
}

void
forward_handovers(const struct transaction *t, struct plan *plan, const struct intake *intake,
    const struct err *trouble)
{
	for (size_t i = 0; i < plan->nrecipients; i++) {
		struct recipient *recipient = plan->recipients[i];

		if (recipient->handover == NULL)
			continue;
		if (intake == NULL)
			outcome_from_err(&recipient->handover->report.outcome, trouble);
		else
			hand_over(t, plan, recipient, intake);
	}
}

/* ---- accounts with a .forward -----------------------------------------------------------------
 */

/* sendmail knows the account by its bare name or not at all. */
static char *
bare_name(const struct copy *copy, struct err *err)
{
	const char *name = copy->account->name;
	char *quoted;

	if (strchr(name, '@') != NULL) {
		err_set(err, 0,
		    "%s has a .forward, but sendmail knows no such name "
		    "(forward_files = ignore delivers)",
		    name);
		return NULL;
	}
	if ((quoted = address_quote_local(name)) == NULL)
		err_set(err, errno, "hand over to %s", name);
	return quoted;
}

int
forward_copy(const struct transaction *t, struct copy *copy, const struct intake *intake,
    struct intake *spooled)
{
	struct handover_job job = job_for(t, intake);
	struct err err;
	char *name = bare_name(copy, &err);
	const char *const member = name;

	copy->handed_over = true;
	if (name == NULL ||
	    (!t->dry_run && !intake->spooled &&
	        intake_open(spooled, 2, t->settings->spool_directory, &err) == -1)) {
		outcome_from_err(&copy->report.outcome, &err);
		free(name);
		return 1;
	}
	if (spooled->spooled)
		job.intake = spooled;
	job.originals = copy->recipients;
	job.noriginals = copy->nrecipients;
	job.members = &member;
	job.nmembers = 1;
	job.known = true;
	run(t, &job, &copy->report);
	free(name);
	if (copy->report.finding != REPORT_LOOP)
		return 1;
	copy->handed_over = false;
	copy->final = true;
	return 0;
}
