/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * mailpeek usage: who takes how much room, as bars; by account, or by domain of the map. An account
 * that several domains lead to counts in each of them, and once in the total. A sum that lacks what
 * could not be counted, or accounts that could not be told, says that it is only so much at least.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bar.h"
#include "json.h"
#include "meter.h"
#include "rank.h"
#include "reach.h"
#include "screen.h"

#define COUNT_WIDTH   8
#define PERCENT_WIDTH 5

struct usage {
	const struct peek *peek;
	struct survey survey;
	struct ranking ranking;
	size_t name_width, size_width;
	uint64_t bytes, messages; /* of all that were counted */
	bool is_part;             /* there is one that could not be */
};

static void
add_all(struct usage *u)
{
	for (size_t i = 0; i < u->survey.count; i++) {
		u->bytes += u->survey.entries[i].summary.bytes;
		u->messages += u->survey.entries[i].summary.messages;
		u->is_part |= survey_is_there(&u->survey.entries[i]) &&
		              !survey_was_counted(&u->survey.entries[i]);
	}
}

static double
percent_of(uint64_t part, uint64_t all)
{
	return all == 0 ? 0 : 100.0 * (double)part / (double)all;
}

static void
print_share(const struct usage *u, uint64_t bytes)
{
	char share[16];

	snprintf(share, sizeof(share), "%.1f%%", percent_of(bytes, u->bytes));
	screen_string(SCREEN_RIGHT, PERCENT_WIDTH + 1, share);
}

static void
print_size(const struct usage *u, uint64_t messages, uint64_t bytes)
{
	screen_number(COUNT_WIDTH, messages);
	screen_size(u->size_width, bytes, u->peek->exact);
	print_share(u, bytes);
}

/* The same of what is only a part. */
static void
print_at_least(const struct usage *u, uint64_t messages, uint64_t bytes)
{
	char number[32], size[SCREEN_SIZE_MAX];

	snprintf(number, sizeof(number), "%llu+", (unsigned long long)messages);
	screen_string(SCREEN_RIGHT, COUNT_WIDTH, number);
	screen_size_text(bytes, u->peek->exact, size);
	strlcat(size, "+", sizeof(size));
	screen_string(SCREEN_RIGHT, u->size_width, size);
	print_share(u, bytes);
}

/* The same where nothing is known. */
static void
print_no_size(const struct usage *u)
{
	screen_string(SCREEN_RIGHT, COUNT_WIDTH, "-");
	screen_string(SCREEN_RIGHT, u->size_width, "-");
	screen_string(SCREEN_RIGHT, PERCENT_WIDTH + 1, "-");
}

/* taken: columns of the row so far */
static void
print_bar(const struct usage *u, uint64_t bytes, uint64_t most, size_t taken)
{
	struct buf bar = BUF_INIT;

	if (!u->peek->nul && bar_add(&bar, bytes, most, bar_width(taken)) == -1)
		speech_no_memory();
	if (bar.len > 0)
		screen_cell(SCREEN_LEFT, 0, 0, bar.data, bar.len);
	buf_free(&bar);
	screen_end_row();
}

/* ---- by account ------------------------------------------------------------------------------ */

static void
print_account_json(const struct usage *u, const struct survey_entry *entry)
{
	const char *name = entry->account.name;
	const bool counted = survey_was_counted(entry);
	int percent = survey_percent(entry);
	json_t *row = json_object();

	json_put(row, "account", json_text(name, strlen(name)));
	json_put(row, "messages", json_count(counted, entry->summary.messages));
	json_put(row, "size", json_count(counted, entry->summary.bytes));
	json_put(row, "quota_percent", percent < 0 ? json_null() : json_integer(percent));
	json_print(row, u->peek->nul);
}

