/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * virtmap build: the compiled map, the list of domains and the index of accounts, from their texts.
 */
#include <string.h>

#include "editor.h"
#include "meter.h"

static enum status
index_accounts(const struct virtmap *virtmap)
{
	struct err err;

	if (accounts_index(virtmap->settings->accounts, virtmap->trusted, &err) == 0)
		return STATUS_OK;
	/* The map is published all the same: without an index accounts are found by reading. */
	err_prefix(&err, "the map is compiled, the index of accounts is not");
	return speech_fail(&err);
}

enum status
cmd_build(const struct virtmap *virtmap, const char *options, int argc, char **argv)
{
	struct editor editor;
	int dry = strchr(options, 'n') != NULL;
	enum status status;

	meter_start("virtmap");
	status = editor_open(&editor, virtmap, dry ? EDITOR_READ : EDITOR_CHANGE, 0);

	(void)argc;
	(void)argv;
	if (status == STATUS_OK)
		status = dry ? editor_check(&editor) : editor_compile(&editor);
	if (status == STATUS_OK) {
		speech_say(stdout, "%s: %zu virtual user/host mappings", virtmap->settings->map,
		    map_source_count(editor.source));
		if (!dry)
			status = index_accounts(virtmap);
	}
	editor_close(&editor);
	return status;
}
