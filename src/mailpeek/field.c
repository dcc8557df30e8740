/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Finds header fields and takes their values apart from the lines they were folded into. What
 * needs no decoding, and most headers are plain ASCII, is not given to decode.c.
 */
#include "field.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "decode.h"
#include "mailpeek.h"

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
	if (len > FIELD_MAX) /* one more, by which it is seen to be too long */
		len = FIELD_MAX + 1;
	peek_add(out, p, len);
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
		peek_add(out, " ", 1);
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

bool
field_next(const unsigned char **p, const unsigned char *end, struct field *out)
{
	while (*p < end) {
		const unsigned char *line = *p, *stop = line_end(line, end), *colon;

		*p = stop < end ? stop + 1 : end;
		if (is_blank(*line) || (colon = memchr(line, ':', (size_t)(stop - line))) == NULL)
			continue;
		out->name = line;
		out->name_len = (size_t)(colon - line);
		out->value = colon + 1;
		out->end = end;
		if (out->name_len > 0 && memchr(line, ' ', out->name_len) == NULL)
			return true;
	}
	return false;
}

/* Does field `name` begin with the line at p? */
static bool
begins(const unsigned char *p, const unsigned char *end, const char *name, struct field *out)
{
	const size_t len = strlen(name);

	if ((size_t)(end - p) <= len || p[len] != ':' ||
	    strncasecmp((const char *)p, name, len) != 0)
		return false;
	*out = (struct field){ p, len, p + len + 1, end };
	return true;
}

bool
field_find(const unsigned char **p, const unsigned char *end, const char *name, struct field *out)
{
	while (*p < end) {
		const unsigned char *line = *p, *stop = line_end(line, end);

		*p = stop < end ? stop + 1 : end;
		if (begins(line, end, name, out))
			return true;
	}
	return false;
}

/* A set of letters, small ones and capitals the same. */
static uint32_t
letter(unsigned char c)
{
	return UINT32_C(1) << (c & 0x1f);
}

void
field_find_all(const unsigned char *header, size_t len, const char *const names[], size_t n,
    struct field out[])
{
	const unsigned char *p = header, *end = field_end(header, len);
	uint32_t initials = 0;
	size_t missing = n;

	for (size_t i = 0; i < n; i++) {
		initials |= letter((unsigned char)names[i][0]);
		out[i].value = NULL;
	}
	for (; missing > 0 && p < end; p = line_end(p, end) + 1) {
		if ((initials & letter(*p)) == 0)
			continue;
		for (size_t i = 0; i < n; i++)
			if (out[i].value == NULL && begins(p, end, names[i], &out[i]))
				missing--;
	}
}

bool
field_is(const struct field *field, const char *name)
{
	size_t len = strlen(name);

	return field->name_len == len && strncasecmp((const char *)field->name, name, len) == 0;
}

void
field_plain(const struct field *field, struct buf *out)
{
	buf_clear(out);
	unfold(out, field->value, field->end);
	trim(out);
}

void
field_value(const struct field *field, struct buf *out)
{
	field_plain(field, out);
	if (decode_is_needed(out))
		decode_header(out);
}

bool
field_is_cut(const struct field *field)
{
	struct buf value = BUF_INIT;
	bool cut;

	unfold(&value, field->value, field->end);
	cut = value.len > FIELD_MAX;
	buf_free(&value);
	return cut;
}

int
field_get(const unsigned char *header, size_t len, const char *name, struct buf *out)
{
	const unsigned char *p = header;
	struct field field;

	buf_clear(out);
	if (!field_find(&p, field_end(header, len), name, &field))
		return 0;
	field_value(&field, out);
	return 1;
}