static void
print_account(const struct usage *u, const struct survey_entry *entry, uint64_t most)
{
	int percent = survey_percent(entry);
	char quota[16] = "-";

	if (u->peek->json) {
		print_account_json(u, entry);
		return;
	}
	survey_print_name(u->name_width, entry);
	if (!survey_was_counted(entry)) {
		print_no_size(u);
		screen_string(SCREEN_RIGHT, PERCENT_WIDTH, "-");
		screen_end_row();
		return;
	}
	print_size(u, entry->summary.messages, entry->summary.bytes);
	if (percent >= 0)
		snprintf(quota, sizeof(quota), "%d%%", percent);
	screen_string(SCREEN_RIGHT, PERCENT_WIDTH, quota);
	print_bar(u, entry->summary.bytes, most,
	    u->name_width + COUNT_WIDTH + u->size_width + 2 * PERCENT_WIDTH + 11);
}

static void
print_heading(const struct usage *u, const char *what, const char *last)
{
	if (u->peek->json || u->peek->nul)
		return;
	screen_style(SCREEN_HEADING);
	screen_string(SCREEN_LEFT, u->name_width, what);
	screen_string(SCREEN_RIGHT, COUNT_WIDTH, "MESSAGES");
	screen_string(SCREEN_RIGHT, u->size_width, "SIZE");
	screen_string(SCREEN_RIGHT, PERCENT_WIDTH + 1, "SHARE");
	screen_string(SCREEN_RIGHT, last[0] == 'Q' ? PERCENT_WIDTH : COUNT_WIDTH, last);
	screen_end_row();
}

static void
print_total(const struct usage *u)
{
	if (u->peek->json || u->peek->nul)
		return;
	screen_string(SCREEN_LEFT, u->name_width, "total");
	if (u->is_part)
		print_at_least(u, u->messages, u->bytes);
	else
		print_size(u, u->messages, u->bytes);
	screen_end_row();
}

static void
tell_accounts(struct usage *u)
{
	size_t count, left;
	const struct survey_entry **rows = rank(&u->survey, &u->ranking, false, &count, &left);
	uint64_t most = 0;

	u->name_width = survey_name_width(&u->survey, "ACCOUNT");
	for (size_t i = 0; i < count; i++)
		if (rows[i]->summary.bytes > most)
			most = rows[i]->summary.bytes;
	if (count > 0)
		print_heading(u, "ACCOUNT", "QUOTA");
	for (size_t i = 0; i < count; i++)
		print_account(u, rows[i], most);
	if (count + left > 1)
		print_total(u);
	free(rows);
}

/* ---- by domain ------------------------------------------------------------------------------- */

struct row {
	const struct reach_domain *domain;
	uint64_t messages, bytes;
	size_t counted; /* of its accounts */
	bool is_part;
};

static int
compare(const void *left, const void *right, void *arg)
{
	const struct row *a = left, *b = right;
	const struct ranking *ranking = arg;
	int order = 0;

	if (ranking->key == RANK_MESSAGES)
		order = (a->messages < b->messages) - (a->messages > b->messages);
	else if (ranking->key != RANK_NAME)
		order = (a->bytes < b->bytes) - (a->bytes > b->bytes);
	if (order == 0)
		order = strcmp(a->domain->name, b->domain->name);
	return ranking->reverse ? -order : order;
}

static struct row *
sum_domains(struct usage *u, const struct reach *reach)
{
	struct row *rows = calloc(reach->count + 1, sizeof(*rows));

	if (rows == NULL)
		speech_no_memory();
	for (size_t i = 0; i < reach->count; i++) {
		const struct reach_domain *domain = &reach->domains[i];
		size_t columns = strlen(domain->name);

		rows[i].domain = domain;
		for (size_t a = 0; a < domain->naccounts; a++) {
			const struct survey_entry *entry = &u->survey.entries[domain->accounts[a]];

			rows[i].messages += entry->summary.messages;
			rows[i].bytes += entry->summary.bytes;
			rows[i].counted += !survey_is_unknown(entry);
		}
		rows[i].is_part = domain->untold > 0 || rows[i].counted < domain->naccounts;
		u->is_part |= rows[i].is_part;
		if (columns > u->name_width && columns <= 40)
			u->name_width = columns;
	}
	if (reach->count > 1)
		qsort_r(rows, reach->count, sizeof(*rows), compare, &u->ranking);
	return rows;
}

