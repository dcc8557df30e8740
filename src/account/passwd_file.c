/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Accounts of a passwd-file. The text is the truth; PATH.gdbm only says where in it a name stands,
 * is obeyed only while it belongs to the very text that is there, and every answer of it is read
 * again in the text. Without a fitting index the whole text is read: slower, and as right. Who will
 * ask for many names has it read once for all of them. A text that changes under the reader's
 * hands, a torn or malformed line, a name that stands twice: nothing is concluded from those.
 */
#include "passwd_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io.h"
#include "passwd_line.h"
#include "passwd_survey.h"
#include "source.h"
#include "table.h"

#define SILENT      2     /* beside a lookup's 1, 0 and -1 */
#define INDEX_WORTH 32768 /* bytes of text; less is read in one call, an index takes a dozen */

struct passwd_file {
	struct accounts accounts;
	char *path;
	int trusted;
	int fd;
	off_t size;
	struct passwd_file_identity identity; /* of what fd reads */
	bool fresh;                           /* opened just now */
	bool looked;                          /* for an index */
	struct table *index;                  /* of the same text, or NULL */
	bool expects_many;
	bool surveyed;               /* as far as that could be done */
	struct passwd_survey survey; /* of the same text */
};

/* ---- shared with the index's writer -------------------------------------------------------- */

void
passwd_file_identify(const struct stat *st, struct passwd_file_identity *out)
{
	snprintf(out->text, sizeof(out->text), "%ju:%ju %jd %jd.%09ld %jd.%09ld",
	    (uintmax_t)st->st_dev, (uintmax_t)st->st_ino, (intmax_t)st->st_size,
	    (intmax_t)st->st_mtim.tv_sec, st->st_mtim.tv_nsec, (intmax_t)st->st_ctim.tv_sec,
	    st->st_ctim.tv_nsec);
}

int
passwd_file_open_text(const char *path, int trusted, struct stat *st, struct err *err)
{
	int fd;

	if (trusted)
		return io_open_trusted(path, st, err);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd == -1)
		return err_set(err, errno, "open %s", path);
	if (fstat(fd, st) == -1) {
		err_set(err, errno, "stat %s", path);
	} else if (!S_ISREG(st->st_mode)) {
		err_set(err, 0, "%s is not a regular file", path);
		err->num = EINVAL;
	} else {
		return fd;
	}
	close(fd);
	return -1;
}

int
passwd_file_unchanged(
    int fd, const char *path, const struct passwd_file_identity *was, struct err *err)
{
	struct passwd_file_identity now;
	struct stat st;

	if (fstat(fd, &st) == -1)
		return err_set(err, errno, "stat %s", path);
	passwd_file_identify(&st, &now);
	if (strcmp(now.text, was->text) == 0)
		return 0;
	err_set(err, 0, "%s: changed while it was being read", path);
	err->num = EAGAIN;
	return -1;
}

int
passwd_file_index_path(char out[PATH_MAX], const char *path, struct err *err)
{
	if ((size_t)snprintf(out, PATH_MAX, "%s.gdbm", path) >= PATH_MAX)
		return err_set(err, ENAMETOOLONG, "index of %s", path);
	return 0;
}

/* ---- opening ------------------------------------------------------------------------------- */

/* The index, if there is one for this very text. Every fault of it means that there is none. */
static struct table *
open_index(const struct passwd_file *file)
{
	char path[PATH_MAX], *of = NULL;
	struct table *index = NULL;
	struct err ignored;
	size_t len;

	if (passwd_file_index_path(path, file->path, &ignored) == -1 ||
	    table_open(&index, path, file->trusted, &ignored) == -1)
		return NULL;
	if (table_get(index, PASSWD_FILE_IDENTITY, PASSWD_FILE_IDENTITY, &of, &len, &ignored) !=
	        1 ||
	    strcmp(of, file->identity.text) != 0) {
		table_close(index);
		index = NULL;
	}
	free(of);
	return index;
}

static void
shut(struct passwd_file *file)
{
	table_close(file->index);
	file->index = NULL;
	passwd_survey_free(&file->survey);
	file->surveyed = false;
	if (file->fd != -1)
		close(file->fd);
	file->fd = -1;
	file->looked = false;
}

static int
open_text(struct passwd_file *file, struct err *err)
{
	struct stat st;

	file->fd = passwd_file_open_text(file->path, file->trusted, &st, err);
	if (file->fd == -1)
		return -1;
	passwd_file_identify(&st, &file->identity);
	file->size = st.st_size;
	file->fresh = true;
	return 0;
}

