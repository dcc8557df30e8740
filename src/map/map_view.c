/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a source shows to others: its mappings as strings, its text as one piece, the digest of
 * that. Made when somebody asks, so that a build of a million lines makes none of it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "io.h"
#include "map_digest.h"
#include "map_key.h"
#include "map_part.h"
#include "map_source.h"

struct map_view {
	struct buf text;
	bool text_made;
	uint32_t *order;            /* lines of all mappings in file order */
	struct map_entry **entries; /* of each line that was asked for */
	size_t entries_room;
	struct arena strings;
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
	arena_free(&view->strings);
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
	struct arena *strings = &source->view->strings;
	struct map_entry **place = place_of(source->view, number, source->nlines), *entry;

	if (place == NULL || *place != NULL)
		return place != NULL ? *place : NULL;
	if ((entry = arena_take(strings, sizeof(*entry))) == NULL)
		return NULL;
	entry->line = map_source_line(source, number);
	entry->folded = line->folded;
	entry->key = arena_string(strings, line->text, line->key_len);
	entry->target = arena_string(strings, line->text + line->target_off, line->target_len);
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
	if (source->part != NULL && !map_part_has(source->part, folded)) {
		err_set(err, EINVAL, "%.100s: its line was not read", folded);
		return NULL;
	}
	line = string_index_find(&source->keys, folded);
	if (line == STRING_INDEX_NONE || !map_line_maps(&source->lines[line]))
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

/* Call `piece` with the text, from its first byte to its last. 0, or what it returned. */
static int
each_piece(const struct map_source *source, int (*piece)(void *arg, const void *data, size_t len),
    void *arg)
{
	uint32_t line = MAP_LINE_NONE, next = map_source_next(source, line);
	int rc = 0;

	while (rc == 0 && (line = next) != MAP_LINE_NONE) {
		const struct map_line *l = &source->lines[line];
		size_t front = 0;
		bool bare; /* the last line read had no newline, and is still the last */

		next = map_source_next(source, line);
		bare = next == MAP_LINE_NONE &&
		       (source->cut || (source->no_newline && line + 1u == source->nread));
		if (l->folded == l->text && l->folded != NULL) {
			front = l->key_len + 1u; /* and a blank, which is a NUL now */
			if ((rc = piece(arg, l->text, l->key_len)) != 0 ||
			    (rc = piece(arg, l->tab_behind ? "\t" : " ", 1)) != 0)
				break;
		}
		if ((rc = piece(arg, l->text + front, l->len - front)) == 0 && !bare)
			rc = piece(arg, "\n", 1);
	}
	return rc;
}

static int
add_piece(void *arg, const void *data, size_t len)
{
	return buf_add(arg, data, len);
}

const struct buf *
map_source_text(const struct map_source *source)
{
	struct map_view *view = source->view;

	if (!view->text_made) {
		buf_clear(&view->text);
		if (buf_reserve(&view->text, source->text.len + 1) == -1 ||
		    each_piece(source, add_piece, &view->text) == -1)
			return NULL;
		view->text_made = true;
	}
	return &view->text;
}

/* ---- the text, written ------------------------------------------------------------------------
 */

#define ROOM   262144  /* bytes of small pieces that are gathered */
#define STRIDE 1048576 /* bytes that are digested and written at a time */

struct sink {
	int fd;
	struct buf gathered;
	struct map_digesting *digesting;
	uint64_t size;
};

static int
put(struct sink *sink, const unsigned char *data, size_t len)
{
	while (len > 0) {
		size_t n = len < STRIDE ? len : STRIDE;

		map_digest_add(sink->digesting, data, n);
		if (io_write_all(sink->fd, data, n) == -1)
			return -1;
		/* The disk can begin; whether it came there fsync will say. */
		sync_file_range(sink->fd, (off_t)sink->size, (off_t)n, SYNC_FILE_RANGE_WRITE);
		sink->size += n;
		data += n;
		len -= n;
	}
	return 0;
}

static int
flush(struct sink *sink)
{
	int failed = put(sink, sink->gathered.data, sink->gathered.len);

	buf_clear(&sink->gathered);
	return failed;
}

static int
write_piece(void *arg, const void *data, size_t len)
{
	struct sink *sink = arg;

	if (sink->gathered.len + len > ROOM && flush(sink) == -1)
		return -1;
	return len < ROOM ? buf_add(&sink->gathered, data, len) : put(sink, data, len);
}

int
map_source_write(
    const struct map_source *source, int fd, struct table_source *info, struct err *err)
{
	struct sink sink = { .fd = fd, .digesting = map_digest_new() };
	int failed = 0;

	if (sink.digesting == NULL || buf_reserve(&sink.gathered, ROOM) == -1 ||
	    each_piece(source, write_piece, &sink) == -1 || flush(&sink) == -1)
		failed = err_set(err, errno, "write %s", source->path);
	if (failed == 0) {
		map_digest_finish(sink.digesting, info->digest);
		info->size = sink.size;
	} else {
		map_digest_free(sink.digesting);
	}
	buf_free(&sink.gathered);
	return failed;
}
