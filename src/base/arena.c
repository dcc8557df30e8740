/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Memory for a million keys without a million headers of malloc.
 */
#include "arena.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK 262144 /* bytes */

struct arena_chunk {
	struct arena_chunk *next;
	size_t used, size;
	alignas(max_align_t) char bytes[];
};

static void *
take(struct arena *arena, size_t len, size_t alignment)
{
	struct arena_chunk *chunk = arena->chunks;
	size_t at = chunk == NULL ? 0 : (chunk->used + alignment - 1) / alignment * alignment;

	if (chunk == NULL || at > chunk->size || chunk->size - at < len) {
		size_t size = len > CHUNK ? len : CHUNK;

		if ((chunk = malloc(sizeof(*chunk) + size)) == NULL)
			return NULL;
		*chunk = (struct arena_chunk){ .next = arena->chunks, .size = size };
		arena->chunks = chunk;
		at = 0;
	}
	chunk->used = at + len;
	return chunk->bytes + at;
}

void *
arena_take(struct arena *arena, size_t len)
{
	return take(arena, len, alignof(max_align_t));
}

char *
arena_string(struct arena *arena, const char *bytes, size_t len)
{
	char *copy = take(arena, len + 1, 1);

	if (copy == NULL)
		return NULL;
	memcpy(copy, bytes, len);
	copy[len] = '\0';
	return copy;
}

void
arena_free(struct arena *arena)
{
	struct arena_chunk *chunk = arena->chunks, *next;

	for (; chunk != NULL; chunk = next) {
		next = chunk->next;
		free(chunk);
	}
	arena->chunks = NULL;
}
