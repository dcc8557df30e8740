/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * From a string to a number: an open-addressed hash that keeps no strings of its own.
 */
#ifndef VIRTMDA_MAP_INDEX_H
#define VIRTMDA_MAP_INDEX_H

#include <stddef.h>
#include <stdint.h>

#define MAP_INDEX_NONE UINT32_MAX

struct map_index_slot {
	uint32_t hash;
	uint32_t number; /* MAP_INDEX_NONE: free */
};

struct map_index {
	/* The string of a number that was put in. */
	const char *(*string_of)(const void *arg, uint32_t number);
	const void *arg;
	struct map_index_slot *slots;
	size_t size, used; /* size: 0 or a power of two */
};

/* The number under `string`, or MAP_INDEX_NONE. */
uint32_t map_index_find(const struct map_index *index, const char *string);

/* Put `number` under its string, in place of one that was there. 0, or -1 with errno ENOMEM. */
int map_index_put(struct map_index *index, uint32_t number);

/* Take all out, and keep the room. */
void map_index_clear(struct map_index *index);

void map_index_free(struct map_index *index);

#endif
