/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The accounts are asked with the caller's rights, the mailboxes counted by a crew. What comes back
 * from there is a summary of fixed size, of which nothing is believed but numbers.
 */
#include "survey.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "crew.h"
#include "screen.h"

#define NAME_WIDEST    40 /* columns */
#define NAME_NARROWEST 16
#define ROW_WIDTH      61 /* what stands behind it in the rows of `accounts` */

/* ---- the list -------------------------------------------------------------------------------- */

struct list {
	const struct settings *settings;
	struct survey *survey;
	size_t room;
};

static char *
copy(const char *text)
{
	char *out = text == NULL ? NULL : strdup(text);

	if (text != NULL && out == NULL)
		speech_no_memory();
	return out;
}

void
survey_fail(struct survey_entry *entry, const struct err *err)
{
	entry->state = err->num == EPERM ? SURVEY_FORBIDDEN : SURVEY_FAILED;
	free(entry->why);
	entry->why = copy(err->text);
}

/* Accounts that this process could not become, and why not. */
static void
note_forbidden(const struct settings *settings, struct survey_entry *entry)
{
	const uid_t self = geteuid();
	const char *why;

	if (entry->account.uid == 0 || entry->account.uid < settings->min_uid)
		why = "no mail: uid is below min_uid";
	else if (self != 0 && entry->account.uid != self)
		why = "another user's";
	else
		return;
	entry->state = SURVEY_FORBIDDEN;
	entry->why = copy(why);
}

static int
add_account(void *arg, const struct account *account)
{
	struct list *list = arg;
	struct survey *survey = list->survey;
	struct survey_entry *entry;
	struct err err;

	if (survey->count == list->room) {
		size_t room = list->room == 0 ? 64 : 2 * list->room;

		entry = reallocarray(survey->entries, room, sizeof(*entry));
		if (entry == NULL)
			speech_no_memory();
		survey->entries = entry;
		list->room = room;
	}
	entry = &survey->entries[survey->count++];
	memset(entry, 0, sizeof(*entry));
	entry->account = *account;
	entry->account.name = copy(account->name);
	entry->account.home = copy(account->home);
	entry->account.mailbox = copy(account->mailbox);
	entry->account.quota_rule = copy(account->quota_rule);
	note_forbidden(list->settings, entry);
	if (peek_locate(list->settings, account, &entry->mailbox, &err) == -1 &&
	    entry->state != SURVEY_FORBIDDEN)
		entry->why = copy(err.text);
	return 0;
}

static enum status
add_named(struct list *list, struct accounts *accounts, const char *name)
{
	struct account account;
	struct err err;
	int found = accounts_find(accounts, name, &account, &err);

	if (found == 0)
		return peek_unknown(name);
	if (found == -1) {
		speech_complain("%s", err.text);
		return STATUS_LATER;
	}
	add_account(list, &account);
	account_free(&account);
	return STATUS_OK;
}

enum status
survey_accounts(const struct settings *settings, int argc, char **argv, struct survey *out)
{
	struct list list = { .settings = settings, .survey = out };
	struct accounts *accounts;
	enum status status = STATUS_OK;
	struct err err;

	*out = (struct survey){ 0 };
	if (accounts_open(&accounts, settings->accounts, settings->accounts_canary, geteuid() == 0,
	        &err) == -1) {
		speech_complain("%s", err.text);
		return STATUS_LATER;
	}
	for (int i = 0; status == STATUS_OK && i < argc; i++)
		status = add_named(&list, accounts, argv[i]);
	if (argc == 0 && accounts_each(accounts, add_account, &list, &err) == -1) {
		speech_complain("%s", err.text);
		status = STATUS_LATER;
	}
	accounts_close(accounts);
	return status;
}

void
survey_free(struct survey *survey)
{
	for (size_t i = 0; i < survey->count; i++) {
		account_free(&survey->entries[i].account);
		mailbox_free(&survey->entries[i].mailbox);
		free(survey->entries[i].why);
	}
	free(survey->entries);
	*survey = (struct survey){ 0 };
}

const struct account *
survey_account(const struct survey *survey, size_t i)
{
	const struct survey_entry *entry = &survey->entries[i];

	return entry->state == SURVEY_FAILED && entry->mailbox.path != NULL ? &entry->account
	                                                                    : NULL;
}

bool
survey_was_counted(const struct survey_entry *entry)
{
	return entry->state == SURVEY_DONE && mailbox_was_counted(entry->summary.health);
}

bool
survey_is_there(const struct survey_entry *entry)
{
	if (entry->state == SURVEY_FAILED)
		return true;
	return entry->state == SURVEY_DONE && entry->summary.health != MAILBOX_MISSING;
}

bool
survey_is_unknown(const struct survey_entry *entry)
{
	return !survey_was_counted(entry) &&
	       (entry->state != SURVEY_DONE || entry->summary.health != MAILBOX_MISSING);
}

