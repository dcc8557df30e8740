/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * virtmap batch: many edits as one change. Everything is read before the map is locked; each line
 * sees what the lines before it did; every line that is wrong is told, and then nothing is changed.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "editor.h"
#include "io.h"

#define BATCH_MAX 0x7fffffff /* bytes */

/* A line of the input, cut into words in place. */
struct line {
	size_t number;
	const char *verb, *key, *rest;
	bool has_nul;
};

struct batch {
	struct editor *editor;
	const char *name; /* of the file, for complaints */
	struct line *lines;
	const char **keys; /* all that the lines name */
	size_t nlines, nkeys;
	size_t faults;
	size_t added, set, removed, renamed;
};

/* ---- one line ------------------------------------------------------------------------------ */

static char *
skip_blanks(char *p)
{
	return p + strspn(p, " \t");
}

/* Cut the next word off *p; quotes and backslashes as in a key of the map. "" at the end. */
static char *
take_word(char **p)
{
	char *word = skip_blanks(*p), *at = word;
	int quoted = 0;

	for (; *at != '\0' && (quoted || (*at != ' ' && *at != '\t')); at++) {
		if (*at == '\\' && at[1] != '\0')
			at++;
		else if (*at == '"')
			quoted = !quoted;
	}
	if (*at != '\0')
		*at++ = '\0';
	*p = skip_blanks(at);
	return word;
}

static int
do_add(struct batch *batch, const char *key, const char *rest, struct err *err)
{
	if (map_source_add(batch->editor->source, key, rest, err) == -1)
		return -1;
	batch->added++;
	return 0;
}

static int
do_set(struct batch *batch, const char *key, const char *rest, struct err *err)
{
	const struct map_entry *entry = map_source_find(batch->editor->source, key, err);
	int is_new = entry == NULL, is_same = entry != NULL && strcmp(entry->target, rest) == 0;

	if (is_new && err->num != 0)
		return -1;
	if (is_same)
		return 0;
	if (map_source_set(batch->editor->source, key, rest, err) == -1)
		return -1;
	*(is_new ? &batch->added : &batch->set) += 1;
	return 0;
}

static int
do_rm(struct batch *batch, const char *key, const char *rest, struct err *err)
{
	(void)rest;
	if (map_source_rm(batch->editor->source, key, err) == -1)
		return -1;
	batch->removed++;
	return 0;
}

static int
do_rename(struct batch *batch, const char *key, const char *rest, struct err *err)
{
	if (map_source_rename(batch->editor->source, key, rest, err) == -1)
		return -1;
	batch->renamed++;
	return 0;
}

static const struct edit {
	const char *verb;
	int has_rest;
	int (*run)(struct batch *batch, const char *key, const char *rest, struct err *err);
} edits[] = {
	{ "add", 1, do_add },
	{ "set", 1, do_set },
	{ "rm", 0, do_rm },
	{ "rename", 1, do_rename },
};

#define NEDITS (sizeof(edits) / sizeof(edits[0]))

/* 0, or -1 with err. */
static int
run_edit(struct batch *batch, const struct line *line, struct err *err)
{
	const char *verb = line->verb, *key = line->key, *rest = line->rest;
	const struct edit *edit = NULL;

	if (line->has_nul)
		return err_set(err, 0, "the line holds a NUL byte");
	for (size_t i = 0; i < NEDITS; i++)
		if (strcmp(edits[i].verb, verb) == 0)
			edit = &edits[i];
	if (edit == NULL)
		return err_set(err, 0, "%s: no such edit (add, set, rm, rename)", verb);
	if (*key == '\0')
		return err_set(err, 0, "%s needs a key", verb);
	if (edit->has_rest != (*rest != '\0'))
		return err_set(err, 0,
		    edit->has_rest ? "%s %s: nothing behind it" : "%s %s: too much behind it", verb,
		    key);
	return edit->run(batch, key, rest, err);
}