/* Read what is there now, not what was there when a long-lived caller began. */
static int
keep_up(struct passwd_file *file, struct err *err)
{
	struct passwd_file_identity now;
	struct stat st;
	bool fresh = file->fresh;

	file->fresh = false;
	if (fresh)
		return 0;
	if (stat(file->path, &st) == -1)
		return err_set(err, errno, "stat %s", file->path);
	passwd_file_identify(&st, &now);
	if (file->fd != -1 && strcmp(now.text, file->identity.text) == 0)
		return 0;
	shut(file);
	if (open_text(file, err) == -1)
		return -1;
	file->fresh = false;
	return 0;
}

/* ---- one line ------------------------------------------------------------------------------ */

/* The line there is an entry of this name: 1 with *out, -1 memory, 0 anything else. */
static int
read_line(const struct passwd_file *file, off_t offset, size_t len, const char *folded,
    struct account *out, struct err *err)
{
	struct passwd_line entry;
	struct line line = { .ended = true };
	struct err ignored;
	char *own;
	int rc = 0;

	if (offset < 0 || len > LINES_LONGEST)
		return 0;
	if ((line.text = malloc(len + 1)) == NULL)
		return err_set(err, ENOMEM, "read %s", file->path);
	if (pread(file->fd, line.text, len + 1, offset) == (ssize_t)(len + 1) &&
	    line.text[len] == '\n') {
		line.text[len] = '\0';
		line.len = len;
		if (passwd_line_parse(&line, &entry, &ignored) == 1 &&
		    (own = passwd_line_fold(entry.name, &ignored)) != NULL) {
			if (strcmp(own, folded) == 0)
				rc = passwd_line_account(&entry, out, err) == -1 ? -1 : 1;
			free(own);
		}
	}
	free(line.text);
	return rc;
}

/* ---- by all names -------------------------------------------------------------------------- */

static void
survey(struct passwd_file *file)
{
	struct err ignored;

	file->surveyed = true;
	file->survey = (struct passwd_survey){ .path = file->path };
	if (passwd_survey_read(&file->survey, file->fd, &ignored) == 0 &&
	    passwd_file_unchanged(file->fd, file->path, &file->identity, &ignored) == 0)
		return;
	passwd_survey_free(&file->survey);
	file->survey.faults = 1; /* its "no" is worth nothing */
}

/* 1 / 0 / -1 as accounts_find, or SILENT: the survey does not settle it. */
static int
find_by_survey(struct passwd_file *file, const char *folded, struct account *out, struct err *err)
{
	const struct passwd_entry *entry, *end;
	int rc;

	if (!file->expects_many)
		return SILENT;
	if (!file->surveyed)
		survey(file);
	entry = passwd_survey_find(&file->survey, folded);
	end = file->survey.entries + file->survey.n;
	if (entry == NULL)
		return file->survey.faults == 0 ? 0 : SILENT;
	if (entry + 1 < end && strcmp(entry[1].folded, folded) == 0)
		return SILENT;
	rc = read_line(file, entry->offset, entry->len, folded, out, err);
	return rc == 0 ? SILENT : rc;
}

/* ---- by index ------------------------------------------------------------------------------ */

/* The same of the index. */
static int
find_by_index(struct passwd_file *file, const char *folded, struct account *out, struct err *err)
{
	char *where = NULL;
	struct err ignored;
	intmax_t offset;
	size_t len;
	int rc = SILENT;

	if (!file->looked && file->size >= INDEX_WORTH)
		file->index = open_index(file);
	file->looked = true;
	if (file->index == NULL)
		return SILENT;
	switch (table_get(file->index, folded, folded, &where, &len, &ignored)) {
	case 1:
		rc = 0;
		if (sscanf(where, "%jd %zu", &offset, &len) == 2)
			rc = read_line(file, (off_t)offset, len, folded, out, err);
		if (rc == 0)
			rc = SILENT;
		break;
	case 0:
		rc = 0;
		break;
	}
	free(where);
	return rc;
}

/* ---- by reading the text ------------------------------------------------------------------- */

struct search {
	const char *folded;
	struct account account;
	size_t found;     /* line number, 0 for not yet */
	struct err fault; /* the first malformed line */
	size_t faults;
};

