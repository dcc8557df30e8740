/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * virtmap add, set, rm, rename: change the text in place and publish it, or change nothing.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "editor.h"
#include "resolve.h"

/* ---- what is asked for --------------------------------------------------------------------- */

/* Before anything is locked. */
static enum status
check_mapping(const char *key, const char *target_text)
{
	struct target target;
	struct err err;
	char *folded = map_key_fold(key, &err);

	if (folded == NULL)
		return speech_fail(&err);
	free(folded);
	if (target_parse(&target, target_text, NULL, &err) == -1)
		return speech_fail(&err);
	target_free(&target);
	return STATUS_OK;
}

static void
warn_of_name(struct resolver *resolver, const char *name)
{
	struct answer answer;

	resolve_local(resolver, name, &answer, NULL);
	if (answer.kind == ANSWER_NOUSER)
		speech_say(stderr, "virtmap: warning: %s is no alias and no account", name);
	else if (answer.kind == ANSWER_DEFER)
		speech_say(stderr, "virtmap: warning: %s: %s", name,
		    answer.text != NULL ? answer.text : "");
	answer_free(&answer);
}

/* The mapping stands; say what is odd about it. */
static void
warn_of_target(const struct virtmap *virtmap, const char *text)
{
	struct resolver *resolver;
	struct target target;
	struct err err;

	if (strchr(text, '%') != NULL || target_parse(&target, text, NULL, &err) == -1)
		return;
	if (resolver_new(&resolver, virtmap->settings, &err) == 0) {
		for (size_t i = 0; i < target.naddresses; i++)
			if (target.addresses[i].domain == NULL)
				warn_of_name(resolver, target.addresses[i].local);
		resolver_free(resolver);
	}
	target_free(&target);
}

/* ---- add and set --------------------------------------------------------------------------- */

/* The target that `key` has now, malloc'ed, in *out; NULL if it has none. */
static enum status
current(const struct editor *editor, const char *key, char **out)
{
	struct err err;
	const struct map_entry *entry = map_source_find(editor->source, key, &err);

	*out = NULL;
	if (entry == NULL)
		return err.num == 0 ? STATUS_OK : speech_fail(&err);
	if ((*out = strdup(entry->target)) != NULL)
		return STATUS_OK;
	err_set(&err, ENOMEM, "%s", key);
	return speech_fail(&err);
}

static void
confirm(const struct editor *editor, const char *key, const char *target, const char *old)
{
	const char *would = editor->lock == -1 ? "would be " : "";

	if (old == NULL)
		speech_say(stdout, "%sadded %s -> %s", would, key, target);
	else if (strcmp(old, target) == 0)
		speech_say(stdout, "unchanged %s -> %s", key, target);
	else
		speech_say(stdout, "%sset %s -> %s (was %s)", would, key, target, old);
}

static enum editor_mode
mode_of(const char *options)
{
	return strchr(options, 'n') != NULL ? EDITOR_READ : EDITOR_CHANGE;
}

/* old: the key's present target, or NULL. */
static enum status
put(struct editor *editor, const char *key, const char *target, const char *old, int replace)
{
	struct err err;
	enum status status;

	if (old != NULL && !replace) {
		speech_say(stderr, "virtmap: %s is there already: %s", key, old);
		return STATUS_NOT_SO;
	}
	if ((replace ? map_source_set : map_source_add)(editor->source, key, target, &err) == -1)
		return speech_fail(&err);
	if ((status = editor_publish(editor)) == STATUS_OK)
		confirm(editor, key, target, old);
	return status;
}

static enum status
add_or_set(const struct virtmap *virtmap, const char *options, char **argv, int replace)
{
	const char *key = argv[0], *target = argv[1];
	struct editor editor;
	char *old = NULL;
	enum status status = check_mapping(key, target);

	if (status != STATUS_OK)
		return status;
	status = editor_open_for(&editor, virtmap, mode_of(options), 1, &key, 1);
	if (status == STATUS_OK)
		status = current(&editor, key, &old);
	if (status == STATUS_OK)
		status = put(&editor, key, target, old, replace);
	free(old);
	editor_close(&editor);
	if (status == STATUS_OK)
		warn_of_target(virtmap, target);
	return status;
}

enum status
cmd_add(const struct virtmap *virtmap, const char *options, int argc, char **argv)
{
	(void)argc;
	return add_or_set(virtmap, options, argv, 0);
}

enum status
cmd_set(const struct virtmap *virtmap, const char *options, int argc, char **argv)
{
	(void)argc;
	return add_or_set(virtmap, options, argv, 1);
}

/* ---- rm ------------------------------------------------------------------------------------ */

/* Remove one in memory; its target, malloc'ed, in *was. */
static enum status
take_out(struct editor *editor, const char *key, char **was)
{
	struct err err;
	enum status status = current(editor, key, was);

	if (status != STATUS_OK)
		return status;
	if (*was == NULL) {
		speech_say(stderr, "virtmap: %s: no such mapping", key);
		return STATUS_NOT_SO;
	}
	return map_source_rm(editor->source, key, &err) == -1 ? speech_fail(&err) : STATUS_OK;
}

static enum status
take_out_all(struct editor *editor, int n, char **keys, char **was)
{
	enum status status = STATUS_OK;

	for (int i = 0; status == STATUS_OK && i < n; i++)
		status = take_out(editor, keys[i], &was[i]);
	if (status == STATUS_OK)
		status = editor_publish(editor);
	for (int i = 0; status == STATUS_OK && i < n; i++)
		speech_say(stdout, "%sremoved %s (was %s)", editor->lock == -1 ? "would be " : "",
		    keys[i], was[i]);
	return status;
}

enum status
cmd_rm(const struct virtmap *virtmap, const char *options, int argc, char **argv)
{
	struct editor editor;
	char **was = calloc((size_t)argc, sizeof(*was));
	enum status status;

	if (was == NULL) {
		struct err err;

		err_set(&err, ENOMEM, "rm");
		return speech_fail(&err);
	}
	status = editor_open_for(
	    &editor, virtmap, mode_of(options), 0, (const char *const *)argv, (size_t)argc);
	if (status == STATUS_OK)
		status = take_out_all(&editor, argc, argv, was);
	editor_close(&editor);
	for (int i = 0; i < argc; i++)
		free(was[i]);
	free(was);
	return status;
}

/* ---- rename -------------------------------------------------------------------------------- */

static enum status
rename_one(struct editor *editor, const char *key, const char *other)
{
	struct err err;
	enum status status;

	if (map_source_rename(editor->source, key, other, &err) == -1) {
		status = speech_fail(&err);
		return err.num == ENOENT ? STATUS_NOT_SO : status;
	}
	if ((status = editor_publish(editor)) == STATUS_OK)
		speech_say(stdout, "%srenamed %s to %s", editor->lock == -1 ? "would be " : "", key,
		    other);
	return status;
}

enum status
cmd_rename(const struct virtmap *virtmap, const char *options, int argc, char **argv)
{
	struct editor editor;
	enum status status =
	    editor_open_for(&editor, virtmap, mode_of(options), 0, (const char *const *)argv, 2);

	(void)argc;
	if (status == STATUS_OK)
		status = rename_one(&editor, argv[0], argv[1]);
	editor_close(&editor);
	return status;
}
