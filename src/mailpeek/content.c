/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A Content-Type as programs write it, "type/subtype; name=value; name=\"value\"", read at a
 * fiftieth of what GMime takes for it: every part of every message that is searched has one.
 * Whatever is not quite that is left to GMime: comments, escapes, RFC 2231, encoded words, a name
 * twice, junk.
 */
#include "content.h"

#include <string.h>
#include <strings.h>

#include "bytes.h"
#include "decode.h"
#include "mailpeek.h"

struct cursor {
	const unsigned char *p, *end;
};

struct span {
	const unsigned char *data;
	size_t len;
};

static bool
is_at(const struct cursor *c, unsigned char byte)
{
	return c->p < c->end && *c->p == byte;
}

static bool
is_token(unsigned char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       c == '-' || c == '.' || c == '_' || c == '+';
}

/* A little less than RFC 2045's. */
static bool
pass_token(struct cursor *c, struct span *out)
{
	out->data = c->p;
	while (c->p < c->end && is_token(*c->p))
		c->p++;
	out->len = (size_t)(c->p - out->data);
	return out->len > 0;
}

static void
pass_blanks(struct cursor *c)
{
	while (is_at(c, ' ') || is_at(c, '\t'))
		c->p++;
}

/* Printable ASCII without an escape, or what could be an encoded word. */
static bool
pass_quoted(struct cursor *c, struct span *out)
{
	out->data = ++c->p;
	while (c->p<c->end && * c->p> ' ' && *c->p < 0x7f && *c->p != '\\' && *c->p != '"' &&
	       *c->p != '?')
		c->p++;
	out->len = (size_t)(c->p - out->data);
	return out->len > 0 && is_at(c, '"') && c->p++ != NULL;
}

/* "; name=value" */
static bool
pass_parameter(struct cursor *c, struct span *name, struct span *value)
{
	c->p++;
	pass_blanks(c);
	if (!pass_token(c, name) || !is_at(c, '='))
		return false;
	c->p++;
	return is_at(c, '"') ? pass_quoted(c, value) : pass_token(c, value);
}

static bool
is(const struct span *span, const char *name)
{
	return span->len == strlen(name) &&
	       strncasecmp((const char *)span->data, name, span->len) == 0;
}

static bool
copy(const struct span *from, char *to, size_t size)
{
	if (to[0] != '\0' || from->len >= size)
		return false;
	memcpy(to, from->data, from->len);
	to[from->len] = '\0';
	return true;
}

static bool
take_charset(const struct span *value, struct content *out)
{
	for (size_t i = 0; i < value->len; i++)
		if (!is_token(value->data[i]))
			return false;
	return copy(value, out->charset, sizeof(out->charset));
}

static bool
take(const struct span *name, const struct span *value, struct content *out)
{
	if (is(name, "charset"))
		return take_charset(value, out);
	if (is(name, "boundary")) {
		out->boundary_len = value->len;
		return copy(value, out->boundary, sizeof(out->boundary));
	}
	if (is(name, "name")) {
		if (out->name.len > 0)
			return false;
		peek_add(&out->name, value->data, value->len);
	}
	return true;
}

/* "type/subtype" */
static bool
pass_type(struct cursor *c, struct span *out)
{
	struct span type, subtype;

	if (!pass_token(c, &type) || !is_at(c, '/') || c->p++ == NULL || !pass_token(c, &subtype))
		return false;
	out->data = type.data;
	out->len = (size_t)(c->p - type.data);
	return out->len < DECODE_TYPE_MAX;
}

static void
take_type(const struct span *type, struct content *out)
{
	bytes_lower((unsigned char *)out->type, type->data, type->len);
	out->type[type->len] = '\0';
}

bool
content_read_plain(const struct buf *value, struct content *out)
{
	struct cursor c = { value->data, value->data };
	struct span type, name, parameter;

	out->charset[0] = out->boundary[0] = '\0';
	out->boundary_len = 0;
	buf_clear(&out->name);
	if (value->len == 0)
		return false;
	c.end += value->len;
	if (!pass_type(&c, &type))
		return false;
	for (pass_blanks(&c); is_at(&c, ';'); pass_blanks(&c))
		if (!pass_parameter(&c, &name, &parameter) || !take(&name, &parameter, out))
			return false;
	if (c.p != c.end)
		return false;
	take_type(&type, out);
	return true;
}

void
content_read_type(struct buf *value, struct content *out)
{
	if (content_read_plain(value, out))
		return;
	buf_clear(&out->name);
	decode_content_type(value, out);
}
