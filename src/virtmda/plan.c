/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The recipients of a plan. Here an answer becomes an outcome, or joins a copy or a hand-over.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "plan_ways.h"

/* ---- answers that take no message -------------------------------------------------------------
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
	[ANSWER_ALIAS] = NULL,   /* is handed over, and so is the next */
	[ANSWER_FORWARD] = NULL,
	[ANSWER_REJECT] = settle_reject,
	[ANSWER_DISCARD] = settle_discard,
	[ANSWER_NOUSER] = settle_nouser,
};

/* ---- lists of names ---------------------------------------------------------------------------
 */

int
plan_list(const char ***names, size_t *n, const char *name, struct err *err)
{
	const char **more = reallocarray(*names, *n + 1, sizeof(*more));

	if (more == NULL)
		return err_set(err, ENOMEM, "plan a delivery");
	*names = more;
	more[(*n)++] = name;
	return 0;
}

static void
unlist(const char **names, size_t *n, const char *name)
{
	size_t at = 0;

	while (at < *n && names[at] != name)
		at++;
	if (at == *n)
		return;
	memmove(names + at, names + at + 1, (*n - at - 1) * sizeof(*names));
	(*n)--;
}

/* ---- ways -------------------------------------------------------------------------------------
 */

/* To a name that this host has. */
static int
hand_to_name(struct plan *plan, struct recipient *recipient, const char *name, struct err *err)
{
	char *quoted = address_quote_local(name);
	const char *const member = quoted;
	int failed = quoted == NULL ? err_set(err, errno, "hand over to %s", name)
	                            : plan_handover_join(plan, recipient, &member, 1, true, err);

	free(quoted);
	return failed;
}

/* Addresses are addr-specs already. */
static int
hand_to_addresses(struct plan *plan, struct recipient *recipient, struct err *err)
{
	const struct answer *answer = &recipient->answer;

	return plan_handover_join(plan, recipient, (const char *const *)answer->addresses,
	    answer->naddresses, false, err);
}

static void
plan_recipient(struct plan *plan, struct recipient *recipient)
{
	const struct answer *answer = &recipient->answer;
	struct err err;
	int failed = 0;

	outcome_init(&recipient->outcome);
	switch (answer->kind) {
	case ANSWER_ACCOUNT:
		failed = plan_copy_join(plan, recipient, &err);
		break;
	case ANSWER_ALIAS:
		failed = hand_to_name(plan, recipient, answer->name, &err);
		break;
	case ANSWER_FORWARD:
		failed = hand_to_addresses(plan, recipient, &err);
		break;
	default:
		if ((size_t)answer->kind < sizeof(settle) / sizeof(settle[0])) {
			settle[answer->kind](&recipient->outcome, answer);
			outcome_reply(&recipient->outcome, answer->reply);
		}
	}
	if (failed == -1)
		outcome_from_err(&recipient->outcome, &err);
}

/* ---- the plan ---------------------------------------------------------------------------------
 */

void
plan_init(struct plan *plan, const struct settings *settings)
{
	*plan = (struct plan){ .settings = settings };
}

static void
free_recipient(struct recipient *recipient)
{
	if (recipient == NULL)
		return;
	answer_free(&recipient->answer);
	free(recipient->notify);
	free(recipient->orcpt);
	free(recipient->original);
	free(recipient);
}

/* NULL without memory. */
static struct recipient *
new_recipient(const struct plan *plan, const char *original, const struct plan_notice *notice)
{
	const char *notify = notice != NULL ? notice->notify : NULL;
	const char *orcpt = notice != NULL ? notice->orcpt : NULL;
	struct recipient *recipient = calloc(1, sizeof(*recipient));

	if (recipient == NULL)
		return NULL;
	recipient->original = strdup(original);
	recipient->notify = notify != NULL ? strdup(notify) : NULL;
	recipient->orcpt = orcpt != NULL ? strdup(orcpt) : NULL;
	/* A bare name has been through sendmail, which asked for its .forward. */
	recipient->final =
	    plan->settings->forward_files == FORWARD_IGNORE || strchr(original, '@') == NULL;
	if (recipient->original != NULL && (recipient->notify == NULL) == (notify == NULL) &&
	    (recipient->orcpt == NULL) == (orcpt == NULL))
		return recipient;
	free_recipient(recipient);
	return NULL;
}

