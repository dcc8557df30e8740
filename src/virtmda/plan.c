/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * From recipients to copies and hand-overs. Here an answer becomes an outcome, a mailbox, or
 * addresses for sendmail.
 */
#include "plan.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "address.h"

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

/* ---- copies --------------------------------------------------------------------------------- */

static bool
same_destination(const struct copy *copy, const struct account *account,
    const struct mailbox *mailbox, bool final)
{
	return copy->final == final && copy->account->uid == account->uid &&
	       copy->account->gid == account->gid && copy->mailbox.format == mailbox->format &&
	       strcmp(copy->mailbox.path, mailbox->path) == 0 &&
	       strcmp(or_else(copy->mailbox.folder, ""), or_else(mailbox->folder, "")) == 0;
}

static int
no_memory(struct err *err)
{
	return err_set(err, ENOMEM, "plan a delivery");
}

static struct copy *
add_copy(struct plan *plan, const struct account *account, struct mailbox *mailbox, struct err *err)
{
	struct copy **more = reallocarray(plan->copies, plan->ncopies + 1, sizeof(*more));
	struct copy *copy = more == NULL ? NULL : calloc(1, sizeof(*copy));

	if (more != NULL)
		plan->copies = more;
	if (copy == NULL) {
		no_memory(err);
		return NULL;
	}
	copy->account = account;
	copy->mailbox = *mailbox;
	*mailbox = (struct mailbox){ 0 };
	report_init(&copy->report);
	plan->copies[plan->ncopies++] = copy;
	return copy;
}

static void
free_copy(struct copy *copy)
{
	mailbox_free(&copy->mailbox);
	free(copy->recipients);
	free(copy);
}

static int
add_to_copy(struct copy *copy, struct recipient *recipient, struct err *err)
{
	const char **more = reallocarray(copy->recipients, copy->nrecipients + 1, sizeof(*more));

	if (more == NULL)
		return no_memory(err);
	copy->recipients = more;
	copy->recipients[copy->nrecipients++] = recipient->original;
	recipient->copy = copy;
	return 0;
}

/* Where an account's mail goes: its mailbox, and there the folder that the detail names. */
static int
locate(struct mailbox *out, const struct answer *answer, const struct settings *settings,
    struct err *err)
{
	const struct account *account = &answer->account;

	if (mailbox_locate(out, account->mailbox != NULL ? account->mailbox : settings->mailbox,
	        account->name, account->home, err) == -1)
		return -1;
	if (settings->detail_folders == FOLDERS_NO)
		return 0;
	return mailbox_choose_folder(out, answer->detail, err);
}

static int
plan_copy(struct plan *plan, struct recipient *recipient, bool final, struct err *err)
{
	const struct account *account = &recipient->answer.account;
	struct mailbox mailbox = { 0 };
	struct copy *copy = NULL;
	bool is_new;

	if (locate(&mailbox, &recipient->answer, plan->settings, err) == -1) {
		mailbox_free(&mailbox);
		return -1;
	}
	for (size_t i = 0; i < plan->ncopies && copy == NULL; i++)
		if (same_destination(plan->copies[i], account, &mailbox, final))
			copy = plan->copies[i];
	is_new = copy == NULL;
	if (is_new && (copy = add_copy(plan, account, &mailbox, err)) != NULL)
		copy->final = final;
	mailbox_free(&mailbox);
	if (copy == NULL)
		return -1;
	if (add_to_copy(copy, recipient, err) == 0)
		return 0;
	if (is_new) /* one that is for nobody */
		free_copy(plan->copies[--plan->ncopies]);
	return -1;
}

/* ---- hand-overs ------------------------------------------------------------------------------ */

static void
free_handover(struct handover *handover)
{
	if (handover == NULL)
		return;
	for (size_t i = 0; i < handover->nmembers; i++)
		free((void *)(uintptr_t)handover->members[i]);
	free(handover->members);
	free(handover);
}

