/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * HTML as text, for reading a message that has nothing else. No parser and no browser: what is
 * between tags, blanks run together, a line where a block begins. One pass, no recursion; nothing
 * in it is followed, fetched or run.
 */
#include <glib.h>
#include <string.h>
#include <strings.h>

#include "mailpeek.h"
#include "outline.h"

#define NAME_MAX_TAG 16

struct html {
	const char *p, *end;
	struct buf *out;
	unsigned newlines; /* owed before the next word, at most two */
	bool blank;        /* owed too */
};

static void
add(struct html *h, const char *data, size_t len)
{
	if (buf_add(h->out, data, len) == -1)
		speech_no_memory();
}

/* A word, or a part of one, with what is owed in front. */
static void
say(struct html *h, const char *data, size_t len)
{
	if (h->out->len > 0 && h->newlines > 0)
		add(h, "\n\n", h->newlines);
	else if (h->out->len > 0 && h->blank)
		add(h, " ", 1);
	h->newlines = 0;
	h->blank = false;
	add(h, data, len);
}

static void
owe_newlines(struct html *h, unsigned n)
{
	if (n > h->newlines)
		h->newlines = n;
}

/* ---- tags ------------------------------------------------------------------------------------ */

/* Elements of whose content nothing is read. */
static bool
is_hidden(const char *name)
{
	static const char *const names[] = { "script", "style", "head", "title", "template",
		"noscript" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

/* Lines that an element begins and ends with. */
static unsigned
lines_around(const char *name)
{
	static const struct {
		const char *name;
		unsigned lines;
	} blocks[] = {
		{ "br", 1 },
		{ "div", 1 },
		{ "tr", 1 },
		{ "li", 1 },
		{ "p", 2 },
		{ "h1", 2 },
		{ "h2", 2 },
		{ "h3", 2 },
		{ "h4", 2 },
		{ "table", 2 },
		{ "ul", 2 },
		{ "ol", 2 },
		{ "blockquote", 2 },
		{ "pre", 2 },
		{ "hr", 2 },
	};

	for (size_t i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++)
		if (strcmp(name, blocks[i].name) == 0)
			return blocks[i].lines;
	return 0;
}

/* Behind the ">" of the tag that h->p is in. */
static void
pass_tag(struct html *h)
{
	char quote = 0;

	for (; h->p < h->end; h->p++) {
		if (quote != 0) {
			if (*h->p == quote)
				quote = 0;
		} else if (*h->p == '"' || *h->p == '\'') {
			quote = *h->p;
		} else if (*h->p == '>') {
			h->p++;
			return;
		}
	}
}

static void
pass_comment(struct html *h)
{
	const char *close = memmem(h->p, (size_t)(h->end - h->p), "-->", 3);

	h->p = close != NULL ? close + 3 : h->end;
}

/* To the closing tag of that name. */
static void
pass_content(struct html *h, const char *name)
{
	size_t len = strlen(name);

	while ((h->p = memchr(h->p, '<', (size_t)(h->end - h->p))) != NULL) {
		if ((size_t)(h->end - h->p) > len + 2 && h->p[1] == '/' &&
		    strncasecmp(h->p + 2, name, len) == 0)
			return;
		h->p++;
	}
	h->p = h->end;
}

static void
read_tag(struct html *h)
{
	char name[NAME_MAX_TAG];
	size_t len = 0;
	bool closing = h->p + 1 < h->end && h->p[1] == '/';

	if (h->end - h->p >= 4 && memcmp(h->p, "<!--", 4) == 0) {
		pass_comment(h);
		return;
	}
	h->p += 1 + closing;
	while (h->p < h->end && g_ascii_isalnum(*h->p)) {
		if (len + 1 < sizeof(name))
			name[len++] = g_ascii_tolower(*h->p);
		h->p++;
	}
	name[len] = '\0';
	pass_tag(h);
	owe_newlines(h, lines_around(name));
	if (strcmp(name, "td") == 0 || strcmp(name, "th") == 0)
		h->blank = true;
	if (closing)
		return;
	if (strcmp(name, "li") == 0)
		say(h, "* ", 2);
	if (is_hidden(name))
		pass_content(h, name);
}

/* ---- entities -------------------------------------------------------------------------------- */

static gunichar
named(const char *name, size_t len)
{
	static const struct {
		const char *name;
		gunichar code;
	} entities[] = {
		{ "amp", '&' },
		{ "lt", '<' },
		{ "gt", '>' },
		{ "quot", '"' },
		{ "apos", '\'' },
		{ "nbsp", ' ' },
		{ "auml", 0xe4 },
		{ "ouml", 0xf6 },
		{ "uuml", 0xfc },
		{ "Auml", 0xc4 },
		{ "Ouml", 0xd6 },
		{ "Uuml", 0xdc },
		{ "szlig", 0xdf },
		{ "eacute", 0xe9 },
		{ "egrave", 0xe8 },
		{ "agrave", 0xe0 },
		{ "ccedil", 0xe7 },
		{ "copy", 0xa9 },
		{ "reg", 0xae },
		{ "pound", 0xa3 },
		{ "euro", 0x20ac },
		{ "ndash", 0x2013 },
		{ "mdash", 0x2014 },
		{ "lsquo", 0x2018 },
		{ "rsquo", 0x2019 },
		{ "ldquo", 0x201c },
		{ "rdquo", 0x201d },
		{ "hellip", 0x2026 },
		{ "bull", 0x2022 },
	};

	for (size_t i = 0; i < sizeof(entities) / sizeof(entities[0]); i++)
		if (strlen(entities[i].name) == len && memcmp(entities[i].name, name, len) == 0)
			return entities[i].code;
	return 0;
}

/* "#228" or "#xe4"; no control characters and nothing that is no character. */
static gunichar
numbered(const char *digits, size_t len)
{
	bool hex = len > 1 && (digits[1] == 'x' || digits[1] == 'X');
	guint64 code = g_ascii_strtoull(digits + 1 + hex, NULL, hex ? 16 : 10);

	return code >= 0x20 && code <= 0x10ffff && g_unichar_validate((gunichar)code)
	           ? (gunichar)code
	           : 0xfffd;
}

/* h->p at '&'. */
static void
read_entity(struct html *h)
{
	char name[12], bytes[6];
	size_t len = 0;
	const char *p = h->p + 1;
	gunichar code;

	while (p < h->end && len + 1 < sizeof(name) && (g_ascii_isalnum(*p) || *p == '#'))
		name[len++] = *p++;
	name[len] = '\0';
	while (name[0] == '#' && p < h->end && g_ascii_isalnum(*p))
		p++;
	code = name[0] == '#' && len > 1 ? numbered(name, len) : named(name, len);
	if (code == 0) {
		say(h, h->p++, 1);
		return;
	}
	h->p = p < h->end && *p == ';' ? p + 1 : p;
	if (code == ' ')
		h->blank = true;
	else
		say(h, bytes, (size_t)g_unichar_to_utf8(code, bytes));
}

/* ---------------------------------------------------------------------------------------------- */

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

void
html_text(struct buf *out, const void *html, size_t len)
{
	struct html h = { .p = html, .end = len > 0 ? (const char *)html + len : html, .out = out };

	while (h.p < h.end) {
		const char *start = h.p;

		while (h.p < h.end && *h.p != '<' && *h.p != '&' && !is_blank(*h.p))
			h.p++;
		if (h.p > start)
			say(&h, start, (size_t)(h.p - start));
		if (h.p == h.end)
			break;
		if (is_blank(*h.p)) {
			h.blank = true;
			h.p++;
		} else if (*h.p == '&') {
			read_entity(&h);
		} else if (h.p + 1 < h.end &&
		           (g_ascii_isalpha(h.p[1]) || memchr("/!?", h.p[1], 3) != NULL)) {
			read_tag(&h);
		} else {
			say(&h, h.p++, 1);
		}
	}
	if (out->len > 0)
		add(&h, "\n", 1);
}
