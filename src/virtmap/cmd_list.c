/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * virtmap list and get: what the text says, whether compiled or not.
 */
#include <errno.h>
#include <fnmatch.h>
#include <string.h>

#include "editor.h"

#define WIDTH_MAX 48 /* bytes; a longer key pushes its own target only */

static int
matches(const struct map_entry *entry, const char *pattern)
{
	return pattern == NULL || fnmatch(pattern, entry->folded, FNM_CASEFOLD) == 0 ||
	       fnmatch(pattern, entry->key, FNM_CASEFOLD) == 0 ||
	       fnmatch(pattern, entry->target, FNM_CASEFOLD) == 0;
}

/* Wide enough for the longest key that matches, within reason. */
static int
key_width(const struct map_source *source, const char *pattern)
{
	size_t width = 0;

	for (size_t i = 0; i < map_source_count(source); i++) {
		const struct map_entry *entry = map_source_entry(source, i);
		size_t len = entry == NULL || !matches(entry, pattern) ? 0 : strlen(entry->key);

		if (len > width && len <= WIDTH_MAX)
			width = len;
	}
	return (int)width;
}

static enum status
list(const struct map_source *source, const char *pattern)
{
	size_t found = 0;
	int width = key_width(source, pattern);

	for (size_t i = 0; i < map_source_count(source); i++) {
		const struct map_entry *entry = map_source_entry(source, i);

		if (entry == NULL) {
			struct err err;

			err_set(&err, ENOMEM, "list");
			return speech_fail(&err);
		}
		if (!matches(entry, pattern))
			continue;
		/* Blanks, not a tab: that would come out of vis(3) as \t. */
		speech_say(stdout, "%-*s %s", width, entry->key, entry->target);
		found++;
	}
	if (map_source_errors(source) > 0)
		return STATUS_DATA;
	return found > 0 || pattern == NULL ? STATUS_OK : STATUS_NOT_SO;
}

enum status
cmd_list(const struct virtmap *virtmap, const char *options, int argc, char **argv)
{
	struct editor editor;
	enum status status = editor_open(&editor, virtmap, EDITOR_READ, 0);

	(void)options;
	if (status == STATUS_OK)
		status = list(editor.source, argc > 0 ? argv[0] : NULL);
	editor_close(&editor);
	return status;
}

static enum status
get(const struct map_source *source, const char *key)
{
	struct err err;
	const struct map_entry *entry = map_source_find(source, key, &err);

	if (entry != NULL) {
		speech_say(stdout, "%s", entry->target);
		return STATUS_OK;
	}
	if (err.num != 0)
		return speech_fail(&err);
	speech_say(stderr, "virtmap: %s: no such mapping", key);
	/* It may be meant by one of the lines that were reported. */
	return map_source_errors(source) > 0 ? STATUS_DATA : STATUS_NOT_SO;
}

enum status
cmd_get(const struct virtmap *virtmap, const char *options, int argc, char **argv)
{
	struct editor editor;
	enum status status = editor_open(&editor, virtmap, EDITOR_READ, 0);

	(void)options;
	(void)argc;
	if (status == STATUS_OK)
		status = get(editor.source, argv[0]);
	editor_close(&editor);
	return status;
}
