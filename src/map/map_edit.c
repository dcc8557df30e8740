/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Changes to the text in memory, line by line: comments, order and alignment stay, and not a
 * byte changes outside the lines that are meant. A new mapping goes behind the last one of its
 * domain, its target in the column of that one's.
 */
#include "map_edit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "map_key.h"
#include "map_part.h"
#include "map_place.h"

#define TAB 8

int
map_edit_no_memory(const struct map_source *source, struct err *err)
{
	return err_set(err, ENOMEM, "edit %s", source->path);
}

int
map_edit_refuse(struct err *err, int num, const char *what, const char *why)
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
	struct buf front = BUF_INIT;
	int failed = 0;
	char fill;

	if (line == NULL || line->folded == NULL)
		return buf_addc(out, '\t');
	if (map_line_text(line, line->target_off, &front) == -1)
		return -1;
	goal = column_after((const char *)front.data, front.len);
	fill = memchr(front.data + line->key_len, '\t', front.len - line->key_len) != NULL ? '\t'
	                                                                                   : ' ';
	buf_free(&front);
	do {
		failed = buf_addc(out, (unsigned char)fill);
		column = fill == '\t' ? (column / TAB + 1) * TAB : column + 1;
	} while (failed == 0 && column < goal);
	return failed;
}

/* ---- what a new line says ----------------------------------------------------------------------
 */

/* Text from an editor's command line must stay one line, and the mapping that it was meant to be.
 */
static int
check_words(const char *key, const char *target, struct err *err)
{
	if (strchr(key, '\n') != NULL || strchr(target, '\n') != NULL)
		return map_edit_refuse(err, EINVAL, key, "a mapping is one line");
	if (*key == '#')
		return map_edit_refuse(
		    err, EINVAL, key, "a key that begins with # must stand in quotes");
	return 0;
}

int
map_edit_make(struct map_source *source, struct map_line *out, const char *text, size_t len,
    const char *what, struct err *err)
{
	memset(out, 0, sizeof(*out));
	if (len > MAP_LINE_MAX)
		return map_edit_refuse(err, EINVAL, what, "the line is too long");
	out->len = (uint32_t)len;
	if ((out->text = arena_string(&source->strings, text, len)) == NULL)
		return map_edit_no_memory(source, err);
	switch (map_line_take_apart(out, &source->strings, err)) {
	case 1:
		return 0;
	case 0:
		return map_edit_refuse(err, EINVAL, what, "this is no mapping");
	default:
		if (err->num == 0)
			err->num = EINVAL;
		return -1;
	}
}

