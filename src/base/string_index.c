/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Finding a line by its key among a million of them, at eight bytes a line and a half-empty
 * table. Nothing is ever taken out: a line that was removed says so itself.
 */
#include "string_index.h"

#include <stdlib.h>
#include <string.h>

static uint32_t
hash_of(const char *string)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325); /* FNV-1a */

	for (const unsigned char *p = (const unsigned char *)string; *p != '\0'; p++)
		hash = (hash ^ *p) * UINT64_C(0x100000001b3);
	return (uint32_t)(hash ^ hash >> 32);
}

/* The slot of `string`, or the free one where it would go. */
static struct string_index_slot *
slot_of(const struct string_index *index, const char *string, uint32_t hash)
{
	for (size_t i = hash & (index->size - 1);; i = (i + 1) & (index->size - 1)) {
		struct string_index_slot *slot = &index->slots[i];

		if (slot->number == STRING_INDEX_NONE)
			return slot;
		if (slot->hash == hash &&
		    strcmp(index->string_of(index->arg, slot->number), string) == 0)
			return slot;
	}
}

uint32_t
string_index_find(const struct string_index *index, const char *string)
{
	if (index->size == 0)
		return STRING_INDEX_NONE;
	return slot_of(index, string, hash_of(string))->number;
}

static int
grow(struct string_index *index)
{
	struct string_index bigger = *index;

	bigger.size = index->size > 0 ? 2 * index->size : 64;
	bigger.slots = reallocarray(NULL, bigger.size, sizeof(*bigger.slots));
	if (bigger.slots == NULL)
		return -1;
	memset(bigger.slots, 0xff, bigger.size * sizeof(*bigger.slots));
	for (size_t i = 0; i < index->size; i++) {
		size_t to = index->slots[i].hash & (bigger.size - 1);

		if (index->slots[i].number == STRING_INDEX_NONE)
			continue;
		while (bigger.slots[to].number != STRING_INDEX_NONE)
			to = (to + 1) & (bigger.size - 1);
		bigger.slots[to] = index->slots[i];
	}
	free(index->slots);
	*index = bigger;
	return 0;
}

int
string_index_put(struct string_index *index, uint32_t number)
{
	const char *string = index->string_of(index->arg, number);
	uint32_t hash = hash_of(string);
	struct string_index_slot *slot;

	if (2 * (index->used + 1) > index->size && grow(index) == -1)
		return -1;
	slot = slot_of(index, string, hash);
	if (slot->number == STRING_INDEX_NONE)
		index->used++;
	slot->hash = hash;
	slot->number = number;
	return 0;
}

void
string_index_clear(struct string_index *index)
{
	if (index->size > 0)
		memset(index->slots, 0xff, index->size * sizeof(*index->slots));
	index->used = 0;
}

void
string_index_free(struct string_index *index)
{
	free(index->slots);
	index->slots = NULL;
	index->size = index->used = 0;
}
