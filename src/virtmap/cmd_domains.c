/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * virtmap domains: a row for every domain that the text names: how much is mapped, where the rest
 * goes, and of what kind the targets are (kinds.h). What another mapping makes of an address is
 * told in that domain's row.
 */
#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "columns.h"
#include "editor.h"
#include "format.h"
#include "history_record.h"
#include "kinds.h"
#include "pager.h"
#include "rows.h"
#include "text.h"

struct row {
	const char *domain;    /* ".parent" with its dot, "@" for everything; the source's */
	const char *catch_all; /* its target, or NULL */
	size_t mappings;
	size_t kinds[KINDS]; /* targets, of which a mapping may have several */
};

struct survey {
	const struct editor *editor;
	struct kinds kinds;
	void *rows; /* tree of struct row */
};

/* ---- rows ---------------------------------------------------------------------------------- */

/* A domain, then its .parent row. */
static int
by_domain(const void *a, const void *b)
{
	const char *left = ((const struct row *)a)->domain,
	           *right = ((const struct row *)b)->domain;
	int order = strcmp(left + (*left == '.'), right + (*right == '.'));

	return order != 0 ? order : (*left == '.') - (*right == '.');
}

static struct row *
find_row(const struct survey *survey, const char *domain)
{
	struct row wanted = { .domain = domain };
	struct row **found = tfind(&wanted, &survey->rows, by_domain);

	return found == NULL ? NULL : *found;
}

/* The row of an entry; made when it is the first. NULL without memory. */
static struct row *
row_of(struct survey *survey, const struct map_entry *entry)
{
	enum format_key_kind kind = format_key_kind(entry->folded);
	const char *domain = kind == FORMAT_KEY_SUBDOMAINS || kind == FORMAT_KEY_EVERYTHING
	                         ? entry->folded
	                         : format_key_domain(entry->folded);
	struct row *row = find_row(survey, domain);

	if (row != NULL || (row = calloc(1, sizeof(*row))) == NULL)
		return row;
	row->domain = domain;
	if (tsearch(row, &survey->rows, by_domain) == NULL) {
		free(row);
		row = NULL;
	}
	return row;
}

static int
count_mappings(struct survey *survey, const struct map_entry *const *entries, struct err *err)
{
	for (; *entries != NULL; entries++) {
		enum format_key_kind kind = format_key_kind((*entries)->folded);
		struct row *row = row_of(survey, *entries);

		if (row == NULL)
			return err_set(err, ENOMEM, "domains");
		row->mappings++;
		if (kind != FORMAT_KEY_ADDRESS && kind != FORMAT_KEY_WILD)
			row->catch_all = (*entries)->target;
	}
	return 0;
}

/* ---- kinds of targets ---------------------------------------------------------------------- */

/* kinds_has_fn: does a row say so? */
static bool
has_row(const void *survey, const char *domain)
{
	return find_row(survey, domain) != NULL;
}

static void
count_target(struct survey *survey, struct row *row, const struct target *target)
{
	switch (target->kind) {
	case TARGET_ERROR:
		row->kinds[KIND_ERROR]++;
		break;
	case TARGET_DISCARD:
		row->kinds[KIND_DISCARD]++;
		break;
	case TARGET_ADDRESSES:
		for (size_t i = 0; i < target->naddresses; i++)
			row->kinds[kinds_of(&survey->kinds, &target->addresses[i])]++;
		break;
	}
}

static int
count_targets(struct survey *survey, const struct map_entry *const *entries, struct err *err)
{
	for (; *entries != NULL; entries++) {
		struct target target;

		/* What is no target was told as a wrong line, and is no entry. */
		if (target_parse(&target, (*entries)->target, NULL, err) == -1)
			return err_prefix(err, "%s", (*entries)->folded);
		count_target(survey, row_of(survey, *entries), &target);
		target_free(&target);
	}
	return 0;
}

/* ---- printing ------------------------------------------------------------------------------ */

struct print {
	char *const *patterns;
	int npatterns;
	bool json;
	struct rows rows;
	size_t domain_width;
	size_t n;
	int failed;
	struct err *err;
};

static bool
is_wanted(const struct print *print, VISIT visit, const struct row *row)
{
	return (visit == postorder || visit == leaf) && print->failed == 0 &&
	       rows_match(print->patterns, print->npatterns, row->domain);
}

