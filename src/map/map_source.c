/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Reading the text of the map. Every line that is not wholly understood is reported, with a
 * reason, and none is skipped; nor is a second line for one key.
 */
#include "map_source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io.h"
#include "map_digest.h"
#include "map_file.h"
#include "map_part.h"
#include "progress.h"

/* ---- all lines --------------------------------------------------------------------------------
 */

static const char *
folded_of(const void *arg, uint32_t number)
{
	const struct map_source *source = arg;

	return source->lines[number].folded;
}

struct map_line *
map_source_new_line(struct map_source *source)
{
	struct map_line *line;

	if (source->nlines == source->room) {
		size_t room = source->room + source->room / 2 + 64;
		struct map_line *lines = NULL;

		if (room < MAP_LINE_NONE)
			lines = reallocarray(source->lines, room, sizeof(*lines));
		if (lines == NULL) {
			errno = ENOMEM;
			return NULL;
		}
		source->lines = lines;
		source->room = room;
	}
	line = &source->lines[source->nlines++];
	memset(line, 0, sizeof(*line));
	return line;
}

uint32_t
map_source_next_any(const struct map_source *source, uint32_t line)
{
	if (line == MAP_LINE_NONE)
		return source->first;
	if (source->next != NULL)
		return source->next[line];
	return line + 1 < source->nlines ? line + 1 : MAP_LINE_NONE;
}

uint32_t
map_source_next(const struct map_source *source, uint32_t line)
{
	do
		line = map_source_next_any(source, line);
	while (line != MAP_LINE_NONE && source->lines[line].len == MAP_LINE_REMOVED);
	return line;
}

struct complaints {
	map_complain_fn *complain;
	void *arg;
};

/* Enter the line that was just taken apart under its key. 0, or -1 with err. */
static int
enter(struct map_source *source, uint32_t number, struct err *err)
{
	struct map_line *line = &source->lines[number];
	uint32_t other = string_index_find(&source->keys, line->folded);

	if (other != STRING_INDEX_NONE) {
		err_set(err, 0, "%.100s" MAP_WHY_TWICE "%u", line->folded, other + 1);
		map_line_reject(line);
		return -1;
	}
	if (string_index_put(&source->keys, number) == -1)
		return err_set(err, ENOMEM, "read %s", source->path);
	source->count++;
	return 0;
}

static int
read_line(struct map_source *source, char *text, size_t len, const struct complaints *complaints,
    struct err *err)
{
	struct map_line *line = map_source_new_line(source);
	uint32_t number = (uint32_t)source->nlines - 1;
	struct err why = { .num = 0 };
	int is_mapping;

	if (line == NULL)
		return err_set(err, ENOMEM, "read %s", source->path);
	line->text = text;
	line->len = (uint32_t)len;
	is_mapping = map_line_take_apart(line, &source->strings, &why);
	if (is_mapping == 1)
		is_mapping = enter(source, number, &why);
	if (is_mapping != -1)
		return 0;
	if (why.num != 0) {
		*err = why;
		return -1;
	}
	source->errors++;
	if (complaints->complain != NULL)
		complaints->complain(complaints->arg, source->path, number + 1u, why.text);
	return 0;
}

static int
read_lines(struct map_source *source, const struct complaints *complaints, struct err *err)
{
	char *p = (char *)source->text.data, *end = p + source->text.len;

	source->room = map_line_count(source->text.data, source->text.len) + 1;
	source->lines = reallocarray(NULL, source->room, sizeof(*source->lines));
	if (source->lines == NULL)
		return err_set(err, ENOMEM, "read %s", source->path);
	for (; p < end; p++) {
		char *newline = memchr(p, '\n', (size_t)(end - p));
		char *stop = newline != NULL ? newline : end;

		if (PROGRESS_DUE(source->nlines))
			progress_tell("reading the map", source->nlines, source->room);
		source->no_newline = newline == NULL;
		if (read_line(source, p, (size_t)(stop - p), complaints, err) == -1)
			return -1;
		p = stop;
	}
	source->nread = source->nlines;
	if (source->nlines > 0) {
		source->first = 0;
		source->last = (uint32_t)source->nlines - 1;
	}
	return 0;
}

/* ---- life -------------------------------------------------------------------------------------
 */

static struct map_source *
source_new(const char *path)
{
	struct map_source *source = calloc(1, sizeof(*source));

	if (source == NULL)
		return NULL;
	source->first = source->last = MAP_LINE_NONE;
	source->keys.string_of = folded_of;
	source->keys.arg = source;
	source->path = strdup(path);
	source->view = map_view_new();
	if (source->path == NULL || source->view == NULL) {
		map_source_free(source);
		return NULL;
	}
	return source;
}

