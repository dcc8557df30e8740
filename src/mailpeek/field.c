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

/* The encoded word "=?CHARSET?B?TEXT?=" at p: its TEXT, or NULL. */
static const unsigned char *
base64_text(const unsigned char *p, const unsigned char *end, size_t *len)
{
	const unsigned char *mark = memchr(p + 2, '?', (size_t)(end - p) - 2), *text;

	if (mark == NULL || end - mark < 5 || (mark[1] != 'B' && mark[1] != 'b') || mark[2] != '?')
		return NULL;
	text = mark + 3;
	mark = memchr(text, '?', (size_t)(end - text));
	if (mark == NULL || mark + 1 == end || mark[1] != '=')
		return NULL;
	*len = (size_t)(mark - text);
	return text;
}

static void
add_q(struct buf *out, const unsigned char *text, size_t len)
{
	gsize n;
	char *copy = g_strndup((const char *)text, len);
	guchar *bytes = g_base64_decode(copy, &n);

	for (gsize i = 0; i < n; i++)
		if (buf_addf(out, "=%02X", bytes[i]) == -1)
			speech_no_memory();
	g_free(bytes);
	g_free(copy);
}

/* Write words in B encoding as Q. GMime 3.2.8 to 3.2.13 decode words that follow one another as one
 * base64 text, which ends at the first word's padding (jstedfast/gmime issue 133): the rest of the
 * subject would be lost. Words in Q are joined rightly. */
static void
avoid_base64(struct buf *value)
{
	const unsigned char *p = value->data, *end = p + value->len, *word;
	struct buf out = BUF_INIT;
	size_t len;

	while ((word = memmem(p, (size_t)(end - p), "=?", 2)) != NULL) {
		const unsigned char *text = base64_text(word, end, &len);

		if (text == NULL) {
			add(&out, p, (size_t)(word + 2 - p));
			p = word + 2;
			continue;
		}
		add(&out, p, (size_t)(text - 2 - p));
		add(&out, "q?", 2);
		add_q(&out, text, len);
		p = text + len;
	}
	add(&out, p, (size_t)(end - p));
	buf_free(value);
	*value = out;
}

/* GMime reads C strings: what stands between NULs is decoded piece by piece. */
static void
decode(struct buf *value)
{
	struct buf decoded = BUF_INIT;
	const char *p, *end;

	init_gmime();
	avoid_base64(value);
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
	const unsigned char *p = header, *end;
	size_t name_len = strlen(name);

	buf_clear(out);
	if (len == 0)
		return 0;
	for (end = header + len; p < end; p = line_end(p, end) + 1) {
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
