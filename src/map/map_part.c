/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Finding a few lines in a large text without taking it apart. The compiled map says how many lines
 * name each domain: when as many were found by what is written in them no other line concerns these
 * domains, and where a key is spelled in another way than folded the count falls short.
 */
#include "map_part.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "map_domains.h"
#include "map_file.h"
#include "map_key.h"

#define SEARCHES_MAX 2 /* domains: for more, one look at every line is quicker */

struct wanted_domain {
	const char *name;
	uint32_t lines; /* found */
	size_t last;    /* where the last of them begins in the text */
};

struct wanted_key {
	const char *folded;
	size_t at; /* where its line begins; NOWHERE */
};

#define NOWHERE SIZE_MAX

struct map_part {
	struct wanted_key *keys;
	struct wanted_domain *domains;
	size_t nkeys, ndomains;
	struct string_index by_key, by_domain;
	struct arena strings;
	size_t *at; /* where the lines of the source begin in its text */
	size_t nat;
	size_t *lines; /* their numbers, from 1, once somebody has asked */
};

static const char *
key_of(const void *arg, uint32_t number)
{
	const struct map_part *part = arg;

	return part->keys[number].folded;
}

static const char *
domain_of(const void *arg, uint32_t number)
{
	const struct map_part *part = arg;

	return part->domains[number].name;
}

bool
map_part_has(const struct map_part *part, const char *folded)
{
	return string_index_find(&part->by_key, folded) != STRING_INDEX_NONE;
}

void
map_part_free(struct map_part *part)
{
	if (part == NULL)
		return;
	free(part->keys);
	free(part->domains);
	string_index_free(&part->by_key);
	string_index_free(&part->by_domain);
	arena_free(&part->strings);
	free(part->at);
	free(part->lines);
	free(part);
}

/* ---- what is wanted ---------------------------------------------------------------------------
 */

/* 1 entered, 0 it matches beyond its own domain or is none, -1 without memory. */
static int
want(struct map_part *part, const char *key)
{
	char folded[MAP_KEY_ROOM];
	const char *name;
	struct err err = { .num = 0 };

	if (map_key_fold_into(folded, key, strlen(key), &err) == -1)
		return err.num == ENOMEM ? -1 : 0;
	if (map_part_has(part, folded))
		return 1;
	name = map_key_domain(folded);
	if (name == NULL || *name == '.')
		return 0;
	if ((name = arena_string(&part->strings, folded, strlen(folded))) == NULL)
		return -1;
	part->keys[part->nkeys++] = (struct wanted_key){ .folded = name, .at = NOWHERE };
	if (string_index_put(&part->by_key, (uint32_t)part->nkeys - 1) == -1)
		return -1;
	name = map_key_domain(name);
	if (string_index_find(&part->by_domain, name) != STRING_INDEX_NONE)
		return 1;
	part->domains[part->ndomains++] = (struct wanted_domain){ .name = name, .last = NOWHERE };
	return string_index_put(&part->by_domain, (uint32_t)part->ndomains - 1) == -1 ? -1 : 1;
}

static int
want_all(struct map_part *part, const char *const *keys, size_t nkeys)
{
	int rc = 1;

	part->by_key.string_of = key_of;
	part->by_domain.string_of = domain_of;
	part->by_key.arg = part->by_domain.arg = part;
	part->keys = calloc(nkeys + 1, sizeof(*part->keys));
	part->domains = calloc(nkeys + 1, sizeof(*part->domains));
	if (part->keys == NULL || part->domains == NULL)
		return -1;
	for (size_t i = 0; rc == 1 && i < nkeys; i++)
		rc = want(part, keys[i]);
	return rc;
}

/* ---- looking at lines -------------------------------------------------------------------------
 */

/* Look at the line at `at`, which ends before `end`, where a NUL can be put. `only`: pass over it
 * if it is another domain's, whose own search finds it; NULL: any domain's. */
