/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The compiled map as its users see it: opened, asked, compared with the text it was made
 * from. It stands beside the text, under the text's name and ".gdbm".
 */
#include "map_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "io.h"
#include "map_digest.h"
#include "map_key.h"
#include "map_ladder.h"
#include "map_source.h"
#include "progress.h"

#define PUBLISH_MS                                                                                 \
	250 /* from the rename of a text to that of its map, which waits for the disk              \
	     */

struct map {
	struct table *table;
	char *source_path;
};

char *
map_file_path(const char *source_path)
{
	char *path;

	return asprintf(&path, "%s.gdbm", source_path) == -1 ? NULL : path;
}

int
map_open(struct map **out, const char *source_path, int trusted, struct err *err)
{
	struct map *map = calloc(1, sizeof(*map));
	char *path = map_file_path(source_path);
	int failed = -1;

	*out = NULL;
	if (map == NULL || path == NULL || (map->source_path = strdup(source_path)) == NULL)
		err_set(err, ENOMEM, "open %s", source_path);
	else
		failed = table_open(&map->table, path, trusted, err);
	free(path);
	if (failed == -1) {
		map_close(map);
		errno = err->num;
		return -1;
	}
	*out = map;
	return 0;
}

void
map_close(struct map *map)
{
	if (map == NULL)
		return;
	table_close(map->table);
	free(map->source_path);
	free(map);
}

struct table *
map_file_table(const struct map *map)
{
	return map->table;
}

uint64_t
map_count(const struct map *map)
{
	return table_source_of(map->table)->mappings;
}

const unsigned char *
map_digest(const struct map *map)
{
	return table_source_of(map->table)->digest;
}

/* ---- from the compiled map to the text ---------------------------------------------------------
 */

struct comparing {
	struct map *map;
	const struct map_source *source;
	map_change_fn *each;
	void *arg;
	struct err *err;
};

/* What the text has that the map has not, or otherwise. */
static int
compare_entry(struct comparing *comparing, const struct map_entry *entry)
{
	struct map_change change = { .key = entry->folded, .now = entry->target };
	char scratch[MAP_KEY_ROOM], *old = NULL;
	size_t len;
	int found = table_get(comparing->map->table, map_key_group(entry->folded, scratch),
	    entry->folded, &old, &len, comparing->err);

	if (found == -1)
		return -1;
	change.old = found == 1 ? old : NULL;
	if (found == 1 && strcmp(old, entry->target) == 0)
		found = 0;
	else
		found = comparing->each(comparing->arg, &change, comparing->err);
	free(old);
	return found;
}

/* The mark of a domain is no mapping. */
static bool
is_mark(const char *key)
{
	return strchr(key, '@') == NULL && *key != '.';
}

/* The line of a folded key, or NULL. Folding it once more would take quotes for quotes that were
 * meant to be there. */
static const struct map_line *
line_of(const struct map_source *source, const char *key)
{
	uint32_t number = string_index_find(&source->keys, key);

	if (number == STRING_INDEX_NONE || !map_line_maps(&source->lines[number]))
		return NULL;
	return &source->lines[number];
}

/* For table_each: what the map has that the text has not. */
static int
find_gone(void *arg, const char *group, const char *key, const char *value, size_t value_len)
{
	struct comparing *comparing = arg;
	struct map_change change = { .key = key };
	char *target;
	int rc;

	(void)group;
	if (is_mark(key) || line_of(comparing->source, key) != NULL)
		return 0;
	if ((target = strndup(value, value_len)) == NULL)
		return err_set(comparing->err, ENOMEM, "compare %s", comparing->map->source_path);
	change.old = target;
	rc = comparing->each(comparing->arg, &change, comparing->err);
	free(target);
	return rc;
}

int
map_diff(struct map *map, const struct map_source *source, map_change_fn *each, void *arg,
    struct err *err)
{
	struct comparing comparing = { map, source, each, arg, err };
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < map_source_count(source); i++) {
		const struct map_entry *entry = map_source_entry(source, i);

		rc = entry != NULL ? compare_entry(&comparing, entry)
		                   : err_set(err, ENOMEM, "compare %s", map->source_path);
	}
	return rc != 0 ? rc : table_each(map->table, find_gone, &comparing, err);
}

struct matching {
	const struct map_source *source;
	size_t found;
};

/* For table_each. 0 the text has it, too; 1 it has not. */
static int
match_entry(void *arg, const char *group, const char *key, const char *value, size_t value_len)
{
	struct matching *matching = arg;
	const struct map_line *line = line_of(matching->source, key);

	(void)group;
	if (is_mark(key))
		return 0;
	if (PROGRESS_DUE(matching->found))
		progress_tell("comparing", matching->found, matching->source->count);
	matching->found++;
	return line == NULL || line->target_len != value_len ||
	       memcmp(line->text + line->target_off, value, value_len) != 0;
}