/* Cut the line into words, and enter it if it says anything. There is room for it. */
static void
take_line(struct batch *batch, size_t number, char *text, size_t len)
{
	struct line *line = &batch->lines[batch->nlines];
	char *p = skip_blanks(text);

	while (len > 0 && strchr(" \t", text[len - 1]) != NULL && text[len - 1] != '\0')
		text[--len] = '\0';
	line->number = number;
	line->has_nul = strlen(text) != len;
	if (!line->has_nul && (*p == '\0' || *p == '#'))
		return;
	line->verb = take_word(&p);
	line->key = take_word(&p);
	line->rest = p;
	batch->nlines++;
	batch->keys[batch->nkeys++] = line->key;
	if (strcmp(line->verb, "rename") == 0)
		batch->keys[batch->nkeys++] = line->rest;
}

/* ---- all lines ----------------------------------------------------------------------------- */

static enum status
read_input(struct buf *out, const char *path)
{
	int fd = path == NULL ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	struct err err = { .num = 0 };

	if (fd == -1)
		err_set(&err, errno, "open %s", path);
	else if (io_read_all(fd, BATCH_MAX, out) == -1 || buf_cstr(out) == NULL)
		err_set(&err, errno, "read %s", path == NULL ? "standard input" : path);
	if (fd > STDERR_FILENO)
		close(fd);
	return err.num == 0 ? STATUS_OK : speech_fail(&err);
}

static enum status
take_lines(struct batch *batch, struct buf *text)
{
	char *p = buf_cstr(text), *end = p + text->len;
	size_t number = 0, room = 1;
	struct err err;

	for (const char *at = p; at < end && (at = memchr(at, '\n', (size_t)(end - at))) != NULL;
	     at++)
		room++;
	batch->lines = calloc(room, sizeof(*batch->lines));
	batch->keys = calloc(room, 2 * sizeof(*batch->keys));
	if (batch->lines == NULL || batch->keys == NULL) {
		err_set(&err, ENOMEM, "read %s", batch->name);
		return speech_fail(&err);
	}
	while (p < end) {
		char *newline = memchr(p, '\n', (size_t)(end - p));
		char *stop = newline != NULL ? newline : end;

		*stop = '\0';
		take_line(batch, ++number, p, (size_t)(stop - p));
		p = stop + 1;
	}
	return STATUS_OK;
}

static enum status
run_lines(struct batch *batch)
{
	for (size_t i = 0; i < batch->nlines; i++) {
		struct err err = { .num = 0 };

		if (run_edit(batch, &batch->lines[i], &err) == 0)
			continue;
		if (err.num == ENOMEM)
			return speech_fail(&err);
		speech_complain(&batch->faults, batch->name, batch->lines[i].number, err.text);
	}
	if (batch->faults == 0)
		return STATUS_OK;
	speech_say(
	    stderr, "virtmap: %zu of the lines cannot be done, nothing changed", batch->faults);
	return STATUS_DATA;
}

static enum status
apply(struct batch *batch)
{
	enum status status = run_lines(batch);
	int dry = batch->editor->lock == -1;

	if (status == STATUS_OK)
		status = editor_publish(batch->editor);
	if (status != STATUS_OK)
		return status;
	if (dry && editor_tell(batch->editor) == -1)
		return STATUS_LATER;
	speech_say(stdout, "%s%zu added, %zu set, %zu removed, %zu renamed", dry ? "would be " : "",
	    batch->added, batch->set, batch->removed, batch->renamed);
	return STATUS_OK;
}

enum status
cmd_batch(const struct virtmap *virtmap, const char *options, int argc, char **argv)
{
	const char *path = argc > 0 && strcmp(argv[0], "-") != 0 ? argv[0] : NULL;
	enum editor_mode mode = strchr(options, 'n') != NULL ? EDITOR_READ : EDITOR_CHANGE;
	struct editor editor;
	struct batch batch = { .editor = &editor, .name = path != NULL ? path : "standard input" };
	struct buf text = BUF_INIT;
	enum status status = read_input(&text, path);

	if (status == STATUS_OK)
		status = take_lines(&batch, &text);
	if (status == STATUS_OK) {
		status = editor_open_for(&editor, virtmap, mode, 1, batch.keys, batch.nkeys);
		if (status == STATUS_OK)
			status = apply(&batch);
		editor_close(&editor);
	}
	free(batch.lines);
	free(batch.keys);
	buf_free(&text);
	return status;
}