static void
look_at(struct map_part *part, char *text, size_t at, size_t end, const struct wanted_domain *only)
{
	char *key = text + at, *behind = key, *domain = NULL, blank;
	uint32_t found;

	if (*key == '#')
		return;
	for (; behind < text + end && *behind != ' ' && *behind != '\t'; behind++) {
		if (*behind == '"' || *behind == '\\')
			return; /* not as it is folded: the count will fall short */
		if (*behind == '@')
			domain = behind + 1;
	}
	blank = *behind;
	*behind = '\0';
	found = string_index_find(&part->by_domain, domain != NULL ? domain : key);
	if (found != STRING_INDEX_NONE && (only == NULL || only == &part->domains[found])) {
		char catchall[MAP_KEY_ROOM] = "@";

		part->domains[found].lines++;
		part->domains[found].last = at;
		if (domain == NULL) /* it fits: it is the name that was wanted */
			key = strcpy(catchall + 1, key) - 1;
		found = string_index_find(&part->by_key, key);
		if (found != STRING_INDEX_NONE)
			part->keys[found].at = at;
	}
	*behind = blank;
}

static size_t
line_end(const char *text, size_t len, size_t at)
{
	const char *newline = memchr(text + at, '\n', len - at);

	return newline != NULL ? (size_t)(newline - text) : len;
}

/* All lines that hold the name of one domain. */
static void
search(struct map_part *part, const struct wanted_domain *domain, char *text, size_t len)
{
	size_t name_len = strlen(domain->name), at = 0;
	const char *hit;

	while ((hit = memmem(text + at, len - at, domain->name, name_len)) != NULL) {
		const char *newline = memrchr(text + at, '\n', (size_t)(hit - text) - at);
		size_t start = newline != NULL ? (size_t)(newline - text) + 1 : at;

		at = line_end(text, len, (size_t)(hit - text));
		look_at(part, text, start, at, domain);
		if (at < len)
			at++;
	}
}

static void
look_at_lines(struct map_part *part, struct map_source *source)
{
	char *text = (char *)source->text.data;
	size_t len = source->text.len, end;

	if (part->ndomains <= SEARCHES_MAX) {
		for (size_t i = 0; i < part->ndomains; i++)
			search(part, &part->domains[i], text, len);
		return;
	}
	for (size_t at = 0; at < len; at = end + 1) {
		end = line_end(text, len, at);
		look_at(part, text, at, end, NULL);
	}
}

/* ---- is that all? -----------------------------------------------------------------------------
 */

/* 1 the table has the key, 0, -1 it cannot be told. */
static int
table_has(struct table *table, const char *key, uint32_t *lines)
{
	char scratch[MAP_KEY_ROOM];
	struct err ignored; /* then all lines are read */
	char *value;
	size_t len;
	int found = table_get(table, map_key_group(key, scratch), key, &value, &len, &ignored);

	if (found != 1)
		return found;
	if (lines != NULL) {
		if (len == sizeof(*lines))
			memcpy(lines, value, len);
		else
			found = -1;
	}
	free(value);
	return found;
}

static bool
found_all(const struct map_part *part, struct table *table)
{
	for (size_t i = 0; i < part->ndomains; i++) {
		const struct wanted_domain *domain = &part->domains[i];
		uint32_t lines = 0;

		if (table_has(table, domain->name, &lines) == -1 || lines != domain->lines)
			return false;
	}
	for (size_t i = 0; i < part->nkeys; i++) {
		const struct wanted_key *key = &part->keys[i];

		if (table_has(table, key->folded, NULL) != (key->at != NOWHERE))
			return false;
	}
	return true;
}

/* ---- the lines --------------------------------------------------------------------------------
 */

static int
compare(const void *a, const void *b)
{
	const size_t *left = a, *right = b;

	return (*left > *right) - (*left < *right);
}

/* Where the lines begin that are taken apart, each once, in order; malloc'ed, NULL without memory.
 */
static size_t *
list_lines(const struct map_part *part, const struct buf *text, size_t *n)
{
	const unsigned char *newline;
	size_t *at = calloc(part->nkeys + part->ndomains + 2, sizeof(*at)), len = text->len, m = 0;

	*n = 0;
	if (at == NULL)
		return NULL;
	for (size_t i = 0; i < part->nkeys; i++)
		if (part->keys[i].at != NOWHERE)
			at[m++] = part->keys[i].at;
	for (size_t i = 0; i < part->ndomains; i++)
		if (part->domains[i].last != NOWHERE)
			at[m++] = part->domains[i].last;
	/* The last line of all: a domain's first goes behind it, in its column. */
	if (len > 0) {
		newline = memrchr(text->data, '\n', len - 1);
		at[m++] = newline != NULL ? (size_t)(newline - text->data) + 1 : 0;
	}
	qsort(at, m, sizeof(*at), compare);
	for (size_t i = 0; i < m; i++)
		if (*n == 0 || at[*n - 1] != at[i])
			at[(*n)++] = at[i];
	return at;
}

