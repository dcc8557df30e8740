/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Every change of the map goes this way: the lock, the text as it is now, the change in memory, the
 * check, the new files beside the old ones, the rename. A failure anywhere leaves all as it was; a
 * source that was made for a first mapping goes again.
 */
#include "editor.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io.h"
#include "meter.h"
#include "owner.h"

#define LOCK_SECONDS 60 /* a build of a million mappings takes a few */

/* ---- who may read the compiled map --------------------------------------------------------- */

int
editor_map_mode(const struct virtmap *virtmap, gid_t *gid, mode_t *mode, struct err *err)
{
	const char *group = virtmap->settings->map_group;

	*gid = (gid_t)-1;
	*mode = 0644;
	if (*group == '\0')
		return 0;
	*mode = 0640;
	switch (owner_gid(group, gid, err)) {
	case 1:
		return 0;
	case 0:
		return err_set(err, 0, "map_group = %s: there is no such group", group);
	default:
		return err_prefix(err, "map_group");
	}
}

/* ---- opening ------------------------------------------------------------------------------- */

static int
open_accounts(struct editor *editor, struct err *err)
{
	const struct settings *settings = editor->virtmap->settings;

	if (strcmp(settings->accounts, "passwd") == 0)
		return 0;
	return accounts_open(&editor->accounts, settings->accounts, settings->accounts_canary,
	    editor->virtmap->trusted, err);
}

/* map_account_fn */
static int
ask_account(void *arg, const char *name, struct err *err)
{
	struct editor *editor = arg;
	struct account account;
	int rc = accounts_find(editor->accounts, name, &account, err);

	if (rc == 1)
		account_free(&account);
	return rc;
}

/* map_complain_fn; the callbacks share one argument. */
static void
complain(void *arg, const char *path, size_t line, const char *why)
{
	struct editor *editor = arg;

	speech_complain(&editor->complaints, path, line, why);
}

static int
create_source(struct editor *editor, const char *path, struct err *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);

	if (fd == -1)
		return err_set(err, errno, "create %s", path);
	close(fd);
	editor->created = 1;
	return 0;
}

static int
read_source(
    struct editor *editor, int create, const char *const *keys, size_t nkeys, struct err *err)
{
	const char *path = editor->virtmap->settings->map;
	int trusted = editor->virtmap->trusted;
	int rc =
	    map_source_read_for(&editor->source, path, trusted, keys, nkeys, complain, editor, err);

	if (rc == 0 || err->num != ENOENT || !create)
		return rc;
	if (editor->lock == -1) /* only to look what would become of it */
		return map_source_parse(&editor->source, path, "", 0, complain, editor, err);
	if (create_source(editor, path, err) == -1)
		return -1;
	return map_source_read(&editor->source, path, trusted, complain, editor, err);
}

/* ---- what happened before ------------------------------------------------------------------ */

/* map_change_fn */
static int
record(void *arg, const struct map_change *change, struct err *err)
{
	return history_change(arg, change, err);
}

/* The text was edited by hand: that goes into the history in front of what we do. A compiled map
 * that is damaged does not stand in the way; then only the fact is known. */
static int
record_hand_edit(struct editor *editor, struct map *map, struct err *err)
{
	const struct history_now *now = &editor->now;
	const unsigned char *before = map != NULL ? now->compiled : now->text;
	struct err ignored;

	if (history_begin(editor->history, "hand-edit", 0, false, before, err) == -1)
		return -1;
	if (map == NULL || map_diff(map, editor->source, record, editor->history, &ignored) == -1)
		history_unknown(editor->history);
	return history_end(editor->history, now->text, err);
}

/* Text and compiled map as they are; the map, open, or NULL: one that is of no use is as good as
 * none. */
static struct map *
look_at_now(struct history_now *now, const struct virtmap *virtmap, struct map_source *source)
{
	struct map *map = NULL;
	struct err ignored;

	map_source_digest(source, now->text);
	now->is_compiled = map_open(&map, virtmap->settings->map, virtmap->trusted, &ignored) == 0;
	if (now->is_compiled)
		memcpy(now->compiled, map_digest(map), sizeof(now->compiled));
	return map;
}

int
editor_history(const struct virtmap *virtmap, struct history_list *out, struct err *err)
{
	const char *path = virtmap->settings->map, *no_keys[1] = { NULL };
	struct map_source *source;
	struct history_now now;

	/* Of the text only the digest is asked. */
	if (map_source_read_for(&source, path, virtmap->trusted, no_keys, 0, NULL, NULL, err) == -1)
		return -1;
	map_close(look_at_now(&now, virtmap, source));
	map_source_free(source);
	return history_read(out, path, virtmap->trusted, &now, err);
}

