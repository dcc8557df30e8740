/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Many small strings that live and die together.
 */
#ifndef VIRTMDA_MAP_ARENA_H
#define VIRTMDA_MAP_ARENA_H

#include <stddef.h>

struct map_arena {
	struct map_arena_chunk *chunks;
};

/* `len` bytes, aligned for any type. Freed with the arena. NULL with errno ENOMEM. */
void *map_arena_take(struct map_arena *arena, size_t len);

/* A copy of `len` bytes with a NUL behind it. NULL with errno ENOMEM. */
char *map_arena_string(struct map_arena *arena, const char *bytes, size_t len);

void map_arena_free(struct map_arena *arena); /* accepts a zeroed one */

#endif
