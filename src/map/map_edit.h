/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What an edit and its taking back have in common.
 */
#ifndef VIRTMDA_MAP_EDIT_H
#define VIRTMDA_MAP_EDIT_H

#include "map_source.h"

/* Make `text` a line: 0, or -1 with err if it is no mapping (EINVAL; `what` stands in front of
 * why).
 */
int map_edit_make(struct map_source *source, struct map_line *out, const char *text, size_t len,
    const char *what, struct err *err);

/* The line of a key in any spelling; MAP_LINE_NONE if there is none, or none any more. 0, or -1
 * with err: the key is malformed, or was not read (EINVAL). */
int map_edit_find(
    const struct map_source *source, const char *key, uint32_t *line, struct err *err);

/* Both -1, with err; refuse: with an errno that tells the caller which, but no words of strerror's
 * in the text. */
int map_edit_refuse(struct err *err, int num, const char *what, const char *why);
int map_edit_no_memory(const struct map_source *source, struct err *err);

#endif
