/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The formats by name, and what their texts have in common: lines, blanks, quotes, percent signs.
 */
#include "format.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "address.h"

#define LINE_MAX_BYTES 1048576 /* as in the map's own text */

static const char *const vpopmail_parts[] = { "virtualdomains", "valias", NULL };

static const struct format formats[] = {
	{ "virtmaps", NULL, format_read_virtmaps, format_write_virtmaps },
	{ "virtusertable", NULL, format_read_virtusertable, format_write_virtusertable },
	{ "postfix-virtual", NULL, format_read_postfix, format_write_postfix },
	{ "vpopmail", vpopmail_parts, format_read_vpopmail, format_write_vpopmail },
	{ "csv", NULL, format_read_csv, format_write_csv },
	{ "json", NULL, format_read_json, format_write_json },
};

const struct format *
format_find(const char *name)
{
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
		if (strcmp(formats[i].name, name) == 0)
			return &formats[i];
	return NULL;
}

const char *
format_names(void)
{
	return "virtmaps, virtusertable, postfix-virtual, vpopmail, csv, json";
}

/* ---- lines --------------------------------------------------------------------------------- */

int
format_next_line(struct format_lines *lines, struct format_span *out)
{
	const struct format_input *input = lines->input;
	const char *from = input->text + lines->at, *newline;

	if (lines->at >= input->len)
		return 0;
	newline = memchr(from, '\n', input->len - lines->at);
	out->at = from;
	out->len = newline != NULL ? (size_t)(newline - from) : input->len - lines->at;
	lines->at += out->len + 1;
	lines->line++;
	return 1;
}

const char *
format_bad_line(struct format_span line)
{
	if (line.len > LINE_MAX_BYTES)
		return "the line is too long";
	if (memchr(line.at, '\0', line.len) != NULL)
		return "the line holds a NUL byte";
	if (line.len > 0 && line.at[line.len - 1] == '\r')
		return "the line ends in CR LF: convert the file to Unix line ends";
	return NULL;
}

/* ---- parts of a line ----------------------------------------------------------------------- */

static int
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

struct format_span
format_trim(struct format_span span)
{
	while (span.len > 0 && is_blank(*span.at)) {
		span.at++;
		span.len--;
	}
	while (span.len > 0 && is_blank(span.at[span.len - 1]))
		span.len--;
	return span;
}

int
format_equal(struct format_span span, const char *string)
{
	return strlen(string) == span.len && strncasecmp(span.at, string, span.len) == 0;
}

void
format_split(struct format_span line, struct format_span *key, struct format_span *rest)
{
	int quoted = 0;
	size_t i;

	for (i = 0; i < line.len && (quoted || !is_blank(line.at[i])); i++) {
		if (line.at[i] == '\\' && i + 1 < line.len)
			i++;
		else if (line.at[i] == '"')
			quoted = !quoted;
	}
	*key = (struct format_span){ line.at, i };
	*rest = format_trim((struct format_span){ line.at + i, line.len - i });
}

const char *
format_find_at(struct format_span address)
{
	const char *at = NULL;
	int quoted = 0;

	for (size_t i = 0; i < address.len; i++) {
		if (address.at[i] == '\\')
			i++;
		else if (address.at[i] == '"')
			quoted = !quoted;
		else if (address.at[i] == '@' && !quoted)
			at = address.at + i;
	}
	return at;
}

int
format_looks_wild(struct format_span key)
{
	const char *end = format_find_at(key);

	if (end != NULL && end > key.at && end[-1] == '"')
		end--;
	return end != NULL && end - key.at >= 2 && end[-2] == '+' &&
	       (end[-1] == '+' || end[-1] == '*');
}

/* ---- percent signs ------------------------------------------------------------------------- */

static int
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

int
format_add_literal(struct buf *out, struct format_span span)
{
	for (size_t i = 0; i < span.len; i++) {
		char next = i + 1 < span.len ? span.at[i + 1] : '\0';

		if (buf_addc(out, (unsigned char)span.at[i]) == -1)
			return -1;
		if (span.at[i] == '%' && (next == '%' || is_digit(next)) &&
		    buf_addc(out, '%') == -1)
			return -1;
	}
	return 0;
}

const char *
format_percent(const char *text)
{
	for (; (text = strchr(text, '%')) != NULL; text++) {
		if (is_digit(text[1]))
			return text;
		if (text[1] == '%')
			text++;
	}
	return NULL;
}

int
format_add_plain(struct buf *out, const char *text)
{
	for (; *text != '\0'; text++) {
		if (buf_addc(out, (unsigned char)*text) == -1)
			return -1;
		if (text[0] == '%' && text[1] == '%')
			text++;
	}
	return 0;
}

void
format_put(struct buf *line, FILE *to)
{
	if (line->len > 0)
		fwrite(line->data, 1, line->len, to);
	buf_clear(line);
}

/* ---- keys ---------------------------------------------------------------------------------- */

enum format_key_kind
format_key_kind(const char *folded)
{
	const char *at = strrchr(folded, '@');

	if (at == NULL)
		return FORMAT_KEY_SUBDOMAINS;
	if (at == folded)
		return at[1] == '\0' ? FORMAT_KEY_EVERYTHING : FORMAT_KEY_CATCHALL;
	if (at - folded >= 2 && at[-2] == '+' && (at[-1] == '+' || at[-1] == '*'))
		return FORMAT_KEY_WILD;
	return FORMAT_KEY_ADDRESS;
}

const char *
format_key_domain(const char *folded)
{
	const char *at = strrchr(folded, '@');

	return at != NULL ? at + 1 : folded + 1;
}

int
format_compare(const void *a, const void *b)
{
	const struct map_entry *const *left = a, *const *right = b;
	int by_domain =
	    strcmp(format_key_domain((*left)->folded), format_key_domain((*right)->folded));

	return by_domain != 0 ? by_domain : strcmp((*left)->folded, (*right)->folded);
}

/* '#' begins a comment line, so a key that begins with it is quoted though RFC 5322 has it plain.
 */
static int
add_local(struct buf *out, const char *folded, size_t len)
{
	char *local = strndup(folded, len), *quoted = NULL;
	int failed = -1;

	if (local != NULL && (quoted = address_quote_local(local)) != NULL)
		failed = *quoted == '#' ? buf_addf(out, "\"%s\"", quoted) : buf_adds(out, quoted);
	free(quoted);
	free(local);
	return failed;
}

int
format_add_key(struct buf *out, const char *folded)
{
	const char *at = strrchr(folded, '@');

	if (at == NULL || at == folded)
		return buf_adds(out, folded);
	return add_local(out, folded, (size_t)(at - folded)) == -1 ? -1 : buf_adds(out, at);
}
