/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * mailpeek accounts: a row for every account, its mailbox counted, and a row of totals. Without -a
 * only accounts that have a mailbox are shown: a host's passwd is full of others.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "meter.h"
#include "rank.h"
#include "screen.h"

#define FORMAT_WIDTH 7
#define COUNT_WIDTH  8
#define UNREAD_WIDTH 6
#define QUOTA_WIDTH  5
#define LOCK_WIDTH   7

struct overview {
	const struct peek *peek;
	size_t name_width, size_width;
	bool has_quota; /* of one at least, or all columns are wanted */
	bool has_locks; /* the same */
	size_t rows;
	struct mailbox_summary total;
};

/* ---- a row ----------------------------------------------------------------------------------- */

static void
print_heading(const struct overview *o)
{
	screen_style(SCREEN_HEADING);
	screen_string(SCREEN_LEFT, o->name_width, "ACCOUNT");
	screen_string(SCREEN_LEFT, FORMAT_WIDTH, "FORMAT");
	screen_string(SCREEN_RIGHT, COUNT_WIDTH, "MESSAGES");
	screen_string(SCREEN_RIGHT, UNREAD_WIDTH, "UNREAD");
	screen_string(SCREEN_RIGHT, o->size_width, "SIZE");
	if (o->has_quota)
		screen_string(SCREEN_RIGHT, QUOTA_WIDTH, "QUOTA");
	screen_string(SCREEN_LEFT, screen_date_width(o->peek->exact), "NEWEST");
	if (o->has_locks)
		screen_string(SCREEN_LEFT, LOCK_WIDTH, "LOCK");
	screen_string(SCREEN_LEFT, 0, "HEALTH");
	screen_end_row();
}

static const char *
lock_text(unsigned locks)
{
	static const char *const texts[] = {
		[0] = "-",
		[SCAN_LOCK_DOT] = "dotlock",
		[SCAN_LOCK_FCNTL] = "fcntl",
		[SCAN_LOCK_DOT | SCAN_LOCK_FCNTL] = "both",
	};

	if ((locks & SCAN_LOCK_STALE) != 0)
		return "stale";
	return texts[locks & (SCAN_LOCK_DOT | SCAN_LOCK_FCNTL)];
}

/* percent -1: there is no quota */
static void
print_counts(const struct overview *o, const struct mailbox_summary *summary, int percent)
{
	char text[16] = "-";

	screen_number(COUNT_WIDTH, summary->messages);
	screen_number(UNREAD_WIDTH, summary->unread);
	screen_size(o->size_width, summary->bytes, o->peek->exact);
	if (percent >= 0)
		snprintf(text, sizeof(text), "%d%%", percent);
	if (percent >= 80)
		screen_style(SCREEN_FLAGGED);
	if (o->has_quota)
		screen_string(SCREEN_RIGHT, QUOTA_WIDTH, text);
	if (percent >= 80)
		screen_style(SCREEN_PLAIN);
	screen_date(summary->newest, o->peek->exact);
}

static void
print_no_counts(const struct overview *o)
{
	screen_string(SCREEN_RIGHT, COUNT_WIDTH, "-");
	screen_string(SCREEN_RIGHT, UNREAD_WIDTH, "-");
	screen_string(SCREEN_RIGHT, o->size_width, "-");
	if (o->has_quota)
		screen_string(SCREEN_RIGHT, QUOTA_WIDTH, "-");
	screen_string(SCREEN_LEFT, screen_date_width(o->peek->exact), "-");
}

static void
print_health(const struct survey_entry *entry)
{
	char text[64];

	if (entry->state != SURVEY_DONE) {
		screen_string(SCREEN_LEFT, 0, entry->why != NULL ? entry->why : "not looked at");
		return;
	}
	snprintf(text, sizeof(text),
	    entry->summary.health == MAILBOX_FOREIGN ? "%s (uid %lu)" : "%s",
	    mailbox_health_text(entry->summary.health), (unsigned long)entry->summary.owner);
	screen_string(SCREEN_LEFT, 0, text);
}

static const char *
format_text(const struct survey_entry *entry)
{
	return entry->mailbox.path == NULL             ? "-"
	       : entry->mailbox.format == MAILBOX_MBOX ? "mbox"
	                                               : "maildir";
}