int
plan_add(struct plan *plan, struct resolver *resolver, const char *original,
    const struct plan_notice *notice, struct buf *explain, struct err *err)
{
	struct recipient **more =
	    reallocarray(plan->recipients, plan->nrecipients + 1, sizeof(*more));
	struct recipient *recipient = more == NULL ? NULL : new_recipient(plan, original, notice);

	if (more != NULL)
		plan->recipients = more;
	if (recipient == NULL)
		return err_set(err, ENOMEM, "plan a delivery");
	plan->recipients[plan->nrecipients++] = recipient;
	resolve(resolver, original, &recipient->answer, explain);
	plan_recipient(plan, recipient);
	return 0;
}

void
plan_refuse_last(struct plan *plan, const struct outcome *outcome)
{
	struct recipient *recipient = plan->recipients[plan->nrecipients - 1];

	recipient->outcome = *outcome;
	/* The last of the plan is the last of its copy or hand-over, and of a new one the only
	 * one. */
	if (recipient->copy != NULL)
		plan_copy_leave_last(plan, recipient);
	if (recipient->handover != NULL)
		plan_handover_leave_last(plan, recipient);
}

void
plan_drop_last(struct plan *plan)
{
	free_recipient(plan->recipients[--plan->nrecipients]);
}

void
plan_free(struct plan *plan)
{
	for (size_t i = 0; i < plan->ncopies; i++)
		plan_copy_free(plan->copies[i]);
	for (size_t i = 0; i < plan->nhandovers; i++)
		plan_handover_free(plan->handovers[i]);
	for (size_t i = 0; i < plan->nrecipients; i++)
		free_recipient(plan->recipients[i]);
	free(plan->copies);
	free(plan->handovers);
	free(plan->recipients);
	plan_init(plan, plan->settings);
}

/* ---- what turns out later ---------------------------------------------------------------------
 */

/* 1: the alias has an account's name, and the recipient is that account's now; 0: it has none; -1
 * with err. */
static int
become_account(struct recipient *recipient, struct resolver *resolver, struct err *err)
{
	struct answer *answer = &recipient->answer, account;
	int result = 0;

	if (answer->kind != ANSWER_ALIAS)
		return 0;
	/* A bare name is an account's, whatever aliases there are. */
	resolve(resolver, answer->name, &account, NULL);
	if (account.kind == ANSWER_DEFER) {
		result = err_set(err, 0, "%s", or_else(account.text, "no decision was reached"));
	} else if (account.kind == ANSWER_ACCOUNT) {
		answer->account = account.account;
		account.account = (struct account){ 0 };
		answer->kind = ANSWER_ACCOUNT;
		result = 1;
	}
	answer_free(&account);
	return result;
}

void
plan_loop(struct plan *plan, struct recipient *recipient, struct resolver *resolver)
{
	struct handover *handover = recipient->handover;
	struct err err;
	int account;

	recipient->final = true;
	if (handover == NULL)
		return;
	unlist(handover->recipients, &handover->nrecipients, recipient->original);
	recipient->handover = NULL;
	account = become_account(recipient, resolver, &err);
	if (account == 0)
		outcome_reject(&recipient->outcome, "5.4.6",
		    "mail for this address comes back to it: the message has its Delivered-To");
	else if (account == -1 || plan_copy_join(plan, recipient, &err) == -1)
		outcome_from_err(&recipient->outcome, &err);
}

/* sendmail knows the account by its bare name or not at all. */
static int
hand_to_account(struct plan *plan, struct recipient *recipient, struct err *err)
{
	const char *name = recipient->answer.account.name;

	if (strchr(name, '@') != NULL)
		return err_set(err, 0,
		    "%s has a .forward, but sendmail knows no such name "
		    "(forward_files = ignore delivers)",
		    name);
	return hand_to_name(plan, recipient, name, err);
}

void
plan_forward(struct plan *plan, struct copy *copy)
{
	for (size_t i = 0; i < plan->nrecipients; i++) {
		struct recipient *recipient = plan->recipients[i];
		struct err err;

		if (recipient->copy != copy || recipient->final)
			continue;
		unlist(copy->recipients, &copy->nrecipients, recipient->original);
		recipient->copy = NULL;
		if (hand_to_account(plan, recipient, &err) == -1)
			outcome_from_err(&recipient->outcome, &err);
	}
	copy->final = true;
}

/* ---- what became of it ------------------------------------------------------------------------
 */

bool
plan_takes(const struct recipient *recipient)
{
	return recipient->copy != NULL || recipient->handover != NULL ||
	       recipient->outcome.class == OUTCOME_DELIVERED;
}

const struct outcome *
plan_outcome(const struct recipient *recipient)
{
	if (recipient->copy != NULL)
		return &recipient->copy->report.outcome;
	return recipient->handover != NULL ? &recipient->handover->report.outcome
	                                   : &recipient->outcome;
}
