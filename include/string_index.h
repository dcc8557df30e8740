/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * From a string to a number: an open-addressed hash that keeps no strings of its own.
 */
#ifndef VIRTMDA_STRING_INDEX_H
#define VIRTMDA_STRING_INDEX_H

#include <stddef.h>
#include <stdint.h>

#define STRING_INDEX_NONE UINT32_MAX

struct string_index_slot {
	uint32_t hash;
	uint32_t number; /* STRING_INDEX_NONE: free */
};

struct string_index {
	/* The string of a number that was put in. */
	const char *(*string_of)(const void *arg, uint32_t number);
	const void *arg;
	struct string_index_slot *slots;
	size_t size, used; /* size: 0 or a power of two */
};

/* The number under `string`, or STRING_INDEX_NONE. */
uint32_t string_index_find(const struct string_index *index, const char *string);

/* Put `number` under its string, in place of one that was there. 0, or -1 with errno ENOMEM. */
int string_index_put(struct string_index *index, uint32_t number);

/* Take all out, and keep the room. */
void string_index_clear(struct string_index *index);

void string_index_free(struct string_index *index);

#endif