static bool
is_known(const struct row *row)
{
	return !row->is_part || row->counted > 0;
}

static void
print_domain_json(const struct usage *u, const struct row *row)
{
	json_t *json = json_object(), *accounts = json_array();

	for (size_t i = 0; i < row->domain->naccounts; i++) {
		const char *name = u->survey.entries[row->domain->accounts[i]].account.name;

		if (json_array_append_new(accounts, json_text(name, strlen(name))) == -1)
			speech_no_memory();
	}
	json_put(json, "domain", json_text(row->domain->name, strlen(row->domain->name)));
	json_put(json, "addresses", json_integer((json_int_t)row->domain->addresses));
	json_put(json, "accounts", accounts);
	json_put(json, "messages", json_count(is_known(row), row->messages));
	json_put(json, "size", json_count(is_known(row), row->bytes));
	json_put(json, "complete", json_boolean(!row->is_part));
	json_print(json, u->peek->nul);
}

static void
print_domain(const struct usage *u, const struct row *row, uint64_t most)
{
	char accounts[24];

	if (u->peek->json) {
		print_domain_json(u, row);
		return;
	}
	screen_string(SCREEN_LEFT, u->name_width, row->domain->name);
	if (!is_known(row))
		print_no_size(u);
	else if (row->is_part)
		print_at_least(u, row->messages, row->bytes);
	else
		print_size(u, row->messages, row->bytes);
	snprintf(accounts, sizeof(accounts), row->domain->untold > 0 ? "%zu+" : "%zu",
	    row->domain->naccounts);
	screen_string(SCREEN_RIGHT, COUNT_WIDTH, accounts);
	print_bar(u, row->bytes, most,
	    u->name_width + 2 * COUNT_WIDTH + u->size_width + PERCENT_WIDTH + 11);
}

static void
tell_domains(struct usage *u, const struct reach *reach)
{
	struct row *rows;
	uint64_t most = 0;
	size_t count = reach->count;

	u->name_width = strlen("DOMAIN");
	rows = sum_domains(u, reach);
	if (u->ranking.top > 0 && count > u->ranking.top)
		count = u->ranking.top;
	for (size_t i = 0; i < count; i++)
		if (rows[i].bytes > most)
			most = rows[i].bytes;
	if (count > 0)
		print_heading(u, "DOMAIN", "ACCOUNTS");
	for (size_t i = 0; i < count; i++)
		print_domain(u, &rows[i], most);
	if (reach->count > 1)
		print_total(u);
	free(rows);
}

/* ---------------------------------------------------------------------------------------------- */

static enum status
run(struct usage *u)
{
	struct reach reach = { 0 };
	enum status status = STATUS_OK;

	meter_start("mailpeek");
	if (u->peek->domains)
		status = reach_read(u->peek->settings, &u->survey, &reach);
	if (status == STATUS_OK) {
		survey_count(&u->survey, u->peek->settings);
		add_all(u);
		u->size_width = u->peek->exact ? 12 : 6;
		peek_page(u->peek);
		if (u->peek->nul)
			screen_for_programs();
		if (u->peek->domains)
			tell_domains(u, &reach);
		else
			tell_accounts(u);
		if (survey_complain(&u->survey) || reach.untold > 0)
			status = STATUS_LATER;
	}
	reach_free(&reach);
	return status;
}

enum status
cmd_usage(const struct peek *peek, int argc, char **argv)
{
	struct usage u = { .peek = peek };
	enum status status;

	if (rank_parse(peek, RANK_SIZE, &u.ranking) == -1)
		return STATUS_USAGE;
	status = survey_accounts(peek->settings, argc, argv, &u.survey);
	if (status == STATUS_OK)
		status = run(&u);
	survey_free(&u.survey);
	return status;
}
