/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Reading settings: file, overrides, and each value by its row of the table (settings_table.c).
 * Everything is checked while it is read, so that a mistake names its file and line instead of
 * showing itself in the middle of a delivery. What is not plainly right is refused: unknown names,
 * second mentions, a comment behind a value.
 */
#include "settings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "buf.h"
#include "io.h"
#include "settings_table.h"

#define FILE_BYTES_MAX (1024 * 1024) /* far beyond any honest file: a wrong -C ends here */

/* ---- one value --------------------------------------------------------------------------------
 */

static void *
member(struct settings *settings, const struct setting *setting)
{
	return (char *)settings + setting->offset;
}

static int
set_text(void *at, const struct setting *setting, const char *value, struct err *err)
{
	const char *why = setting->check(value);
	char **text = at;
	char *copy;

	if (why != NULL)
		return err_set(err, 0, "\"%s\": %s", value, why);
	if ((copy = strdup(value)) == NULL)
		return err_set(err, errno, "\"%s\"", value);
	free(*text);
	*text = copy;
	return 0;
}

static int
set_yes_no(void *at, const char *value, struct err *err)
{
	int yes = strcmp(value, "yes") == 0;

	if (!yes && strcmp(value, "no") != 0)
		return err_set(err, 0, "\"%s\": must be \"yes\" or \"no\"", value);
	*(bool *)at = yes;
	return 0;
}

static int
set_number(void *at, const struct setting *setting, const char *value, struct err *err)
{
	const char *why;
	long long number = strtonum(value, setting->min, setting->max, &why);

	/* strtonum takes blanks and a sign in front, which nobody means. */
	if (why == NULL && strspn(value, "0123456789") != strlen(value))
		why = "invalid";
	if (why != NULL)
		return err_set(err, 0, "\"%s\": must be a whole number from %lld to %lld (%s)",
		    value, setting->min, setting->max, why);
	*(unsigned *)at = (unsigned)number;
	return 0;
}

static int
set_choice(void *at, const struct setting *setting, const char *value, struct err *err)
{
	for (unsigned i = 0; setting->choices[i] != NULL; i++)
		if (strcmp(setting->choices[i], value) == 0) {
			memcpy(at, &i, sizeof(i));
			return 0;
		}
	err_set(err, 0, "\"%s\": must be", value);
	for (unsigned i = 0; setting->choices[i] != NULL; i++) {
		char before[ERR_TEXT_MAX];

		strlcpy(before, err->text, sizeof(before));
		err_set(err, 0, "%s%s \"%s\"", before, i == 0 ? "" : " or", setting->choices[i]);
	}
	return -1;
}

/* Store `value`, checked. 0, or -1 with err `"VALUE": why`. */
static int
set(struct settings *settings, const struct setting *setting, const char *value, struct err *err)
{
	void *at = member(settings, setting);

	/* "map = /x  # ours" would otherwise be a file of that name. */
	if (strstr(value, " #") != NULL || strstr(value, "\t#") != NULL || *value == '#')
		return err_set(err, 0, "\"%s\": a comment needs a line of its own", value);
	switch (setting->kind) {
	case KIND_TEXT:
		return set_text(at, setting, value, err);
	case KIND_YES_NO:
		return set_yes_no(at, value, err);
	case KIND_NUMBER:
		return set_number(at, setting, value, err);
	case KIND_CHOICE:
		return set_choice(at, setting, value, err);
	}
	return err_set(err, EINVAL, "%s", setting->name);
}

static int
set_defaults(struct settings *settings, struct err *err)
{
	const struct setting *setting;

	for (size_t i = 0; (setting = settings_table_row(i)) != NULL; i++)
		if (set(settings, setting, setting->standard, err) == -1)
			return err_prefix(err, "%s", setting->name);
	return 0;
}

/* ---- one line ---------------------------------------------------------------------------------
 */

static size_t
trimmed(const char **text, size_t len)
{
	while (len > 0 && (**text == ' ' || **text == '\t')) {
		(*text)++;
		len--;
	}
	while (len > 0 && ((*text)[len - 1] == ' ' || (*text)[len - 1] == '\t'))
		len--;
	return len;
}

/* What may never stand in a line, comment or not. */
static const char *
bad_byte(const char *line, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)line[i];

		if (c == '\0')
			return "NUL byte: this is not a text file";
		if (c == '\r')
			return "carriage return: lines must end in LF alone";
		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return "control character";
	}
	return NULL;
}