static int
look_back(struct editor *editor, struct err *err)
{
	const char *path = editor->virtmap->settings->map;
	struct history_now *now = &editor->now;
	struct map *map = look_at_now(now, editor->virtmap, editor->source);
	int failed;

	failed = history_open(&editor->history, path, editor->virtmap->trusted, now, err);
	if (failed == 0 && map_source_errors(editor->source) == 0 &&
	    history_sees_hand_edit(editor->history))
		failed = record_hand_edit(editor, map, err);
	map_close(map);
	return failed;
}

/* ---- the lock ------------------------------------------------------------------------------ */

/* Who holds it: the owner of the process that map_lock has named. */
static void
name_holder(struct err *err)
{
	const char *word = strstr(err->text, "process ");
	char path[64], *name;
	struct stat st;
	struct err ignored;

	if (err->num != EWOULDBLOCK || word == NULL)
		return;
	snprintf(path, sizeof(path), "/proc/%.20s", word + strlen("process "));
	if (stat(path, &st) == 0 && owner_name(st.st_uid, &name, &ignored) == 1) {
		err_prefix(err, "%s is editing it", name);
		free(name);
	}
}

static enum status
take_lock(struct editor *editor, enum editor_mode mode)
{
	enum status status;
	struct err err;

	editor->lock = map_lock(
	    editor->virtmap->settings->map, mode == EDITOR_AT_ONCE ? 0 : LOCK_SECONDS, &err);
	if (editor->lock != -1)
		return STATUS_OK;
	name_holder(&err);
	status = speech_fail(&err);
	/* Without the directory no file can be made in it. */
	return status == STATUS_NO_INPUT ? STATUS_CANNOT_WRITE : status;
}

enum status
editor_open_for(struct editor *editor, const struct virtmap *virtmap, enum editor_mode mode,
    int create, const char *const *keys, size_t nkeys)
{
	enum status status;
	struct err err;

	*editor = (struct editor){ .virtmap = virtmap, .lock = -1 };
	if (editor_map_mode(virtmap, &editor->gid, &editor->mode, &err) == -1) {
		speech_fail(&err);
		return err.num == 0 ? STATUS_CONFIG : STATUS_LATER;
	}
	if (mode != EDITOR_READ)
		meter_start("virtmap");
	if (mode != EDITOR_READ && (status = take_lock(editor, mode)) != STATUS_OK)
		return status;
	if (read_source(editor, create, keys, nkeys, &err) == -1 ||
	    open_accounts(editor, &err) == -1)
		return speech_fail(&err);
	if (mode != EDITOR_READ && look_back(editor, &err) == -1)
		return speech_fail(&err);
	meter_hide();
	return STATUS_OK;
}

enum status
editor_open(struct editor *editor, const struct virtmap *virtmap, enum editor_mode mode, int create)
{
	return editor_open_for(editor, virtmap, mode, create, NULL, 0);
}

void
editor_replace(struct editor *editor, struct map_source *source)
{
	if (editor->before == NULL)
		editor->before = editor->source;
	else
		map_source_free(editor->source);
	editor->source = source;
}

int
editor_changes(const struct editor *editor, map_change_fn *each, void *arg, struct err *err)
{
	if (editor->before != NULL)
		return map_source_compare(editor->before, editor->source, each, arg, err);
	return map_source_changes(editor->source, each, arg, err);
}

/* ---- telling ------------------------------------------------------------------------------- */

void
editor_tell_change(const struct map_change *change, const char *in_front)
{
	if (change->old == NULL)
		speech_say(stdout, "%sadded %s -> %s", in_front, change->key, change->now);
	else if (change->now == NULL)
		speech_say(stdout, "%sremoved %s (was %s)", in_front, change->key, change->old);
	else if (strcmp(change->old, change->now) != 0)
		speech_say(stdout, "%sset %s -> %s (was %s)", in_front, change->key, change->now,
		    change->old);
}

struct telling {
	const char *in_front;
	long count;
};

/* map_change_fn */
static int
tell(void *arg, const struct map_change *change, struct err *err)
{
	struct telling *telling = arg;

	(void)err;
	editor_tell_change(change, telling->in_front);
	telling->count++;
	return 0;
}

