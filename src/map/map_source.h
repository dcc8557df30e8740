/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The source as its reader, its editor and its compiler share it.
 *
 * Lines are numbered as they were read, from 0, and edits add behind: a line never moves in
 * the array. `next` says what follows what and exists only after an edit. A line costs 40 bytes and
 * its folded key; that is what keeps a build of a million lines small.
 */
#ifndef VIRTMDA_MAP_SOURCE_H
#define VIRTMDA_MAP_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include "map.h"
#include "map_arena.h"
#include "map_index.h"

#define MAP_LINE_NONE    UINT32_MAX
#define MAP_LINE_REMOVED UINT32_MAX
#define MAP_LINE_MAX     1048576 /* bytes: a list of some 30000 addresses */

struct map_line {
	const char *text;        /* without its newline, not NUL-ended */
	const char *folded;      /* NULL: no mapping (a comment, blank, malformed) */
	struct map_entry *entry; /* made when somebody asks */
	uint32_t len;            /* MAP_LINE_REMOVED: the line is gone, but not where it was */
	uint32_t key_len;        /* the key stands in front */
	uint32_t target_off;     /* from text */
	uint32_t target_len;
};

/* A line that was read and is no longer what it was. */
struct map_was {
	uint32_t number;
	uint32_t len;
	const char *text;
};

struct map_source {
	char *path;
	struct buf text;          /* as read; lines point into it */
	struct table_source info; /* of the text as read; without digest until it is compiled */
	struct map_line *lines;
	size_t nlines, room;
	size_t nread;          /* lines that were read, in front of those added */
	size_t errors, count;  /* malformed lines; mappings */
	struct map_index keys; /* line of a folded key */
	struct map_arena strings;

	bool edited;         /* the text is no longer what was read */
	bool digested;       /* info.digest is known */
	bool cut;            /* the text is to end without a newline, whatever its last line is */
	struct map_was *was; /* nwas lines that were read and have changed or gone */
	size_t nwas, was_room;
	map_announce_fn *announce; /* may be NULL */
	void *announce_arg;
	uint32_t *next; /* NULL until a line was added: the order of reading */
	size_t next_room;
	uint32_t first, last;     /* MAP_LINE_NONE: no line */
	bool no_newline;          /* the last line read has none */
	struct map_index domains; /* last line of a domain; filled by the first add */
	bool domains_known;
	struct map_view *view; /* what const functions make when they are asked */
};

/* Made on demand and thrown away by edits. */
struct map_view {
	struct buf text;
	bool text_made;
	uint32_t *order; /* lines of all mappings in file order */
	struct map_arena entries;
};

/* Is it a mapping that is still there? */
bool map_line_maps(const struct map_line *line);

/* The line behind `line`, or the first for MAP_LINE_NONE; MAP_LINE_NONE behind the last. Removed
 * lines are passed over. */
uint32_t map_source_next(const struct map_source *source, uint32_t line);

/* The same with removed lines, which still say where their domain stands. */
uint32_t map_source_next_any(const struct map_source *source, uint32_t line);

/* Take one line apart into `line` (text and len are set). 1 a mapping, with its folded key in the
 * source's arena; 0 a comment or blank; -1 with err (num 0: malformed). */
int map_source_take_apart(struct map_source *source, struct map_line *line, struct err *err);

/* A new line behind all others in the array. NULL with errno ENOMEM. */
struct map_line *map_source_new_line(struct map_source *source);

/* The text has changed: throw away what was made of it. */
void map_source_changed(struct map_source *source);

#endif
