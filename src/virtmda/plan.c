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

static bool
same_destination(
    const struct copy *copy, const struct account *account, const struct mailbox *mailbox)
{
	return copy->account->uid == account->uid && copy->account->gid == account->gid &&
	       copy->mailbox.format == mailbox->format &&
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
plan_copy(struct plan *plan, struct recipient *recipient, struct err *err)
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
		if (same_destination(plan->copies[i], account, &mailbox))
			copy = plan->copies[i];
	is_new = copy == NULL;
	if (is_new)
		copy = add_copy(plan, account, &mailbox, err);
	mailbox_free(&mailbox);
	if (copy == NULL)
		return -1;
	if (add_to_copy(copy, recipient, err) == 0)
		return 0;
	if (is_new) /* one that is for nobody */
		free_copy(plan->copies[--plan->ncopies]);
	return -1;
}

static void
plan_recipient(struct plan *plan, struct recipient *recipient)
{
	const struct answer *answer = &recipient->answer;
	struct err err;

	outcome_init(&recipient->outcome);
	if (answer->kind == ANSWER_ACCOUNT) {
		if (plan_copy(plan, recipient, &err) == -1)
			outcome_from_err(&recipient->outcome, &err);
	} else if ((size_t)answer->kind < sizeof(settle) / sizeof(settle[0])) {
		settle[answer->kind](&recipient->outcome, answer);
		outcome_reply(&recipient->outcome, answer->reply);
	}
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
	return recipient->copy != NULL || recipient->outcome.class == OUTCOME_DELIVERED;
}

const struct outcome *
plan_outcome(const struct recipient *recipient)
{
	return recipient->copy != NULL ? &recipient->copy->report.outcome : &recipient->outcome;
}