int
map_is_of(struct map *map, const struct map_source *source, struct err *err)
{
	struct matching matching = { .source = source };
	int rc = table_each(map->table, match_entry, &matching, err);

	return rc == 0 ? matching.found == source->count : rc == -1 ? -1 : 0;
}

/* ---- stale? -----------------------------------------------------------------------------------
 */

bool
map_is_replaced(const struct map *map)
{
	return table_is_replaced(map->table);
}

/* An edit renames its text and, when that is on the disk, its map: who looks between the two sees a
 * text that came a moment ago, and waits a moment for the map. */
static bool
is_being_published(const struct map *map, const struct stat *text)
{
	const struct timespec pause = { .tv_nsec = 5000000 };
	struct timespec now;
	int64_t age;

	for (;;) {
		if (map_is_replaced(map))
			return true;
		if (clock_gettime(CLOCK_REALTIME, &now) == -1)
			return false;
		age = (now.tv_sec - text->st_ctim.tv_sec) * 1000 +
		      (now.tv_nsec - text->st_ctim.tv_nsec) / 1000000;
		if (age < 0 || age > PUBLISH_MS)
			return false;
		nanosleep(&pause, NULL);
	}
}

int
map_is_stale(const struct map *map, struct err *err)
{
	const struct table_source *source = table_source_of(map->table);
	struct stat st;

	if (stat(map->source_path, &st) == -1)
		return err_set(err, errno, "stat %s", map->source_path);
	if ((uint64_t)st.st_size == source->size && st.st_mtim.tv_sec == source->mtime_sec &&
	    st.st_mtim.tv_nsec == source->mtime_nsec)
		return 0;
	return !is_being_published(map, &st);
}

int
map_is_stale_content(const struct map *map, struct err *err)
{
	unsigned char digest[MAP_DIGEST_SIZE];
	struct buf text = BUF_INIT;
	int fd = open(map->source_path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), failed;

	if (fd == -1)
		return err_set(err, errno, "open %s", map->source_path);
	failed = io_read_all(fd, MAP_TEXT_MAX, &text);
	if (failed == -1)
		err_set(err, errno, "read %s", map->source_path);
	close(fd);
	if (failed == 0)
		map_digest_of(digest, text.data, text.len);
	buf_free(&text);
	if (failed == -1)
		return -1;
	return memcmp(digest, table_source_of(map->table)->digest, sizeof(digest)) != 0;
}

/* ---- lookup -----------------------------------------------------------------------------------
 */

/* What a walk finds on its way. */
struct finding {
	struct map *map;
	char *target;
};

static int
find(void *arg, const char *key, struct err *err)
{
	struct finding *finding = arg;
	char scratch[MAP_KEY_ROOM];
	size_t len;

	/* A longer key is in no map, since none is compiled. */
	if (strlen(key) >= MAP_KEY_ROOM)
		return 0;
	return table_get(
	    finding->map->table, map_key_group(key, scratch), key, &finding->target, &len, err);
}

static int
has_domain_by_name(void *arg, const char *domain, struct err *err)
{
	struct finding *finding = arg;
	char *mark;
	size_t len;
	int found = table_get(finding->map->table, domain, domain, &mark, &len, err);

	if (found == 1)
		free(mark);
	return found;
}

int
map_has_domain(struct map *map, const char *domain, struct err *err)
{
	struct finding finding = { .map = map };
	int found = has_domain_by_name(&finding, domain, err);

	while (found == 0 && (domain = map_key_parent(domain)) != NULL)
		found = has_domain_by_name(&finding, domain, err);
	return found;
}

int
map_lookup(struct map *map, const struct address *address, int skip_catchall,
    map_account_fn *account, map_trace_fn *trace, void *arg, struct map_match *out, struct err *err)
{
	struct finding finding = { .map = map };
	struct map_ladder ladder = { .find = find,
		.has_domain = has_domain_by_name,
		.find_arg = &finding,
		.account = account,
		.trace = trace,
		.arg = arg,
		.skip_catchall = skip_catchall };
	struct buf key = BUF_INIT;
	int found;

	memset(out, 0, sizeof(*out));
	found = map_ladder_walk(&ladder, address, &out->rung, &key, err);
	out->target = finding.target;
	if (found == 1 && (out->key = buf_steal(&key)) == NULL)
		found = err_set(err, ENOMEM, "look up %.100s", address->domain);
	if (found == 1)
		found =
		    map_ladder_args(out->rung, address, out->key, &out->args, &out->plus, err) == 0
		        ? 1
		        : -1;
	buf_free(&key);
	if (found != 1)
		map_match_free(out);
	return found;
}

void
map_match_free(struct map_match *match)
{
	free(match->key);
	free(match->target);
	free(match->plus);
	memset(match, 0, sizeof(*match));
}