void
map_source_free(struct map_source *source)
{
	int saved = errno;

	if (source == NULL)
		return;
	map_view_free(source->view);
	map_part_free(source->part);
	string_index_free(&source->keys);
	string_index_free(&source->domains);
	arena_free(&source->strings);
	free(source->next);
	free(source->was);
	free(source->lines);
	buf_free(&source->text);
	free(source->path);
	free(source);
	errno = saved;
}

/* Take the whole file over. Its times are asked for before it is read: a change that comes
 * later makes the compiled map stale, not wrong. */
static int
read_file(struct map_source *source, int trusted, struct err *err)
{
	int fd = trusted ? io_open_trusted(source->path, NULL, err)
	                 : open(source->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;
	int failed = 0;

	if (fd == -1)
		return trusted ? -1 : err_set(err, errno, "open %s", source->path);
	if (fstat(fd, &st) == -1) {
		failed = err_set(err, errno, "stat %s", source->path);
	} else if (!S_ISREG(st.st_mode)) {
		failed = err_set(err, EINVAL, "read %s: not a regular file", source->path);
	} else {
		source->info.mtime_sec = st.st_mtim.tv_sec;
		source->info.mtime_nsec = (int32_t)st.st_mtim.tv_nsec;
		if (st.st_size < MAP_TEXT_MAX)
			buf_reserve(&source->text, (size_t)st.st_size + 65537); /* or later */
		if (io_read_all(fd, MAP_TEXT_MAX, &source->text) == -1)
			failed = err_set(err, errno, "read %s", source->path);
		source->info.size = source->text.len;
	}
	close(fd);
	return failed;
}

/* Take the text apart: all of it, or what an edit of these keys needs. */
static int
take_apart(struct map_source *source, const char *const *keys, size_t nkeys,
    const struct complaints *complaints, struct err *err)
{
	int rc = 0;

	if (buf_cstr(&source->text) == NULL) /* not NULL, also when it is empty */
		return err_set(err, ENOMEM, "read %s", source->path);
	/* First of all: keys get NULs behind them. */
	map_digest_of(source->info.digest, source->text.data, source->text.len);
	if (keys != NULL)
		rc = map_part_take(source, keys, nkeys, err);
	return rc != 0 ? (rc == 1 ? 0 : -1) : read_lines(source, complaints, err);
}

static int
finish_source(struct map_source **out, struct map_source *source, int failed,
    const char *const *keys, size_t nkeys, const struct complaints *complaints, struct err *err)
{
	if (failed == 0)
		failed = take_apart(source, keys, nkeys, complaints, err);
	if (failed == -1) {
		map_source_free(source);
		errno = err->num;
		return -1;
	}
	*out = source;
	return 0;
}

int
map_source_read_for(struct map_source **out, const char *path, int trusted, const char *const *keys,
    size_t nkeys, map_complain_fn *complain, void *arg, struct err *err)
{
	struct complaints complaints = { complain, arg };
	struct map_source *source = source_new(path);

	*out = NULL;
	if (source == NULL)
		return err_set(err, ENOMEM, "read %s", path);
	source->trusted = trusted != 0;
	return finish_source(
	    out, source, read_file(source, trusted, err), keys, nkeys, &complaints, err);
}

int
map_source_read(struct map_source **out, const char *path, int trusted, map_complain_fn *complain,
    void *arg, struct err *err)
{
	return map_source_read_for(out, path, trusted, NULL, 0, complain, arg, err);
}

size_t
map_source_line(const struct map_source *source, uint32_t number)
{
	if (number >= source->nread)
		return 0;
	return source->part != NULL ? map_part_line(source, number) : number + 1u;
}

int
map_source_parse(struct map_source **out, const char *path, const void *text, size_t len,
    map_complain_fn *complain, void *arg, struct err *err)
{
	struct complaints complaints = { complain, arg };
	struct map_source *source = source_new(path);
	int failed = 0;

	*out = NULL;
	if (source == NULL)
		return err_set(err, ENOMEM, "read %s", path);
	source->edited = source->whole_new = true;
	if (len > MAP_TEXT_MAX)
		failed = err_set(err, EFBIG, "read %s", path);
	else if (buf_add(&source->text, text, len) == -1)
		failed = err_set(err, errno, "read %s", path);
	return finish_source(out, source, failed, NULL, 0, &complaints, err);
}

void
map_source_announce(struct map_source *source, map_announce_fn *announce, void *arg)
{
	source->announce = announce;
	source->announce_arg = arg;
}
