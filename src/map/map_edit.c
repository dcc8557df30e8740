/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Changes to the text in memory, line by line: comments, order and alignment stay, and not a
 * byte changes outside the lines that are meant. A new mapping goes behind the last one of its
 * domain, its target in the column of that one's.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "map_key.h"
#include "map_source.h"

#define TAB 8

static int
no_memory(const struct map_source *source, struct err *err)
{
	return err_set(err, ENOMEM, "edit %s", source->path);
}

/* err with an errno that tells the caller which, but no words of strerror's in the text. */
static int
refuse(struct err *err, int num, const char *what, const char *why)
{
	err_set(err, 0, "%.200s: %s", what, why);
	errno = err->num = num;
	return -1;
}

/* ---- alignment --------------------------------------------------------------------------------
 */

/* The column behind `len` bytes of text that begin in column 0; a character of UTF-8 takes one. */
static size_t
column_after(const char *text, size_t len)
{
	size_t column = 0;

	for (size_t i = 0; i < len; i++) {
		if (text[i] == '\t')
			column = (column / TAB + 1) * TAB;
		else if (((unsigned char)text[i] & 0xc0) != 0x80)
			column++;
	}
	return column;
}

/* Fill up to the target's column as the neighbour does, with tabs or with spaces. */
static int
add_gap(struct buf *out, const char *key, const struct map_source *source, uint32_t neighbour)
{
	const struct map_line *line = neighbour != MAP_LINE_NONE ? &source->lines[neighbour] : NULL;
	size_t column = column_after(key, strlen(key)), goal;
	char fill;

	if (line == NULL || line->folded == NULL)
		return buf_addc(out, '\t');
	goal = column_after(line->text, line->target_off);
	fill = memchr(line->text + line->key_len, '\t', line->target_off - line->key_len) != NULL
	           ? '\t'
	           : ' ';
	do {
		if (buf_addc(out, (unsigned char)fill) == -1)
			return -1;
		column = fill == '\t' ? (column / TAB + 1) * TAB : column + 1;
	} while (column < goal);
	return 0;
}

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
		    map_index_put(&source->domains, line) == -1)
			return -1;
	source->domains_known = true;
	return 0;
}

/* ---- what a new line says ----------------------------------------------------------------------
 */

/* Text from an editor's command line must stay one line, and the mapping that it was meant to be.
 */
static int
check_words(const char *key, const char *target, struct err *err)
{
	if (strchr(key, '\n') != NULL || strchr(target, '\n') != NULL)
		return refuse(err, EINVAL, key, "a mapping is one line");
	if (*key == '#')
		return refuse(err, EINVAL, key, "a key that begins with # must stand in quotes");
	return 0;
}

/* Take `text` apart into a line, and be sure that it reads as this key and this target. */
static int
make_line(struct map_source *source, struct map_line *out, const struct buf *text, const char *key,
    const char *target, struct err *err)
{
	size_t key_len = strlen(key), target_len = strlen(target);

	memset(out, 0, sizeof(*out));
	if (text->len > MAP_LINE_MAX)
		return refuse(err, EINVAL, key, "the line is too long");
	out->len = (uint32_t)text->len;
	out->text = map_arena_string(&source->strings, (const char *)text->data, text->len);
	if (out->text == NULL)
		return no_memory(source, err);
	switch (map_source_take_apart(source, out, err)) {
	case 1:
		break;
	case 0:
		return refuse(err, EINVAL, key, "this is no mapping");
	default:
		if (err->num == 0)
			err->num = EINVAL;
		return -1;
	}
	if (out->key_len != key_len || out->target_len != target_len ||
	    memcmp(out->text + out->target_off, target, target_len) != 0)
		return refuse(err, EINVAL, key, "a blank in a key must stand in quotes");
	return 0;
}

static char *
trimmed(const char *text)
{
	size_t len;

	text += strspn(text, " \t");
	for (len = strlen(text); len > 0 && strchr(" \t", text[len - 1]) != NULL; len--)
		;
	return strndup(text, len);
}

/* ---- edits ------------------------------------------------------------------------------------
 */

