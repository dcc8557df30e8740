/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A set of strings: tsearch(3).
 */
#include "once.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "mailpeek.h"

static int
by_text(const void *a, const void *b)
{
	return strcmp(a, b);
}

bool
once_is_new(struct once *once, const char *text)
{
	char *copy;

	if (tfind(text, &once->tree, by_text) != NULL)
		return false;
	if ((copy = strdup(text)) == NULL || tsearch(copy, &once->tree, by_text) == NULL)
		speech_no_memory();
	return true;
}

void
once_free(struct once *once)
{
	tdestroy(once->tree, free);
	once->tree = NULL;
}
