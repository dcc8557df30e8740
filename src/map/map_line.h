/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One line of the source. There may be a million, so a line costs 32 bytes beside its text: most
 * keys are written as they are folded, and then the text itself is the folded key, its NUL where
 * the blank behind the key was. map_line_text gives the bytes as they were read.
 */
#ifndef VIRTMDA_MAP_LINE_H
#define VIRTMDA_MAP_LINE_H

#include <stdbool.h>
#include <stdint.h>

#include "arena.h"
#include "buf.h"
#include "err.h"

#define MAP_LINE_REMOVED UINT32_MAX
#define MAP_LINE_MAX     1048576 /* bytes: a list of some 30000 addresses */

struct map_line {
	char *text;              /* without its newline, not NUL-ended */
	const char *folded;      /* NULL: no mapping (a comment, blank, malformed) */
	uint32_t len;            /* MAP_LINE_REMOVED: the line is gone, but not where it was */
	uint32_t key_len : 31;   /* the key stands in front */
	uint32_t tab_behind : 1; /* where folded == text: the NUL was a tab, not a space */
	uint32_t target_off;     /* from text */
	uint32_t target_len;
};

/* Take a line apart (text and len are set, all else is zero). Folded keys that differ from what is
 * written go to `strings`. 1 a mapping; 0 a comment or blank; -1 with err (num 0: malformed,
 * ENOMEM) and the line no mapping. */
int map_line_take_apart(struct map_line *line, struct arena *strings, struct err *err);

/* Make a mapping a line that is none, say because its key is taken. */
void map_line_reject(struct map_line *line);

/* Is it a mapping that is still there? */
bool map_line_maps(const struct map_line *line);

/* Append the first `len` bytes of the line as they were read. 0, or -1 with errno ENOMEM. */
int map_line_text(const struct map_line *line, size_t len, struct buf *out);

/* Newlines in `len` bytes. */
size_t map_line_count(const unsigned char *text, size_t len);

#endif
