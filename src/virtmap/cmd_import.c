/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * virtmap import: another program's table into the map, as one change. The whole input is read
 * before the map is locked; what it cannot say here is told line by line and left out; then all the
 * rest is in the map, or, after any failure, nothing.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "editor.h"
#include "intake.h"
#include "meter.h"
#include "progress.h"

#define FEW 10000 /* mappings to merge: only what concerns them is read of the map */

struct change {
	struct editor editor;
	struct intake intake;
	int replace; /* --replace */
	int dry;     /* -n */
	size_t added, replaced, removed, unchanged, conflicts;
};

static void
show(const struct change *change, const char *done, const struct map_entry *entry, const char *was)
{
	if (!change->dry)
		return;
	if (was == NULL)
		speech_say(stdout, "would be %s %s -> %s", done, entry->key, entry->target);
	else
		speech_say(
		    stdout, "would be %s %s -> %s (was %s)", done, entry->key, entry->target, was);
}

/* ---- what the import does not have --------------------------------------------------------- */

/* Entries are good until they are changed, but asking for the next after a change costs a walk
 * through all: so those to be removed are gathered first. */
static int
gather(const struct change *change, const struct map_entry **gone, size_t *ngone, struct err *err)
{
	const struct map_source *source = change->editor.source;

	for (size_t i = 0; i < map_source_count(source); i++) {
		const struct map_entry *entry = map_source_entry(source, i);

		if (entry == NULL)
			return err_set(err, ENOMEM, "import");
		if (map_source_find(change->intake.staged, entry->key, err) != NULL)
			continue;
		if (err->num != 0)
			return -1;
		gone[(*ngone)++] = entry;
	}
	return 0;
}

static int
remove_others(struct change *change, struct err *err)
{
	struct map_source *source = change->editor.source;
	const struct map_entry **gone = calloc(map_source_count(source) + 1, sizeof(const void *));
	size_t n = 0;
	int failed = gone != NULL ? gather(change, gone, &n, err) : err_set(err, ENOMEM, "import");

	for (size_t i = 0; failed == 0 && i < n; i++) {
		if (change->dry)
			speech_say(
			    stdout, "would be removed %s (was %s)", gone[i]->key, gone[i]->target);
		failed = map_source_rm(source, gone[i]->key, err);
		change->removed++;
	}
	free(gone);
	return failed;
}

/* ---- what the import has ------------------------------------------------------------------- */

static void
tell_conflict(struct change *change, const struct map_entry *entry, const struct map_entry *old)
{
	struct intake_place place = intake_place_of(&change->intake, entry);

	change->conflicts++;
	speech_say(stderr, "%s:%zu: conflict: %s -> %s, but the map has %s", place.file, place.line,
	    entry->key, entry->target, old->target);
}

/* The declaration of a domain, where the map says already who gets the rest of its mail. */
static int
is_settled(const struct map_entry *entry)
{
	return entry->line == 0;
}

static int
merge(struct change *change, const struct map_entry *entry, struct err *err)
{
	struct map_source *source = change->editor.source;
	const struct map_entry *old = map_source_find(source, entry->key, err);

	if (old == NULL && err->num != 0)
		return -1;
	if (old == NULL) {
		show(change, "added", entry, NULL);
		change->added++;
		return map_source_add(source, entry->key, entry->target, err);
	}
	if (strcmp(old->target, entry->target) == 0 || (!change->replace && is_settled(entry))) {
		change->unchanged++;
		return 0;
	}
	if (!change->replace) {
		tell_conflict(change, entry, old);
		return 0;
	}
	show(change, "set", entry, old->target);
	change->replaced++;
	return map_source_set(source, entry->key, entry->target, err);
}