/* Add text[start..end) as a line; with `apart` one that is taken apart. 0, or -1 with err. */
static int
add_line(struct map_source *source, size_t start, size_t end, bool apart, struct err *err)
{
	struct map_line *line = map_source_new_line(source);
	uint32_t number = (uint32_t)source->nlines - 1;

	if (line == NULL)
		return err_set(err, ENOMEM, "read %s", source->path);
	line->text = (char *)source->text.data + start;
	line->len = (uint32_t)(end - start);
	source->part->at[source->part->nat++] = start;
	if (!apart)
		return 0;
	if (map_line_take_apart(line, &source->strings, err) == -1)
		return -1;
	if (line->folded != NULL && string_index_put(&source->keys, number) == -1)
		return err_set(err, ENOMEM, "read %s", source->path);
	return 0;
}

static int
add_lines(struct map_source *source, const size_t *at, size_t n, struct err *err)
{
	const char *text = (const char *)source->text.data;
	size_t len = source->text.len, behind = 0;

	if ((source->part->at = calloc(2 * n + 1, sizeof(*source->part->at))) == NULL)
		return err_set(err, ENOMEM, "read %s", source->path);
	for (size_t i = 0; i < n; i++) {
		size_t end = line_end(text, len, at[i]);

		if (behind < at[i] && add_line(source, behind, at[i] - 1, false, err) == -1)
			return -1;
		if (add_line(source, at[i], end, true, err) == -1)
			return -1;
		behind = end + 1;
	}
	source->nread = source->nlines;
	source->no_newline = len > 0 && text[len - 1] != '\n';
	if (source->nlines > 0) {
		source->first = 0;
		source->last = (uint32_t)source->nlines - 1;
	}
	return 0;
}

/* ---- all of it --------------------------------------------------------------------------------
 */

static int
find_lines(struct map_part *part, struct map_source *source, const struct map *map,
    const char *const *keys, size_t nkeys)
{
	int rc = want_all(part, keys, nkeys);

	if (rc != 1)
		return rc;
	look_at_lines(part, source);
	return found_all(part, map_file_table(map));
}

int
map_part_take(struct map_source *source, const char *const *keys, size_t nkeys, struct err *err)
{
	struct map_part *part = calloc(1, sizeof(*part));
	struct err ignored;
	struct map *map = NULL;
	size_t *at = NULL, n;
	int rc = 0;

	if (part == NULL)
		return err_set(err, ENOMEM, "read %s", source->path);
	if (map_open(&map, source->path, source->trusted, &ignored) == 0 &&
	    memcmp(map_digest(map), source->info.digest, MAP_DIGEST_SIZE) == 0)
		rc = find_lines(part, source, map, keys, nkeys);
	if (rc == 1 && (at = list_lines(part, &source->text, &n)) == NULL)
		rc = -1;
	if (rc == -1)
		err_set(err, ENOMEM, "read %s", source->path);
	if (rc == 1) {
		source->part = part;
		source->count = map_count(map);
		rc = add_lines(source, at, n, err) == -1 ? -1 : 1;
	} else {
		map_part_free(part);
	}
	free(at);
	map_close(map);
	return rc;
}

/* Newlines are counted once, from one line to the next. */
size_t
map_part_line(const struct map_source *source, uint32_t number)
{
	struct map_part *part = source->part;
	const unsigned char *text = source->text.data;
	size_t line = 1, at = 0;

	if (part->lines == NULL) {
		if ((part->lines = calloc(part->nat + 1, sizeof(*part->lines))) == NULL)
			return 0;
		for (size_t i = 0; i < part->nat; i++) {
			line += map_line_count(text + at, part->at[i] - at);
			at = part->at[i];
			part->lines[i] = line;
		}
	}
	return number < part->nat ? part->lines[number] : 0;
}