bool
survey_complain(const struct survey *survey)
{
	bool any = false;

	for (size_t i = 0; i < survey->count; i++) {
		const struct survey_entry *entry = &survey->entries[i];
		const char *why = entry->why != NULL ? entry->why : "not looked at";

		if (!survey_is_there(entry) || survey_was_counted(entry))
			continue;
		if (entry->state == SURVEY_DONE)
			why = mailbox_health_text(entry->summary.health);
		speech_complain("%s: %s", entry->account.name, why);
		any = true;
	}
	return any;
}

/* ---- counting -------------------------------------------------------------------------------- */

struct folders {
	uid_t owner;
	struct mailbox_summary *sum;
	struct err *err;
};

/* The inbox says how healthy the mailbox is; folders add to the numbers. */
static int
add_folder(void *arg, const struct mailbox *folder, const char *name)
{
	struct folders *f = arg;
	struct mailbox_summary one;

	if (mailbox_summarise(folder, f->owner, &one, f->err) == -1)
		return -1;
	if (*name == '\0') {
		*f->sum = one;
		return 0;
	}
	f->sum->messages += one.messages;
	f->sum->unread += one.unread;
	f->sum->bytes += one.bytes;
	if (one.newest > f->sum->newest)
		f->sum->newest = one.newest;
	return 0;
}

static const struct account *
whose(void *arg, size_t i)
{
	return survey_account(arg, i);
}

static int
count(void *arg, size_t i, struct buf *report, struct err *err)
{
	const struct survey *survey = arg;
	const struct survey_entry *entry = &survey->entries[i];
	struct mailbox_summary sum;
	struct folders folders = { .owner = entry->account.uid, .sum = &sum, .err = err };

	memset(&sum, 0, sizeof(sum));
	if (mailbox_folders(&entry->mailbox, add_folder, &folders, err) == -1)
		return -1;
	if (buf_add(report, &sum, sizeof(sum)) == -1)
		return err_set(err, ENOMEM, "count %s", entry->mailbox.path);
	return 0;
}

static void
take(void *arg, size_t i, const struct buf *report, const struct err *why)
{
	const struct survey *survey = arg;
	struct survey_entry *entry = &survey->entries[i];
	struct mailbox_summary sum = { .health = MAILBOX_HEALTHS };
	struct err err;

	if (report == NULL) {
		survey_fail(entry, why);
		return;
	}
	if (report->len == sizeof(sum))
		memcpy(&sum, report->data, sizeof(sum));
	if ((unsigned)sum.health >= MAILBOX_HEALTHS) {
		err_set(&err, 0, CREW_NONSENSE);
		survey_fail(entry, &err);
		return;
	}
	entry->state = SURVEY_DONE;
	entry->summary = sum;
}

void
survey_count(struct survey *survey, const struct settings *settings)
{
	const struct crew crew = {
		.min_uid = settings->min_uid,
		.doing = "counting mailboxes",
		.count = survey->count,
		.arg = survey,
		.account = whose,
		.work = count,
		.done = take,
	};
	struct err err;

	for (size_t i = 0; i < survey->count; i++) {
		struct survey_entry *entry = &survey->entries[i];

		/* A rule that is not understood limits nothing here; virtmap check tells it. */
		if (quota_limits(
		        &entry->limits, settings->quota, entry->account.quota_rule, &err) == -1)
			entry->limits = (struct quota){ 0 };
	}
	crew_run(&crew);
}

int
survey_percent(const struct survey_entry *entry)
{
	const struct quota used = { .bytes = entry->summary.bytes,
		.messages = entry->summary.messages };
	struct quota limits = entry->limits;

	/* An mbox is limited in bytes only. */
	if (entry->mailbox.format == MAILBOX_MBOX)
		limits.messages = 0;
	if (!quota_limited(&limits) || !survey_was_counted(entry))
		return -1;
	return (int)quota_percent(&limits, &used);
}

/* Columns that a name may take; a longer one is cut on a terminal, and pushes its row elsewhere. */
static size_t
name_widest(void)
{
	const size_t width = screen_width();

	if (width == 0 || width > NAME_WIDEST + ROW_WIDTH)
		return NAME_WIDEST;
	return width < NAME_NARROWEST + ROW_WIDTH ? NAME_NARROWEST : width - ROW_WIDTH;
}

size_t
survey_name_width(const struct survey *survey, const char *heading)
{
	const size_t widest = name_widest();
	size_t width = strlen(heading);

	for (size_t i = 0; i < survey->count; i++) {
		struct buf text = BUF_INIT;
		const char *name = survey->entries[i].account.name;
		size_t columns = screen_text(&text, name, strlen(name), 0);

		if (columns > widest && screen_width() > 0)
			columns = widest;
		if (columns > width && columns <= widest)
			width = columns;
		buf_free(&text);
	}
	return width;
}

void
survey_print_name(size_t width, const struct survey_entry *entry)
{
	const char *name = entry->account.name;

	screen_cell(SCREEN_LEFT, width, screen_width() > 0 ? name_widest() : 0, name, strlen(name));
}
