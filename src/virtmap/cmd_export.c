/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * virtmap export: the map for another program, on standard output. Sorted by domain, then key, with
 * keys in their one folded form: two maps that mean the same give the same bytes. What the format
 * has no words for is told line by line.
 */
#include <stdlib.h>

#include "editor.h"
#include "format.h"
#include "pager.h"
#include "rows.h"

struct sheet_arg {
	const char *path;
	size_t refused;
};

static void
refuse(void *arg, const struct map_entry *entry, const char *why)
{
	struct sheet_arg *sheet = arg;

	sheet->refused++;
	speech_say(stderr, "%s:%zu: %s: %s", sheet->path, entry->line, entry->folded, why);
}

static enum status
write_sheet(const struct format *format, const struct map_source *source, const char *path)
{
	struct sheet_arg arg = { path, 0 };
	struct format_sheet sheet = {
		.count = map_source_count(source), .arg = &arg, .refuse = refuse
	};
	const struct map_entry **entries;
	struct err err;
	int failed;

	if ((entries = rows_entries(source, true, &err)) == NULL)
		return speech_fail(&err);
	sheet.entries = entries;
	pager_start();
	failed = format->write(&sheet, stdout, &err);
	free(entries);
	if (failed == -1)
		return speech_fail(&err);
	if (arg.refused == 0)
		return STATUS_OK;
	speech_say(
	    stderr, "export: %zu of %zu mappings not carried over", arg.refused, sheet.count);
	return STATUS_NOT_SO;
}

enum status
cmd_export(const struct virtmap *virtmap, const char *options, int argc, char **argv)
{
	const struct format *format = format_find(argv[0]);
	struct editor editor;
	enum status status;

	(void)options;
	(void)argc;
	if (format == NULL) {
		speech_say(stderr, "virtmap: %s: no such format: %s", argv[0], format_names());
		return STATUS_USAGE;
	}
	status = editor_open(&editor, virtmap, EDITOR_READ, 0);
	if (status == STATUS_OK && map_source_errors(editor.source) > 0) {
		speech_say(
		    stderr, "virtmap: %s: wrong lines, nothing exported", virtmap->settings->map);
		status = STATUS_DATA;
	}
	if (status == STATUS_OK)
		status = write_sheet(format, editor.source, virtmap->settings->map);
	editor_close(&editor);
	return status;
}