/* 0, or -1 with err: memory, or a second entry of the name. */
static int
search_line(struct search *search, const char *path, struct line *line, struct err *err)
{
	struct passwd_line entry;
	struct err why;
	char *own = NULL;
	int rc = passwd_line_parse(line, &entry, &why);

	if (rc == 0)
		return 0;
	if (rc == 1 && (own = passwd_line_fold(entry.name, &why)) == NULL && why.num != 0) {
		*err = why;
		return -1;
	}
	if (own == NULL) {
		if (search->faults++ == 0)
			err_set(&search->fault, 0, "%s:%zu: %s", path, line->number, why.text);
		return 0;
	}
	rc = strcmp(own, search->folded);
	free(own);
	if (rc != 0)
		return 0;
	if (search->found != 0)
		return err_set(err, 0, "%s:%zu: %s already stands in line %zu", path, line->number,
		    entry.name, search->found);
	search->found = line->number;
	return passwd_line_account(&entry, &search->account, err);
}

static int
find_by_reading(
    const struct passwd_file *file, const char *folded, struct account *out, struct err *err)
{
	struct search search = { .folded = folded };
	struct lines lines;
	struct line line;
	int rc;

	lines_init(&lines, file->fd, file->path);
	while ((rc = lines_next(&lines, &line, err)) == 1)
		if (search_line(&search, file->path, &line, err) == -1) {
			rc = -1;
			break;
		}
	lines_free(&lines);
	if (rc == 0)
		rc = passwd_file_unchanged(file->fd, file->path, &file->identity, err);
	if (rc == 0 && search.found != 0) {
		*out = search.account;
		return 1;
	}
	if (rc == 0 && search.faults > 0) {
		*err = search.fault;
		rc = -1;
	}
	account_free(&search.account);
	return rc;
}

/* ---- the source ---------------------------------------------------------------------------- */

static int
passwd_file_find(struct accounts *accounts, const char *name, struct account *out, struct err *err)
{
	struct passwd_file *file = (struct passwd_file *)accounts;
	char *folded;
	int rc;

	if (keep_up(file, err) == -1)
		return -1;
	if (strpbrk(name, ":\n") != NULL)
		return 0; /* they end a field and a line */
	if ((folded = passwd_line_fold(name, err)) == NULL)
		return err->num == 0 ? 0 : -1;
	rc = find_by_survey(file, folded, out, err);
	if (rc == SILENT)
		rc = find_by_index(file, folded, out, err);
	if (rc == SILENT)
		rc = find_by_reading(file, folded, out, err);
	free(folded);
	return rc;
}

static int
give(int (*each)(void *arg, const struct account *account), void *arg, struct line *line,
    const char *path, struct err *err)
{
	struct passwd_line entry;
	struct account account;
	int rc = passwd_line_parse(line, &entry, err);

	if (rc == -1)
		return err_prefix(err, "%s:%zu", path, line->number);
	if (rc == 0)
		return 0;
	if (passwd_line_account(&entry, &account, err) == -1)
		return -1;
	rc = each(arg, &account);
	account_free(&account);
	return rc;
}

static int
passwd_file_each(struct accounts *accounts, int (*each)(void *arg, const struct account *account),
    void *arg, struct err *err)
{
	struct passwd_file *file = (struct passwd_file *)accounts;
	struct lines lines;
	struct line line;
	int rc;

	if (keep_up(file, err) == -1)
		return -1;
	lines_init(&lines, file->fd, file->path);
	while ((rc = lines_next(&lines, &line, err)) == 1)
		if ((rc = give(each, arg, &line, file->path, err)) != 0)
			break;
	lines_free(&lines);
	return rc;
}

static void
passwd_file_expect_many(struct accounts *accounts)
{
	((struct passwd_file *)accounts)->expects_many = true;
}

static void
passwd_file_close(struct accounts *accounts)
{
	struct passwd_file *file = (struct passwd_file *)accounts;

	shut(file);
	free(file->path);
	free(file);
}

int
passwd_file_open(struct accounts **out, const char *path, int trusted, struct err *err)
{
	struct passwd_file *file = calloc(1, sizeof(*file));

	if (file == NULL || (file->path = strdup(path)) == NULL) {
		free(file);
		return err_set(err, ENOMEM, "open %s", path);
	}
	file->accounts = (struct accounts){ .find = passwd_file_find,
		.each = passwd_file_each,
		.close = passwd_file_close,
		.expect_many = passwd_file_expect_many };
	file->trusted = trusted;
	if (open_text(file, err) == -1) {
		passwd_file_close(&file->accounts);
		return -1;
	}
	*out = &file->accounts;
	return 0;
}
