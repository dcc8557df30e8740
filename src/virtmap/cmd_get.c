/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * virtmap get: one mapping. Scripts get the target and nothing else; people, on a terminal or with
 * -v, also the line where it stands and what somebody wrote above it, which often says why.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "editor.h"
#include "format.h"
#include "history_record.h"

/* A mapping and the comment directly above it. */
struct found {
	const struct map_entry *entry;
	const char *comment; /* lines, or "" */
};

/* ---- for people ---------------------------------------------------------------------------- */

static void
say_found(const struct found *found, const char *path)
{
	const char *line = found->comment;

	for (size_t len; *line != '\0'; line += len + 1) {
		len = strcspn(line, "\n");
		speech_say(stdout, "%.*s", (int)len, line);
	}
	speech_say(stdout, "%s:%zu: %s %s", path, found->entry->line, found->entry->key,
	    found->entry->target);
}

/* ---- for programs -------------------------------------------------------------------------- */

/* Its lines without newlines and without what makes them comments. NULL without memory. */
static json_t *
comment_lines(const char *text)
{
	json_t *list = json_array();

	for (size_t len; list != NULL && *text != '\0'; text += len + 1) {
		size_t mark = strspn(text, " \t#");
		char *line;

		len = strcspn(text, "\n");
		if (mark > len)
			mark = len;
		line = strndup(text + mark, len - mark);
		if (line == NULL || json_array_append_new(list, history_string(line)) == -1) {
			json_decref(list);
			list = NULL;
		}
		free(line);
	}
	return list;
}

static json_t *
object_of(const struct found *found)
{
	struct buf key = BUF_INIT;
	const char *text = NULL;
	json_t *object = NULL;

	if (format_add_key(&key, found->entry->folded) == 0 && (text = buf_cstr(&key)) != NULL)
		object = json_pack("{s:o, s:o, s:I, s:o, s:o}", "key", history_string(text),
		    "target", history_string(found->entry->target), "line",
		    (json_int_t)found->entry->line, "written", history_string(found->entry->key),
		    "comment", comment_lines(found->comment));
	buf_free(&key);
	return object;
}

static enum status
say_json(const struct found *found)
{
	json_t *object = object_of(found);
	struct err err;

	if (object == NULL) {
		err_set(&err, ENOMEM, "get");
		return speech_fail(&err);
	}
	json_dumpf(object, stdout, JSON_ENSURE_ASCII);
	putchar('\n');
	json_decref(object);
	return STATUS_OK;
}

/* ---- the command --------------------------------------------------------------------------- */

static enum status
not_there(const struct map_source *source, const char *key, const struct err *err)
{
	if (err->num != 0)
		return speech_fail(err);
	speech_say(stderr, "virtmap: %s: no such mapping", key);
	/* It may be meant by one of the lines that were reported. */
	return map_source_errors(source) > 0 ? STATUS_DATA : STATUS_NOT_SO;
}

static enum status
get(const struct editor *editor, const char *options, const char *key)
{
	const char *path = editor->virtmap->settings->map;
	struct buf comment = BUF_INIT;
	struct found found = { 0 };
	enum status status = STATUS_OK;
	struct err err;

	if ((found.entry = map_source_find(editor->source, key, &err)) == NULL)
		return not_there(editor->source, key, &err);
	if (map_source_comment(editor->source, found.entry, &comment) == -1 ||
	    (found.comment = buf_cstr(&comment)) == NULL) {
		err_set(&err, ENOMEM, "get");
		status = speech_fail(&err);
	} else if (strchr(options, 'j') != NULL) {
		status = say_json(&found);
	} else if (strchr(options, 'v') != NULL || isatty(STDOUT_FILENO)) {
		say_found(&found, path);
	} else {
		speech_say(stdout, "%s", found.entry->target);
	}
	buf_free(&comment);
	return status;
}

enum status
cmd_get(const struct virtmap *virtmap, const char *options, int argc, char **argv)
{
	struct editor editor;
	enum status status = editor_open(&editor, virtmap, EDITOR_READ, 0);

	(void)argc;
	if (status == STATUS_OK)
		status = get(&editor, options, argv[0]);
	editor_close(&editor);
	return status;
}
