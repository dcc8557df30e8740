/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The copies of a plan: one for each mailbox and folder, however many recipients lead there.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "plan_ways.h"

static bool
is_same(const char *a, const char *b)
{
	return strcmp(a != NULL ? a : "", b != NULL ? b : "") == 0;
}

static bool
is_destination(
    const struct copy *copy, const struct account *account, const struct mailbox *mailbox)
{
	return copy->account->uid == account->uid && copy->account->gid == account->gid &&
	       copy->mailbox.format == mailbox->format &&
	       is_same(copy->mailbox.path, mailbox->path) &&
	       is_same(copy->mailbox.folder, mailbox->folder);
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

/* Takes the mailbox. */
static struct copy *
add_copy(struct plan *plan, const struct account *account, struct mailbox *mailbox, struct err *err)
{
	struct copy **more = reallocarray(plan->copies, plan->ncopies + 1, sizeof(*more));
	struct copy *copy = more == NULL ? NULL : calloc(1, sizeof(*copy));

	if (more != NULL)
		plan->copies = more;
	if (copy == NULL) {
		err_set(err, ENOMEM, "plan a delivery");
		return NULL;
	}
	copy->account = account;
	copy->mailbox = *mailbox;
	*mailbox = (struct mailbox){ 0 };
	copy->final = true;
	report_init(&copy->report);
	plan->copies[plan->ncopies++] = copy;
	return copy;
}

void
plan_copy_free(struct copy *copy)
{
	mailbox_free(&copy->mailbox);
	free(copy->recipients);
	free(copy);
}

int
plan_copy_join(struct plan *plan, struct recipient *recipient, struct err *err)
{
	const struct account *account = &recipient->answer.account;
	struct mailbox mailbox = { 0 };
	struct copy *copy = NULL;

	if (locate(&mailbox, &recipient->answer, plan->settings, err) == -1) {
		mailbox_free(&mailbox);
		return -1;
	}
	for (size_t i = 0; i < plan->ncopies && copy == NULL; i++)
		if (is_destination(plan->copies[i], account, &mailbox))
			copy = plan->copies[i];
	if (copy == NULL)
		copy = add_copy(plan, account, &mailbox, err);
	mailbox_free(&mailbox);
	if (copy == NULL)
		return -1;
	if (plan_list(&copy->recipients, &copy->nrecipients, recipient->original, err) == -1) {
		if (copy->nrecipients == 0) /* one that is for nobody */
			plan_copy_free(plan->copies[--plan->ncopies]);
		return -1;
	}
	copy->final = copy->final && recipient->final;
	recipient->copy = copy;
	return 0;
}

/* Without this one it may be final again. */
static void
see_who_is_left(const struct plan *plan, struct copy *copy)
{
	copy->final = true;
	for (size_t i = 0; i < plan->nrecipients; i++)
		if (plan->recipients[i]->copy == copy && !plan->recipients[i]->final)
			copy->final = false;
}

void
plan_copy_leave_last(struct plan *plan, struct recipient *recipient)
{
	struct copy *copy = recipient->copy;

	recipient->copy = NULL;
	copy->nrecipients--;
	if (copy->nrecipients > 0)
		see_who_is_left(plan, copy);
	else
		plan_copy_free(plan->copies[--plan->ncopies]);
}
