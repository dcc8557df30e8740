/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Finds header fields and takes their values apart from the lines they were folded into. What
 * needs no decoding, and most headers are plain ASCII, is not given to decode.c.
 */
#include "field.h"

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
	if (len > FIELD_MAX)
		len = FIELD_MAX;
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

bool
field_find(const unsigned char **p, const unsigned char *end, const char *name, struct field *out)
{
	const unsigned char *line = *p;
	const size_t len = strlen(name);
	bool found = false;

	while (line < end && !found) {
		const unsigned char *stop = line_end(line, end);

		found = (size_t)(end - line) > len && line[len] == ':' &&
		        strncasecmp((const char *)line, name, len) == 0;
		if (found)
			*out = (struct field){ line, len, line + len + 1, end };
		line = stop < end ? stop + 1 : end;
	}
	*p = line;
	return found;
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
