/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Reading the text of the map. Every line that is not wholly understood is reported, with a
 * reason, and none is skipped; what could be read in two ways is malformed (a line that begins
 * with a blank is a continuation for Postfix and an error for makemap).
 */
#include "map_source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io.h"
#include "map_file.h"
#include "map_key.h"

/* ---- one line ---------------------------------------------------------------------------------
 */

static int
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Bytes of the key: up to the first blank outside quotes. */
static size_t
key_length(const char *text, size_t len)
{
	int quoted = 0;
	size_t i;

	for (i = 0; i < len && (quoted || !is_blank(text[i])); i++) {
		if (text[i] == '\\')
			i++;
		else if (text[i] == '"')
			quoted = !quoted;
	}
	return i < len ? i : len;
}

static const char *
why_malformed(const char *text, size_t len)
{
	if (len > MAP_LINE_MAX)
		return "the line is too long";
	if (memchr(text, '\0', len) != NULL)
		return "the line holds a NUL byte";
	if (text[len - 1] == '\r')
		return "the line ends in CR LF: convert the file to Unix line ends";
	if (memcmp(text, "\xef\xbb\xbf", len < 3 ? len : 3) == 0)
		return "the line begins with a byte order mark";
	if (is_blank(*text))
		return "the line begins with a blank (nothing is continued here)";
	return NULL;
}

/* A name that target_parse could not but accept. Nearly all targets are such, and a million of
 * them need not be taken apart to learn it. */
static int
is_plain_name(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		        c == '.' || c == '-' || c == '_' || c == '+'))
			return 0;
	}
	return len > 0 && len <= ADDRESS_LOCAL_MAX;
}

static int
check_target(const char *text, size_t len, struct err *err)
{
	struct target target;
	char *string;
	int failed;

	if (is_plain_name(text, len))
		return 0;
	if ((string = strndup(text, len)) == NULL)
		return err_set(err, ENOMEM, "read a target");
	failed = target_parse(&target, string, NULL, err);
	if (failed == 0)
		target_free(&target);
	free(string);
	return failed;
}

static size_t
leading_blanks(const char *text, size_t len)
{
	size_t n = 0;

	while (n < len && is_blank(text[n]))
		n++;
	return n;
}

int
map_source_take_apart(struct map_source *source, struct map_line *line, struct err *err)
{
	char folded[MAP_KEY_ROOM];
	size_t blanks = leading_blanks(line->text, line->len), end = line->len, target;
	const char *why;

	if (blanks == line->len || line->text[blanks] == '#')
		return 0;
	if ((why = why_malformed(line->text, line->len)) != NULL)
		return err_set(err, 0, "%s", why);
	line->key_len = (uint32_t)key_length(line->text, line->len);
	target = line->key_len + leading_blanks(line->text + line->key_len, end - line->key_len);
	while (end > target && is_blank(line->text[end - 1]))
		end--;
	if (map_key_fold_into(folded, line->text, line->key_len, err) == -1)
		return err_prefix(
		    err, "%.*s", line->key_len > 100 ? 100 : (int)line->key_len, line->text);
	if (end == target)
		return err_set(err, 0, "%.100s: there is no target", folded);
	line->target_off = (uint32_t)target;
	line->target_len = (uint32_t)(end - target);
	if (check_target(line->text + target, end - target, err) == -1)
		return err_prefix(err, "%.100s", folded);
	line->folded = map_arena_string(&source->strings, folded, strlen(folded));
	return line->folded != NULL ? 1 : err_set(err, ENOMEM, "read %s", source->path);
}

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

bool
map_line_maps(const struct map_line *line)
{
	return line->folded != NULL && line->len != MAP_LINE_REMOVED;
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
	uint32_t other = map_index_find(&source->keys, line->folded);

	if (other != MAP_INDEX_NONE) {
		err_set(err, 0, "%.100s is already mapped in line %u", line->folded, other + 1);
		line->folded = NULL;
		return -1;
	}
	if (map_index_put(&source->keys, number) == -1)
		return err_set(err, ENOMEM, "read %s", source->path);
	source->count++;
	return 0;
}

