/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a source shows to others: its mappings as strings, its text as one piece, the digest of
 * that. Made when somebody asks, so that a build of a million lines makes none of it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "map_key.h"
#include "map_source.h"

struct map_view {
	struct buf text;
	bool text_made;
	uint32_t *order;            /* lines of all mappings in file order */
	struct map_entry **entries; /* of each line that was asked for */
	size_t entries_room;
	struct map_arena strings;
};

struct map_view *
map_view_new(void)
{
	return calloc(1, sizeof(struct map_view));
}

static void
forget_whole(struct map_view *view)
{
	buf_free(&view->text);
	view->text_made = false;
	free(view->order);
	view->order = NULL;
}

void
map_view_free(struct map_view *view)
{
	if (view == NULL)
		return;
	forget_whole(view);
	free(view->entries);
	map_arena_free(&view->strings);
	free(view);
}

void
map_view_changed(struct map_view *view, uint32_t line)
{
	forget_whole(view);
	if (line < view->entries_room)
		view->entries[line] = NULL;
}

/* ---- mappings ---------------------------------------------------------------------------------
 */

size_t
map_source_errors(const struct map_source *source)
{
	return source->errors;
}

size_t
map_source_count(const struct map_source *source)
{
	return source->count;
}

/* Where the entry of `line` is or will be. NULL with errno ENOMEM. */
static struct map_entry **
place_of(struct map_view *view, uint32_t line, size_t nlines)
{
	struct map_entry **entries;

	if (line >= view->entries_room) {
		entries = reallocarray(view->entries, nlines, sizeof(*entries));
		if (entries == NULL)
			return NULL;
		memset(entries + view->entries_room, 0,
		    (nlines - view->entries_room) * sizeof(*entries));
		view->entries = entries;
		view->entries_room = nlines;
	}
	return &view->entries[line];
}

static const struct map_entry *
entry_of(const struct map_source *source, uint32_t number)
{
	const struct map_line *line = &source->lines[number];
	struct map_arena *strings = &source->view->strings;
	struct map_entry **place = place_of(source->view, number, source->nlines), *entry;

	if (place == NULL || *place != NULL)
		return place != NULL ? *place : NULL;
	if ((entry = map_arena_take(strings, sizeof(*entry))) == NULL)
		return NULL;
	entry->line = number < source->nread ? number + 1u : 0;
	entry->folded = line->folded;
	entry->key = map_arena_string(strings, line->text, line->key_len);
	entry->target = map_arena_string(strings, line->text + line->target_off, line->target_len);
	if (entry->key == NULL || entry->target == NULL)
		return NULL;
	*place = entry;
	return entry;
}

static int
make_order(const struct map_source *source)
{
	uint32_t *order = reallocarray(NULL, source->count + 1, sizeof(*order));
	uint32_t line = MAP_LINE_NONE;
	size_t n = 0;

	if (order == NULL)
		return -1;
	while ((line = map_source_next(source, line)) != MAP_LINE_NONE)
		if (source->lines[line].folded != NULL)
			order[n++] = line;
	source->view->order = order;
	return 0;
}

const struct map_entry *
map_source_entry(const struct map_source *source, size_t index)
{
	if (index >= source->count)
		return NULL;
	if (source->view->order == NULL && make_order(source) == -1)
		return NULL;
	return entry_of(source, source->view->order[index]);
}

const struct map_entry *
map_source_find(const struct map_source *source, const char *key, struct err *err)
{
	char folded[MAP_KEY_ROOM];
	const struct map_entry *entry;
	uint32_t line;

	err->num = 0;
	if (map_key_fold_into(folded, key, strlen(key), err) == -1) {
		if (err->num == 0)
			err->num = EINVAL;
		err_prefix(err, "%.100s", key);
		return NULL;
	}
	line = map_index_find(&source->keys, folded);
	if (line == MAP_INDEX_NONE || !map_line_maps(&source->lines[line]))
		return NULL;
	if ((entry = entry_of(source, line)) == NULL)
		err_set(err, ENOMEM, "read %s", source->path);
	return entry;
}

static bool
is_comment(const struct map_line *line)
{
	return line->folded == NULL && line->len != MAP_LINE_REMOVED && line->len > 0 &&
	       line->text[strspn(line->text, " \t")] == '#';
}

int
map_source_comment(const struct map_source *source, const struct map_entry *entry, struct buf *out)
{
	size_t line = entry->line;

	while (line > 1 && is_comment(&source->lines[line - 2]))
		line--;
	for (; line < entry->line; line++) {
		const struct map_line *comment = &source->lines[line - 1];

		if (map_line_text(comment, comment->len, out) == -1 || buf_addc(out, '\n') == -1)
			return -1;
	}
	return 0;
}

/* ---- the text ---------------------------------------------------------------------------------
 */

void
map_source_digest(struct map_source *source, unsigned char out[MAP_DIGEST_SIZE])
{
	memcpy(out, source->info.digest, MAP_DIGEST_SIZE);
}

bool
map_source_is_cut(const struct map_source *source)
{
	return source->no_newline;
}

static int
join(const struct map_source *source, struct buf *out)
{
	uint32_t line = MAP_LINE_NONE, next = map_source_next(source, line);

	if (buf_reserve(out, source->text.len + 1) == -1)
		return -1;
	while ((line = next) != MAP_LINE_NONE) {
		const struct map_line *l = &source->lines[line];
		int bare; /* the last line read had no newline, and is still the last */

		next = map_source_next(source, line);
		bare = next == MAP_LINE_NONE &&
		       (source->cut || (source->no_newline && line + 1u == source->nread));
		if (map_line_text(l, l->len, out) == -1 || (!bare && buf_addc(out, '\n') == -1))
			return -1;
	}
	return 0;
}

const struct buf *
map_source_text(const struct map_source *source)
{
	struct map_view *view = source->view;

	if (!view->text_made) {
		buf_clear(&view->text);
		if (join(source, &view->text) == -1)
			return NULL;
		view->text_made = true;
	}
	return &view->text;
}
