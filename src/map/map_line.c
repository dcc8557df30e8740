/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Taking a line of the map apart. What is not wholly understood is malformed, with a reason;
 * what could be read in two ways, too (a line that begins with a blank is a continuation for
 * Postfix and an error for makemap).
 */
#include "map_line.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "map.h"
#include "map_key.h"

static int
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Bytes of the key: up to the first blank outside quotes. */
static size_t
key_length(const char *text, size_t len)
{
	int quoted = 0;
	size_t i;

	for (i = 0; i < len && (quoted || !is_blank(text[i])); i++) {
		if (text[i] == '\\')
			i++;
		else if (text[i] == '"')
			quoted = !quoted;
	}
	return i < len ? i : len;
}

static const char *
why_malformed(const char *text, size_t len)
{
	if (len > MAP_LINE_MAX)
		return "the line is too long";
	if (memchr(text, '\0', len) != NULL)
		return "the line holds a NUL byte";
	if (text[len - 1] == '\r')
		return "the line ends in CR LF: convert the file to Unix line ends";
	if (memcmp(text, "\xef\xbb\xbf", len < 3 ? len : 3) == 0)
		return "the line begins with a byte order mark";
	if (is_blank(*text))
		return "the line begins with a blank (nothing is continued here)";
	return NULL;
}

/* A name that target_parse could not but accept. Nearly all targets are such, and a million of
 * them need not be taken apart to learn it. */
static int
is_plain_name(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		        c == '.' || c == '-' || c == '_' || c == '+'))
			return 0;
	}
	return len > 0 && len <= ADDRESS_MAX;
}

static int
check_target(const char *text, size_t len, struct err *err)
{
	struct target target;
	char *string;
	int failed;

	if (is_plain_name(text, len))
		return 0;
	if ((string = strndup(text, len)) == NULL)
		return err_set(err, ENOMEM, "read a target");
	failed = target_parse(&target, string, NULL, err);
	if (failed == 0)
		target_free(&target);
	free(string);
	return failed;
}

static size_t
leading_blanks(const char *text, size_t len)
{
	size_t n = 0;

	while (n < len && is_blank(text[n]))
		n++;
	return n;
}

/* Keep the folded key: in the text where it stands there already, else in the arena. */
static int
keep_key(struct map_line *line, const char *folded, struct arena *strings)
{
	if (strlen(folded) == line->key_len && memcmp(line->text, folded, line->key_len) == 0) {
		line->tab_behind = line->text[line->key_len] == '\t';
		line->text[line->key_len] = '\0'; /* a target follows, so there is a blank */
		line->folded = line->text;
		return 0;
	}
	line->folded = arena_string(strings, folded, strlen(folded));
	return line->folded != NULL ? 0 : -1;
}

int
map_line_take_apart(struct map_line *line, struct arena *strings, struct err *err)
{
	char folded[MAP_KEY_ROOM];
	size_t blanks = leading_blanks(line->text, line->len), end = line->len, key_len, target;
	const char *why;

	if (blanks == line->len || line->text[blanks] == '#')
		return 0;
	if ((why = why_malformed(line->text, line->len)) != NULL)
		return err_set(err, 0, "%s", why);
	key_len = key_length(line->text, line->len);
	target = key_len + leading_blanks(line->text + key_len, end - key_len);
	while (end > target && is_blank(line->text[end - 1]))
		end--;
	if (map_key_fold_into(folded, line->text, key_len, err) == -1)
		return err_prefix(err, "%.*s", key_len > 100 ? 100 : (int)key_len, line->text);
	if (end == target)
		return err_set(err, 0, "%.100s: there is no target", folded);
	if (check_target(line->text + target, end - target, err) == -1)
		return err_prefix(err, "%.100s", folded);
	line->key_len = (uint32_t)key_len & INT32_MAX;
	line->target_off = (uint32_t)target;
	line->target_len = (uint32_t)(end - target);
	return keep_key(line, folded, strings) == 0 ? 1 : err_set(err, ENOMEM, "read a line");
}

void
map_line_reject(struct map_line *line)
{
	if (line->folded == line->text)
		line->text[line->key_len] = line->tab_behind ? '\t' : ' ';
	line->folded = NULL;
}

bool
map_line_maps(const struct map_line *line)
{
	return line->folded != NULL && line->len != MAP_LINE_REMOVED;
}

int
map_line_text(const struct map_line *line, size_t len, struct buf *out)
{
	size_t start = out->len;

	if (buf_add(out, line->text, len) == -1)
		return -1;
	if (line->folded == line->text && line->key_len < len)
		out->data[start + line->key_len] = line->tab_behind ? '\t' : ' ';
	return 0;
}

/* In blocks, which the compiler makes one addition of many bytes of. */
size_t
map_line_count(const unsigned char *text, size_t len)
{
	size_t n = 0, i;

	for (; len >= 128; text += 128, len -= 128) {
		unsigned char block = 0;

		for (i = 0; i < 128; i++)
			block = (unsigned char)(block + (text[i] == '\n'));
		n += block;
	}
	for (i = 0; i < len; i++)
		n += text[i] == '\n';
	return n;
}