/* "name = value", blanks around both off. 0 with *setting, or -1 with err "why". */
static int
set_line(struct settings *settings, const char *line, size_t len, const struct setting **setting,
    struct err *err)
{
	const char *equals = memchr(line, '=', len);
	const char *name = line, *value;
	size_t name_len, value_len;
	char copy[SETTINGS_LINE_BYTES + 1];

	*setting = NULL;
	if (len > SETTINGS_LINE_BYTES)
		return err_set(err, 0, "line longer than %d bytes", SETTINGS_LINE_BYTES);
	if (equals == NULL)
		return err_set(err, 0, "\"%.*s\": no '=' (NAME = VALUE)", (int)len, line);
	name_len = trimmed(&name, (size_t)(equals - line));
	value = equals + 1;
	value_len = trimmed(&value, len - (size_t)(value - line));
	if (name_len == 0)
		return err_set(err, 0, "no name before '='");
	if ((*setting = settings_table_find(name, name_len)) == NULL)
		return err_set(err, 0, "unknown setting \"%.*s\"", (int)name_len, name);
	memcpy(copy, value, value_len);
	copy[value_len] = '\0';
	return set(settings, *setting, copy, err) == -1 ? err_prefix(err, "%s", (*setting)->name)
	                                                : 0;
}

/* ---- the file ---------------------------------------------------------------------------------
 */

/* `seen`: for every setting the line that set it, 0 for none. */
static int
file_line(struct settings *settings, const char *line, size_t len, size_t number, size_t *seen,
    struct err *err)
{
	const struct setting *setting;
	const char *why = bad_byte(line, len);
	size_t *first;

	if (why != NULL)
		return err_set(err, 0, "%s", why);
	len = trimmed(&line, len);
	if (len == 0 || *line == '#')
		return 0;
	if (set_line(settings, line, len, &setting, err) == -1)
		return -1;
	first = &seen[settings_table_number(setting)];
	if (*first != 0)
		return err_set(err, 0, "%s: already set in line %zu", setting->name, *first);
	*first = number;
	return 0;
}

static int
file_text(struct settings *settings, const char *path, const struct buf *text, struct err *err)
{
	const char *line = (const char *)text->data;
	size_t left = text->len, seen[SETTINGS_MAX] = { 0 };

	for (size_t number = 1; left > 0; number++) {
		const char *end = memchr(line, '\n', left);
		size_t len = end != NULL ? (size_t)(end - line) : left;

		if (file_line(settings, line, len, number, seen, err) == -1)
			return err_prefix(err, "%s:%zu", path, number);
		len += end != NULL;
		line += len;
		left -= len;
	}
	return 0;
}

static int
file_load(struct settings *settings, const char *path, int may_be_missing, struct err *err)
{
	struct buf text = BUF_INIT;
	int rc = io_read_file(path, true, FILE_BYTES_MAX, &text, err);

	if (rc == 0)
		rc = file_text(settings, path, &text, err);
	else if (may_be_missing && err->num == ENOENT)
		rc = 0;
	buf_free(&text);
	return rc;
}

/* ---- contracts --------------------------------------------------------------------------------
 */

static int
override(struct settings *settings, const char *text, struct err *err)
{
	const struct setting *setting;
	const char *why = bad_byte(text, strlen(text));

	if (why != NULL)
		err_set(err, 0, "\"%s\": %s", text, why);
	else if (set_line(settings, text, strlen(text), &setting, err) == 0)
		return 0;
	return err_prefix(err, "-o");
}

int
settings_load(struct settings *out, const char *path, const char *const *overrides,
    size_t noverrides, struct err *err)
{
	int rc;

	memset(out, 0, sizeof(*out));
	rc = set_defaults(out, err);
	if (rc == 0)
		rc = file_load(out, path != NULL ? path : SETTINGS_FILE, path == NULL, err);
	for (size_t i = 0; rc == 0 && i < noverrides; i++)
		rc = override(out, overrides[i], err);
	if (rc == -1)
		settings_free(out);
	return rc;
}

void
settings_free(struct settings *settings)
{
	const struct setting *setting;

	for (size_t i = 0; (setting = settings_table_row(i)) != NULL; i++)
		if (setting->kind == KIND_TEXT)
			free(*(char **)member(settings, setting));
	memset(settings, 0, sizeof(*settings));
}

const char *
settings_name(size_t index, const char **standard)
{
	const struct setting *setting = settings_table_row(index);

	if (setting == NULL)
		return NULL;
	*standard = setting->standard;
	return setting->name;
}

bool
settings_is_override(const char *s)
{
	return strchr(s, '=') != NULL;
}
