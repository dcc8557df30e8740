/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A row for every message of a mailbox that fits, as it is found; nothing is kept, so a mailbox
 * may be as large as it likes. The last column may be as long as it is.
 */
#include "list.h"

#include <stdio.h>
#include <string.h>

#include "column.h"
#include "json.h"
#include "query.h"
#include "screen.h"

#define NUMBER_WIDTH 5
#define FLAGS_WIDTH  5
#define TEXT_WIDTH   40 /* where a row may be as long as it likes */
#define TEXT_MIN     12 /* on a terminal a text gets a quarter of the row, but */
#define TEXT_MAX     40
#define LAST_MIN     12
#define GAP          2

static const char default_names[] = "number,flags,date,size,from,subject";

struct listing {
	const struct peek *peek;
	struct column_list columns;
	struct query *query;
	size_t text_width, text_limit; /* columns; limit 0 for all it takes */
	size_t last_limit;
	size_t shown;
	struct column_value value;
	struct err *err;
};

/* ---- widths ---------------------------------------------------------------------------------- */

static size_t
size_width(const struct peek *peek)
{
	return peek->exact ? 10 : 5;
}

static size_t
width_of(const struct listing *l, const struct column *column)
{
	switch (column->kind) {
	case COLUMN_NUMBER:
		return NUMBER_WIDTH;
	case COLUMN_SIZE:
		return size_width(l->peek);
	case COLUMN_FLAGS:
		return FLAGS_WIDTH;
	case COLUMN_DATE:
		return screen_date_width(l->peek->exact);
	case COLUMN_TEXT:
		break;
	}
	return l->text_width;
}

static size_t
clamp(size_t value, size_t least, size_t most)
{
	return value < least ? least : value > most ? most : value;
}

/* On a terminal a row is a line: the last column gets what the others leave. */
static void
divide(struct listing *l)
{
	size_t width = screen_width(), taken = 0;

	l->text_width = TEXT_WIDTH;
	if (width == 0)
		return;
	l->text_width = l->text_limit = clamp(width / 4, TEXT_MIN, TEXT_MAX);
	for (size_t i = 0; i + 1 < l->columns.count; i++)
		taken += width_of(l, &l->columns.columns[i]) + GAP;
	l->last_limit = width > taken + LAST_MIN ? width - taken : LAST_MIN;
}

/* ---- for people ------------------------------------------------------------------------------ */

static void
print_heading(const struct listing *l)
{
	for (size_t i = 0; i < l->columns.count; i++) {
		const struct column *column = &l->columns.columns[i];
		bool right = column->kind == COLUMN_NUMBER || column->kind == COLUMN_SIZE;
		bool last = i + 1 == l->columns.count;

		screen_style(SCREEN_HEADING);
		screen_string(right ? SCREEN_RIGHT : SCREEN_LEFT,
		    last && !right ? 0 : width_of(l, column), column->heading);
		screen_style(SCREEN_PLAIN);
	}
	screen_end_row();
}

static void
print_flags(unsigned flags)
{
	char text[COLUMN_FLAGS_MAX];

	column_flags(flags, text);
	screen_string(SCREEN_LEFT, FLAGS_WIDTH, text);
}

/* `there`: column_value's answer. */
static void
print_value(const struct listing *l, const struct column *column, bool last, int there)
{
	const struct column_value *value = &l->value;
	size_t width = width_of(l, column);

	switch (column->kind) {
	case COLUMN_NUMBER:
	case COLUMN_SIZE:
		if (there == 0)
			screen_string(SCREEN_RIGHT, width, "-");
		else if (column->kind == COLUMN_SIZE)
			screen_size(width, value->number, l->peek->exact);
		else
			screen_number(width, value->number);
		return;
	case COLUMN_FLAGS:
		print_flags((unsigned)value->number);
		return;
	case COLUMN_DATE:
		screen_date(value->time, l->peek->exact);
		return;
	case COLUMN_TEXT:
		screen_cell(SCREEN_LEFT, last ? 0 : width, last ? l->last_limit : l->text_limit,
		    value->text.data, value->text.len);
		return;
	}
}

static int
print_row(struct listing *l, const struct scan_message *message)
{
	bool heading = l->shown++ == 0 && !l->peek->nul;

	if (heading)
		print_heading(l);
	if (message->flags & SCAN_FLAGGED)
		screen_style(SCREEN_FLAGGED);
	if (!(message->flags & SCAN_SEEN))
		screen_style(SCREEN_UNREAD);
	for (size_t i = 0; i < l->columns.count; i++) {
		const struct column *column = &l->columns.columns[i];
		int there = column_value(column, message, &l->value, l->err);

		if (there == -1)
			return -1;
		print_value(l, column, i + 1 == l->columns.count, there);
	}
	screen_end_row();
	return 0;
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static json_t *
json_value(const struct listing *l, const struct column *column, int there)
{
	const struct column_value *value = &l->value;

	if (there == 0)
		return json_null();
	switch (column->kind) {
	case COLUMN_NUMBER:
	case COLUMN_SIZE:
		return json_integer((json_int_t)value->number);
	case COLUMN_FLAGS:
		return json_flags((unsigned)value->number);
	case COLUMN_DATE:
		return json_date(value->time);
	case COLUMN_TEXT:
		break;
	}
	return json_text(value->text.data, value->text.len);
}

static int
print_json(struct listing *l, const struct scan_message *message)
{
	json_t *row = json_object();

	l->shown++;
	for (size_t i = 0; i < l->columns.count; i++) {
		const struct column *column = &l->columns.columns[i];
		int there = column_value(column, message, &l->value, l->err);

		if (there == -1) {
			json_decref(row);
			return -1;
		}
		json_put(row, column->name, json_value(l, column, there));
	}
	json_print(row, l->peek->nul);
	return 0;
}

/* ---------------------------------------------------------------------------------------------- */

static int
take(void *arg, const struct scan_message *message)
{
	struct listing *l = arg;
	int rc = query_match(l->query, message, l->err);

	if (rc == 1) {
		column_look(&l->columns, message);
		rc = l->peek->json ? print_json(l, message) : print_row(l, message);
	}
	if (rc == -1)
		return -1;
	/* Nobody reads on: why should we. */
	return ferror(stdout) ? 1 : 0;
}

static enum status
scan(struct listing *l, const char *account)
{
	struct mailbox mailbox = { 0 };
	enum status status = peek_enter(l->peek->settings, account, l->peek->folder, &mailbox);

	if (status != STATUS_OK)
		return status;
	divide(l);
	if (l->peek->nul)
		screen_for_programs();
	if (mailbox_scan(
	        &mailbox, query_wants(l->query) | column_wants(&l->columns), take, l, l->err) == -1)
		status = speech_fail(l->err);
	mailbox_free(&mailbox);
	return status;
}

enum status
list_messages(const struct peek *peek, int argc, char **argv, size_t *shown)
{
	struct err err;
	struct listing listing = { .peek = peek, .err = &err };
	enum status status = STATUS_USAGE;

	if (column_parse(
	        &listing.columns, peek->format != NULL ? peek->format : default_names, &err) == 0 &&
	    query_parse(&listing.query, argc - 1, argv + 1, time(NULL), &err) == 0)
		status = scan(&listing, argv[0]);
	else
		speech_complain("%s", err.text);
	*shown = listing.shown;
	query_free(listing.query);
	column_free(&listing.columns);
	buf_free(&listing.value.text);
	return status;
}
