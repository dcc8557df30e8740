/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The one way to standard output for text that came with mail. text_vis takes out what a
 * terminal would obey; here the rest is brought into the terminal's charset, measured and
 * cut. A byte of UTF-8 that reaches a terminal of another charset could be a control character
 * there, so nothing is printed that the locale's charset cannot say.
 */
#include <langinfo.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "mailpeek.h"
#include "screen.h"
#include "text.h"

#define COMBINING_MAX 4 /* marks on one character; more would be painted over the rows around */
#define COLUMN_BYTES  ((size_t)4 * (COMBINING_MAX + 1)) /* at most, of text_vis's */
#define NO_LIMIT      (SIZE_MAX / COLUMN_BYTES - 1)

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

/* Text as it is painted. */
struct painted {
	struct buf *out;
	size_t columns;
	unsigned combining; /* marks on the last character */
	bool is_utf8;       /* what the locale writes */
};

static struct painted
paint_on(struct buf *out)
{
	return (
	    struct painted){ .out = out, .is_utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0 };
}

/* A character beyond ASCII, `len` bytes of UTF-8, as the locale writes it. What the C library knows
 * no width for (it is older than the character) takes one column. */
static void
paint_wide(struct painted *t, wchar_t code, const unsigned char *utf8, size_t len)
{
	char bytes[MB_LEN_MAX];
	const void *written = utf8;
	mbstate_t state = { 0 };
	int width = wcwidth(code);

	t->combining = width == 0 ? t->combining + 1 : 0;
	if (!t->is_utf8) {
		len = wcrtomb(bytes, code, &state);
		written = bytes;
	}
	if (t->combining > COMBINING_MAX || len == (size_t)-1) {
		peek_add(t->out, "?", 1);
		t->columns++;
		return;
	}
	peek_add(t->out, written, len);
	t->columns += width < 0 ? 1 : (size_t)width;
}

/* The character at *p, which text_vis has been over; *p moves behind it. */
static void
paint(struct painted *t, const unsigned char **p)
{
	const unsigned char *start = *p;

	if (*start >= 0x80) {
		wchar_t code = next_code(p);

		paint_wide(t, code, start, (size_t)(*p - start));
		return;
	}
	peek_add(t->out, start, 1);
	t->columns++;
	t->combining = 0;
	(*p)++;
}

/* All but the last of what text_plain passes at *p, of `most` characters of it. */
static void
paint_run(struct painted *t, const unsigned char **p, const unsigned char *end, size_t most)
{
	size_t n = text_plain(*p, (size_t)(end - *p));

	if (n > most)
		n = most;
	if (n < 2)
		return;
	peek_add(t->out, *p, n - 1);
	t->columns += n - 1;
	*p += n - 1;
}

/* What says "cut here", one column wide. */
static void
paint_mark(struct painted *t)
{
	static const char mark[] = "\xe2\x80\xa6";
	size_t before = t->out->len;

	paint_wide(t, L'\u2026', (const unsigned char *)mark, strlen(mark));
	if (t->out->len == before + 1)
		t->out->data[before] = '>';
}

size_t
screen_text(struct buf *out, const void *data, size_t len, size_t limit)
{
	struct buf safe = BUF_INIT;
	struct painted text;
	const unsigned char *p, *end;
	size_t room_len = out->len, room_columns = 0;

	if (limit == 0)
		limit = NO_LIMIT;
	if (len > (limit + 1) * COLUMN_BYTES) /* the rest would be cut anyway */
		len = (limit + 1) * COLUMN_BYTES;
	if (len <= limit && text_plain(data, len) == len) {
		peek_add(out, data, len);
		return len;
	}
	if (text_vis(&safe, data, len) == -1)
		speech_no_memory();
	text = paint_on(out);
	p = safe.data;
	end = p + safe.len;
	while (p < end && text.columns <= limit) {
		if (text.columns < limit) {
			paint_run(&text, &p, end, limit - text.columns);
			/* Up to here there is room for the mark. */
			room_len = out->len;
			room_columns = text.columns;
		}
		paint(&text, &p);
	}
	if (text.columns > limit) {
		out->len = room_len;
		paint_mark(&text);
		text.columns = room_columns + 1;
	}
	buf_free(&safe);
	return text.columns;
}

void
screen_line(const void *data, size_t len)
{
	struct buf safe = BUF_INIT;

	(void)screen_text(&safe, data, len, 0);
	if (safe.len > 0) /* empty, data is NULL, which fwrite must not be given */
		fwrite(safe.data, 1, safe.len, stdout);
	buf_free(&safe);
}

void
screen_body_line(const void *data, size_t len)
{
	const unsigned char *p = data, *end = p + len;
	struct buf out = BUF_INIT;
	size_t columns = 0;

	while (p < end) {
		const unsigned char *start = p;

		while (p < end && *p != '\t' && *p != '\\')
			p++;
		columns += screen_text(&out, start, (size_t)(p - start), 0);
		if (p == end)
			break;
		if (*p++ == '\\') {
			peek_add(&out, "\\", 1);
			columns++;
			continue;
		}
		do
			peek_add(&out, " ", 1);
		while (++columns % 8 != 0);
	}
	peek_add(&out, "\n", 1);
	fwrite(out.data, 1, out.len, stdout);
	buf_free(&out);
}

void
screen_vis_line(const char *safe)
{
	const unsigned char *p = (const unsigned char *)safe, *end = p + strlen(safe);
	struct buf out = BUF_INIT;
	struct painted text = paint_on(&out);

	while (p < end)
		paint(&text, &p);
	if (out.len > 0)
		fwrite(out.data, 1, out.len, stdout);
	buf_free(&out);
}
