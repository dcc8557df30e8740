/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Keys of the compiled map as some edits find them and leave them.
 */
#include "map_cells.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "map_key.h"

static const char *
key_of(const void *arg, uint32_t number)
{
	const struct map_cells *cells = arg;

	return cells->all[number]->key;
}

void
map_cells_init(struct map_cells *cells, struct table *table)
{
	memset(cells, 0, sizeof(*cells));
	cells->table = table;
	cells->index.string_of = key_of;
	cells->index.arg = cells;
}

void
map_cells_free(struct map_cells *cells)
{
	free(cells->all);
	string_index_free(&cells->index);
	arena_free(&cells->strings);
}

static struct map_cell *
new_cell(struct map_cells *cells, const char *group, const char *key)
{
	struct arena *strings = &cells->strings;
	struct map_cell *cell = arena_take(strings, sizeof(*cell));

	if (cells->count == cells->room) {
		size_t room = cells->room + cells->room / 2 + 16;
		struct map_cell **all = reallocarray(cells->all, room, sizeof(struct map_cell *));

		if (all == NULL)
			return NULL;
		cells->all = all;
		cells->room = room;
	}
	if (cell == NULL)
		return NULL;
	memset(cell, 0, sizeof(*cell));
	cell->group = arena_string(strings, group, strlen(group));
	cell->key = arena_string(strings, key, strlen(key));
	return cell->group == NULL || cell->key == NULL ? NULL : cell;
}

/* From the table. 0, or -1 with err. */
static int
fill(struct map_cells *cells, struct map_cell *cell, struct err *err)
{
	char *value;
	size_t len;
	int found = table_get(cells->table, cell->group, cell->key, &value, &len, err);

	if (found != 1)
		return found;
	cell->old_value = arena_string(&cells->strings, value, len);
	cell->old_len = len;
	free(value);
	if (cell->old_value == NULL)
		return err_set(err, ENOMEM, "read %.100s", cell->key);
	return 0;
}

struct map_cell *
map_cells_get(struct map_cells *cells, const char *group, const char *key, struct err *err)
{
	uint32_t found = string_index_find(&cells->index, key);
	struct map_cell *cell;

	if (found != STRING_INDEX_NONE)
		return cells->all[found];
	if ((cell = new_cell(cells, group, key)) == NULL) {
		err_set(err, ENOMEM, "read %.100s", key);
		return NULL;
	}
	if (fill(cells, cell, err) == -1)
		return NULL;
	cell->value = cell->old_value;
	cell->len = cell->old_len;
	cells->all[cells->count++] = cell;
	if (string_index_put(&cells->index, (uint32_t)cells->count - 1) == -1) {
		err_set(err, ENOMEM, "read %.100s", key);
		return NULL;
	}
	return cell;
}

struct map_cell *
map_cells_mapping(struct map_cells *cells, const char *key, struct err *err)
{
	char scratch[MAP_KEY_ROOM];

	return map_cells_get(cells, map_key_group(key, scratch), key, err);
}

int
map_cells_set(struct map_cells *cells, struct map_cell *cell, const char *value, size_t len)
{
	cell->value = NULL;
	cell->len = len;
	if (value == NULL)
		return 0;
	cell->value = arena_string(&cells->strings, value, len);
	return cell->value == NULL ? -1 : 0;
}

bool
map_cell_changed(const struct map_cell *cell)
{
	if (cell->value == NULL || cell->old_value == NULL)
		return cell->value != cell->old_value;
	return cell->len != cell->old_len || memcmp(cell->value, cell->old_value, cell->len) != 0;
}

size_t
map_cells_changed(const struct map_cells *cells)
{
	size_t n = 0;

	for (size_t i = 0; i < cells->count; i++)
		n += map_cell_changed(cells->all[i]);
	return n;
}

int
map_cells_build(const struct map_cells *cells, struct table_builder *builder, struct err *err)
{
	int failed = 0;

	for (size_t i = 0; failed == 0 && i < cells->count; i++) {
		const struct map_cell *cell = cells->all[i];

		if (!map_cell_changed(cell))
			continue;
		failed = cell->value == NULL
		             ? table_build_remove(builder, cell->group, cell->key, err)
		             : table_build_add(
		                   builder, cell->group, cell->key, cell->value, cell->len, err);
	}
	return failed;
}
