/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The source as its reader, its editor and its compiler share it.
 *
 * Lines are numbered as they were read, from 0, and edits add behind: a line never moves in
 * the array. `next` says what follows what and exists only after an edit.
 */
#ifndef VIRTMDA_MAP_SOURCE_H
#define VIRTMDA_MAP_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include "arena.h"
#include "map.h"
#include "map_line.h"
#include "string_index.h"

#define MAP_LINE_NONE UINT32_MAX
/* A line that was read and is no longer what it was. */
struct map_was {
	uint32_t number;
	struct map_line line;
};

struct map_source {
	char *path;
	struct buf text;          /* as read but for NULs behind keys; lines point into it */
	struct table_source info; /* of the text as read */
	struct map_line *lines;   /* of a part, also what lies between them */
	size_t nlines, room;
	size_t nread;             /* lines that were read, in front of those added */
	size_t errors, count;     /* malformed lines; mappings */
	struct string_index keys; /* line of a folded key */
	struct arena strings;

	struct map_part *part; /* only some lines were taken apart; NULL: all */
	bool trusted;          /* as it was asked to be read */
	bool whole_new;        /* map_source_parse: nothing of what stands there was read */
	bool edited;           /* the text is no longer what was read */
	bool cut;              /* the text is to end without a newline, whatever its last line is */
	struct map_was *was;   /* nwas lines that were read and have changed or gone */
	size_t nwas, was_room;
	map_announce_fn *announce; /* may be NULL */
	void *announce_arg;
	uint32_t *next; /* NULL until a line was added: the order of reading */
	size_t next_room;
	uint32_t first, last;        /* MAP_LINE_NONE: no line */
	bool no_newline;             /* the last line read has none */
	struct string_index domains; /* last line of a domain; filled by the first add */
	bool domains_known;
	struct map_view *view;
};

/* The number of a line in the text as it was read, from 1; 0: it was not there, or is not known. */
size_t map_source_line(const struct map_source *source, uint32_t number);

/* The line behind `line`, or the first for MAP_LINE_NONE; MAP_LINE_NONE behind the last. Removed
 * lines are passed over. */
uint32_t map_source_next(const struct map_source *source, uint32_t line);

/* The same with removed lines, which still say where their domain stands. */
uint32_t map_source_next_any(const struct map_source *source, uint32_t line);

/* A new line behind all others in the array. NULL with errno ENOMEM. */
struct map_line *map_source_new_line(struct map_source *source);

/* Write the text as it now stands to `fd`, and begin to flush it; size and digest go to *info. 0,
 * or -1 with err. */
int map_source_write(
    const struct map_source *source, int fd, struct table_source *info, struct err *err);

/* What const functions make of the source when they are asked. changed: `line` is another now, or
 * new, or gone. */
struct map_view *map_view_new(void); /* NULL with errno ENOMEM */
void map_view_changed(struct map_view *view, uint32_t line);
void map_view_free(struct map_view *view); /* accepts NULL */

#endif
