/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A table of what can be said of a message. Header fields are any that are named; those that
 * everybody wants have names of their own.
 */
#include "column.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "decode.h"
#include "mailpeek.h"
#include "text.h"

typedef int value_fn(const struct column *column, const struct scan_message *message,
    struct column_value *out, struct err *err);

static value_fn number_value, size_value, wire_size_value, flags_value, date_value, sent_value,
    field_value_of, offset_value, file_value;

static const struct column_type {
	const char *name, *heading;
	enum column_kind kind;
	unsigned wants;
	value_fn *value;
	const char *field;
} types[] = {
	{ "number", "NR", COLUMN_NUMBER, 0, number_value, NULL },
	{ "flags", "FLAGS", COLUMN_FLAGS, 0, flags_value, NULL },
	{ "date", "DELIVERED", COLUMN_DATE, 0, date_value, NULL },
	{ "sent", "SENT", COLUMN_DATE, SCAN_WANT_HEADER, sent_value, "Date" },
	{ "size", "SIZE", COLUMN_SIZE, 0, size_value, NULL },
	{ "wire-size", "WIRE SIZE", COLUMN_SIZE, 0, wire_size_value, NULL },
	{ "from", "FROM", COLUMN_TEXT, SCAN_WANT_HEADER, field_value_of, "From" },
	{ "to", "TO", COLUMN_TEXT, SCAN_WANT_HEADER, field_value_of, "To" },
	{ "cc", "CC", COLUMN_TEXT, SCAN_WANT_HEADER, field_value_of, "Cc" },
	{ "reply-to", "REPLY-TO", COLUMN_TEXT, SCAN_WANT_HEADER, field_value_of, "Reply-To" },
	{ "subject", "SUBJECT", COLUMN_TEXT, SCAN_WANT_HEADER, field_value_of, "Subject" },
	{ "message-id", "MESSAGE-ID", COLUMN_TEXT, SCAN_WANT_HEADER, field_value_of, "Message-ID" },
	{ "delivered-to", "DELIVERED-TO", COLUMN_TEXT, SCAN_WANT_HEADER, field_value_of,
	    "Delivered-To" },
	{ "return-path", "RETURN-PATH", COLUMN_TEXT, SCAN_WANT_HEADER, field_value_of,
	    "Return-Path" },
	{ "offset", "OFFSET", COLUMN_NUMBER, 0, offset_value, NULL },
	{ "file", "FILE", COLUMN_TEXT, 0, file_value, NULL },
	/* the last: a prefix */
	{ "header:", "", COLUMN_TEXT, SCAN_WANT_HEADER, field_value_of, NULL },
};

#define NTYPES (sizeof(types) / sizeof(types[0]))

/* ---- values ---------------------------------------------------------------------------------- */

static int
number_value(const struct column *column, const struct scan_message *message,
    struct column_value *out, struct err *err)
{
	(void)column, (void)err;
	out->number = message->number;
	return 1;
}

static int
size_value(const struct column *column, const struct scan_message *message,
    struct column_value *out, struct err *err)
{
	(void)column, (void)err;
	out->number = message->size;
	return 1;
}

struct lines {
	uint64_t bytes;
	unsigned char last;
};

/* A line that ends with LF alone has one byte more on the wire. */
static int
count_wire(void *arg, const void *data, size_t len, struct err *err)
{
	struct lines *lines = arg;
	const unsigned char *p = data, *end = p + len, *newline = p;

	(void)err;
	lines->bytes += len;
	while ((newline = memchr(newline, '\n', (size_t)(end - newline))) != NULL) {
		lines->bytes += (newline > p ? newline[-1] : lines->last) != '\r';
		newline++;
	}
	if (len > 0)
		lines->last = end[-1];
	return 0;
}

static int
wire_size_value(const struct column *column, const struct scan_message *message,
    struct column_value *out, struct err *err)
{
	struct lines lines = { 0 };
	int rc = 1;

	(void)column;
	if (message->wire_size == 0)
		rc = mailbox_message(message, count_wire, &lines, err);
	out->number = message->wire_size != 0 ? message->wire_size : lines.bytes;
	return rc;
}

static int
flags_value(const struct column *column, const struct scan_message *message,
    struct column_value *out, struct err *err)
{
	(void)column, (void)err;
	out->number = message->flags;
	return 1;
}

static int
date_value(const struct column *column, const struct scan_message *message,
    struct column_value *out, struct err *err)
{
	(void)column, (void)err;
	out->time = message->received;
	return out->time != (time_t)-1;
}

static int
field_value_of(const struct column *column, const struct scan_message *message,
    struct column_value *out, struct err *err)
{
	(void)message, (void)err;
	if (column->found->value == NULL)
		return 0;
	field_value(column->found, &out->text);
	return 1;
}

static int
sent_value(const struct column *column, const struct scan_message *message,
    struct column_value *out, struct err *err)
{
	out->time = (time_t)-1;
	if (field_value_of(column, message, out, err) == 1)
		out->time = decode_date(&out->text);
	return out->time != (time_t)-1;
}

static int
offset_value(const struct column *column, const struct scan_message *message,
    struct column_value *out, struct err *err)
{
	(void)column, (void)err;
	out->number = message->offset;
	return message->name == NULL;
}

static int
file_value(const struct column *column, const struct scan_message *message,
    struct column_value *out, struct err *err)
{
	(void)column, (void)err;
	buf_clear(&out->text);
	if (message->name == NULL)
		return 0;
	if (buf_adds(&out->text, message->name) == -1)
		speech_no_memory();
	return 1;
}

