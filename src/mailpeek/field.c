/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Finds and decodes header fields. The only file that includes GMime, and GMime is asked only
 * about values that need it: encoded words, or 8-bit bytes that are not UTF-8. Most headers are
 * plain ASCII.
 */
#include "field.h"

#include <gmime/gmime.h>
#include <string.h>
#include <strings.h>

#include "mailpeek.h"

static void
add(struct buf *out, const void *data, size_t len)
{
	if (buf_add(out, data, len) == -1)
		speech_no_memory();
}

static const unsigned char *
line_end(const unsigned char *p, const unsigned char *end)
{
	const unsigned char *newline = memchr(p, '\n', (size_t)(end - p));

	return newline != NULL ? newline : end;
}

static bool
is_blank(unsigned char c)
{
	return c == ' ' || c == '\t';
}

/* The line at p without the CR of its CR LF. */
static void
add_line(struct buf *out, const unsigned char *p, const unsigned char *newline)
{
	size_t len = (size_t)(newline - p);

	if (len > 0 && p[len - 1] == '\r')
		len--;
	if (len > FIELD_MAX)
		len = FIELD_MAX;
	add(out, p, len);
}

/* RFC 5322 2.2.3, with one blank for whatever the line was folded with. */
static void
unfold(struct buf *out, const unsigned char *p, const unsigned char *end)
{
	const unsigned char *newline = line_end(p, end);

	add_line(out, p, newline);
	while (newline + 1 < end && is_blank(newline[1]) && out->len <= FIELD_MAX) {
		p = newline + 1;
		newline = line_end(p, end);
		while (p < newline && is_blank(*p))
			p++;
		add(out, " ", 1);
		add_line(out, p, newline);
	}
}

static void
trim(struct buf *value)
{
	size_t start = 0;

	if (value->len > FIELD_MAX)
		value->len = FIELD_MAX;
	while (value->len > 0 && is_blank(value->data[value->len - 1]))
		value->len--;
	while (start < value->len && is_blank(value->data[start]))
		start++;
	if (start > 0)
		memmove(value->data, value->data + start, value->len - start);
	value->len -= start;
}

static bool
needs_decoding(const struct buf *value)
{
	if (value->len == 0)
		return false;
	return memmem(value->data, value->len, "=?", 2) != NULL ||
	       !g_utf8_validate_len((const char *)value->data, value->len, NULL);
}

static void
init_gmime(void)
{
	static bool done;

	if (!done)
		g_mime_init();
	done = true;
}

/* GMime reads C strings: what stands between NULs is decoded piece by piece. */
static void
decode(struct buf *value)
{
	struct buf decoded = BUF_INIT;
	const char *p, *end;

	init_gmime();
	if ((p = buf_cstr(value)) == NULL)
		speech_no_memory();
	for (end = p + value->len; p < end; p += strlen(p) + 1) {
		char *piece = g_mime_utils_header_decode_text(NULL, p);

		if (decoded.len > 0)
			add(&decoded, "", 1);
		add(&decoded, piece, strlen(piece));
		g_free(piece);
	}
	buf_free(value);
	*value = decoded;
}

int
field_get(const unsigned char *header, size_t len, const char *name, struct buf *out)
{
	const unsigned char *p = header, *end = header + len;
	size_t name_len = strlen(name);

	buf_clear(out);
	for (; p < end; p = line_end(p, end) + 1) {
		if ((size_t)(end - p) <= name_len || p[name_len] != ':' ||
		    strncasecmp((const char *)p, name, name_len) != 0)
			continue;
		unfold(out, p + name_len + 1, end);
		trim(out);
		if (needs_decoding(out))
			decode(out);
		return 1;
	}
	return 0;
}
