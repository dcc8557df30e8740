/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The left sides of sendmail's alias files, and nothing else of them: one pass over text kept in
 * memory, most lines left after one byte. A file that is missing or cannot be read says nothing, so
 * the answer is "could not tell", never "no such alias".
 */
#include "aliases.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "buf.h"
#include "io.h"

#define FILE_BYTES_MAX (64 * 1024 * 1024)

struct file {
	char *path;
	struct stat st; /* of the text held */
	struct buf text;
	int held;
};

struct aliases {
	struct file *files;
	size_t n;
};

/* ---- files --------------------------------------------------------------------------------- */

static int
add_file(struct aliases *aliases, const char *path, size_t len)
{
	struct file *more = reallocarray(aliases->files, aliases->n + 1, sizeof(*more));

	if (more == NULL)
		return -1;
	aliases->files = more;
	memset(&more[aliases->n], 0, sizeof(*more));
	if ((more[aliases->n].path = strndup(path, len)) == NULL)
		return -1;
	aliases->n++;
	return 0;
}

int
aliases_open(struct aliases **out, const char *paths, struct err *err)
{
	struct aliases *aliases = calloc(1, sizeof(*aliases));

	if (aliases == NULL)
		return err_set(err, ENOMEM, "aliases");
	if (strcmp(paths, "none") == 0)
		paths = "";
	while (*(paths += strspn(paths, " \t")) != '\0') {
		size_t len = strcspn(paths, " \t");

		if (add_file(aliases, paths, len) == -1) {
			aliases_close(aliases);
			return err_set(err, ENOMEM, "aliases");
		}
		paths += len;
	}
	*out = aliases;
	return 0;
}

void
aliases_close(struct aliases *aliases)
{
	if (aliases == NULL)
		return;
	for (size_t i = 0; i < aliases->n; i++) {
		free(aliases->files[i].path);
		buf_free(&aliases->files[i].text);
	}
	free(aliases->files);
	free(aliases);
}

static int
same_text(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
	       a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

/* The file is sendmail's, not ours: whoever may write it may redirect mail anyhow, so no more is
 * asked of it than that it is a regular file. */
static int
read_text(int fd, struct file *file, struct err *err)
{
	struct stat after;

	if (fstat(fd, &file->st) == -1)
		return err_set(err, errno, "stat %s", file->path);
	if (!S_ISREG(file->st.st_mode))
		return err_set(err, EINVAL, "%s is not a regular file", file->path);
	if (io_read_all(fd, FILE_BYTES_MAX, &file->text) == -1)
		return err_set(err, errno, "read %s", file->path);
	if (fstat(fd, &after) == -1)
		return err_set(err, errno, "stat %s", file->path);
	if (!same_text(&file->st, &after) || (off_t)file->text.len != after.st_size)
		return err_set(err, EAGAIN, "%s: changed while it was being read", file->path);
	return 0;
}

static int
load(struct file *file, struct err *err)
{
	int rc, fd = open(file->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	file->held = 0;
	buf_clear(&file->text);
	if (fd == -1)
		return err_set(err, errno, "open %s", file->path);
	rc = read_text(fd, file, err);
	close(fd);
	file->held = rc == 0;
	return rc;
}

static int
keep_up(struct file *file, struct err *err)
{
	struct stat now;

	if (file->held && stat(file->path, &now) == 0 && same_text(&file->st, &now))
		return 0;
	return load(file, err);
}

/* ---- names --------------------------------------------------------------------------------- */

/* The three forms in which sendmail asks for a name, best first. */
struct question {
	char forms[3][ALIASES_KEY_MAX];
	int n;
};

/* 0, or -1 when the name is longer than any alias's could be. */
static int
form(char out[ALIASES_KEY_MAX], const char *user, const char *plus, const char *detail)
{
	return strlcpy(out, user, ALIASES_KEY_MAX) < ALIASES_KEY_MAX &&
	               strlcat(out, plus, ALIASES_KEY_MAX) < ALIASES_KEY_MAX &&
	               strlcat(out, detail, ALIASES_KEY_MAX) < ALIASES_KEY_MAX
	           ? 0
	           : -1;
}

static void
ask(struct question *question, const char *user, const char *detail)
{
	question->n = 0;
	if (detail != NULL) {
		question->n += form(question->forms[question->n], user, "+", detail) == 0;
		question->n += form(question->forms[question->n], user, "+", "*") == 0;
	}
	question->n += form(question->forms[question->n], user, "", "") == 0;
}

/* The left side of a line, unquoted: 1, or 0 when there is none. `"a b": x`, `a\:b: x`, and
 * `user@thishost: x`, which newaliases takes only for a local user and keeps without the host. */
static int
left_side(const char *line, const char *end, char out[ALIASES_KEY_MAX])
{
	size_t len = 0, solid = 0; /* solid: length without blanks at the end */
	int quoted = 0, host = 0;

	for (; line < end; line++) {
		int literal = 0;
		char c = *line;

		if (c == '"') {
			quoted = !quoted;
			continue;
		}
		if (c == '\\' && line + 1 < end) {
			c = *++line;
			literal = 1;
		}
		if (c == ':' && !quoted && !literal) {
			out[solid] = '\0';
			return solid > 0;
		}
		host = host || (c == '@' && !quoted && !literal);
		if (host)
			continue;
		if (len == ALIASES_KEY_MAX - 1 || c == '\0') /* to sendmail a NUL ends the line */
			return 0;
		out[len++] = c;
		if (quoted || literal || (c != ' ' && c != '\t'))
			solid = len;
	}
	return 0;
}

/* The rank of the form that this line is an alias for, or question->n. */
static int
match_line(const struct question *question, const char *line, const char *end)
{
	char key[ALIASES_KEY_MAX];
	int rank = 0;
	char first = question->forms[0][0];

	/* All forms begin alike. Only letters differ by the bit that makes case. */
	if (*line != '"' && *line != '\\' && ((*line ^ first) & ~0x20) != 0)
		return question->n;
	if (!left_side(line, end, key))
		return question->n;
	while (rank < question->n && strcasecmp(question->forms[rank], key) != 0)
		rank++;
	return rank;
}

/* The best rank in this text. A line that begins with a blank, or follows one that ends in a
 * backslash, continues another. */
static int
match_text(const struct question *question, const struct buf *text)
{
	const char *line = (const char *)text->data;
	const char *stop = text->len == 0 ? line : line + text->len;
	int best = question->n, continued = 0;

	while (line < stop && best > 0) {
		const char *end = memchr(line, '\n', (size_t)(stop - line));

		if (end == NULL)
			end = stop;
		if (!continued && line < end && *line != ' ' && *line != '\t' && *line != '#') {
			int rank = match_line(question, line, end);

			best = rank < best ? rank : best;
		}
		continued = end > line && end[-1] == '\\' && *line != '#';
		line = end + 1;
	}
	return best;
}

int
aliases_find(struct aliases *aliases, const char *user, const char *detail, const char **file,
    char key[ALIASES_KEY_MAX], struct err *err)
{
	struct question question;
	int best;

	ask(&question, user, detail);
	best = question.n;
	for (size_t i = 0; i < aliases->n; i++) {
		int rank;

		if (keep_up(&aliases->files[i], err) == -1)
			return -1;
		rank = match_text(&question, &aliases->files[i].text);
		if (rank < best) {
			best = rank;
			*file = aliases->files[i].path;
		}
	}
	if (best == question.n)
		return 0;
	memcpy(key, question.forms[best], ALIASES_KEY_MAX);
	return 1;
}
