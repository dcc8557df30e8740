/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A passwd-file read from its first line to its last: names, folded and sorted, so that those that
 * stand twice are neighbours.
 */
#include "passwd_survey.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lines.h"
#include "passwd_file.h"
#include "passwd_line.h"
#include "source.h"

static void
fault(struct passwd_survey *survey, size_t line, const char *why)
{
	survey->faults++;
	if (survey->complain != NULL)
		survey->complain(survey->arg, survey->path, line, why);
}

static int
grow(struct passwd_survey *survey, struct err *err)
{
	size_t room = survey->room == 0 ? 64 : survey->room * 2;
	struct passwd_entry *more = reallocarray(survey->entries, room, sizeof(*more));

	if (more == NULL)
		return err_set(err, ENOMEM, "read %s", survey->path);
	survey->entries = more;
	survey->room = room;
	return 0;
}

static int
survey_line(struct passwd_survey *survey, struct line *line, struct err *err)
{
	struct passwd_line parsed;
	struct passwd_entry *entry;
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
		entry->offset = line->offset;
		entry->len = len;
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
	const struct passwd_entry *left = a, *right = b;
	int order = strcmp(left->folded, right->folded);

	return order != 0 ? order : (left->line > right->line) - (left->line < right->line);
}

static void
find_twins(struct passwd_survey *survey)
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

int
passwd_survey_read(struct passwd_survey *survey, int fd, struct err *err)
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

/* Whether it stands twice is for the caller to see: it has a neighbour of the same name. */
const struct passwd_entry *
passwd_survey_find(const struct passwd_survey *survey, const char *folded)
{
	size_t from = 0, to = survey->n;

	while (from < to) {
		size_t middle = from + (to - from) / 2;

		if (strcmp(survey->entries[middle].folded, folded) < 0)
			from = middle + 1;
		else
			to = middle;
	}
	return from < survey->n && strcmp(survey->entries[from].folded, folded) == 0
	           ? &survey->entries[from]
	           : NULL;
}

void
passwd_survey_free(struct passwd_survey *survey)
{
	for (size_t i = 0; i < survey->n; i++)
		free(survey->entries[i].folded);
	free(survey->entries);
	survey->entries = NULL;
	survey->n = survey->room = 0;
}

int
passwd_file_check(
    const char *path, int trusted, accounts_complain_fn *complain, void *arg, struct err *err)
{
	struct passwd_survey survey = { .path = path, .complain = complain, .arg = arg };
	struct stat st;
	int rc, fd = passwd_file_open_text(path, trusted, &st, err);

	if (fd == -1)
		return -1;
	rc = passwd_survey_read(&survey, fd, err);
	close(fd);
	passwd_survey_free(&survey);
	return rc == -1 ? -1 : (int)(survey.faults > INT_MAX ? INT_MAX : survey.faults);
}
