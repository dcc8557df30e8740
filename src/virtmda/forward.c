/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Loops are looked for before anything goes anywhere: so a copy that takes the place of a hand-over
 * joins the one that its mailbox gets anyway.
 */
#include "forward.h"

#include <errno.h>
#include <stdlib.h>

#include "loop.h"

static bool
is_found(const struct copy *copy)
{
	return copy->report.finding == REPORT_FORWARD;
}

bool
forward_is_found(const struct plan *plan)
{
	for (size_t i = 0; i < plan->ncopies; i++)
		if (is_found(plan->copies[i]))
			return true;
	return false;
}

/* Is it to go on? */
static bool
goes_on(const struct recipient *recipient)
{
	if (recipient->copy != NULL)
		return is_found(recipient->copy) && !recipient->final;
	return recipient->handover != NULL && !recipient->handover->begun;
}

struct travellers {
	struct recipient **recipients;
	const char **originals;
	bool *seen;
	size_t n;
};

static void
free_travellers(struct travellers *travellers)
{
	free(travellers->recipients);
	free(travellers->originals);
	free(travellers->seen);
}

static int
find_travellers(struct travellers *out, const struct plan *plan, struct err *err)
{
	size_t most = plan->nrecipients;

	*out = (struct travellers){
		.recipients = calloc(most, sizeof(*out->recipients)),
		.originals = calloc(most, sizeof(*out->originals)),
		.seen = calloc(most, sizeof(*out->seen)),
	};
	if (out->recipients == NULL || out->originals == NULL || out->seen == NULL) {
		free_travellers(out);
		return err_set(err, ENOMEM, "look for a loop");
	}
	for (size_t i = 0; i < most; i++)
		if (goes_on(plan->recipients[i])) {
			out->recipients[out->n] = plan->recipients[i];
			out->originals[out->n++] = plan->recipients[i]->original;
		}
	return 0;
}

/* Those that have been here. */
static int
turn_back(const struct transaction *t, struct plan *plan, const struct travellers *travellers,
    struct err *err)
{
	struct resolver *resolver = NULL;
	int failed = 0;

	for (size_t i = 0; i < travellers->n && failed == 0; i++) {
		if (!travellers->seen[i])
			continue;
		if (resolver == NULL)
			failed = resolver_new(&resolver, t->settings, err);
		if (failed == 0)
			plan_loop(plan, travellers->recipients[i], resolver);
	}
	resolver_free(resolver);
	return failed;
}

/* *outcome: delivered if the rest may go on. */
static void
settle_loops(const struct transaction *t, struct plan *plan, const struct intake *intake,
    struct outcome *outcome)
{
	struct travellers travellers;
	struct err err;

	outcome_init(outcome);
	if (find_travellers(&travellers, plan, &err) == -1) {
		outcome_from_err(outcome, &err);
		return;
	}
	if (travellers.n == 0 || t->dry_run) {
		outcome_deliver(outcome, "2.0.0", "may go on");
	} else {
		const struct loop_question question = {
			.settings = t->settings,
			.intake = intake,
			.originals = travellers.originals,
			.noriginals = travellers.n,
			.until = t->until,
		};

		loop_ask(&question, travellers.seen, outcome);
	}
	if (outcome->class == OUTCOME_DELIVERED && turn_back(t, plan, &travellers, &err) == -1)
		outcome_from_err(outcome, &err);
	free_travellers(&travellers);
}

void
forward_plan(const struct transaction *t, struct plan *plan, const struct intake *intake)
{
	struct outcome outcome;

	settle_loops(t, plan, intake, &outcome);
	for (size_t i = 0; i < plan->ncopies; i++)
		if (is_found(plan->copies[i]))
			plan_forward(plan, plan->copies[i]);
	if (outcome.class == OUTCOME_DELIVERED)
		return;
	for (size_t i = 0; i < plan->nhandovers; i++)
		if (!plan->handovers[i]->begun) {
			plan->handovers[i]->begun = true;
			plan->handovers[i]->report.outcome = outcome;
		}
}
