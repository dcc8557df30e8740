/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The one way to standard output for text that came with mail. text_vis takes out what a
 * terminal would obey; here the rest is brought into the terminal's charset, measured and
 * cut. A byte of UTF-8 that reaches a terminal of another charset could be a control character
 * there, so nothing is printed that the locale's charset cannot say.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "mailpeek.h"
#include "screen.h"
#include "text.h"

#define COMBINING_MAX 4 /* marks on one character; more would be painted over the rows around */

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
		peek_add(out, "?", 1);
		return 1;
	}
	peek_add(out, bytes, len);
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

/* Text that text_vis and every locale leave as it is, all of it within `limit`. */
static bool
is_simple(const unsigned char *p, size_t len, size_t limit)
{
	unsigned odd = 0;

	if (limit > 0 && len > limit)
		return false;
	for (size_t i = 0; i < len; i++)
		odd |= (unsigned)((unsigned char)(p[i] - 0x20) >= 0x5f) | (unsigned)(p[i] == '\\');
	return odd == 0;
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
	if (is_simple(data, len, limit)) {
		peek_add(out, data, len);
		return len;
	}
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
	unsigned combining = 0;

	while (p < end)
		(void)add_code(&out, next_code(&p), &combining);
	if (out.len > 0)
		fwrite(out.data, 1, out.len, stdout);
	buf_free(&out);
}
