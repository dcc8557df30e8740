/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Rows of cells on standard output: what a terminal is asked for, blanks between cells, styles.
 * Text comes through screen_text.
 */
#include "screen.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "mailpeek.h"
#include "pager.h"

#define COLUMNS_MIN 40

bool
screen_is_terminal(void)
{
	return pager_on_terminal();
}

size_t
screen_width(void)
{
	size_t width = pager_columns();

	return width > 0 && width < COLUMNS_MIN ? COLUMNS_MIN : width;
}

size_t
screen_rows(void)
{
	return pager_rows();
}

/* The row that is being made. */
static struct {
	struct buf text;
	size_t owed; /* blanks before the next cell */
	bool is_styled;
	bool for_programs;
	size_t cells;
	struct buf aside; /* a cell that blanks go before */
	enum { UNKNOWN, PLAIN, COLOURED } colour;
} row;

static void
pad(size_t n)
{
	if (buf_reserve(&row.text, n) == -1)
		speech_no_memory();
	if (n > 0)
		memset(row.text.data + row.text.len, ' ', n);
	row.text.len += n;
}

void
screen_for_programs(void)
{
	row.for_programs = true;
}

/* Asked once: the answer costs a system call. */
static bool
may_colour(void)
{
	if (row.colour == UNKNOWN)
		row.colour = pager_may_colour() ? COLOURED : PLAIN;
	return row.colour == COLOURED;
}

void
screen_style(enum screen_style style)
{
	/* SGR (ECMA-48 8.3.117). */
	static const char *const codes[] = {
		[SCREEN_PLAIN] = "\033[0m",
		[SCREEN_HEADING] = "\033[4m",
		[SCREEN_UNREAD] = "\033[1m",
		[SCREEN_FLAGGED] = "\033[33m",
		[SCREEN_NOTE] = "\033[2m",
	};

	if ((style == SCREEN_PLAIN && !row.is_styled) || row.for_programs || !may_colour())
		return;
	peek_add(&row.text, codes[style], strlen(codes[style]));
	row.is_styled = style != SCREEN_PLAIN;
}

void
screen_cell(enum screen_side side, size_t width, size_t limit, const void *data, size_t len)
{
	size_t columns, rest;

	if (row.for_programs) {
		if (row.cells++ > 0)
			peek_add(&row.text, "\t", 1);
		screen_text(&row.text, data, len, 0);
		return;
	}
	if (side == SCREEN_LEFT && len == 0) {
		row.owed += width + 2;
		return;
	}
	if (side == SCREEN_LEFT) {
		pad(row.owed);
		columns = screen_text(&row.text, data, len, limit);
		row.owed = 2 + (columns < width ? width - columns : 0);
		return;
	}
	buf_clear(&row.aside);
	columns = screen_text(&row.aside, data, len, limit);
	rest = columns < width ? width - columns : 0;
	pad(row.owed + rest);
	peek_add(&row.text, row.aside.data, row.aside.len);
	row.owed = 2;
}

void
screen_string(enum screen_side side, size_t width, const char *string)
{
	screen_cell(side, width, 0, string, strlen(string));
}

void
screen_number(size_t width, uint64_t number)
{
	char digits[24], *p = digits + sizeof(digits);

	do
		*--p = (char)('0' + number % 10);
	while ((number /= 10) > 0);
	screen_cell(SCREEN_RIGHT, width, 0, p, (size_t)(digits + sizeof(digits) - p));
}

void
screen_size_text(uint64_t bytes, bool exact, char out[SCREEN_SIZE_MAX])
{
	static const char units[] = "KMGTPE";
	double value = (double)bytes;
	int unit = -1;

	if (exact || bytes < 1024) {
		snprintf(out, SCREEN_SIZE_MAX, "%" PRIu64, bytes);
		return;
	}
	for (; value >= 1023.5 && units[unit + 1] != '\0'; unit++)
		value /= 1024;
	snprintf(out, SCREEN_SIZE_MAX, value < 9.95 ? "%.1f%c" : "%.0f%c", value, units[unit]);
}

void
screen_size(size_t width, uint64_t bytes, bool exact)
{
	char text[SCREEN_SIZE_MAX];

	if (exact || bytes < 1024) {
		screen_number(width, bytes);
		return;
	}
	screen_size_text(bytes, exact, text);
	screen_string(SCREEN_RIGHT, width, text);
}

void
screen_date(time_t time, bool exact)
{
	char text[SCREEN_DATE_MAX];

	screen_date_text(time, exact, text);
	screen_string(SCREEN_LEFT, screen_date_width(exact), text);
}

void
screen_end_row(void)
{
	screen_style(SCREEN_PLAIN);
	peek_add(&row.text, row.for_programs ? "" : "\n", 1);
	fwrite(row.text.data, 1, row.text.len, stdout);
	buf_clear(&row.text);
	row.owed = row.cells = 0;
}

void
screen_join(void)
{
	row.owed = 1;
}