long
editor_tell(const struct editor *editor)
{
	struct telling telling = { .in_front = editor->lock == -1 ? "would be " : "" };
	struct err err;

	if (editor_changes(editor, tell, &telling, &err) == 0)
		return telling.count;
	speech_fail(&err);
	return -1;
}

/* ---- publishing ---------------------------------------------------------------------------- */

static enum status
outcome(struct editor *editor, int rc, const struct err *err)
{
	enum status status;

	if (rc == 0) {
		editor->created = 0;
		return STATUS_OK;
	}
	status = speech_fail(err);
	return editor->complaints > 0 ? STATUS_DATA : status;
}

/* A text with wrong lines is not edited: nobody can tell what they would have meant. */
static enum status
refuse_faults(const struct editor *editor)
{
	if (map_source_errors(editor->source) == 0)
		return STATUS_OK;
	speech_say(
	    stderr, "virtmap: %s: wrong lines, nothing changed", editor->virtmap->settings->map);
	return STATUS_DATA;
}

static map_account_fn *
account_fn(const struct editor *editor)
{
	return editor->accounts == NULL ? NULL : ask_account;
}

/* The intent, on the disk before anything is renamed. A text that stays as it is has none of its
 * own, but what a hand has changed before us is noted with it. map_announce_fn. */
static int
announce(void *arg, const unsigned char digest[MAP_DIGEST_SIZE], struct err *err)
{
	struct editor *editor = arg;
	const struct map_source *read = editor->before != NULL ? editor->before : editor->source;

	if (memcmp(digest, editor->now.text, MAP_DIGEST_SIZE) != 0) {
		if (history_begin(editor->history, editor->virtmap->verb, editor->undoes,
		        map_source_is_cut(read), editor->now.text, err) == -1 ||
		    editor_changes(editor, record, editor->history, err) == -1 ||
		    history_end(editor->history, digest, err) == -1 ||
		    history_write(editor->history, err) == -1)
			return -1;
		editor->recorded = true;
		return 0;
	}
	return history_write(editor->history, err);
}

/* Is the changed text the one that is there now? */
static int
change_stands(const struct editor *editor)
{
	const struct buf *text = map_source_text(editor->source);
	struct buf there = BUF_INIT;
	struct err err;
	int same =
	    text != NULL &&
	    io_read_file(editor->virtmap->settings->map, false, text->len, &there, &err) == 0 &&
	    there.len == text->len && memcmp(there.data, text->data, text->len) == 0;

	buf_free(&there);
	return same;
}

enum status
editor_publish(struct editor *editor)
{
	const struct settings *settings = editor->virtmap->settings;
	struct err err;
	enum status status = refuse_faults(editor);
	int rc;

	if (status != STATUS_OK)
		return status;
	if (editor->lock == -1)
		return editor_check(editor);
	map_source_announce(editor->source, announce, editor);
	rc = map_publish(editor->source, settings->domains, editor->gid, editor->mode,
	    account_fn(editor), complain, editor, &err);
	/* Behind the last rename there is no way back: say so. */
	if (rc == -1 && change_stands(editor)) {
		editor->created = 0;
		err_prefix(
		    &err, "the change is made, but not all of it is safe: run virtmap build");
	} else if (rc == -1 && editor->recorded) {
		history_void(editor->history);
	}
	return outcome(editor, rc, &err);
}

enum status
editor_compile(struct editor *editor)
{
	struct err err;
	enum status status = refuse_faults(editor);

	if (status != STATUS_OK)
		return status;
	map_source_announce(editor->source, announce, editor);
	return outcome(editor,
	    map_compile(editor->source, editor->virtmap->settings->domains, editor->gid,
	        editor->mode, account_fn(editor), complain, editor, &err),
	    &err);
}

enum status
editor_check(struct editor *editor)
{
	struct err err;
	enum status status = refuse_faults(editor);

	if (status != STATUS_OK)
		return status;
	return outcome(
	    editor, map_check(editor->source, account_fn(editor), complain, editor, &err), &err);
}

void
editor_close(struct editor *editor)
{
	/* Still empty, and the lock still held: nobody can have written to it. */
	if (editor->created)
		unlink(editor->virtmap->settings->map);
	map_source_free(editor->source);
	map_source_free(editor->before);
	history_close(editor->history);
	accounts_close(editor->accounts);
	if (editor->lock != -1)
		close(editor->lock);
}
