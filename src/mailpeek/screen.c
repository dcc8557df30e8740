/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The one way to standard output for text that came with mail. text_vis takes out what a
 * terminal would obey; here the rest is brought into the terminal's charset, measured and
 * cut. A byte of UTF-8 that reaches a terminal of another charset could be a control character
 * there, so nothing is printed that the locale's charset cannot say.
 */
#include "screen.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#include "mailpeek.h"
#include "text.h"

#define COMBINING_MAX 4 /* marks on one character; more would be painted over the rows around */
#define COLUMNS_MIN   40

bool
screen_is_terminal(void)
{
	return isatty(STDOUT_FILENO) == 1;
}

size_t
screen_width(void)
{
	struct winsize size;
	const char *columns = getenv("COLUMNS");
	size_t width = 80;

	if (!screen_is_terminal())
		return 0;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
		width = size.ws_col;
	else if (columns != NULL && atoi(columns) > 0)
		width = (size_t)atoi(columns);
	return width < COLUMNS_MIN ? COLUMNS_MIN : width;
}

/* ---- text ----------------------------------------------------------------------------------- */

static void
add(struct buf *out, const void *data, size_t len)
{
	if (buf_add(out, data, len) == -1)
		speech_no_memory();
}

/* The code point at *p, which text_vis has left well-formed; *p moves behind it. */
static wchar_t
next_code(const unsigned char **p)
{
	static const unsigned char masks[] = { 0x7f, 0x7f, 0x1f, 0x0f, 0x07 };
	int len = **p < 0x80 ? 1 : **p < 0xe0 ? 2 : **p < 0xf0 ? 3 : 4;
	wchar_t code = *(*p)++ & masks[len];

	while (--len > 0)
		code = (code << 6) | (*(*p)++ & 0x3f);
	return code;
}

/* A character as the locale writes it. Returns its columns. What the C library knows no width for
 * (it is older than the character) takes one. */
static size_t
add_code(struct buf *out, wchar_t code, unsigned *combining)
{
	char bytes[MB_LEN_MAX];
	mbstate_t state = { 0 };
	int width = wcwidth(code);
	size_t len;

	*combining = width == 0 ? *combining + 1 : 0;
	len = *combining > COMBINING_MAX ? (size_t)-1 : wcrtomb(bytes, code, &state);
	if (len == (size_t)-1) {
		add(out, "?", 1);
		return 1;
	}
	add(out, bytes, len);
	return width < 0 ? 1 : (size_t)width;
}

/* What says "cut here", one column wide. */
static void
add_mark(struct buf *out)
{
	unsigned combining = 0;
	size_t before = out->len;

	(void)add_code(out, L'\u2026', &combining);
	if (out->len == before + 1)
		out->data[before] = '>';
}

size_t
screen_text(struct buf *out, const void *data, size_t len, size_t limit)
{
	struct buf safe = BUF_INIT;
	const unsigned char *p, *end;
	size_t columns = 0, room_len = out->len, room_columns = 0;
	unsigned combining = 0;

	/* No column takes more bytes than this: the rest would be cut anyway. */
	if (limit > 0 && len > (limit + 1) * 4 * (COMBINING_MAX + 1))
		len = (limit + 1) * 4 * (COMBINING_MAX + 1);
	if (len == 0)
		return 0;
	if (text_vis(&safe, data, len) == -1)
		speech_no_memory();
	p = safe.data;
	end = p + safe.len;
	while (p < end && (limit == 0 || columns <= limit)) {
		/* Up to here there is room for the mark. */
		if (columns < limit) {
			room_len = out->len;
			room_columns = columns;
		}
		columns += add_code(out, next_code(&p), &combining);
	}
	if (limit > 0 && columns > limit) {
		out->len = room_len;
		add_mark(out);
		columns = room_columns + 1;
	}
	buf_free(&safe);
	return columns;
}

/* ---- cells ---------------------------------------------------------------------------------- */

/* Blanks owed before the next cell of this row. */
static size_t owed;

static void
pad(size_t n)
{
	printf("%*s", (int)n, "");
}

void
screen_cell(enum screen_side side, size_t width, size_t limit, const void *data, size_t len)
{
	struct buf text = BUF_INIT;
	size_t columns = screen_text(&text, data, len, limit);
	size_t rest = columns < width ? width - columns : 0;

	pad(owed + (side == SCREEN_RIGHT ? rest : 0));
	if (text.len > 0) /* empty, data is NULL, which fwrite must not be given */
		fwrite(text.data, 1, text.len, stdout);
	owed = 2 + (side == SCREEN_LEFT ? rest : 0);
	buf_free(&text);
}

void
screen_string(enum screen_side side, size_t width, const char *string)
{
	screen_cell(side, width, 0, string, strlen(string));
}

void
screen_number(size_t width, uint64_t number)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, number);
	screen_string(SCREEN_RIGHT, width, text);
}

void
screen_size(size_t width, uint64_t bytes, bool exact)
{
	static const char units[] = "KMGTPE";
	double value = (double)bytes;
	char text[24];
	int unit = -1;

	if (exact || bytes < 1024) {
		screen_number(width, bytes);
		return;
	}
	for (; value >= 1023.5 && units[unit + 1] != '\0'; unit++)
		value /= 1024;
	snprintf(text, sizeof(text), value < 9.95 ? "%.1f%c" : "%.0f%c", value, units[unit]);
	screen_string(SCREEN_RIGHT, width, text);
}

size_t
screen_date_width(bool exact)
{
	return exact ? strlen("1970-01-01T00:00:00+0000") : strlen("1970-01-01 00:00");
}

void
screen_date(time_t time, bool exact)
{
	char text[64] = "-";
	struct tm tm;

	if (time != (time_t)-1 && localtime_r(&time, &tm) != NULL)
		strftime(text, sizeof(text), exact ? "%Y-%m-%dT%H:%M:%S%z" : "%Y-%m-%d %H:%M", &tm);
	screen_string(SCREEN_LEFT, screen_date_width(exact), text);
}

void
screen_end_row(void)
{
	putchar('\n');
	owed = 0;
}