static int
make(struct change *change, struct err *err)
{
	const struct map_source *staged = change->intake.staged;
	int failed = change->replace ? remove_others(change, err) : 0;

	for (size_t i = 0; failed == 0 && i < map_source_count(staged); i++) {
		const struct map_entry *entry = map_source_entry(staged, i);

		if (PROGRESS_DUE(i))
			progress_tell("importing", i, map_source_count(staged));
		failed = entry != NULL ? merge(change, entry, err) : err_set(err, ENOMEM, "import");
	}
	return failed;
}

/* ---- the command --------------------------------------------------------------------------- */

static enum status
publish(struct change *change)
{
	if (change->dry || change->added + change->replaced + change->removed == 0)
		return editor_check(&change->editor);
	return editor_publish(&change->editor);
}

static enum status
sum_up(const struct change *change)
{
	size_t refused = change->intake.refused;

	speech_say(stdout,
	    "import: %zu added, %zu replaced, %zu removed, %zu unchanged, %zu conflict%s, "
	    "%zu not carried over%s",
	    change->added, change->replaced, change->removed, change->unchanged, change->conflicts,
	    change->conflicts == 1 ? "" : "s", refused,
	    change->dry ? " (nothing was changed)" : "");
	return refused + change->conflicts > 0 ? STATUS_NOT_SO : STATUS_OK;
}

/* The keys of what is staged; malloc'ed, NULL without memory. */
static const char **
keys_of(const struct map_source *staged)
{
	size_t n = map_source_count(staged);
	const char **keys = calloc(n + 1, sizeof(*keys));

	for (size_t i = 0; keys != NULL && i < n; i++) {
		const struct map_entry *entry = map_source_entry(staged, i);

		if (entry == NULL) {
			free(keys);
			return NULL;
		}
		keys[i] = entry->key;
	}
	return keys;
}

static enum status
open_map(const struct virtmap *virtmap, struct change *change)
{
	enum editor_mode mode = change->dry ? EDITOR_READ : EDITOR_CHANGE;
	const struct map_source *staged = change->intake.staged;
	size_t n = map_source_count(staged);
	/* Without memory for the keys all of the map is read, which will tell. */
	const char **keys = change->replace || n > FEW ? NULL : keys_of(staged);
	enum status status =
	    editor_open_for(&change->editor, virtmap, mode, 1, keys, keys == NULL ? 0 : n);

	free(keys);
	return status;
}

static enum status
edit(const struct virtmap *virtmap, struct change *change)
{
	struct err err;
	enum status status = open_map(virtmap, change);

	if (status == STATUS_OK && make(change, &err) == -1)
		status = speech_fail(&err);
	if (status == STATUS_OK)
		status = publish(change);
	if (status == STATUS_OK)
		status = sum_up(change);
	editor_close(&change->editor);
	return status;
}

static enum status
import(const struct virtmap *virtmap, struct change *change, const struct format *format,
    const char *path)
{
	struct err err;

	meter_start("virtmap");
	if (intake_read(&change->intake, format, path, &err) == -1)
		return speech_fail(&err);
	/* More likely a broken pipe in front of us than the wish for an empty map. */
	if (change->replace && map_source_count(change->intake.staged) == 0) {
		speech_say(stderr, "virtmap: %s holds no mapping: nothing is replaced", path);
		return STATUS_DATA;
	}
	return edit(virtmap, change);
}

enum status
cmd_import(const struct virtmap *virtmap, const char *options, int argc, char **argv)
{
	const struct format *format = format_find(argv[0]);
	struct change change = { .replace = strchr(options, 'r') != NULL,
		.dry = strchr(options, 'n') != NULL };
	enum status status;

	(void)argc;
	if (format == NULL) {
		speech_say(stderr, "virtmap: %s: no such format: %s", argv[0], format_names());
		return STATUS_USAGE;
	}
	if (change.replace && strchr(options, 'm') != NULL) {
		speech_say(stderr, "virtmap: import: either --merge or --replace");
		return STATUS_USAGE;
	}
	status = import(virtmap, &change, format, argv[1]);
	intake_free(&change.intake);
	return status;
}
