/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * virtmap list: what the text says, whether compiled or not, in columns or as JSON.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "columns.h"
#include "editor.h"
#include "format.h"
#include "history_record.h"
#include "pager.h"
#include "rows.h"
#include "text.h"

#define WIDTH_MAX 48 /* columns; a longer key pushes its own target only */

struct listing {
	const struct map_entry **entries; /* those that match; n of them */
	size_t n;
};

static bool
matches(const struct map_entry *entry, char *const *patterns, int npatterns)
{
	return rows_match(patterns, npatterns, entry->folded) ||
	       rows_match(patterns, npatterns, entry->key) ||
	       rows_match(patterns, npatterns, entry->target);
}

static void
select_entries(struct listing *listing, char *const *patterns, int npatterns)
{
	const struct map_entry **all = listing->entries;

	for (size_t i = 0; all[i] != NULL; i++)
		if (matches(all[i], patterns, npatterns))
			listing->entries[listing->n++] = all[i];
}

/* ---- for people ---------------------------------------------------------------------------- */

static int
no_memory(struct err *err)
{
	return err_set(err, ENOMEM, "list");
}

/* Wide enough for the longest key, within reason. */
static int
key_width(const struct listing *listing, size_t *width, struct err *err)
{
	*width = 0;
	for (size_t i = 0; i < listing->n; i++) {
		char *key = text_vis_dup(listing->entries[i]->key);
		size_t columns;

		if (key == NULL)
			return no_memory(err);
		columns = columns_of(key);
		if (columns > *width && columns <= WIDTH_MAX)
			*width = columns;
		free(key);
	}
	return 0;
}

static int
print_entry(const struct map_entry *entry, size_t width, struct err *err)
{
	char *key = text_vis_dup(entry->key), *target = text_vis_dup(entry->target);
	int failed = 0;

	if (key == NULL || target == NULL) {
		failed = no_memory(err);
	} else {
		columns_put(stdout, COLUMNS_LEFT, width, key);
		printf(" %s\n", target);
	}
	free(key);
	free(target);
	return failed;
}

static int
print_columns(const struct listing *listing, struct err *err)
{
	size_t width;
	int failed = key_width(listing, &width, err);

	for (size_t i = 0; failed == 0 && i < listing->n; i++)
		failed = print_entry(listing->entries[i], width, err);
	return failed;
}

/* ---- for programs -------------------------------------------------------------------------- */

/* NULL without memory. The key in the form that export has, so that import reads a list, too. */
static json_t *
row_of(const struct map_entry *entry)
{
	struct buf key = BUF_INIT;
	const char *text = NULL;
	json_t *row = NULL;

	if (format_add_key(&key, entry->folded) == 0 && (text = buf_cstr(&key)) != NULL)
		row = json_pack("{s:o, s:o, s:I}", "key", history_string(text), "target",
		    history_string(entry->target), "line", (json_int_t)entry->line);
	buf_free(&key);
	return row;
}

static int
print_json(const struct listing *listing, struct err *err)
{
	struct rows rows = { 0 };
	int failed = 0;

	for (size_t i = 0; failed == 0 && i < listing->n; i++)
		failed = rows_add(&rows, row_of(listing->entries[i]), err);
	rows_end(&rows);
	return failed;
}

/* ---- the command --------------------------------------------------------------------------- */

static enum status
list(const struct map_source *source, const char *options, char *const *patterns, int npatterns)
{
	struct listing listing = { .n = 0 };
	struct err err;
	int failed;

	if ((listing.entries = rows_entries(source, strchr(options, 's') != NULL, &err)) == NULL)
		return speech_fail(&err);
	columns_begin();
	pager_start();
	select_entries(&listing, patterns, npatterns);
	failed = strchr(options, 'j') != NULL ? print_json(&listing, &err)
	                                      : print_columns(&listing, &err);
	free(listing.entries);
	if (failed == -1)
		return speech_fail(&err);
	if (map_source_errors(source) > 0)
		return STATUS_DATA;
	return listing.n > 0 || npatterns == 0 ? STATUS_OK : STATUS_NOT_SO;
}

enum status
cmd_list(const struct virtmap *virtmap, const char *options, int argc, char **argv)
{
	struct editor editor;
	enum status status = editor_open(&editor, virtmap, EDITOR_READ, 0);

	if (status == STATUS_OK)
		status = list(editor.source, options, argv, argc);
	editor_close(&editor);
	return status;
}
