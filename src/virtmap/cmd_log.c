/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * virtmap log and diff: what was changed, by whom, and what a hand has changed that is not
 * compiled. They read, and wait for nobody.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "editor.h"
#include "history_record.h"
#include "pager.h"
#include "rows.h"

/* ---- log ----------------------------------------------------------------------------------- */

static bool
touches(const struct history_record *record, const char *key)
{
	if (key == NULL)
		return true;
	for (size_t i = 0; i < record->nchanges; i++)
		if (strcmp(record->changes[i].key, key) == 0)
			return true;
	return false;
}

static void
say_record(const struct history_record *record, const char *key)
{
	char undoes[32] = "";

	if (record->undoes > 0)
		snprintf(undoes, sizeof(undoes), " of %llu", (unsigned long long)record->undoes);
	speech_say(stdout, "%llu  %s  %s%s%s  %s%s", (unsigned long long)record->number,
	    record->time, record->sudo_user != NULL ? record->sudo_user : record->user,
	    record->sudo_user != NULL ? " as " : "", record->sudo_user != NULL ? record->user : "",
	    record->verb, undoes);
	if (!record->known)
		speech_say(stdout, "  what changed is not known");
	for (size_t i = 0; i < record->nchanges; i++)
		if (key == NULL || strcmp(record->changes[i].key, key) == 0)
			editor_tell_change(&record->changes[i], "  ");
}

static enum status
say_json(const struct history_record *record)
{
	char *line = history_json(record);
	struct err err;

	if (line == NULL) {
		err_set(&err, ENOMEM, "log");
		return speech_fail(&err);
	}
	puts(line);
	free(line);
	return STATUS_OK;
}

/* The newest first. */
static enum status
say_all(const struct history_list *list, const char *key, bool json)
{
	enum status status = STATUS_OK;
	size_t found = 0;

	for (size_t i = list->n; status == STATUS_OK && i-- > 0;) {
		const struct history_record *record = &list->records[i];

		if (!touches(record, key))
			continue;
		found++;
		if (json)
			status = say_json(record);
		else
			say_record(record, key);
	}
	if (list->torn > 0)
		speech_say(stderr, "virtmap: warning: %zu line%s of the history cannot be read",
		    list->torn, list->torn == 1 ? "" : "s");
	return status == STATUS_OK && found == 0 && key != NULL ? STATUS_NOT_SO : status;
}

enum status
cmd_log(const struct virtmap *virtmap, const char *options, int argc, char **argv)
{
	struct history_list list;
	struct err err;
	char *key = NULL;
	enum status status;

	if (argc > 0 && (key = map_key_fold(argv[0], &err)) == NULL)
		return speech_fail(&err);
	if (editor_history(virtmap, &list, &err) == -1) {
		free(key);
		return speech_fail(&err);
	}
	pager_start();
	status = say_all(&list, key, strchr(options, 'j') != NULL);
	history_free(&list);
	free(key);
	return status;
}

/* ---- diff ---------------------------------------------------------------------------------- */

struct difference {
	bool json;
	struct rows rows;
	size_t n;
};

/* NULL without memory. */
static json_t *
row_of(const struct map_change *change)
{
	return json_pack("{s:o, s:o, s:o}", "key", history_string(change->key), "old",
	    history_string(change->old), "new", history_string(change->now));
}

/* map_change_fn */
static int
differ(void *arg, const struct map_change *change, struct err *err)
{
	struct difference *difference = arg;

	difference->n++;
	if (difference->json)
		return rows_add(&difference->rows, row_of(change), err);
	if (change->old != NULL)
		speech_say(stdout, "-%s %s", change->key, change->old);
	if (change->now != NULL)
		speech_say(stdout, "+%s %s", change->key, change->now);
	return 0;
}

static enum status
say_difference(const struct editor *editor, struct difference *difference)
{
	struct map *map;
	struct err err;
	int failed = map_open(&map, editor->virtmap->settings->map, editor->virtmap->trusted, &err);

	if (failed == -1)
		return speech_fail(&err);
	pager_start();
	failed = map_diff(map, editor->source, differ, difference, &err);
	map_close(map);
	if (difference->json)
		rows_end(&difference->rows);
	if (failed == -1)
		return speech_fail(&err);
	if (map_source_errors(editor->source) > 0)
		return STATUS_DATA;
	return difference->n > 0 ? STATUS_NOT_SO : STATUS_OK;
}

enum status
cmd_diff(const struct virtmap *virtmap, const char *options, int argc, char **argv)
{
	struct difference difference = { .json = strchr(options, 'j') != NULL };
	struct editor editor;
	enum status status = editor_open(&editor, virtmap, EDITOR_READ, 0);

	(void)argc;
	(void)argv;
	if (status == STATUS_OK)
		status = say_difference(&editor, &difference);
	editor_close(&editor);
	return status;
}