void
column_look(struct column_list *list, const struct scan_message *message)
{
	if (list->nfields > 0)
		field_find_all(
		    message->header, message->header_len, list->names, list->nfields, list->fields);
}

int
column_value(const struct column *column, const struct scan_message *message,
    struct column_value *out, struct err *err)
{
	buf_clear(&out->text);
	out->number = 0;
	return column->type->value(column, message, out, err);
}

/* ---- flags ----------------------------------------------------------------------------------- */

void
column_flags(unsigned flags, char out[COLUMN_FLAGS_MAX])
{
	static const struct {
		unsigned flag;
		char letter;
	} letters[] = {
		{ SCAN_ANSWERED, 'A' },
		{ SCAN_FLAGGED, 'F' },
		{ SCAN_PASSED, 'P' },
		{ SCAN_DRAFT, 'T' },
		{ SCAN_DELETED, 'D' },
	};
	char *p = out;

	if (!(flags & SCAN_SEEN))
		*p++ = flags & SCAN_RECENT ? 'N' : 'U';
	for (size_t i = 0; i < sizeof(letters) / sizeof(letters[0]); i++)
		if (flags & letters[i].flag)
			*p++ = letters[i].letter;
	if (p == out)
		*p++ = '-';
	*p = '\0';
}

const char *
column_flag_name(unsigned flags, size_t i, int *set)
{
	static const struct {
		unsigned flag;
		const char *name;
	} names[] = {
		{ SCAN_SEEN, "seen" },
		{ SCAN_RECENT, "recent" },
		{ SCAN_ANSWERED, "answered" },
		{ SCAN_FLAGGED, "flagged" },
		{ SCAN_PASSED, "passed" },
		{ SCAN_DRAFT, "draft" },
		{ SCAN_DELETED, "deleted" },
	};

	if (i >= sizeof(names) / sizeof(names[0]))
		return NULL;
	*set = (flags & names[i].flag) != 0;
	return names[i].name;
}

/* ---- names ----------------------------------------------------------------------------------- */

const char *
column_names(void)
{
	return "number, flags, date, sent, size, wire-size, from, to, cc, reply-to, subject, "
	       "message-id, delivered-to, return-path, offset, file, header:NAME";
}

static char *
copy(const char *text, size_t len)
{
	char *out = strndup(text, len);

	if (out == NULL)
		speech_no_memory();
	return out;
}

static int
set_header(struct column *column, const char *word, size_t len)
{
	const size_t prefix = strlen("header:");

	column->name = column->field = copy(word + prefix, len - prefix);
	column->heading = copy(column->field, strlen(column->field));
	for (char *p = column->heading; *p != '\0'; p++)
		*p = (char)toupper((unsigned char)*p);
	return len > prefix && strchr(column->field, ':') == NULL ? 0 : -1;
}

static int
set_column(struct column *column, const char *word, size_t len)
{
	for (size_t i = 0; i < NTYPES; i++) {
		const struct column_type *type = &types[i];

		column->type = type;
		column->kind = type->kind;
		if (i == NTYPES - 1 && len > strlen(type->name) &&
		    strncasecmp(word, type->name, strlen(type->name)) == 0)
			return set_header(column, word, len);
		if (!text_is_word(type->name, word, len))
			continue;
		column->name = type->name;
		column->heading = copy(type->heading, strlen(type->heading));
		if (type->field != NULL)
			column->field = copy(type->field, strlen(type->field));
		return 0;
	}
	return -1;
}

/* Once all columns are known, and stay where they are. */
static void
set_fields(struct column_list *list)
{
	list->fields = calloc(list->count, sizeof(*list->fields));
	list->names = calloc(list->count, sizeof(*list->names));
	if (list->fields == NULL || list->names == NULL)
		speech_no_memory();
	for (size_t i = 0; i < list->count; i++)
		if (list->columns[i].field != NULL) {
			list->names[list->nfields] = list->columns[i].field;
			list->columns[i].found = &list->fields[list->nfields++];
		}
}

int
column_parse(struct column_list *out, const char *names, struct err *err)
{
	static const char between[] = ", \t\n";
	const char *p = names;

	memset(out, 0, sizeof(*out));
	while (*(p += strspn(p, between)) != '\0') {
		size_t len = strcspn(p, between);
		struct column *grown = reallocarray(out->columns, out->count + 1, sizeof(*grown));

		if (grown == NULL)
			speech_no_memory();
		out->columns = grown;
		memset(&grown[out->count], 0, sizeof(*grown));
		if (set_column(&grown[out->count++], p, len) == -1) {
			err_set(err, 0, "no field \"%.*s\"; there are %s", len < 80 ? (int)len : 80,
			    p, column_names());
			column_free(out);
			return err->num = EINVAL, -1;
		}
		p += len;
	}
	if (out->count > 0) {
		set_fields(out);
		return 0;
	}
	err_set(err, 0, "which fields? There are %s", column_names());
	return err->num = EINVAL, -1;
}

void
column_free(struct column_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		free(list->columns[i].heading);
		free(list->columns[i].field);
	}
	free(list->columns);
	free(list->fields);
	free(list->names);
	memset(list, 0, sizeof(*list));
}

unsigned
column_wants(const struct column_list *list)
{
	unsigned wants = 0;

	for (size_t i = 0; i < list->count; i++)
		wants |= list->columns[i].type->wants;
	return wants;
}
