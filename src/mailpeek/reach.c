/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The text of the map names the addresses, the resolver says where they lead. Pairs of a domain and
 * an account are collected, sorted, and counted.
 */
#include "reach.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "map.h"
#include "progress.h"
#include "resolve.h"

struct pair {
	const char *domain; /* the source's */
	size_t account;     /* NOBODY: only the line counts */
};

#define NOBODY SIZE_MAX

struct reading {
	const struct survey *survey;
	const struct survey_entry **by_name;
	struct resolver *resolver;
	struct pair *pairs;
	size_t count, room;
};

/* ---- accounts by name ------------------------------------------------------------------------ */

static int
by_name(const void *a, const void *b)
{
	const struct survey_entry *x = *(const struct survey_entry *const *)a;
	const struct survey_entry *y = *(const struct survey_entry *const *)b;

	return strcmp(x->account.name, y->account.name);
}

static int
name_order(const void *key, const void *entry)
{
	const struct survey_entry *e = *(const struct survey_entry *const *)entry;

	return strcmp(key, e->account.name);
}

static void
index_names(struct reading *r)
{
	r->by_name = calloc(r->survey->count + 1, sizeof(*r->by_name));
	if (r->by_name == NULL)
		speech_no_memory();
	for (size_t i = 0; i < r->survey->count; i++)
		r->by_name[i] = &r->survey->entries[i];
	if (r->survey->count > 1)
		qsort(r->by_name, r->survey->count, sizeof(*r->by_name), by_name);
}

/* ---- where a line leads ---------------------------------------------------------------------- */

static void
add_pair(struct reading *r, const char *domain, size_t account)
{
	if (r->count == r->room) {
		size_t room = r->room == 0 ? 256 : 2 * r->room;
		struct pair *grown = reallocarray(r->pairs, room, sizeof(*grown));

		if (grown == NULL)
			speech_no_memory();
		r->pairs = grown;
		r->room = room;
	}
	r->pairs[r->count++] = (struct pair){ .domain = domain, .account = account };
}

static void add_answer(struct reading *r, const char *domain, const struct answer *answer);

static void
add_local(struct reading *r, const char *domain, const char *name)
{
	struct answer answer;

	resolve_local(r->resolver, name, &answer, NULL);
	add_answer(r, domain, &answer);
	answer_free(&answer);
}

static void
add_address(struct reading *r, const char *domain, const char *address)
{
	struct answer answer;

	resolve(r->resolver, address, &answer, NULL);
	add_answer(r, domain, &answer);
	answer_free(&answer);
}

/* Of several targets those that are local names. */
static void
add_answer(struct reading *r, const char *domain, const struct answer *answer)
{
	const struct survey_entry *const *found;

	for (size_t i = 0; answer->kind == ANSWER_FORWARD && i < answer->naddresses; i++)
		if (strchr(answer->addresses[i], '@') == NULL)
			add_local(r, domain, answer->addresses[i]);
	if (answer->kind != ANSWER_ACCOUNT || answer->account.name == NULL || r->survey->count == 0)
		return;
	found = bsearch(
	    answer->account.name, r->by_name, r->survey->count, sizeof(*r->by_name), name_order);
	if (found != NULL)
		add_pair(r, domain, (size_t)(*found - r->survey->entries));
}

/* A pattern or a catch-all: no address to ask for, so its targets are asked one by one. */
static void
add_targets(struct reading *r, const char *domain, const char *text)
{
	struct target target;
	struct err err;

	if (target_parse(&target, text, NULL, &err) == -1)
		return;
	for (size_t i = 0; target.kind == TARGET_ADDRESSES && i < target.naddresses; i++) {
		const struct target_address *address = &target.addresses[i];
		char *whole;

		if (strchr(address->local, '%') != NULL)
			continue;
		if (address->domain == NULL) {
			add_local(r, domain, address->local);
			continue;
		}
		if (asprintf(&whole, "%s@%s", address->local, address->domain) == -1)
			speech_no_memory();
		add_address(r, domain, whole);
		free(whole);
	}
	target_free(&target);
}

static void
add_line(struct reading *r, const struct map_entry *entry)
{
	const char *key = entry->folded, *at = strrchr(key, '@');
	const char *domain = at != NULL && at[1] != '\0' ? at + 1 : key;
	const bool is_pattern =
	    at == NULL || at == key || strstr(key, "++@") != NULL || strstr(key, "+*@") != NULL;

	add_pair(r, domain, NOBODY);
	if (is_pattern)
		add_targets(r, domain, entry->target);
	else
		add_address(r, domain, key);
}

/* ---- domains --------------------------------------------------------------------------------- */

static int
by_domain(const void *a, const void *b)
{
	const struct pair *x = a, *y = b;
	int order = strcmp(x->domain, y->domain);

	return order != 0 ? order : (x->account > y->account) - (x->account < y->account);
}

/* Pairs [from, to) are of one domain. */
static void
add_domain(struct reach *out, const struct pair *from, const struct pair *to)
{
	struct reach_domain *domain = &out->domains[out->count++];

	domain->name = strdup(from->domain);
	domain->accounts = calloc((size_t)(to - from), sizeof(*domain->accounts));
	if (domain->name == NULL || domain->accounts == NULL)
		speech_no_memory();
	for (const struct pair *p = from; p < to; p++) {
		if (p->account == NOBODY)
			domain->addresses++;
		else if (domain->naccounts == 0 ||
		         domain->accounts[domain->naccounts - 1] != p->account)
			domain->accounts[domain->naccounts++] = p->account;
	}
}

static void
collect(struct reading *r, struct reach *out)
{
	out->domains = calloc(r->count + 1, sizeof(*out->domains));
	if (out->domains == NULL)
		speech_no_memory();
	if (r->count > 1)
		qsort(r->pairs, r->count, sizeof(*r->pairs), by_domain);
	for (size_t from = 0, to; from < r->count; from = to) {
		for (to = from + 1;
		     to < r->count && strcmp(r->pairs[from].domain, r->pairs[to].domain) == 0;)
			to++;
		add_domain(out, r->pairs + from, r->pairs + to);
	}
}

static void
ignore(void *arg, const char *path, size_t line, const char *why)
{
	(void)arg, (void)path, (void)line, (void)why;
}

enum status
reach_read(const struct settings *settings, const struct survey *survey, struct reach *out)
{
	struct reading r = { .survey = survey };
	struct map_source *source;
	struct err err;

	*out = (struct reach){ 0 };
	if (map_source_read(&source, settings->map, geteuid() == 0, ignore, NULL, &err) == -1) {
		speech_complain("%s", err.text);
		return STATUS_LATER;
	}
	if (resolver_new(&r.resolver, settings, &err) == -1)
		speech_no_memory();
	index_names(&r);
	for (size_t i = 0; i < map_source_count(source); i++) {
		const struct map_entry *entry = map_source_entry(source, i);

		if (entry != NULL)
			add_line(&r, entry);
		else
			speech_no_memory();
		if (PROGRESS_DUE(i))
			progress_tell("asking the map", i, map_source_count(source));
	}
	collect(&r, out);
	free(r.pairs);
	free(r.by_name);
	resolver_free(r.resolver);
	map_source_free(source);
	return STATUS_OK;
}

void
reach_free(struct reach *reach)
{
	for (size_t i = 0; i < reach->count; i++) {
		free(reach->domains[i].name);
		free(reach->domains[i].accounts);
	}
	free(reach->domains);
	*reach = (struct reach){ 0 };
}
