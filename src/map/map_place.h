/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Where the lines of an edited source stand: what follows what, which is the last of a domain, and
 * what was there before. A line that is put is one that was made (map_line_take_apart).
 */
#ifndef VIRTMDA_MAP_PLACE_H
#define VIRTMDA_MAP_PLACE_H

#include "map_source.h"

/* The last line of the domain of a folded key, behind which its next one goes; MAP_LINE_NONE: there
 * is none. 0, or -1 with errno ENOMEM. */
int map_place_last(struct map_source *source, const char *folded, uint32_t *line);

/* Each 0, or -1 with errno ENOMEM and the text as it was. */

/* Put a line behind `after` (MAP_LINE_NONE: behind all); is_last: it becomes the last of its
 * domain, and map_place_last has been asked. */
int map_place_put(
    struct map_source *source, const struct map_line *made, uint32_t after, bool is_last);
/* Put a line back behind `after` (MAP_LINE_NONE: in front of all). Domains are to be forgotten. */
int map_place_return(struct map_source *source, const struct map_line *made, uint32_t after);
/* Put a line of the same key in the place of another. */
int map_place_replace(struct map_source *source, uint32_t number, const struct map_line *made);
int map_place_remove(struct map_source *source, uint32_t number);
/* Put a line of another key in the place of one: that goes, and the new one stands behind it. */
int map_place_rename(struct map_source *source, uint32_t number, const struct map_line *made);

/* Which line of a domain is the last is to be found anew. */
void map_place_forget_domains(struct map_source *source);

/* A line is no longer what it was; MAP_LINE_NONE: none, but how the text ends. */
void map_place_changed(struct map_source *source, uint32_t line);

#endif
