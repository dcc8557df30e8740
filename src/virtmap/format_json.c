/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * JSON, RFC 8259: an array of {"key": "...", "target": "..."}; other members are left out. Read
 * object by object, so that a million of them are never in memory at once and each has its line.
 * A text that breaks off or is no JSON fails as a whole: what follows cannot be known.
 */
#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "format.h"

/* ---- reading ------------------------------------------------------------------------------- */

struct cursor {
	const struct format_input *input;
	size_t at;
	size_t line;
};

static int
malformed(const struct cursor *cursor, struct err *err, const char *why)
{
	return err_set(err, 0, "%s:%zu: %s", cursor->input->name, cursor->line, why);
}

/* Pass over n bytes and count their lines. */
static void
pass(struct cursor *cursor, size_t n)
{
	const char *p = cursor->input->text + cursor->at, *end = p + n;

	for (; (p = memchr(p, '\n', (size_t)(end - p))) != NULL; p++)
		cursor->line++;
	cursor->at += n;
}

/* The next byte that is no white space; '\0' at the end. */
static char
peek(struct cursor *cursor)
{
	const char *text = cursor->input->text;
	size_t n = strspn(text + cursor->at, " \t\r\n");

	pass(cursor, n);
	return cursor->at < cursor->input->len ? text[cursor->at] : '\0';
}

static struct format_span
string_span(const json_t *value)
{
	return (struct format_span){ json_string_value(value), json_string_length(value) };
}

static int
take(const struct cursor *cursor, size_t line, const json_t *object, const struct format_sink *sink,
    struct err *err)
{
	const json_t *key = json_object_get(object, "key"),
	             *target = json_object_get(object, "target");
	const char *file = cursor->input->name;

	if (json_is_string(key) && json_is_string(target))
		return sink->mapping(
		    sink->arg, file, line, string_span(key), string_span(target), err);
	sink->refuse(sink->arg, file, line,
	    !json_is_object(object) ? "this is no object"
	    : !json_is_string(key)  ? "the object has no string \"key\""
	                            : "the object has no string \"target\"");
	return 0;
}

/* One element of the array. */
static int
read_element(struct cursor *cursor, const struct format_sink *sink, struct err *err)
{
	const char *from = cursor->input->text + cursor->at;
	size_t line = cursor->line;
	json_error_t why;
	json_t *value = json_loadb(from, cursor->input->len - cursor->at,
	    JSON_DISABLE_EOF_CHECK | JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES,
	    &why);
	int failed;

	if (value == NULL) {
		if (json_error_code(&why) == json_error_out_of_memory)
			return err_set(err, ENOMEM, "read %s", cursor->input->name);
		cursor->line += why.line > 1 ? (size_t)why.line - 1 : 0;
		return malformed(cursor, err, why.text);
	}
	failed = take(cursor, line, value, sink, err);
	json_decref(value);
	pass(cursor, (size_t)why.position);
	return failed;
}

static int
read_elements(struct cursor *cursor, const struct format_sink *sink, struct err *err)
{
	if (peek(cursor) == ']')
		return 0;
	for (;;) {
		if (peek(cursor) == '\0')
			return malformed(cursor, err, "the array breaks off");
		if (read_element(cursor, sink, err) == -1)
			return -1;
		switch (peek(cursor)) {
		case ']':
			return 0;
		case ',':
			pass(cursor, 1);
			break;
		default:
			return malformed(cursor, err, "expected , or ] behind an object");
		}
	}
}

int
format_read_json(const struct format_input *input, const struct format_sink *sink, struct err *err)
{
	struct cursor cursor = { input, 0, 1 };

	if (peek(&cursor) != '[')
		return malformed(&cursor, err, "not an array of objects");
	pass(&cursor, 1);
	if (read_elements(&cursor, sink, err) == -1)
		return -1;
	pass(&cursor, 1);
	if (peek(&cursor) != '\0' || cursor.at < input->len)
		return malformed(&cursor, err, "something stands behind the array");
	return 0;
}

/* ---- writing ------------------------------------------------------------------------------- */

/* json_dump_callback_t */
static int
add_bytes(const char *bytes, size_t len, void *arg)
{
	return buf_add(arg, bytes, len);
}

/* 1 added; 0 it is not UTF-8; -1 with errno. */
static int
add_string(struct buf *line, const char *string)
{
	json_t *value = json_string(string);
	int failed;

	if (value == NULL)
		return 0;
	failed = json_dump_callback(value, add_bytes, line, JSON_ENCODE_ANY);
	json_decref(value);
	if (failed == -1)
		errno = ENOMEM;
	return failed == -1 ? -1 : 1;
}

/* As add_string. */
static int
add_mapping(struct buf *line, struct buf *key, const struct map_entry *entry)
{
	const char *string;
	int rc;

	buf_clear(key);
	if (format_add_key(key, entry->folded) == -1 || (string = buf_cstr(key)) == NULL ||
	    buf_adds(line, "{\"key\": ") == -1)
		return -1;
	if ((rc = add_string(line, string)) != 1)
		return rc;
	if (buf_adds(line, ", \"target\": ") == -1)
		return -1;
	if ((rc = add_string(line, entry->target)) != 1)
		return rc;
	return buf_addc(line, '}') == -1 ? -1 : 1;
}

int
format_write_json(const struct format_sheet *sheet, FILE *to, struct err *err)
{
	struct buf line = BUF_INIT, key = BUF_INIT;
	const char *between = "\n";
	int rc = 0;

	fputc('[', to);
	for (size_t i = 0; rc != -1 && i < sheet->count; i++) {
		buf_clear(&line);
		rc = add_mapping(&line, &key, sheet->entries[i]);
		if (rc == -1) {
			err_set(err, errno, "write a mapping");
		} else if (rc == 0) {
			sheet->refuse(sheet->arg, sheet->entries[i],
			    "it is not UTF-8, and JSON holds nothing else");
		} else {
			fputs(between, to);
			format_put(&line, to);
			between = ",\n";
		}
	}
	fputs("\n]\n", to);
	buf_free(&line);
	buf_free(&key);
	return rc == -1 ? -1 : 0;
}
