/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A source of which only those lines are taken apart that the edit of a few keys needs. What lies
 * between them is a line too, one that maps nothing, however many lines of the text it is.
 */
#ifndef VIRTMDA_MAP_PART_H
#define VIRTMDA_MAP_PART_H

#include "map_source.h"

struct map_part; /* which keys, and where the lines stand */

/* Take the lines of `keys` (in any spelling) from the text that was just read, and for each of
 * their domains the last, behind which a line more would stand. 1 done: the text is the one that
 * the compiled map was made from, and each line that the map knows of was found. 0: that is not so,
 * and all lines must be taken apart. -1 with err. */
int map_part_take(
    struct map_source *source, const char *const *keys, size_t nkeys, struct err *err);

/* Was this folded key among them? */
bool map_part_has(const struct map_part *part, const char *folded);

/* The line's number in the text as it was read, from 1. */
size_t map_part_line(const struct map_source *source, uint32_t number);

void map_part_free(struct map_part *part); /* accepts NULL */

#endif
