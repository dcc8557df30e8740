/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The hand-overs of a plan: one for each set of addresses, so that nobody gets a message twice
 * because two recipients lead to the same alias. Only what the sender said about notices keeps them
 * apart: there is one such word in a submission.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "plan_ways.h"

typedef int compare(const char *a, const char *b);

static bool
has_member(const struct handover *handover, const char *member, compare *order)
{
	for (size_t i = 0; i < handover->nmembers; i++)
		if (order(handover->members[i], member) == 0)
			return true;
	return false;
}

static bool
is_same_set(const struct handover *handover, const char *const *members, size_t nmembers, bool fold)
{
	compare *order = fold && handover->folds ? strcasecmp : strcmp;

	if (handover->nmembers != nmembers)
		return false;
	for (size_t i = 0; i < nmembers; i++)
		if (!has_member(handover, members[i], order))
			return false;
	return true;
}

static bool
is_same_notify(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcasecmp(a, b) == 0;
}

static struct handover *
find(struct plan *plan, const struct recipient *recipient, const char *const *members,
    size_t nmembers, bool known)
{
	bool folds = recipient->answer.kind == ANSWER_ALIAS;

	for (size_t i = 0; i < plan->nhandovers; i++) {
		struct handover *handover = plan->handovers[i];

		if (!handover->begun && handover->known == known &&
		    is_same_notify(handover->notify, recipient->notify) &&
		    is_same_set(handover, members, nmembers, folds))
			return handover;
	}
	return NULL;
}

void
plan_handover_free(struct handover *handover)
{
	if (handover == NULL)
		return;
	for (size_t i = 0; i < handover->nmembers; i++)
		free((void *)(uintptr_t)handover->members[i]);
	free(handover->members);
	free(handover->recipients);
	free(handover);
}

static int
add_members(struct handover *handover, const char *const *members, size_t nmembers)
{
	handover->members = calloc(nmembers, sizeof(*handover->members));
	if (handover->members == NULL)
		return -1;
	for (size_t i = 0; i < nmembers; i++, handover->nmembers++)
		if ((handover->members[i] = strdup(members[i])) == NULL)
			return -1;
	return 0;
}

static struct handover *
add_handover(struct plan *plan, const struct recipient *recipient, const char *const *members,
    size_t nmembers, bool known, struct err *err)
{
	struct handover **more = reallocarray(plan->handovers, plan->nhandovers + 1, sizeof(*more));
	struct handover *handover = more == NULL ? NULL : calloc(1, sizeof(*handover));

	if (more != NULL)
		plan->handovers = more;
	if (handover == NULL || add_members(handover, members, nmembers) == -1) {
		plan_handover_free(handover);
		err_set(err, ENOMEM, "plan a hand-over");
		return NULL;
	}
	handover->known = known;
	handover->folds = recipient->answer.kind == ANSWER_ALIAS;
	handover->notify = recipient->notify;
	handover->orcpt = recipient->orcpt;
	report_init(&handover->report);
	plan->handovers[plan->nhandovers++] = handover;
	return handover;
}

int
plan_handover_join(struct plan *plan, struct recipient *recipient, const char *const *members,
    size_t nmembers, bool known, struct err *err)
{
	struct handover *handover = find(plan, recipient, members, nmembers, known);

	if (handover == NULL)
		handover = add_handover(plan, recipient, members, nmembers, known, err);
	if (handover == NULL)
		return -1;
	if (plan_list(&handover->recipients, &handover->nrecipients, recipient->original, err) ==
	    -1) {
		if (handover->nrecipients == 0)
			plan_handover_free(plan->handovers[--plan->nhandovers]);
		return -1;
	}
	recipient->handover = handover;
	return 0;
}

void
plan_handover_leave_last(struct plan *plan, struct recipient *recipient)
{
	struct handover *handover = recipient->handover;

	recipient->handover = NULL;
	if (--handover->nrecipients == 0)
		plan_handover_free(plan->handovers[--plan->nhandovers]);
}