/* For twalk_r. Folded domains are ASCII. */
static void
measure(const void *node, VISIT visit, void *arg)
{
	const struct row *row = *(const struct row *const *)node;
	struct print *print = arg;

	if (is_wanted(print, visit, row) && strlen(row->domain) > print->domain_width)
		print->domain_width = strlen(row->domain);
}

static json_t *
json_of(const struct row *row)
{
	json_t *json = json_pack("{s:o, s:I}", "domain", history_string(row->domain), "mappings",
	    (json_int_t)row->mappings);

	for (size_t i = 0; json != NULL && i < KINDS; i++)
		json_object_set_new(json, kind_names[i], json_integer((json_int_t)row->kinds[i]));
	if (json != NULL)
		json_object_set_new(json, "catch_all", history_string(row->catch_all));
	return json;
}

static void
print_head(const struct print *print)
{
	columns_put(stdout, COLUMNS_LEFT, print->domain_width, "DOMAIN");
	fputs("  MAPPINGS", stdout);
	for (size_t i = 0; i < KINDS; i++) {
		fputs("  ", stdout);
		for (const char *p = kind_names[i]; *p != '\0'; p++)
			putchar(*p - 'a' + 'A');
	}
	puts("  CATCH-ALL");
}

static int
print_row(const struct print *print, const struct row *row)
{
	char *catch_all = text_vis_dup(row->catch_all == NULL ? "-" : row->catch_all);

	if (catch_all == NULL)
		return err_set(print->err, ENOMEM, "domains");
	columns_put(stdout, COLUMNS_LEFT, print->domain_width, row->domain);
	printf("  %*zu", (int)strlen("MAPPINGS"), row->mappings);
	for (size_t i = 0; i < KINDS; i++)
		printf("  %*zu", (int)strlen(kind_names[i]), row->kinds[i]);
	printf("  %s\n", catch_all);
	free(catch_all);
	return 0;
}

/* For twalk_r. */
static void
visit_row(const void *node, VISIT visit, void *arg)
{
	const struct row *row = *(const struct row *const *)node;
	struct print *print = arg;

	if (!is_wanted(print, visit, row))
		return;
	print->n++;
	print->failed =
	    print->json ? rows_add(&print->rows, json_of(row), print->err) : print_row(print, row);
}

static int
print_all(const struct survey *survey, struct print *print)
{
	columns_begin();
	pager_start();
	print->domain_width = strlen("DOMAIN");
	twalk_r(survey->rows, measure, print);
	if (!print->json)
		print_head(print);
	twalk_r(survey->rows, visit_row, print);
	if (print->json)
		rows_end(&print->rows);
	return print->failed;
}

/* ---- the command --------------------------------------------------------------------------- */

static int
take_stock(struct survey *survey, struct err *err)
{
	const struct map_entry **entries = rows_entries(survey->editor->source, false, err);
	int failed = entries == NULL ? -1 : 0;

	survey->kinds.accounts = survey->editor->accounts;
	survey->kinds.has_domain = has_row;
	survey->kinds.arg = survey;
	if (failed == 0)
		failed =
		    resolver_new(&survey->kinds.resolver, survey->editor->virtmap->settings, err);
	if (failed == 0)
		resolver_expect_many(survey->kinds.resolver);
	if (failed == 0 && survey->kinds.accounts != NULL)
		accounts_expect_many(survey->kinds.accounts);
	if (failed == 0)
		failed = count_mappings(survey, entries, err);
	if (failed == 0)
		failed = count_targets(survey, entries, err);
	free(entries);
	return failed;
}

enum status
cmd_domains(const struct virtmap *virtmap, const char *options, int argc, char **argv)
{
	struct err err;
	struct editor editor;
	struct survey survey = { .editor = &editor };
	struct print print = { .patterns = argv,
		.npatterns = argc,
		.json = strchr(options, 'j') != NULL,
		.err = &err };
	enum status status = editor_open(&editor, virtmap, EDITOR_READ, 0);

	if (status == STATUS_OK &&
	    (take_stock(&survey, &err) == -1 || print_all(&survey, &print) == -1))
		status = speech_fail(&err);
	if (status == STATUS_OK && map_source_errors(editor.source) > 0)
		status = STATUS_DATA;
	if (status == STATUS_OK && argc > 0 && print.n == 0)
		status = STATUS_NOT_SO;
	tdestroy(survey.rows, free);
	resolver_free(survey.kinds.resolver);
	kinds_free(&survey.kinds);
	editor_close(&editor);
	return status;
}
