/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Many small strings that live and die together.
 */
#ifndef VIRTMDA_ARENA_H
#define VIRTMDA_ARENA_H

#include <stddef.h>

struct arena {
	struct arena_chunk *chunks;
};

/* `len` bytes, aligned for any type. Freed with the arena. NULL with errno ENOMEM. */
void *arena_take(struct arena *arena, size_t len);

/* A copy of `len` bytes with a NUL behind it. NULL with errno ENOMEM. */
char *arena_string(struct arena *arena, const char *bytes, size_t len);

void arena_free(struct arena *arena); /* accepts a zeroed one */

#endif
