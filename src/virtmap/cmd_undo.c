/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * virtmap undo: a change of the log, taken back. It is an edit like any other, in the history too,
 * and can itself be undone. If the map has moved on where that change was, nothing is touched, and
 * every such place is told.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "editor.h"

/* ---- which ---------------------------------------------------------------------------------- */

#define LAST 0 /* in place of a number, which counts from 1 */

/* 0, or -1 after the reason was said. */
static int
read_number(const char *text, uint64_t *out)
{
	const char *why;
	long long number = strtonum(text, 1, INT64_MAX, &why);

	if (why != NULL) {
		speech_say(stderr, "virtmap: %s: this is no number of the log", text);
		return -1;
	}
	*out = (uint64_t)number;
	return 0;
}

/* NULL after the reason was said. */
static const struct history_record *
find_record(const struct history_list *list, uint64_t number)
{
	for (size_t i = list->n; i-- > 0;)
		if (number == LAST || list->records[i].number == number)
			return &list->records[i];
	if (number == LAST)
		speech_say(stderr, "virtmap: the log is empty");
	else
		speech_say(stderr, "virtmap: %llu: not in the log", (unsigned long long)number);
	return NULL;
}

static bool
can_be_undone(const struct history_record *record)
{
	if (record->known && record->nchanges > 0)
		return true;
	speech_say(stderr, "virtmap: %llu %s", (unsigned long long)record->number,
	    record->known ? "changed no mapping" : "cannot be undone: what it changed is not kept");
	return false;
}

/* ---- has the map moved on? ----------------------------------------------------------------- */

static int
by_key(const void *a, const void *b)
{
	const struct map_change *const *left = a, *const *right = b;
	int order = strcmp((*left)->key, (*right)->key);

	/* The record's order: the last of a key is how it was left. */
	return order != 0 ? order : (*left > *right) - (*left < *right);
}

/* 1 it is as it was left, 0 it is not, -1 with err. */
static int
is_as_left(
    const struct editor *editor, uint64_t number, const struct map_change *change, struct err *err)
{
	const struct map_entry *entry = map_source_find(editor->source, change->key, err);

	if (entry == NULL && err->num != 0)
		return -1;
	if (entry == NULL && change->now == NULL)
		return 1;
	if (entry != NULL && change->now != NULL && strcmp(entry->target, change->now) == 0)
		return 1;
	speech_say(stderr, "virtmap: %s: %s%s now, but %llu left %s%s", change->key,
	    entry != NULL ? "is " : "is not there", entry != NULL ? entry->target : "",
	    (unsigned long long)number, change->now != NULL ? "it " : "none",
	    change->now != NULL ? change->now : "");
	return 0;
}

static enum status
compare(const struct editor *editor, const struct history_record *record)
{
	const struct map_change **sorted =
	    calloc(record->nchanges, sizeof(const struct map_change *));
	size_t conflicts = 0, n = record->nchanges;
	struct err err;
	int rc = sorted != NULL ? 0 : err_set(&err, ENOMEM, "undo");

	for (size_t i = 0; sorted != NULL && i < n; i++)
		sorted[i] = &record->changes[i];
	if (sorted != NULL)
		qsort(sorted, n, sizeof(const struct map_change *), by_key);
	for (size_t i = 0; rc != -1 && i < n; i++) {
		if (i + 1 < n && strcmp(sorted[i]->key, sorted[i + 1]->key) == 0)
			continue;
		rc = is_as_left(editor, record->number, sorted[i], &err);
		conflicts += rc == 0;
	}
	free(sorted);
	if (rc == -1)
		return speech_fail(&err);
	if (conflicts == 0)
		return STATUS_OK;
	speech_say(stderr, "virtmap: the map has moved on in %zu place%s, nothing changed",
	    conflicts, conflicts == 1 ? "" : "s");
	return STATUS_NOT_SO;
}

/* ---- taking back --------------------------------------------------------------------------- */

static enum status
take_back(struct editor *editor, const struct history_record *record)
{
	unsigned char digest[MAP_DIGEST_SIZE];
	bool exact;
	struct err err;
	enum status status;

	/* Where the text is the very one that the change left, it becomes the one that was. Of an
	 * edit by hand no lines are known. */
	map_source_digest(editor->source, digest);
	exact = memcmp(digest, record->after, sizeof(digest)) == 0 &&
	        strcmp(record->verb, "hand-edit") != 0;
	if (map_source_restore(
	        editor->source, record->changes, record->nchanges, exact, record->cut, &err) == -1)
		return speech_fail(&err);
	editor->undoes = record->number;
	if ((status = editor_publish(editor)) != STATUS_OK)
		return status;
	speech_say(stdout, "%s %llu (%s, %s)", editor->lock == -1 ? "would undo" : "undid",
	    (unsigned long long)record->number, record->verb, record->time);
	return editor_tell(editor) == -1 ? STATUS_LATER : STATUS_OK;
}

static enum status
undo(struct editor *editor, const struct history_list *list, uint64_t number)
{
	const struct history_record *record = find_record(list, number);
	enum status status;

	if (record == NULL || !can_be_undone(record))
		return STATUS_NOT_SO;
	if ((status = compare(editor, record)) != STATUS_OK)
		return status;
	return take_back(editor, record);
}

enum status
cmd_undo(const struct virtmap *virtmap, const char *options, int argc, char **argv)
{
	enum editor_mode mode = strchr(options, 'n') != NULL ? EDITOR_READ : EDITOR_CHANGE;
	struct history_list list;
	struct editor editor;
	uint64_t number = LAST;
	enum status status;
	struct err err;

	if (argc > 0 && read_number(argv[0], &number) == -1)
		return STATUS_USAGE;
	status = editor_open(&editor, virtmap, mode, 0);
	if (status == STATUS_OK && editor_history(virtmap, &list, &err) == -1)
		status = speech_fail(&err);
	else if (status == STATUS_OK) {
		status = undo(&editor, &list, number);
		history_free(&list);
	}
	editor_close(&editor);
	return status;
}