static int
add_members(struct handover *handover, const struct answer *answer)
{
	size_t n = answer->kind == ANSWER_ALIAS ? 1 : answer->naddresses;

	handover->members = calloc(n, sizeof(*handover->members));
	if (handover->members == NULL)
		return -1;
	for (size_t i = 0; i < n; i++, handover->nmembers++) {
		/* Addresses are addr-specs already. */
		handover->members[i] = answer->kind == ANSWER_ALIAS
		                           ? address_quote_local(answer->name)
		                           : strdup(answer->addresses[i]);
		if (handover->members[i] == NULL)
			return -1;
	}
	return 0;
}

static int
plan_handover(struct plan *plan, struct recipient *recipient, struct err *err)
{
	struct handover *handover = calloc(1, sizeof(*handover));

	if (handover == NULL || add_members(handover, &recipient->answer) == -1) {
		free_handover(handover);
		return no_memory(err);
	}
	handover->known = recipient->answer.kind == ANSWER_ALIAS;
	report_init(&handover->report);
	recipient->handover = handover;
	plan->nhandovers++;
	return 0;
}

/* Is the account's .forward no matter? A bare name has been through sendmail, which asked for it.
 */
static bool
is_final(const struct plan *plan, const struct recipient *recipient)
{
	return plan->settings->forward_files == FORWARD_IGNORE ||
	       strchr(recipient->original, '@') == NULL;
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
		failed = plan_copy(plan, recipient, is_final(plan, recipient), &err);
		break;
	case ANSWER_ALIAS:
	case ANSWER_FORWARD:
		failed = plan_handover(plan, recipient, &err);
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

int
plan_add(struct plan *plan, struct resolver *resolver, const char *original, struct buf *explain,
    struct err *err)
{
	struct recipient **more =
	    reallocarray(plan->recipients, plan->nrecipients + 1, sizeof(*more));
	struct recipient *recipient = more == NULL ? NULL : calloc(1, sizeof(*recipient));

	if (more != NULL)
		plan->recipients = more;
	if (recipient == NULL || (recipient->original = strdup(original)) == NULL) {
		free(recipient);
		return no_memory(err);
	}
	plan->recipients[plan->nrecipients++] = recipient;
	resolve(resolver, original, &recipient->answer, explain);
	plan_recipient(plan, recipient);
	return 0;
}

static void
free_recipient(struct recipient *recipient)
{
	answer_free(&recipient->answer);
	free_handover(recipient->handover);
	free(recipient->notify);
	free(recipient->orcpt);
	free(recipient->original);
	free(recipient);
}

void
plan_refuse_last(struct plan *plan, const struct outcome *outcome)
{
	struct recipient *recipient = plan->recipients[plan->nrecipients - 1];
	struct copy *copy = recipient->copy;

	recipient->outcome = *outcome;
	recipient->copy = NULL;
	plan->nhandovers -= recipient->handover != NULL;
	free_handover(recipient->handover);
	recipient->handover = NULL;
	if (copy == NULL)
		return;
	/* The last of the plan is the last of its copy, and of a new copy the only one. */
	copy->nrecipients--;
	if (copy->nrecipients == 0)
		free_copy(plan->copies[--plan->ncopies]);
}

void
plan_drop_last(struct plan *plan)
{
	free_recipient(plan->recipients[--plan->nrecipients]);
}

int
plan_copy_instead(
    struct plan *plan, struct recipient *recipient, struct resolver *resolver, struct err *err)
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
		result = plan_copy(plan, recipient, true, err) == -1 ? -1 : 1;
	}
	answer_free(&account);
	if (result == 1) {
		free_handover(recipient->handover);
		recipient->handover = NULL;
		plan->nhandovers--;
	}
	return result;
}

void
plan_free(struct plan *plan)
{
	for (size_t i = 0; i < plan->ncopies; i++)
		free_copy(plan->copies[i]);
	for (size_t i = 0; i < plan->nrecipients; i++)
		free_recipient(plan->recipients[i]);
	free(plan->copies);
	free(plan->recipients);
	plan_init(plan, plan->settings);
}

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
