/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the two kinds of right sides share while they are parsed: addresses (map_target.c) and
 * refusals (map_target_error.c).
 */
#ifndef MAP_TARGET_H
#define MAP_TARGET_H

#include "map.h"

bool target_is_blank(char c);
const char *target_skip_blanks(const char *p);

/* ENOMEM in err; -1. */
int target_no_memory(struct err *err);

/* `text` with `args` in it, or as it is without them. malloc'ed, or NULL with errno. */
char *target_expand(const char *text, size_t len, const struct target_args *args);

/* Fill *out, which is zeroed, from what stands behind `error:`. 0, or -1 with err. */
int target_parse_error(
    struct target *out, const char *rest, const struct target_args *args, struct err *err);

#endif
