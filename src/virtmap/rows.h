/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What commands that read have in common: which mappings, in which order, and rows as JSON.
 */
#ifndef VIRTMAP_ROWS_H
#define VIRTMAP_ROWS_H

#include <jansson.h>
#include <stdbool.h>

#include "err.h"
#include "map.h"

/* All entries, in the text's order or sorted by domain, then key; NULL behind the last. free() it;
 * the entries are the source's. NULL with err. */
const struct map_entry **rows_entries(
    const struct map_source *source, bool sorted, struct err *err);

/* Does any of the shell's patterns (fnmatch(3), without regard to case) match? None at all matches
 * everything. */
bool rows_match(char *const *patterns, int npatterns, const char *text);

/* A JSON array on standard output, a row a line, ASCII only, none of it kept in memory. Begin with
 * a zeroed one. */
struct rows {
	size_t n;
};

/* Takes the row over. 0, or -1 with err: row is NULL, there was no memory for it. */
int rows_add(struct rows *rows, json_t *row, struct err *err);
void rows_end(const struct rows *rows);

#endif
