/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A compiled map made from the one that is there and the few mappings that an edit has changed.
 */
#ifndef VIRTMDA_MAP_PATCH_H
#define VIRTMDA_MAP_PATCH_H

#include "map_cells.h"
#include "map_source.h"

struct map_patch {
	struct map *map; /* that is there */
	struct map_cells cells;
	uint64_t old_sum, sum; /* map_domains_sum: there, and to be */
};

/* What the edits of `source` make of the compiled map. 1 with *out (map_patch_free); 0: that cannot
 * be told from it. There is none, it is damaged or of another text, or an edit is of a kind that
 * needs a look at all mappings: compiling the whole text tells. A chain without an end is among the
 * zeros too, so that one place reports those. */
int map_patch_make(
    struct map_patch *out, const struct map_source *source, map_account_fn *account, void *arg);
void map_patch_free(struct map_patch *patch); /* accepts a zeroed one */

/* The domains file for the map to be, from `path` as it stands: 1 with *out, 0 it must be made from
 * all mappings. *changed: it is other than what stands there. */
int map_patch_domains(
    const struct map_patch *patch, const char *path, struct buf *out, bool *changed);

#endif
