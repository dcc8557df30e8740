/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Putting lines where they stand. A line never moves in the array, and the index of keys and that
 * of domains hold its number by what it says: so it may come to have another target, never another
 * key.
 */
#include "map_place.h"

#include <stdlib.h>
#include <string.h>

#include "map_key.h"

/* ---- lines ------------------------------------------------------------------------------------
 */

/* Make sure that there is a `next` for every line. */
static int
need_next(struct map_source *source)
{
	uint32_t *next;

	if (source->next == NULL) {
		source->next_room = source->nlines + 64;
		source->next = reallocarray(NULL, source->next_room, sizeof(*next));
		if (source->next == NULL)
			return -1;
		for (size_t i = 0; i < source->nlines; i++)
			source->next[i] = i + 1 < source->nlines ? (uint32_t)i + 1 : MAP_LINE_NONE;
	}
	if (source->nlines >= source->next_room) {
		size_t room = source->nlines + source->nlines / 2 + 64;

		if ((next = reallocarray(source->next, room, sizeof(*next))) == NULL)
			return -1;
		source->next = next;
		source->next_room = room;
	}
	return 0;
}

/* A line that was read is about to be another, or to go: keep what it was. */
static int
remember(struct map_source *source, uint32_t number)
{
	const struct map_line *line = &source->lines[number];
	const char *text = (const char *)source->text.data;
	struct map_was *was;

	/* Once changed its text is in the arena, and the first text is what counts. */
	if (number >= source->nread || line->text < text || line->text > text + source->text.len)
		return 0;
	if (source->nwas == source->was_room) {
		size_t room = source->was_room + source->was_room / 2 + 16;

		if ((was = reallocarray(source->was, room, sizeof(*was))) == NULL)
			return -1;
		source->was = was;
		source->was_room = room;
	}
	was = &source->was[source->nwas++];
	*was = (struct map_was){ .number = number, .line = *line };
	return 0;
}

void
map_place_changed(struct map_source *source, uint32_t line)
{
	source->edited = true;
	map_view_changed(source->view, line);
}

static void
take_away(struct map_source *source, uint32_t number)
{
	/* Its folded key stays: the index still finds it, and sees that it is gone. */
	source->lines[number].len = MAP_LINE_REMOVED;
	source->count--;
	map_place_changed(source, number);
}

/* Put `number` behind `after` (MAP_LINE_NONE: at the end). */
static void
link_behind(struct map_source *source, uint32_t number, uint32_t after)
{
	if (after == MAP_LINE_NONE)
		after = source->last;
	if (after == MAP_LINE_NONE) {
		source->next[number] = MAP_LINE_NONE;
		source->first = number;
	} else {
		source->next[number] = source->next[after];
		source->next[after] = number;
	}
	if (after == source->last)
		source->last = number;
}

/* ---- the last line of each domain --------------------------------------------------------------
 */

static const char *
domain_name(const char *folded)
{
	const char *domain = map_key_domain(folded);

	return domain != NULL ? domain : "@";
}

static const char *
domain_of_line(const void *arg, uint32_t number)
{
	const struct map_source *source = arg;

	return domain_name(source->lines[number].folded);
}

static int
need_domains(struct map_source *source)
{
	uint32_t line = MAP_LINE_NONE;

	if (source->domains_known)
		return 0;
	source->domains.string_of = domain_of_line;
	source->domains.arg = source;
	while ((line = map_source_next_any(source, line)) != MAP_LINE_NONE)
		if (source->lines[line].folded != NULL &&
		    string_index_put(&source->domains, line) == -1)
			return -1;
	source->domains_known = true;
	return 0;
}

/* ---- changes ----------------------------------------------------------------------------------
 */

int
map_place_last(struct map_source *source, const char *folded, uint32_t *line)
{
	if (need_domains(source) == -1)
		return -1;
	*line = string_index_find(&source->domains, domain_name(folded));
	return 0;
}

int
map_place_put(struct map_source *source, const struct map_line *made, uint32_t after, bool is_last)
{
	struct map_line *line;
	uint32_t number;

	if (need_next(source) == -1 || (line = map_source_new_line(source)) == NULL)
		return -1;
	*line = *made;
	number = (uint32_t)source->nlines - 1;
	if (string_index_put(&source->keys, number) == -1 ||
	    (is_last && string_index_put(&source->domains, number) == -1)) {
		source->lines[number].len = MAP_LINE_REMOVED;
		link_behind(source, number, after);
		return -1;
	}
	link_behind(source, number, after);
	source->count++;
	map_place_changed(source, number);
	return 0;
}

/* link_behind knows no such place. */
static void
move_to_front(struct map_source *source, uint32_t number, uint32_t before_it)
{
	if (before_it == MAP_LINE_NONE || source->first == number)
		return;
	source->next[before_it] = source->next[number];
	if (source->last == number)
		source->last = before_it;
	source->next[number] = source->first;
	source->first = number;
}

int
map_place_return(struct map_source *source, const struct map_line *made, uint32_t after)
{
	uint32_t last = source->last;

	if (map_place_put(source, made, after, false) == -1)
		return -1;
	if (after == MAP_LINE_NONE)
		move_to_front(source, (uint32_t)source->nlines - 1, last);
	return 0;
}

void
map_place_forget_domains(struct map_source *source)
{
	string_index_free(&source->domains);
	source->domains_known = false;
}

int
map_place_replace(struct map_source *source, uint32_t number, const struct map_line *made)
{
	if (remember(source, number) == -1)
		return -1;
	source->lines[number] = *made;
	map_place_changed(source, number);
	return 0;
}

int
map_place_remove(struct map_source *source, uint32_t number)
{
	if (remember(source, number) == -1)
		return -1;
	take_away(source, number);
	return 0;
}

int
map_place_rename(struct map_source *source, uint32_t number, const struct map_line *made)
{
	size_t nwas = source->nwas;
	uint32_t last;

	if (map_place_last(source, made->folded, &last) == -1 || remember(source, number) == -1)
		return -1;
	if (map_place_put(source, made, number, last == MAP_LINE_NONE || last == number) == -1) {
		source->nwas = nwas;
		return -1;
	}
	take_away(source, number);
	return 0;
}
