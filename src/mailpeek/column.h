/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a row of `list` or `search` can say of a message, by name.
 */
#ifndef MAILPEEK_COLUMN_H
#define MAILPEEK_COLUMN_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "buf.h"
#include "err.h"
#include "field.h"
#include "mailbox_scan.h"

enum column_kind { COLUMN_NUMBER, COLUMN_SIZE, COLUMN_FLAGS, COLUMN_DATE, COLUMN_TEXT };

struct column {
	const struct column_type *type; /* column.c's own */
	const char *name;               /* as it is asked for, and in JSON */
	char *heading;
	enum column_kind kind;
	char *field;               /* COLUMN_TEXT of a header, COLUMN_DATE of one: its name */
	const struct field *found; /* and where it stands in the message at hand */
};

struct column_list {
	struct column *columns;
	size_t count;
	struct field *fields; /* that the columns show */
	const char **names;   /* theirs */
	size_t nfields;
};

/* Names between commas or blanks ("number,from,header:List-Id"). 0 with *out (column_free), or -1
 * with err: EINVAL, no such name. */
int column_parse(struct column_list *out, const char *names, struct err *err);
void column_free(struct column_list *list); /* accepts a zeroed one */

/* All names there are, for people. */
const char *column_names(void);

/* What mailbox_scan must be asked for. */
unsigned column_wants(const struct column_list *list);

/* Take a message in hand, within a callback of mailbox_scan: find what the columns show of its
 * header. */
void column_look(struct column_list *list, const struct scan_message *message);

/* What one column says of the message that column_look was given. */
struct column_value {
	uint64_t number; /* NUMBER, SIZE; FLAGS: SCAN_ */
	time_t time;     /* DATE; (time_t)-1 for none */
	struct buf text; /* TEXT: decoded, not yet safe to print */
};

/* 1 with *out, 0 if the message has none (a number 0, no date, an empty text), -1 with err. The
 * text's memory is used again and again; buf_free(&out->text) at the end. */
int column_value(const struct column *column, const struct scan_message *message,
    struct column_value *out, struct err *err);

/* Letters of what is set, "-" for a message that was read and nothing else. */
#define COLUMN_FLAGS_MAX 8
void column_flags(unsigned flags, char out[COLUMN_FLAGS_MAX]);

/* The name of flag number i ("seen"), NULL behind the last; *set: whether it is among `flags`. */
const char *column_flag_name(unsigned flags, size_t i, int *set);

#endif
