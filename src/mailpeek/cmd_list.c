/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * mailpeek list: a row for every message of a mailbox, as it is found; nothing is kept, so a
 * mailbox may be as large as it likes. The date is the delivery's, not the one that the sender
 * wrote. The subject comes last, where it may be as long as it is.
 */
#include <stdio.h>
#include <string.h>

#include "field.h"
#include "mailpeek.h"
#include "screen.h"

#define NUMBER_WIDTH 5
#define FLAGS_WIDTH  5
#define FROM_WIDTH   40 /* where a row may be as long as it likes */
#define FROM_MIN     12 /* on a terminal From gets a quarter of the row, but */
#define FROM_MAX     40
#define SUBJECT_MIN  12

struct listing {
	const struct peek *peek;
	size_t size_width, from_width;
	size_t from_limit, subject_limit; /* columns, 0 for all it takes */
	struct buf value;
};

/* Letters of what is set, "-" for a message that was read and nothing else. */
static void
flags_text(unsigned flags, char out[8])
{
	static const struct {
		unsigned flag;
		char letter;
	} letters[] = {
		{ SCAN_ANSWERED, 'A' },
		{ SCAN_FLAGGED, 'F' },
		{ SCAN_PASSED, 'P' },
		{ SCAN_DRAFT, 'T' },
		{ SCAN_DELETED, 'D' },
	};
	char *p = out;

	if (!(flags & SCAN_SEEN))
		*p++ = flags & SCAN_RECENT ? 'N' : 'U';
	for (size_t i = 0; i < sizeof(letters) / sizeof(letters[0]); i++)
		if (flags & letters[i].flag)
			*p++ = letters[i].letter;
	if (p == out)
		*p++ = '-';
	*p = '\0';
}

static void
print_heading(const struct listing *l)
{
	screen_string(SCREEN_RIGHT, NUMBER_WIDTH, "NR");
	screen_string(SCREEN_LEFT, FLAGS_WIDTH, "FLAGS");
	screen_string(SCREEN_LEFT, screen_date_width(l->peek->exact), "DELIVERED");
	screen_string(SCREEN_RIGHT, l->size_width, "SIZE");
	screen_string(SCREEN_LEFT, l->from_width, "FROM");
	screen_string(SCREEN_LEFT, 0, "SUBJECT");
	screen_end_row();
}

static void
print_field(struct listing *l, const struct scan_message *message, const char *name, size_t width,
    size_t limit)
{
	(void)field_get(message->header, message->header_len, name, &l->value);
	screen_cell(SCREEN_LEFT, width, limit, l->value.data, l->value.len);
}

static int
print_message(void *arg, const struct scan_message *message)
{
	struct listing *l = arg;
	char flags[8];

	if (message->number == 1)
		print_heading(l);
	flags_text(message->flags, flags);
	screen_number(NUMBER_WIDTH, message->number);
	screen_string(SCREEN_LEFT, FLAGS_WIDTH, flags);
	screen_date(message->received, l->peek->exact);
	screen_size(l->size_width, message->size, l->peek->exact);
	print_field(l, message, "From", l->from_width, l->from_limit);
	print_field(l, message, "Subject", 0, l->subject_limit);
	screen_end_row();
	/* Nobody reads on: why should we. */
	return ferror(stdout) ? 1 : 0;
}

static size_t
clamp(size_t value, size_t least, size_t most)
{
	return value < least ? least : value > most ? most : value;
}

/* On a terminal a row is a line: From and Subject share what the other columns leave. */
static void
divide(struct listing *l)
{
	size_t width = screen_width(), taken;

	l->size_width = l->peek->exact ? 10 : 5;
	l->from_width = FROM_WIDTH;
	if (width == 0)
		return;
	l->from_width = l->from_limit = clamp(width / 4, FROM_MIN, FROM_MAX);
	taken = NUMBER_WIDTH + FLAGS_WIDTH + screen_date_width(l->peek->exact) + l->size_width +
	        l->from_width + 5 * 2;
	l->subject_limit = width > taken + SUBJECT_MIN ? width - taken : SUBJECT_MIN;
}

enum status
cmd_list(const struct peek *peek, char **argv)
{
	struct listing listing = { .peek = peek };
	struct mailbox mailbox = { 0 };
	enum status status = peek_enter(peek->settings, argv[0], &mailbox);
	struct err err;

	if (status != STATUS_OK)
		return status;
	divide(&listing);
	if (mailbox_scan(&mailbox, SCAN_WANT_HEADER, print_message, &listing, &err) == -1)
		status = speech_fail(&err);
	buf_free(&listing.value);
	mailbox_free(&mailbox);
	return status;
}
