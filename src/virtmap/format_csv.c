/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Comma-separated values, RFC 4180: key,target and, left out here, a comment. Written with a header
 * and CR LF, as the RFC has it; read with either line end, with or without the header. Keys and
 * targets are those of virtmaps(5), so everything can be said.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "format.h"

#define FIELDS_MAX 3

struct record {
	struct buf fields[FIELDS_MAX];
	size_t nfields;
	const char *why; /* not carried over */
	int open;        /* the text ends inside quotes: nobody knows what was meant */
};

/* ---- one record ---------------------------------------------------------------------------- */

/* What is read from; NUL-ended behind `end`. */
struct cursor {
	const char *at, *end;
	size_t line;
};

static int
at_end_of_record(const struct cursor *cursor)
{
	return cursor->at == cursor->end || *cursor->at == '\n' ||
	       (*cursor->at == '\r' && (cursor->at + 1 == cursor->end || cursor->at[1] == '\n'));
}

/* A byte of a quoted field, which may span lines. 1, or 0 behind the closing quote, or -1 at the
 * end of the text. */
static int
next_quoted(struct cursor *cursor, char *out)
{
	if (cursor->at == cursor->end)
		return -1;
	if (*cursor->at == '"' && cursor->at[1] != '"') {
		cursor->at++;
		return 0;
	}
	if (*cursor->at == '"')
		cursor->at++;
	if (*cursor->at == '\n')
		cursor->line++;
	*out = *cursor->at++;
	return 1;
}

static int
read_quoted(struct cursor *cursor, struct buf *field, struct record *record)
{
	char c;
	int more;

	cursor->at++;
	while ((more = next_quoted(cursor, &c)) == 1)
		if (buf_addc(field, (unsigned char)c) == -1)
			return -1;
	record->open = more == -1;
	return 0;
}

static int
read_field(struct cursor *cursor, struct buf *field, struct record *record)
{
	const char *from;
	int quoted = cursor->at < cursor->end && *cursor->at == '"';

	if (quoted && read_quoted(cursor, field, record) == -1)
		return -1;
	for (from = cursor->at; !at_end_of_record(cursor) && *cursor->at != ','; cursor->at++)
		if (*cursor->at == '"')
			record->why = "a quote stands inside a field";
	if (quoted && from != cursor->at)
		record->why = "something stands behind a closed quote";
	return buf_add(field, from, (size_t)(cursor->at - from));
}

/* Read up to the end of the record and over it. 0, or -1 with errno. */
static int
read_record(struct cursor *cursor, struct record *record)
{
	record->why = NULL;
	for (record->nfields = 0;; cursor->at++) {
		struct buf *field = &record->fields[record->nfields % FIELDS_MAX];

		buf_clear(field);
		if (read_field(cursor, field, record) == -1)
			return -1;
		record->nfields++;
		if (at_end_of_record(cursor))
			break;
	}
	if (cursor->at < cursor->end && *cursor->at == '\r')
		cursor->at++;
	if (cursor->at < cursor->end)
		cursor->at++;
	return 0;
}

static struct format_span
field_of(const struct record *record, size_t i)
{
	return (struct format_span){ (const char *)record->fields[i].data, record->fields[i].len };
}

static int
is_header(const struct record *record)
{
	return record->nfields >= 2 && format_equal(format_trim(field_of(record, 0)), "key") &&
	       format_equal(format_trim(field_of(record, 1)), "target");
}

/* ---- all records --------------------------------------------------------------------------- */

static int
take(const struct format_input *input, const struct record *record, size_t line, int first,
    const struct format_sink *sink, struct err *err)
{
	const char *why = record->why;

	if (record->nfields == 1 && record->fields[0].len == 0 && why == NULL)
		return 0; /* a blank line */
	if (first && is_header(record))
		return 0;
	if (why == NULL && record->nfields < 2)
		why = "there are no two fields: key,target";
	if (why == NULL && record->nfields > FIELDS_MAX)
		why = "there are more than three fields: a target with commas must stand in quotes";
	if (why == NULL)
		return sink->mapping(
		    sink->arg, input->name, line, field_of(record, 0), field_of(record, 1), err);
	sink->refuse(sink->arg, input->name, line, why);
	return 0;
}

int
format_read_csv(const struct format_input *input, const struct format_sink *sink, struct err *err)
{
	struct cursor cursor = { input->text, input->text + input->len, 1 };
	struct record record = { .nfields = 0 };
	int failed = 0;

	while (failed == 0 && cursor.at < cursor.end) {
		size_t line = cursor.line;
		int first = cursor.at == input->text;

		if (read_record(&cursor, &record) == -1)
			failed = err_set(err, errno, "read %s", input->name);
		else if (record.open)
			failed =
			    err_set(err, 0, "%s:%zu: a quote is not closed", input->name, line);
		else
			failed = take(input, &record, line, first, sink, err);
		cursor.line++;
	}
	for (size_t i = 0; i < FIELDS_MAX; i++)
		buf_free(&record.fields[i]);
	return failed;
}

/* ---- writing ------------------------------------------------------------------------------- */

static int
add_field(struct buf *line, const char *field)
{
	if (strpbrk(field, "\",\r\n") == NULL && *field != ' ')
		return buf_adds(line, field);
	if (buf_addc(line, '"') == -1)
		return -1;
	for (; *field != '\0'; field++)
		if ((*field == '"' && buf_addc(line, '"') == -1) ||
		    buf_addc(line, (unsigned char)*field) == -1)
			return -1;
	return buf_addc(line, '"');
}

static int
add_mapping(struct buf *line, struct buf *key, const struct map_entry *entry)
{
	const char *string;

	buf_clear(key);
	if (format_add_key(key, entry->folded) == -1 || (string = buf_cstr(key)) == NULL)
		return -1;
	return add_field(line, string) == -1 || buf_addc(line, ',') == -1 ||
	               add_field(line, entry->target) == -1 || buf_adds(line, "\r\n") == -1
	           ? -1
	           : 0;
}

int
format_write_csv(const struct format_sheet *sheet, FILE *to, struct err *err)
{
	struct buf line = BUF_INIT, key = BUF_INIT;
	int failed = 0;

	fputs("key,target\r\n", to);
	for (size_t i = 0; failed == 0 && i < sheet->count; i++) {
		if (add_mapping(&line, &key, sheet->entries[i]) == -1)
			failed = err_set(err, errno, "write a mapping");
		else
			format_put(&line, to);
	}
	buf_free(&line);
	buf_free(&key);
	return failed;
}
