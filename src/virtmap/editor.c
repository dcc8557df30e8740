/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Every change of the map goes this way: the lock, the text as it is now, the change in memory, the
 * check, the new files beside the old ones, the rename. A failure anywhere leaves all as it was; a
 * source that was made for a first mapping goes again.
 */
#include "editor.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io.h"

#define LOCK_SECONDS 60 /* a build of a million mappings takes a few */

/* ---- who may read the compiled map --------------------------------------------------------- */

/* The gid of `name`. 0, or -1 with err. */
static int
find_group(const char *name, gid_t *gid, struct err *err)
{
	char space[16384];
	struct group group, *result;
	int num = getgrnam_r(name, &group, space, sizeof(space), &result);

	if (num != 0)
		return err_set(err, num, "map_group = %s", name);
	if (result == NULL)
		return err_set(err, 0, "map_group = %s: there is no such group", name);
	*gid = group.gr_gid;
	return 0;
}

static int
choose_mode(struct editor *editor, struct err *err)
{
	const char *group = editor->virtmap->settings->map_group;

	editor->gid = (gid_t)-1;
	editor->mode = 0644;
	if (*group == '\0')
		return 0;
	editor->mode = 0640;
	return find_group(group, &editor->gid, err);
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
read_source(struct editor *editor, int create, struct err *err)
{
	const char *path = editor->virtmap->settings->map;
	int trusted = editor->virtmap->trusted;
	int rc = map_source_read(&editor->source, path, trusted, complain, editor, err);

	if (rc == 0 || err->num != ENOENT || !create)
		return rc;
	if (editor->lock == -1) /* only to look what would become of it */
		return map_source_parse(&editor->source, path, "", 0, complain, editor, err);
	if (create_source(editor, path, err) == -1)
		return -1;
	return map_source_read(&editor->source, path, trusted, complain, editor, err);
}

enum status
editor_open(struct editor *editor, const struct virtmap *virtmap, int reading, int create)
{
	struct err err;

	*editor = (struct editor){ .virtmap = virtmap, .lock = -1 };
	if (choose_mode(editor, &err) == -1) {
		speech_fail(&err);
		return err.num == 0 ? STATUS_CONFIG : STATUS_LATER;
	}
	if (!reading) {
		editor->lock = map_lock(virtmap->settings->map, LOCK_SECONDS, &err);
		if (editor->lock == -1) {
			/* Without the directory no file can be made in it. */
			enum status status = speech_fail(&err);

			return status == STATUS_NO_INPUT ? STATUS_CANNOT_WRITE : status;
		}
	}
	if (read_source(editor, create, &err) == -1 || open_accounts(editor, &err) == -1)
		return speech_fail(&err);
	return STATUS_OK;
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

/* Is the changed text the one that is there now? */
static int
change_stands(const struct editor *editor)
{
	const struct buf *text = map_source_text(editor->source);
	struct buf there = BUF_INIT;
	int fd = open(editor->virtmap->settings->map, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	int same = fd != -1 && text != NULL && io_read_all(fd, text->len, &there) == 0 &&
	           there.len == text->len && memcmp(there.data, text->data, text->len) == 0;

	if (fd != -1)
		close(fd);
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
	rc = map_publish(editor->source, settings->domains, editor->gid, editor->mode,
	    account_fn(editor), complain, editor, &err);
	/* Behind the last rename there is no way back: say so. */
	if (rc == -1 && change_stands(editor)) {
		editor->created = 0;
		err_prefix(
		    &err, "the change is made, but not all of it is safe: run virtmap build");
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
	accounts_close(editor->accounts);
	if (editor->lock != -1)
		close(editor->lock);
}
