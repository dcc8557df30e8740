/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * mailpeek accounts: a row for every account, its mailbox counted, and a row of totals. Without -a
 * only accounts that have a mailbox are shown: a host's passwd is full of others.
 */
#include <stdio.h>
#include <string.h>

#include "screen.h"
#include "survey.h"

#define NAME_NARROWEST 7
#define NAME_WIDEST    40 /* columns; a longer name pushes its own row only */
#define FORMAT_WIDTH   7
#define COUNT_WIDTH    8
#define LOCK_WIDTH     7

struct overview {
	const struct peek *peek;
	size_t name_width, size_width;
	size_t rows;
	bool could_not_tell;
	struct mailbox_summary total;
};

static void
choose_widths(struct overview *o, const struct survey_entry *entries, size_t count)
{
	o->name_width = NAME_NARROWEST;
	for (size_t i = 0; i < count; i++) {
		struct buf text = BUF_INIT;
		const char *name = entries[i].account.name;
		size_t columns = screen_text(&text, name, strlen(name), 0);

		if (columns > o->name_width && columns <= NAME_WIDEST)
			o->name_width = columns;
		buf_free(&text);
	}
	o->size_width = o->peek->exact ? 12 : 6;
}

static void
print_heading(const struct overview *o)
{
	screen_string(SCREEN_LEFT, o->name_width, "ACCOUNT");
	screen_string(SCREEN_LEFT, FORMAT_WIDTH, "FORMAT");
	screen_string(SCREEN_RIGHT, COUNT_WIDTH, "MESSAGES");
	screen_string(SCREEN_RIGHT, COUNT_WIDTH, "UNREAD");
	screen_string(SCREEN_RIGHT, o->size_width, "SIZE");
	screen_string(SCREEN_LEFT, screen_date_width(o->peek->exact), "NEWEST");
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

	return texts[locks & (SCAN_LOCK_DOT | SCAN_LOCK_FCNTL)];
}

/* Does what was found say anything about messages? */
static bool
was_counted(const struct survey_entry *entry)
{
	static const bool counted[] = {
		[MAILBOX_SOUND] = true,
		[MAILBOX_OTHER_FORMAT] = true,
		[MAILBOX_FOREIGN] = true,
		[MAILBOX_HARD_LINKED] = true,
	};

	return entry->state == SURVEY_DONE && counted[entry->summary.health];
}

static void
print_counts(const struct overview *o, const struct mailbox_summary *summary)
{
	screen_number(COUNT_WIDTH, summary->messages);
	screen_number(COUNT_WIDTH, summary->unread);
	screen_size(o->size_width, summary->bytes, o->peek->exact);
	screen_date(summary->newest, o->peek->exact);
}

static void
print_no_counts(const struct overview *o)
{
	screen_string(SCREEN_RIGHT, COUNT_WIDTH, "-");
	screen_string(SCREEN_RIGHT, COUNT_WIDTH, "-");
	screen_string(SCREEN_RIGHT, o->size_width, "-");
	screen_string(SCREEN_LEFT, screen_date_width(o->peek->exact), "-");
}

static void
print_health(const struct survey_entry *entry)
{
	char text[64];

	if (entry->state != SURVEY_DONE) {
		screen_string(SCREEN_LEFT, 0, entry->why.text);
		return;
	}
	snprintf(text, sizeof(text),
	    entry->summary.health == MAILBOX_FOREIGN ? "%s (uid %lu)" : "%s",
	    mailbox_health_text(entry->summary.health), (unsigned long)entry->summary.owner);
	screen_string(SCREEN_LEFT, 0, text);
}

static void
print_row(const struct overview *o, const struct survey_entry *entry)
{
	const char *format = entry->mailbox.path == NULL             ? "-"
	                     : entry->mailbox.format == MAILBOX_MBOX ? "mbox"
	                                                             : "maildir";

	screen_string(SCREEN_LEFT, o->name_width, entry->account.name);
	screen_string(SCREEN_LEFT, FORMAT_WIDTH, format);
	if (was_counted(entry))
		print_counts(o, &entry->summary);
	else
		print_no_counts(o);
	screen_string(SCREEN_LEFT, LOCK_WIDTH, lock_text(entry->summary.locks));
	print_health(entry);
	screen_end_row();
}

static bool
is_shown(const struct overview *o, const struct survey_entry *entry)
{
	if (o->peek->all || entry->state == SURVEY_FAILED)
		return true;
	return entry->state == SURVEY_DONE && entry->summary.health != MAILBOX_MISSING;
}

static void
print_entry(void *arg, const struct survey_entry *entry)
{
	struct overview *o = arg;

	if (entry->state == SURVEY_FAILED)
		o->could_not_tell = true;
	if (!is_shown(o, entry))
		return;
	if (o->rows++ == 0)
		print_heading(o);
	print_row(o, entry);
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
	print_counts(o, &o->total);
	screen_end_row();
}

enum status
cmd_accounts(const struct peek *peek, int argc, char **argv)
{
	struct overview overview = { .peek = peek, .total = { .newest = (time_t)-1 } };
	struct survey_entry *entries;
	size_t count;
	struct err err;

	(void)argc, (void)argv;
	if (survey_accounts(peek->settings, &entries, &count, &err) == -1) {
		speech_complain("%s", err.text);
		return STATUS_LATER;
	}
	choose_widths(&overview, entries, count);
	survey_run(peek->settings, entries, count, print_entry, &overview);
	if (overview.rows > 1)
		print_total(&overview);
	survey_free(entries, count);
	return overview.could_not_tell ? STATUS_LATER : STATUS_OK;
}