/* Take `text` apart into a line, and be sure that it reads as this key and this target. */
static int
make_line(struct map_source *source, struct map_line *out, const struct buf *text, const char *key,
    const char *target, struct err *err)
{
	size_t key_len = strlen(key), target_len = strlen(target);

	if (map_edit_make(source, out, (const char *)text->data, text->len, key, err) == -1)
		return -1;
	if (out->key_len != key_len || out->target_len != target_len ||
	    memcmp(out->text + out->target_off, target, target_len) != 0)
		return map_edit_refuse(err, EINVAL, key, "a blank in a key must stand in quotes");
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

int
map_edit_find(const struct map_source *source, const char *key, uint32_t *line, struct err *err)
{
	char folded[MAP_KEY_ROOM];

	if (map_key_fold_into(folded, key, strlen(key), err) == -1) {
		if (err->num == 0)
			err->num = EINVAL;
		return err_prefix(err, "%.100s", key);
	}
	if (source->part != NULL && !map_part_has(source->part, folded))
		return err_set(err, EINVAL, "%.100s: its line was not read", folded);
	*line = string_index_find(&source->keys, folded);
	if (*line != STRING_INDEX_NONE && !map_line_maps(&source->lines[*line]))
		*line = MAP_LINE_NONE;
	return 0;
}

static int
insert(struct map_source *source, const char *key, const char *target, struct err *err)
{
	struct buf text = BUF_INIT;
	struct map_line made;
	char folded[MAP_KEY_ROOM];
	uint32_t after;
	int failed;

	if (map_key_fold_into(folded, key, strlen(key), err) == -1)
		return -1;
	if (map_place_last(source, folded, &after) == -1)
		return map_edit_no_memory(source, err);
	if (buf_adds(&text, key) == -1 ||
	    add_gap(&text, key, source, after != MAP_LINE_NONE ? after : source->last) == -1 ||
	    buf_adds(&text, target) == -1)
		failed = map_edit_no_memory(source, err);
	else
		failed = make_line(source, &made, &text, key, target, err);
	buf_free(&text);
	if (failed == 0 && map_place_put(source, &made, after, true) == -1)
		failed = map_edit_no_memory(source, err);
	return failed;
}

/* Another target in the same place: key and gap stay. */
static int
replace(struct map_source *source, uint32_t number, const char *target, struct err *err)
{
	const struct map_line *line = &source->lines[number];
	struct map_line made;
	struct buf text = BUF_INIT;
	char *key = strndup(line->text, line->key_len);
	int failed;

	if (key == NULL || map_line_text(line, line->target_off, &text) == -1 ||
	    buf_adds(&text, target) == -1)
		failed = map_edit_no_memory(source, err);
	else
		failed = make_line(source, &made, &text, key, target, err);
	free(key);
	buf_free(&text);
	if (failed == 0 && map_place_replace(source, number, &made) == -1)
		failed = map_edit_no_memory(source, err);
	return failed;
}

static int
change(struct map_source *source, const char *key, const char *target, int must_be_new,
    struct err *err)
{
	char *key_word = trimmed(key), *target_words = trimmed(target);
	uint32_t line;
	int failed;

	if (key_word == NULL || target_words == NULL)
		failed = map_edit_no_memory(source, err);
	else if (check_words(key_word, target_words, err) == -1 ||
	         map_edit_find(source, key_word, &line, err) == -1)
		failed = -1;
	else if (line == MAP_LINE_NONE)
		failed = insert(source, key_word, target_words, err);
	else if (must_be_new)
		failed = map_edit_refuse(err, EEXIST, source->lines[line].folded, "already mapped");
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

	if (map_edit_find(source, key, &line, err) == -1)
		return -1;
	if (line == MAP_LINE_NONE)
		return map_edit_refuse(err, ENOENT, key, "not mapped");
	return map_place_remove(source, line) == 0 ? 0 : map_edit_no_memory(source, err);
}

/* ---- another key -------------------------------------------------------------------------------
 */

/* The line `number` with `key` in front, its target in the column where it was. */
static int
make_renamed(struct map_source *source, struct map_line *out, uint32_t number, const char *key,
    struct err *err)
{
	const struct map_line *line = &source->lines[number];
	char *target = strndup(line->text + line->target_off, line->target_len);
	struct buf text = BUF_INIT;
	int failed;

	if (target == NULL || buf_adds(&text, key) == -1 ||
	    add_gap(&text, key, source, number) == -1 ||
	    buf_add(&text, line->text + line->target_off, line->len - line->target_off) == -1)
		failed = map_edit_no_memory(source, err);
	else
		failed = make_line(source, out, &text, key, target, err);
	free(target);
	buf_free(&text);
	return failed;
}

int
map_source_rename(struct map_source *source, const char *key, const char *other, struct err *err)
{
	char *word = trimmed(other);
	struct map_line made;
	uint32_t line, there;
	int failed;

	if (word == NULL)
		failed = map_edit_no_memory(source, err);
	else if (check_words(word, "", err) == -1 || map_edit_find(source, key, &line, err) == -1 ||
	         map_edit_find(source, word, &there, err) == -1)
		failed = -1;
	else if (line == MAP_LINE_NONE)
		failed = map_edit_refuse(err, ENOENT, key, "not mapped");
	else if (there != MAP_LINE_NONE && there != line) /* another spelling is no other key */
		failed =
		    map_edit_refuse(err, EEXIST, source->lines[there].folded, "already mapped");
	else if ((failed = make_renamed(source, &made, line, word, err)) == 0 &&
	         map_place_rename(source, line, &made) == -1)
		failed = map_edit_no_memory(source, err);
	free(word);
	if (failed == -1)
		errno = err->num;
	return failed;
}
