/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Mappings as they are listed: for people in columns (columns.h), for programs as JSON.
 */
#include "rows.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format.h"

/* ---- which, in which order ----------------------------------------------------------------- */

const struct map_entry **
rows_entries(const struct map_source *source, bool sorted, struct err *err)
{
	size_t count = map_source_count(source);
	const struct map_entry **entries = calloc(count + 1, sizeof(const void *));

	for (size_t i = 0; entries != NULL && i < count; i++) {
		if ((entries[i] = map_source_entry(source, i)) == NULL) {
			free(entries);
			entries = NULL;
		}
	}
	if (entries == NULL)
		err_set(err, ENOMEM, "read the map");
	else if (sorted)
		qsort(entries, count, sizeof(const void *), format_compare);
	return entries;
}

bool
rows_match(char *const *patterns, int npatterns, const char *text)
{
	for (int i = 0; i < npatterns; i++)
		if (fnmatch(patterns[i], text, FNM_CASEFOLD) == 0)
			return true;
	return npatterns == 0;
}

/* ---- JSON ---------------------------------------------------------------------------------- */

int
rows_add(struct rows *rows, json_t *row, struct err *err)
{
	if (row == NULL)
		return err_set(err, ENOMEM, "write JSON");
	fputs(rows->n++ == 0 ? "[\n" : ",\n", stdout);
	/* A failure of standard output is found at the end. */
	json_dumpf(row, stdout, JSON_ENSURE_ASCII);
	json_decref(row);
	return 0;
}

void
rows_end(const struct rows *rows)
{
	puts(rows->n == 0 ? "[]" : "\n]");
}