/* The line of a key, removed ones too; MAP_LINE_NONE if there was never one. */
static int
line_of(const struct map_source *source, const char *key, uint32_t *line, struct err *err)
{
	char folded[MAP_KEY_ROOM];

	if (map_key_fold_into(folded, key, strlen(key), err) == -1) {
		if (err->num == 0)
			err->num = EINVAL;
		return err_prefix(err, "%.100s", key);
	}
	*line = map_index_find(&source->keys, folded);
	if (*line != MAP_INDEX_NONE && !map_line_maps(&source->lines[*line]))
		*line = MAP_LINE_NONE;
	return 0;
}

static int
insert(struct map_source *source, const char *key, const char *target, struct err *err)
{
	struct buf text = BUF_INIT;
	struct map_line made, *line;
	uint32_t after, number;
	char folded[MAP_KEY_ROOM];
	int failed;

	if (map_key_fold_into(folded, key, strlen(key), err) == -1)
		return -1;
	if (need_domains(source) == -1)
		return no_memory(source, err);
	after = map_index_find(&source->domains, domain_name(folded));
	if (buf_adds(&text, key) == -1 ||
	    add_gap(&text, key, source, after != MAP_INDEX_NONE ? after : source->last) == -1 ||
	    buf_adds(&text, target) == -1)
		failed = no_memory(source, err);
	else
		failed = make_line(source, &made, &text, key, target, err);
	buf_free(&text);
	if (failed == -1)
		return -1;
	if (need_next(source) == -1 || (line = map_source_new_line(source)) == NULL)
		return no_memory(source, err);
	*line = made;
	number = (uint32_t)source->nlines - 1;
	if (map_index_put(&source->keys, number) == -1 ||
	    map_index_put(&source->domains, number) == -1) {
		source->lines[number].len = MAP_LINE_REMOVED;
		link_behind(source, number, after);
		return no_memory(source, err);
	}
	link_behind(source, number, after);
	source->count++;
	map_source_changed(source);
	return 0;
}

/* Another target in the same place: key and gap stay. */
static int
replace(struct map_source *source, uint32_t number, const char *target, struct err *err)
{
	struct map_line *line = &source->lines[number], made;
	struct buf text = BUF_INIT;
	char *key = strndup(line->text, line->key_len);
	int failed;

	if (key == NULL || buf_add(&text, line->text, line->target_off) == -1 ||
	    buf_adds(&text, target) == -1)
		failed = no_memory(source, err);
	else
		failed = make_line(source, &made, &text, key, target, err);
	free(key);
	buf_free(&text);
	if (failed == -1)
		return -1;
	*line = made;
	map_source_changed(source);
	return 0;
}

static int
change(struct map_source *source, const char *key, const char *target, int must_be_new,
    struct err *err)
{
	char *key_word = trimmed(key), *target_words = trimmed(target);
	uint32_t line;
	int failed;

	if (key_word == NULL || target_words == NULL)
		failed = no_memory(source, err);
	else if (check_words(key_word, target_words, err) == -1 ||
	         line_of(source, key_word, &line, err) == -1)
		failed = -1;
	else if (line == MAP_LINE_NONE)
		failed = insert(source, key_word, target_words, err);
	else if (must_be_new)
		failed = refuse(err, EEXIST, source->lines[line].folded, "already mapped");
	else
		failed = replace(source, line, target_words, err);
	free(key_word);
	free(target_words);
	if (failed == -1)
		errno = err->num;
	return failed;
}

int
map_source_add(struct map_source *source, const char *key, const char *target, struct err *err)
{
	return change(source, key, target, 1, err);
}

int
map_source_set(struct map_source *source, const char *key, const char *target, struct err *err)
{
	return change(source, key, target, 0, err);
}

int
map_source_rm(struct map_source *source, const char *key, struct err *err)
{
	uint32_t line;

	if (line_of(source, key, &line, err) == -1)
		return -1;
	if (line == MAP_LINE_NONE)
		return refuse(err, ENOENT, key, "not mapped");
	/* Its folded key stays: the index still finds it, and sees that it is gone. */
	source->lines[line].len = MAP_LINE_REMOVED;
	source->lines[line].entry = NULL;
	source->count--;
	map_source_changed(source);
	return 0;
}
