/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The compiled map with changes over it that are not written yet: what a few edits read and change,
 * key by key.
 */
#ifndef VIRTMDA_MAP_CELLS_H
#define VIRTMDA_MAP_CELLS_H

#include <stdbool.h>

#include "arena.h"
#include "string_index.h"
#include "table.h"

struct map_cell {
	const char *group, *key;
	const char *value;     /* as it is now, NUL behind it; NULL: not there */
	const char *old_value; /* as the table has it */
	size_t len, old_len;
};

struct map_cells {
	struct table *table;
	struct string_index index; /* by key */
	struct map_cell **all;
	size_t count, room;
	struct arena strings;
};

void map_cells_init(struct map_cells *cells, struct table *table);
void map_cells_free(struct map_cells *cells);

/* What stands under a key of the map, of a mark too. It lives as long as the cells, which are its
 * owner. NULL with err. */
struct map_cell *map_cells_get(
    struct map_cells *cells, const char *group, const char *key, struct err *err);
/* The same for a mapping, whose group its key tells. */
struct map_cell *map_cells_mapping(struct map_cells *cells, const char *key, struct err *err);

/* Put another value there, a copy; value NULL: take it away. 0, or -1 with errno ENOMEM. */
int map_cells_set(struct map_cells *cells, struct map_cell *cell, const char *value, size_t len);

/* Is it other than in the table? */
bool map_cell_changed(const struct map_cell *cell);

size_t map_cells_changed(const struct map_cells *cells);

/* Add what has changed to a builder that table_build_from has begun. 0, or -1 with err. */
int map_cells_build(const struct map_cells *cells, struct table_builder *builder, struct err *err);

#endif
