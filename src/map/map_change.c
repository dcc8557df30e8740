/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What an edit has changed, mapping by mapping: for the history and for those who are asked before
 * it is published. Lines that say the same as before are passed over without being looked at.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "map_source.h"

/* Copies of what a change tells, NUL-ended, for the time of the call. */
struct copies {
	char *target, *text;
};

static int
call(map_change_fn *each, void *arg, const struct map_change *change, struct copies *copies,
    const struct map_source *source, struct err *err)
{
	int rc;

	if (copies->target == NULL || (change->line > 0 && copies->text == NULL))
		rc = err_set(err, ENOMEM, "compare %s", source->path);
	else
		rc = each(arg, change, err);
	free(copies->target);
	free(copies->text);
	return rc;
}

/* The line as it was read, NUL-ended; malloc'ed, NULL with errno. */
static char *
whole(const struct map_line *line)
{
	struct buf text = BUF_INIT;
	char *string = map_line_text(line, line->len, &text) == -1 ? NULL : buf_steal(&text);

	buf_free(&text);
	return string;
}

/* ---- edits in place ---------------------------------------------------------------------------
 */

static int
by_number(const void *a, const void *b)
{
	const struct map_was *left = a, *right = b;

	return (left->number > right->number) - (left->number < right->number);
}

/* A line that was read, and what stands in its place. */
static int
tell_was(const struct map_source *source, const struct map_was *was, map_change_fn *each, void *arg,
    struct err *err)
{
	const struct map_line *now = &source->lines[was->number], *old = &was->line;
	struct map_change change = { .key = old->folded,
		.line = map_source_line(source, was->number) };
	struct copies copies;
	char *target_now = NULL;
	int rc;

	copies.target = strndup(old->text + old->target_off, old->target_len);
	copies.text = whole(old);
	if (map_line_maps(now) &&
	    (target_now = strndup(now->text + now->target_off, now->target_len)) == NULL) {
		free(copies.target);
		copies.target = NULL;
	}
	change.old = copies.target;
	change.now = target_now;
	change.text = copies.text;
	rc = call(each, arg, &change, &copies, source, err);
	free(target_now);
	return rc;
}

/* A line that came. */
static int
tell_new(const struct map_source *source, const struct map_line *line, map_change_fn *each,
    void *arg, struct err *err)
{
	struct copies copies = { .target =
		                     strndup(line->text + line->target_off, line->target_len) };
	struct map_change change = { .key = line->folded, .now = copies.target };

	return call(each, arg, &change, &copies, source, err);
}

int
map_source_changes(const struct map_source *source, map_change_fn *each, void *arg, struct err *err)
{
	struct map_was *sorted = reallocarray(NULL, source->nwas + 1, sizeof(*sorted));
	int rc = 0;

	if (sorted == NULL)
		return err_set(err, ENOMEM, "compare %s", source->path);
	if (source->nwas > 0)
		memcpy(sorted, source->was, source->nwas * sizeof(*sorted));
	qsort(sorted, source->nwas, sizeof(*sorted), by_number);
	for (size_t i = 0; rc == 0 && i < source->nwas; i++)
		rc = tell_was(source, &sorted[i], each, arg, err);
	for (size_t i = source->nread; rc == 0 && i < source->nlines; i++)
		if (map_line_maps(&source->lines[i]))
			rc = tell_new(source, &source->lines[i], each, arg, err);
	free(sorted);
	return rc;
}

/* ---- two texts --------------------------------------------------------------------------------
 */

static int
same_text(const struct map_line *a, const struct map_line *b)
{
	return a->len == b->len && a->tab_behind == b->tab_behind &&
	       memcmp(a->text, b->text, a->len) == 0;
}

/* A mapping of the old text, in the new one. */
static int
compare_line(const struct map_source *old, const struct map_source *now, uint32_t number,
    map_change_fn *each, void *arg, struct err *err)
{
	const struct map_line *line = &old->lines[number], *other = NULL;
	struct map_change change = { .key = line->folded, .line = number + 1u };
	uint32_t found = string_index_find(&now->keys, line->folded);
	struct copies copies;
	char *target = NULL;
	int rc;

	if (found != STRING_INDEX_NONE && map_line_maps(&now->lines[found]))
		other = &now->lines[found];
	if (other != NULL && same_text(line, other))
		return 0;
	copies.target = strndup(line->text + line->target_off, line->target_len);
	copies.text = whole(line);
	if (other != NULL &&
	    (target = strndup(other->text + other->target_off, other->target_len)) == NULL) {
		free(copies.target);
		copies.target = NULL;
	}
	change.old = copies.target;
	change.now = target;
	change.text = copies.text;
	rc = call(each, arg, &change, &copies, old, err);
	free(target);
	return rc;
}

static int
is_new(const struct map_source *old, const struct map_line *line)
{
	uint32_t found = string_index_find(&old->keys, line->folded);

	return found == STRING_INDEX_NONE || !map_line_maps(&old->lines[found]);
}

int
map_source_compare(const struct map_source *old, const struct map_source *now, map_change_fn *each,
    void *arg, struct err *err)
{
	uint32_t line = MAP_LINE_NONE;
	int rc = 0;

	while (rc == 0 && (line = map_source_next(old, line)) != MAP_LINE_NONE)
		if (old->lines[line].folded != NULL)
			rc = compare_line(old, now, line, each, arg, err);
	line = MAP_LINE_NONE;
	while (rc == 0 && (line = map_source_next(now, line)) != MAP_LINE_NONE)
		if (now->lines[line].folded != NULL && is_new(old, &now->lines[line]))
			rc = tell_new(now, &now->lines[line], each, arg, err);
	return rc;
}