static int
read_line(struct map_source *source, const char *text, size_t len,
    const struct complaints *complaints, struct err *err)
{
	struct map_line *line = map_source_new_line(source);
	uint32_t number = (uint32_t)source->nlines - 1;
	struct err why = { .num = 0 };
	int is_mapping;

	if (line == NULL)
		return err_set(err, ENOMEM, "read %s", source->path);
	line->text = text;
	line->len = (uint32_t)len;
	is_mapping = map_source_take_apart(source, line, &why);
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

static size_t
count_newlines(const struct buf *text)
{
	const unsigned char *p = text->data, *end = text->data + text->len;
	size_t n = 0;

	for (; p < end && (p = memchr(p, '\n', (size_t)(end - p))) != NULL; p++)
		n++;
	return n;
}

static int
read_lines(struct map_source *source, const struct complaints *complaints, struct err *err)
{
	const char *p = buf_cstr(&source->text), *end; /* not NULL, also when it is empty */

	if (p == NULL)
		return err_set(err, ENOMEM, "read %s", source->path);
	end = p + source->text.len;
	source->room = count_newlines(&source->text) + 1;
	source->lines = reallocarray(NULL, source->room, sizeof(*source->lines));
	if (source->lines == NULL)
		return err_set(err, ENOMEM, "read %s", source->path);
	for (; p < end; p++) {
		const char *newline = memchr(p, '\n', (size_t)(end - p));
		const char *stop = newline != NULL ? newline : end;

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
	source->view = calloc(1, sizeof(*source->view));
	if (source->path == NULL || source->view == NULL) {
		map_source_free(source);
		return NULL;
	}
	return source;
}

static void
view_empty(struct map_view *view)
{
	buf_free(&view->text);
	view->text_made = false;
	free(view->order);
	view->order = NULL;
}

void
map_source_changed(struct map_source *source)
{
	source->edited = true;
	view_empty(source->view);
}

void
map_source_free(struct map_source *source)
{
	int saved = errno;

	if (source == NULL)
		return;
	if (source->view != NULL) {
		view_empty(source->view);
		map_arena_free(&source->view->entries);
	}
	free(source->view);
	map_index_free(&source->keys);
	map_index_free(&source->domains);
	map_arena_free(&source->strings);
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
		if (st.st_size < MAP_FILE_TEXT_MAX)
			buf_reserve(&source->text, (size_t)st.st_size + 65537); /* or later */
		if (io_read_all(fd, MAP_FILE_TEXT_MAX, &source->text) == -1)
			failed = err_set(err, errno, "read %s", source->path);
		source->info.size = source->text.len;
	}
	close(fd);
	return failed;
}

static int
finish_source(struct map_source **out, struct map_source *source, int failed,
    const struct complaints *complaints, struct err *err)
{
	if (failed == 0)
		failed = read_lines(source, complaints, err);
	if (failed == -1) {
		map_source_free(source);
		errno = err->num;
		return -1;
	}
	*out = source;
	return 0;
}

int
map_source_read(struct map_source **out, const char *path, int trusted, map_complain_fn *complain,
    void *arg, struct err *err)
{
	struct complaints complaints = { complain, arg };
	struct map_source *source = source_new(path);

	*out = NULL;
	if (source == NULL)
		return err_set(err, ENOMEM, "read %s", path);
	return finish_source(out, source, read_file(source, trusted, err), &complaints, err);
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
	source->edited = true;
	if (len > MAP_FILE_TEXT_MAX)
		failed = err_set(err, EFBIG, "read %s", path);
	else if (buf_add(&source->text, text, len) == -1)
		failed = err_set(err, errno, "read %s", path);
	return finish_source(out, source, failed, &complaints, err);
}

/* ---- asking -----------------------------------------------------------------------------------
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

static const struct map_entry *
entry_of(const struct map_source *source, uint32_t number)
{
	struct map_line *line = &source->lines[number];
	struct map_arena *arena = &source->view->entries;
	struct map_entry *entry = line->entry;

	if (entry != NULL)
		return entry;
	if ((entry = map_arena_take(arena, sizeof(*entry))) == NULL)
		return NULL;
	entry->line = number < source->nread ? number + 1u : 0;
	entry->folded = line->folded;
	entry->key = map_arena_string(arena, line->text, line->key_len);
	entry->target = map_arena_string(arena, line->text + line->target_off, line->target_len);
	if (entry->key == NULL || entry->target == NULL)
		return NULL;
	line->entry = entry;
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
	line = map_index_find(&source->keys, folded);
	if (line == MAP_INDEX_NONE || !map_line_maps(&source->lines[line]))
		return NULL;
	if ((entry = entry_of(source, line)) == NULL)
		err_set(err, ENOMEM, "read %s", source->path);
	return entry;
}

/* ---- the text ---------------------------------------------------------------------------------
 */

void
map_source_digest(struct map_source *source, unsigned char out[MAP_DIGEST_SIZE])
{
	if (!source->digested)
		map_file_digest(source->info.digest, source->text.data, source->text.len);
	source->digested = true;
	memcpy(out, source->info.digest, MAP_DIGEST_SIZE);
}

bool
map_source_is_cut(const struct map_source *source)
{
	return source->no_newline;
}

void
map_source_announce(struct map_source *source, map_announce_fn *announce, void *arg)
{
	source->announce = announce;
	source->announce_arg = arg;
}

static int
join(const struct map_source *source, struct buf *out)
{
	uint32_t line = MAP_LINE_NONE, next = map_source_next(source, line);

	if (buf_reserve(out, source->text.len + 1) == -1)
		return -1;
	while ((line = next) != MAP_LINE_NONE) {
		const struct map_line *l = &source->lines[line];
		int bare; /* the last line read had no newline, and is still the last */

		next = map_source_next(source, line);
		bare = next == MAP_LINE_NONE &&
		       (source->cut || (source->no_newline && line + 1u == source->nread));
		if (buf_add(out, l->text, l->len) == -1 || (!bare && buf_addc(out, '\n') == -1))
			return -1;
	}
	return 0;
}

const struct buf *
map_source_text(const struct map_source *source)
{
	struct map_view *view = source->view;

	if (source->next == NULL && !source->edited)
		return &source->text;
	if (!view->text_made) {
		buf_clear(&view->text);
		if (join(source, &view->text) == -1)
			return NULL;
		view->text_made = true;
	}
	return &view->text;
}
