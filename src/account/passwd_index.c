/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Checking a passwd-file and writing its index. Both read every line and look for names that stand
 * twice; an index is written only of a text without a fault, so that its "no" is worth as much as
 * the text's own.
 */
#include <errno.h>
#include <sha2.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "io.h"
#include "passwd_file.h"
#include "passwd_line.h"
#include "source.h"
#include "table.h"

#define CLOCK_STEP 20000000L /* nanoseconds; file times move in ticks of 1 to 10 ms */

struct entry {
	char *folded;
	size_t line;
	char where[48]; /* "OFFSET LENGTH" */
};

struct survey {
	const char *path;
	accounts_complain_fn *complain;
	void *arg;
	struct entry *entries;
	size_t n, room;
	size_t faults;
};

/* ---- reading ------------------------------------------------------------------------------- */

static void
fault(struct survey *survey, size_t line, const char *why)
{
	survey->faults++;
	survey->complain(survey->arg, survey->path, line, why);
}

static int
grow(struct survey *survey, struct err *err)
{
	size_t room = survey->room == 0 ? 64 : survey->room * 2;
	struct entry *more = reallocarray(survey->entries, room, sizeof(*more));

	if (more == NULL)
		return err_set(err, ENOMEM, "read %s", survey->path);
	survey->entries = more;
	survey->room = room;
	return 0;
}

static int
survey_line(struct survey *survey, struct line *line, struct err *err)
{
	struct passwd_line parsed;
	struct entry *entry;
	struct err why;
	size_t len = line->len;
	int rc = passwd_line_parse(line, &parsed, &why);

	if (rc == 0)
		return 0;
	if (survey->n == survey->room && grow(survey, err) == -1)
		return -1;
	entry = &survey->entries[survey->n];
	if (rc == 1 && (entry->folded = passwd_line_fold(parsed.name, &why)) != NULL) {
		entry->line = line->number;
		snprintf(
		    entry->where, sizeof(entry->where), "%jd %zu", (intmax_t)line->offset, len);
		survey->n++;
		return 0;
	}
	if (why.num != 0) {
		*err = why;
		return -1;
	}
	fault(survey, line->number, why.text);
	return 0;
}

static int
by_name(const void *a, const void *b)
{
	const struct entry *left = a, *right = b;
	int order = strcmp(left->folded, right->folded);

	return order != 0 ? order : (left->line > right->line) - (left->line < right->line);
}

static void
find_twins(struct survey *survey)
{
	size_t first = 0;

	qsort(survey->entries, survey->n, sizeof(*survey->entries), by_name);
	for (size_t i = 1; i < survey->n; i++) {
		char why[ERR_TEXT_MAX];

		if (strcmp(survey->entries[i].folded, survey->entries[first].folded) != 0) {
			first = i;
			continue;
		}
		/* The name is at most a line long; for people its beginning is enough. */
		snprintf(why, sizeof(why), "%.200s already stands in line %zu",
		    survey->entries[i].folded, survey->entries[first].line);
		fault(survey, survey->entries[i].line, why);
	}
}

/* All lines of fd. 0, faults counted in the survey, or -1 with err. */
static int
survey_text(struct survey *survey, int fd, struct err *err)
{
	struct lines lines;
	struct line line;
	int rc;

	lines_init(&lines, fd, survey->path);
	while ((rc = lines_next(&lines, &line, err)) == 1)
		if (survey_line(survey, &line, err) == -1) {
			rc = -1;
			break;
		}
	lines_free(&lines);
	if (rc == 0 && survey->n > 0)
		find_twins(survey);
	return rc;
}

static void
survey_free(struct survey *survey)
{
	for (size_t i = 0; i < survey->n; i++)
		free(survey->entries[i].folded);
	free(survey->entries);
}

