/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * From recipients to copies. Here an answer becomes an outcome or a mailbox; whatever this
 * version cannot do yet (aliases, forwarding) is deferred and says so, so that the mail waits
 * in the queue and nothing is lost or sent astray.
 */
#include "plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* X.3.3 of RFC 3463: "system not capable of selected features". */
#define NOT_CAPABLE "4.3.3"

/* ---- answers that need no copy ----------------------------------------------------------------
 */

static const char *
or_else(const char *text, const char *otherwise)
{
	return text != NULL && *text != '\0' ? text : otherwise;
}

static void
settle_defer(struct outcome *out, const struct answer *answer)
{
	outcome_defer(out, or_else(answer->status, "4.3.0"), "%s",
	    or_else(answer->text, "no decision was reached"));
}

static void
settle_alias(struct outcome *out, const struct answer *answer)
{
	outcome_defer(out, NOT_CAPABLE,
	    "%s is an alias: handing over to sendmail is not in this version",
	    or_else(answer->name, "it"));
}

static void
settle_forward(struct outcome *out, const struct answer *answer)
{
	(void)answer;
	outcome_defer(out, NOT_CAPABLE, "forwarding to another address is not in this version");
}

static void
settle_reject(struct outcome *out, const struct answer *answer)
{
	outcome_reject(
	    out, or_else(answer->status, "5.0.0"), "%s", or_else(answer->text, "refused"));
}

static void
settle_discard(struct outcome *out, const struct answer *answer)
{
	(void)answer;
	/* Nobody reads standard input then. sendmail does not mind: it ignores the broken pipe and
	 * takes status 0 as delivered. */
	outcome_deliver(out, "2.0.0", "discarded");
}

static void
settle_nouser(struct outcome *out, const struct answer *answer)
{
	outcome_nouser(out, "%s", or_else(answer->text, "no such user"));
}

static void (*const settle[])(struct outcome *out, const struct answer *answer) = {
	[ANSWER_DEFER] = settle_defer,
	[ANSWER_ACCOUNT] = NULL, /* takes a copy */
	[ANSWER_ALIAS] = settle_alias,
	[ANSWER_FORWARD] = settle_forward,
	[ANSWER_REJECT] = settle_reject,
	[ANSWER_DISCARD] = settle_discard,
	[ANSWER_NOUSER] = settle_nouser,
};

/* ---- copies --------------------------------------------------------------------------------- */

static int
same_destination(
    const struct copy *copy, const struct account *account, const struct mailbox *mailbox)
{
	return copy->account->uid == account->uid && copy->account->gid == account->gid &&
	       copy->mailbox.format == mailbox->format &&
	       strcmp(copy->mailbox.path, mailbox->path) == 0;
}

/* A copy with room for all the plan's recipients, so that adding one cannot fail later. */
static struct copy *
add_copy(struct plan *plan, const struct account *account, struct mailbox *mailbox, struct err *err)
{
	struct copy *copy = &plan->copies[plan->ncopies];

	*copy = (struct copy){ .account = account };
	copy->recipients = calloc(plan->nrecipients, sizeof(*copy->recipients));
	if (copy->recipients == NULL) {
		err_set(err, ENOMEM, "plan a delivery");
		return NULL;
	}
	copy->mailbox = *mailbox;
	*mailbox = (struct mailbox){ 0 };
	report_init(&copy->report);
	plan->ncopies++;
	return copy;
}

static int
plan_copy(struct plan *plan, struct recipient *recipient, const struct settings *settings,
    struct err *err)
{
	const struct account *account = &recipient->answer.account;
	struct mailbox mailbox = { 0 };
	struct copy *copy = NULL;

	if (mailbox_locate(&mailbox,
	        account->mailbox != NULL ? account->mailbox : settings->mailbox, account->name,
	        account->home, err) == -1)
		return -1;
	for (size_t i = 0; i < plan->ncopies && copy == NULL; i++)
		if (same_destination(&plan->copies[i], account, &mailbox))
			copy = &plan->copies[i];
	if (copy == NULL)
		copy = add_copy(plan, account, &mailbox, err);
	mailbox_free(&mailbox);
	if (copy == NULL)
		return -1;
	copy->recipients[copy->nrecipients++] = recipient->original;
	recipient->copy = copy;
	return 0;
}

static void
plan_recipient(struct plan *plan, struct recipient *recipient, const struct settings *settings)
{
	const struct answer *answer = &recipient->answer;
	struct err err;

	outcome_init(&recipient->outcome);
	if (answer->kind == ANSWER_ACCOUNT) {
		if (plan_copy(plan, recipient, settings, &err) == -1)
			outcome_from_err(&recipient->outcome, &err);
	} else if ((size_t)answer->kind < sizeof(settle) / sizeof(settle[0])) {
		settle[answer->kind](&recipient->outcome, answer);
	}
}

int
plan_make(struct plan *out, const struct settings *settings, const char *const *recipients,
    size_t nrecipients, struct buf *explain, struct err *err)
{
	struct resolver *resolver;

	*out = (struct plan){ 0 };
	if (resolver_new(&resolver, settings, err) == -1)
		return -1;
	out->recipients = calloc(nrecipients, sizeof(*out->recipients));
	out->copies = calloc(nrecipients, sizeof(*out->copies));
	if (out->recipients == NULL || out->copies == NULL) {
		err_set(err, ENOMEM, "plan for %zu recipients", nrecipients);
		resolver_free(resolver);
		plan_free(out);
		return -1;
	}
	out->nrecipients = nrecipients;
	for (size_t i = 0; i < nrecipients; i++) {
		out->recipients[i].original = recipients[i];
		resolve(resolver, recipients[i], &out->recipients[i].answer, explain);
		plan_recipient(out, &out->recipients[i], settings);
	}
	resolver_free(resolver);
	return 0;
}

void
plan_free(struct plan *plan)
{
	for (size_t i = 0; i < plan->ncopies; i++) {
		mailbox_free(&plan->copies[i].mailbox);
		free(plan->copies[i].recipients);
	}
	for (size_t i = 0; i < plan->nrecipients; i++)
		answer_free(&plan->recipients[i].answer);
	free(plan->copies);
	free(plan->recipients);
	*plan = (struct plan){ 0 };
}

const struct outcome *
plan_outcome(const struct recipient *recipient)
{
	return recipient->copy != NULL ? &recipient->copy->report.outcome : &recipient->outcome;
}
