/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Names, each once, numbered from 0 in the order in which they came. Not to be copied or moved.
 */
#ifndef VIRTMDA_NAMES_H
#define VIRTMDA_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arena.h"
#include "string_index.h"

#define NAMES_NONE STRING_INDEX_NONE

struct names {
	const char **all; /* count of them */
	size_t count, room;
	struct string_index index;
	struct arena strings;
};

/* The number of a name, or NAMES_NONE. */
uint32_t names_find(const struct names *names, const char *name);

/* The same, and a copy of it is put in if it is not there: then the number is the count before.
 * NAMES_NONE with errno ENOMEM. */
uint32_t names_add(struct names *names, const char *name);

void names_free(struct names *names); /* accepts a zeroed one, leaves one */

#endif