static void
print_row(struct overview *o, const struct survey_entry *entry)
{
	survey_print_name(o->name_width, entry);
	screen_string(SCREEN_LEFT, FORMAT_WIDTH, format_text(entry));
	if (survey_was_counted(entry))
		print_counts(o, &entry->summary, survey_percent(entry));
	else
		print_no_counts(o);
	if (o->has_locks)
		screen_string(SCREEN_LEFT, LOCK_WIDTH, lock_text(entry->summary.locks));
	print_health(entry);
	screen_end_row();
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static json_t *
json_locks(unsigned locks)
{
	json_t *list = json_array();

	if (((locks & SCAN_LOCK_DOT) &&
	        json_array_append_new(list, json_string("dotlock")) == -1) ||
	    ((locks & SCAN_LOCK_STALE) &&
	        json_array_append_new(list, json_string("stale")) == -1) ||
	    ((locks & SCAN_LOCK_FCNTL) && json_array_append_new(list, json_string("fcntl")) == -1))
		speech_no_memory();
	return list;
}

static json_t *
json_quota(const struct survey_entry *entry)
{
	int percent = survey_percent(entry);
	json_t *quota;

	if (percent < 0)
		return json_null();
	quota = json_object();
	json_put(quota, "bytes", json_count(entry->limits.bytes > 0, entry->limits.bytes));
	json_put(quota, "messages",
	    json_count(entry->limits.messages > 0 && entry->mailbox.format == MAILBOX_MAILDIR,
	        entry->limits.messages));
	json_put(quota, "percent", json_integer(percent));
	return quota;
}

static void
print_json(const struct overview *o, const struct survey_entry *entry)
{
	const bool counted = survey_was_counted(entry);
	const char *path = entry->mailbox.path, *name = entry->account.name;
	const char *why = entry->state == SURVEY_DONE ? mailbox_health_text(entry->summary.health)
	                  : entry->why != NULL        ? entry->why
	                                              : "not looked at";
	json_t *row = json_object();

	json_put(row, "account", json_text(name, strlen(name)));
	json_put(row, "format", path == NULL ? json_null() : json_string(format_text(entry)));
	json_put(row, "mailbox", path == NULL ? json_null() : json_text(path, strlen(path)));
	json_put(row, "messages", json_count(counted, entry->summary.messages));
	json_put(row, "unread", json_count(counted, entry->summary.unread));
	json_put(row, "size", json_count(counted, entry->summary.bytes));
	json_put(row, "quota", json_quota(entry));
	json_put(row, "newest", counted ? json_date(entry->summary.newest) : json_null());
	json_put(row, "locks", json_locks(entry->summary.locks));
	json_put(row, "health", json_text(why, strlen(why)));
	json_print(row, o->peek->nul);
}

/* ---------------------------------------------------------------------------------------------- */

static void
add_total(struct overview *o, const struct survey_entry *entry)
{
	o->rows++;
	o->total.messages += entry->summary.messages;
	o->total.unread += entry->summary.unread;
	o->total.bytes += entry->summary.bytes;
	if (entry->state == SURVEY_DONE && entry->summary.newest > o->total.newest)
		o->total.newest = entry->summary.newest;
}

static void
print_total(const struct overview *o)
{
	char rows[24];

	snprintf(rows, sizeof(rows), "%zu", o->rows);
	screen_string(SCREEN_LEFT, o->name_width, "total");
	screen_string(SCREEN_LEFT, FORMAT_WIDTH, rows);
	print_counts(o, &o->total, -1);
	screen_end_row();
}

/* Totals are of all accounts, whatever of them -n leaves out. */
static enum status
tell(struct overview *o, const struct survey *survey, const struct ranking *ranking)
{
	size_t count, left;
	const struct survey_entry **rows = rank(survey, ranking, o->peek->all, &count, &left);
	bool could_not_tell = false;

	for (size_t i = 0; i < survey->count; i++)
		could_not_tell |= survey->entries[i].state == SURVEY_FAILED;
	for (size_t i = 0; i < count + left; i++) {
		o->has_quota |= survey_percent(rows[i]) >= 0;
		o->has_locks |= rows[i]->summary.locks != 0;
		add_total(o, rows[i]);
	}
	if (!o->peek->json)
		peek_page(o->peek);
	if (o->peek->nul)
		screen_for_programs();
	if (count > 0 && !o->peek->json && !o->peek->nul)
		print_heading(o);
	for (size_t i = 0; i < count; i++) {
		if (o->peek->json)
			print_json(o, rows[i]);
		else
			print_row(o, rows[i]);
	}
	if (o->rows > 1 && !o->peek->json && !o->peek->nul)
		print_total(o);
	free(rows);
	return could_not_tell ? STATUS_LATER : STATUS_OK;
}

enum status
cmd_accounts(const struct peek *peek, int argc, char **argv)
{
	struct overview overview = { .peek = peek, .total = { .newest = (time_t)-1 } };
	struct ranking ranking;
	struct survey survey;
	enum status status;

	if (rank_parse(peek, RANK_AS_THEY_ARE, &ranking) == -1)
		return STATUS_USAGE;
	status = survey_accounts(peek->settings, argc, argv, &survey);
	if (status == STATUS_OK) {
		meter_start("mailpeek");
		survey_count(&survey, peek->settings);
		overview.name_width = survey_name_width(&survey, "ACCOUNT");
		overview.size_width = peek->exact ? 12 : 6;
		overview.has_quota = peek->nul;
		overview.has_locks = peek->nul || peek->exact;
		status = tell(&overview, &survey, &ranking);
	}
	survey_free(&survey);
	return status;
}
