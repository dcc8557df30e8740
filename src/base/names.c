/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * An index over an array over an arena: a million names cost no million calls of malloc, and
 * finding one no way down a tree.
 */
#include "names.h"

#include <stdlib.h>
#include <string.h>

static const char *
name_of(const void *arg, uint32_t number)
{
	const struct names *names = arg;

	return names->all[number];
}

static int
grow(struct names *names)
{
	size_t room = names->room + names->room / 2 + 16;
	const char **all = reallocarray(names->all, room, sizeof(*all));

	if (all == NULL)
		return -1;
	names->all = all;
	names->room = room;
	return 0;
}

uint32_t
names_find(const struct names *names, const char *name)
{
	return string_index_find(&names->index, name);
}

uint32_t
names_add(struct names *names, const char *name)
{
	uint32_t number = names_find(names, name);

	if (number != NAMES_NONE)
		return number;
	names->index.string_of = name_of;
	names->index.arg = names;
	number = (uint32_t)names->count;
	if ((names->count == names->room && grow(names) == -1) ||
	    (names->all[number] = arena_string(&names->strings, name, strlen(name))) == NULL ||
	    string_index_put(&names->index, number) == -1)
		return NAMES_NONE;
	names->count++;
	return number;
}

void
names_free(struct names *names)
{
	free(names->all);
	string_index_free(&names->index);
	arena_free(&names->strings);
	*names = (struct names){ 0 };
}
