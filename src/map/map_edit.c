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
#include "map_part.h"
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

static void
changed(struct map_source *source, uint32_t line)
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
	changed(source, number);
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
	switch (map_line_take_apart(out, &source->strings, err)) {
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
	if (source->part != NULL && !map_part_has(source->part, folded))
		return err_set(err, EINVAL, "%.100s: its line was not read", folded);
	*line = map_index_find(&source->keys, folded);
	if (*line != MAP_INDEX_NONE && !map_line_maps(&source->lines[*line]))
		*line = MAP_LINE_NONE;
	return 0;
}

/* Enter a line that was made, behind `after`; as its domain's last, where the next will be added.
 */
static int
put_line(struct map_source *source, const struct map_line *made, uint32_t after, bool is_last,
    struct err *err)
{
	struct map_line *line;
	uint32_t number;

	if (need_next(source) == -1 || (line = map_source_new_line(source)) == NULL)
		return no_memory(source, err);
	*line = *made;
	number = (uint32_t)source->nlines - 1;
	if (map_index_put(&source->keys, number) == -1 ||
	    (is_last && map_index_put(&source->domains, number) == -1)) {
		source->lines[number].len = MAP_LINE_REMOVED;
		link_behind(source, number, after);
		return no_memory(source, err);
	}
	link_behind(source, number, after);
	source->count++;
	changed(source, number);
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
	return failed == -1 ? -1 : put_line(source, &made, after, true, err);
}

/* Another target in the same place: key and gap stay. */
static int
replace(struct map_source *source, uint32_t number, const char *target, struct err *err)
{
	struct map_line *line = &source->lines[number], made;
	struct buf text = BUF_INIT;
	char *key = strndup(line->text, line->key_len);
	int failed;

	if (key == NULL || map_line_text(line, line->target_off, &text) == -1 ||
	    buf_adds(&text, target) == -1)
		failed = no_memory(source, err);
	else
		failed = make_line(source, &made, &text, key, target, err);
	free(key);
	buf_free(&text);
	if (failed == -1)
		return -1;
	if (remember(source, number) == -1)
		return no_memory(source, err);
	*line = made;
	changed(source, number);
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
	if (remember(source, line) == -1)
		return no_memory(source, err);
	take_away(source, line);
	return 0;
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
		failed = no_memory(source, err);
	else
		failed = make_line(source, out, &text, key, target, err);
	free(target);
	buf_free(&text);
	return failed;
}

/* The old line goes and a new one stands behind it: the index of keys and that of domains hold line
 * numbers by what those lines say, so no line may come to say another key. */
static int
rename_line(struct map_source *source, uint32_t number, const char *key, struct err *err)
{
	struct map_line made;
	const char *domain;
	size_t nwas = source->nwas;
	uint32_t last;

	if (make_renamed(source, &made, number, key, err) == -1)
		return -1;
	if (need_domains(source) == -1 || remember(source, number) == -1)
		return no_memory(source, err);
	domain = domain_name(made.folded);
	last = map_index_find(&source->domains, domain);
	if (put_line(source, &made, number, last == MAP_INDEX_NONE || last == number, err) == -1) {
		source->nwas = nwas;
		return -1;
	}
	take_away(source, number);
	return 0;
}

int
map_source_rename(struct map_source *source, const char *key, const char *other, struct err *err)
{
	char *word = trimmed(other);
	uint32_t line, there;
	int failed;

	if (word == NULL)
		failed = no_memory(source, err);
	else if (check_words(word, "", err) == -1 || line_of(source, key, &line, err) == -1 ||
	         line_of(source, word, &there, err) == -1)
		failed = -1;
	else if (line == MAP_LINE_NONE)
		failed = refuse(err, ENOENT, key, "not mapped");
	else if (there != MAP_LINE_NONE && there != line) /* another spelling is no other key */
		failed = refuse(err, EEXIST, source->lines[there].folded, "already mapped");
	else
		failed = rename_line(source, line, word, err);
	free(word);
	if (failed == -1)
		errno = err->num;
	return failed;
}

/* ---- taking back -------------------------------------------------------------------------------
 */

/* The very line `text`, as it once was. */
static int
make_old(struct map_source *source, struct map_line *out, const char *text, struct err *err)
{
	size_t len = strlen(text);

	memset(out, 0, sizeof(*out));
	if (strchr(text, '\n') != NULL || len > MAP_LINE_MAX)
		return refuse(err, EINVAL, text, "this is no line");
	out->len = (uint32_t)len;
	if ((out->text = map_arena_string(&source->strings, text, len)) == NULL)
		return no_memory(source, err);
	switch (map_line_take_apart(out, &source->strings, err)) {
	case 1:
		return 0;
	case 0:
		return refuse(err, EINVAL, text, "this is no mapping");
	default:
		return -1;
	}
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
	    line_of(source, change->key, &line, err) == -1)
		return -1;
	if (line == MAP_LINE_NONE)
		return refuse(err, ENOENT, change->key, "not mapped");
	if (strcmp(made.folded, source->lines[line].folded) != 0)
		return refuse(err, EINVAL, change->key, "the old line says another key");
	if (remember(source, line) == -1)
		return no_memory(source, err);
	source->lines[line] = made;
	changed(source, line);
	return 0;
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
	if (need_domains(source) == -1)
		return no_memory(source, err);
	after = map_index_find(&source->domains, domain_name(made.folded));
	return put_line(source, &made, after, true, err);
}

static int
by_line(const void *a, const void *b)
{
	const struct map_change *const *left = a, *const *right = b;

	return ((*left)->line > (*right)->line) - ((*left)->line < (*right)->line);
}

/* In front of all others; link_behind knows no such place. */
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

/* Lines in the order of their numbers, so that each finds those in front of it in place: one walk,
 * however many return. */
static int
return_to_places(
    struct map_source *source, const struct map_change **sorted, size_t n, struct err *err)
{
	uint32_t at = MAP_LINE_NONE, next, last; /* at: the line number `count` */
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
		last = source->last;
		if (put_line(source, &made, at, false, err) == -1)
			return -1;
		if (at == MAP_LINE_NONE)
			move_to_front(source, (uint32_t)source->nlines - 1, last);
		at = (uint32_t)source->nlines - 1;
		count++;
	}
	/* Which line of a domain is the last must be found anew. */
	map_index_free(&source->domains);
	source->domains_known = false;
	return 0;
}

int
map_source_restore(struct map_source *source, const struct map_change *changes, size_t n,
    bool exact, bool cut, struct err *err)
{
	const struct map_change **sorted = calloc(n + 1, sizeof(const struct map_change *));
	size_t nsorted = 0;
	int failed = sorted == NULL ? no_memory(source, err) : 0;

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
		changed(source, MAP_LINE_NONE);
	}
	free(sorted);
	return failed;
}