int
passwd_file_check(
    const char *path, int trusted, accounts_complain_fn *complain, void *arg, struct err *err)
{
	struct survey survey = { .path = path, .complain = complain, .arg = arg };
	struct stat st;
	int rc, fd = passwd_file_open_text(path, trusted, &st, err);

	if (fd == -1)
		return -1;
	rc = survey_text(&survey, fd, err);
	close(fd);
	survey_free(&survey);
	return rc == -1 ? -1 : (int)(survey.faults > INT_MAX ? INT_MAX : survey.faults);
}

/* ---- writing ------------------------------------------------------------------------------- */

/* A change in the same tick of the file system's clock as the one before would leave no trace in
 * the times. So wait until the text is older than a tick; whoever changes it later is seen. */
static void
let_settle(const struct stat *st)
{
	struct timespec now, pause = { 0, CLOCK_STEP };

	clock_gettime(CLOCK_REALTIME, &now);
	if (now.tv_sec - st->st_ctim.tv_sec <= 1 && now.tv_sec >= st->st_ctim.tv_sec)
		nanosleep(&pause, NULL);
}

static int
digest(int fd, const char *path, unsigned char out[32], struct err *err)
{
	unsigned char piece[16384];
	SHA2_CTX sum;
	off_t at = 0;
	ssize_t n;

	SHA256Init(&sum);
	while ((n = pread(fd, piece, sizeof(piece), at)) > 0) {
		SHA256Update(&sum, piece, (size_t)n);
		at += n;
	}
	if (n == -1)
		return err_set(err, errno, "read %s", path);
	SHA256Final(out, &sum);
	return 0;
}

static int
add_all(struct table_builder *builder, const struct survey *survey,
    const struct passwd_file_identity *identity, struct err *err)
{
	int rc = table_build_add(builder, PASSWD_FILE_IDENTITY, PASSWD_FILE_IDENTITY,
	    identity->text, strlen(identity->text), err);

	for (size_t i = 0; rc == 0 && i < survey->n; i++) {
		const struct entry *entry = &survey->entries[i];

		rc = table_build_add(
		    builder, entry->folded, entry->folded, entry->where, strlen(entry->where), err);
	}
	return rc;
}

static int
write_index(const struct survey *survey, int fd, const struct stat *st,
    const struct passwd_file_identity *identity, struct err *err)
{
	struct table_source source = { .size = (uint64_t)st->st_size,
		.mtime_sec = st->st_mtim.tv_sec,
		.mtime_nsec = (int32_t)st->st_mtim.tv_nsec,
		.mappings = survey->n };
	struct table_builder *builder;
	char path[PATH_MAX];

	if (passwd_file_index_path(path, survey->path, err) == -1 ||
	    digest(fd, survey->path, source.digest, err) == -1 ||
	    passwd_file_unchanged(fd, survey->path, identity, err) == -1 ||
	    table_build_begin(&builder, path, survey->n + 1, err) == -1)
		return -1;
	if (add_all(builder, survey, identity, err) == -1) {
		table_build_abort(builder);
		return -1;
	}
	/* Who may read the text may read the index, and nobody else: it repeats the names. */
	return table_build_commit(
	    builder, &source, geteuid() == 0 ? st->st_gid : (gid_t)-1, st->st_mode & 0644, err);
}

static void
keep_first(void *arg, const char *path, size_t line, const char *why)
{
	struct err *first = arg;

	if (first->text[0] == '\0')
		err_set(first, 0, "%s:%zu: %s", path, line, why);
}

int
passwd_file_index(const char *path, int trusted, struct err *err)
{
	struct err first = { 0, "" };
	struct survey survey = { .path = path, .complain = keep_first, .arg = &first };
	struct passwd_file_identity identity;
	struct stat st;
	int rc, fd = passwd_file_open_text(path, trusted, &st, err);

	if (fd == -1)
		return -1;
	let_settle(&st);
	passwd_file_identify(&st, &identity);
	rc = survey_text(&survey, fd, err);
	if (rc == 0 && survey.faults > 0) {
		*err = first;
		rc = -1;
	}
	if (rc == 0)
		rc = write_index(&survey, fd, &st, &identity, err);
	close(fd);
	survey_free(&survey);
	return rc;
}
