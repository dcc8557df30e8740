/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Taking changes back: the keys that came go, and the old lines return as they were, to their
 * places where the text is still the very one that the changes led to.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "map_edit.h"
#include "map_place.h"

/* The very line `text`, as it once was. */
static int
make_old(struct map_source *source, struct map_line *out, const char *text, struct err *err)
{
	if (strchr(text, '\n') != NULL)
		return map_edit_refuse(err, EINVAL, text, "this is no line");
	return map_edit_make(source, out, text, strlen(text), text, err);
}

/* Take back all but the lines that return. */
static int
take_back(struct map_source *source, const struct map_change *change, struct err *err)
{
	struct map_line made;
	uint32_t line;

	if (change->now == NULL)
		return 0;
	if (change->old == NULL)
		return map_source_rm(source, change->key, err);
	if (change->text == NULL)
		return map_source_set(source, change->key, change->old, err);
	if (make_old(source, &made, change->text, err) == -1 ||
	    map_edit_find(source, change->key, &line, err) == -1)
		return -1;
	if (line == MAP_LINE_NONE)
		return map_edit_refuse(err, ENOENT, change->key, "not mapped");
	if (strcmp(made.folded, source->lines[line].folded) != 0)
		return map_edit_refuse(err, EINVAL, change->key, "the old line says another key");
	return map_place_replace(source, line, &made) == 0 ? 0 : map_edit_no_memory(source, err);
}

/* Behind the last line of its domain, as if it were added now. */
static int
return_anywhere(struct map_source *source, const struct map_change *change, struct err *err)
{
	struct map_line made;
	uint32_t after;

	if (change->text == NULL)
		return map_source_add(source, change->key, change->old, err);
	if (make_old(source, &made, change->text, err) == -1)
		return -1;
	if (map_place_last(source, made.folded, &after) == -1 ||
	    map_place_put(source, &made, after, true) == -1)
		return map_edit_no_memory(source, err);
	return 0;
}

static int
by_line(const void *a, const void *b)
{
	const struct map_change *const *left = a, *const *right = b;

	return ((*left)->line > (*right)->line) - ((*left)->line < (*right)->line);
}

/* Lines in the order of their numbers, so that each finds those in front of it in place: one walk,
 * however many return. */
static int
return_to_places(
    struct map_source *source, const struct map_change **sorted, size_t n, struct err *err)
{
	uint32_t at = MAP_LINE_NONE, next; /* at: the line number `count` */
	size_t count = 0;

	for (size_t i = 0; i < n; i++) {
		struct map_line made;

		while (count + 1 < sorted[i]->line &&
		       (next = map_source_next(source, at)) != MAP_LINE_NONE) {
			at = next;
			count++;
		}
		if (make_old(source, &made, sorted[i]->text, err) == -1)
			return -1;
		if (map_place_return(source, &made, at) == -1)
			return map_edit_no_memory(source, err);
		at = (uint32_t)source->nlines - 1;
		count++;
	}
	map_place_forget_domains(source);
	return 0;
}

int
map_source_restore(struct map_source *source, const struct map_change *changes, size_t n,
    bool exact, bool cut, struct err *err)
{
	const struct map_change **sorted = calloc(n + 1, sizeof(const struct map_change *));
	size_t nsorted = 0;
	int failed = sorted == NULL ? map_edit_no_memory(source, err) : 0;

	for (size_t i = 0; failed == 0 && i < n; i++)
		failed = take_back(source, &changes[i], err);
	for (size_t i = 0; failed == 0 && i < n; i++) {
		if (changes[i].now != NULL || changes[i].old == NULL)
			continue;
		if (exact && changes[i].text != NULL && changes[i].line > 0)
			sorted[nsorted++] = &changes[i];
		else
			failed = return_anywhere(source, &changes[i], err);
	}
	if (failed == 0 && exact) {
		qsort(sorted, nsorted, sizeof(const struct map_change *), by_line);
		failed = return_to_places(source, sorted, nsorted, err);
		source->no_newline = false;
		source->cut = cut;
		map_place_changed(source, MAP_LINE_NONE);
	}
	free(sorted);
	return failed;
}
