/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The text of the map names the addresses, the resolver says where they lead. Pairs of a domain and
 * an account are collected, sorted, and counted.
 */
#include "reach.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "map.h"
#include "progress.h"
#include "resolve.h"

struct pair {
	const char *domain; /* the source's */
	size_t account;     /* or one of these: */
};

#define LINE        SIZE_MAX       /* only a line more */
#define LINE_UNTOLD (SIZE_MAX - 1) /* and it is not known where it leads */

#define REASONS_MAX 5 /* told; a broken disk may have one of its own for each line */

struct reading {
	const struct survey *survey;
	const struct survey_entry **by_name;
	struct resolver *resolver;
	struct pair *pairs;
	size_t count, room;

	/* of the line that is asked about */
	const char *domain;
	bool is_untold;
	struct names members; /* of lists */

	char *reasons[REASONS_MAX];
	size_t nreasons, untold;
	bool is_stale;
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
add_pair(struct reading *r, size_t account)
{
	if (r->count == r->room) {
		size_t room = r->room == 0 ? 256 : 2 * r->room;
		struct pair *grown = reallocarray(r->pairs, room, sizeof(*grown));

		if (grown == NULL)
			speech_no_memory();
		r->pairs = grown;
		r->room = room;
	}
	r->pairs[r->count++] = (struct pair){ .domain = r->domain, .account = account };
}

/* Of the line nothing is known, or not all; each reason is told once. */
static void
add_untold(struct reading *r, const char *why)
{
	r->is_untold = true;
	for (size_t i = 0; i < r->nreasons; i++)
		if (strcmp(r->reasons[i], why) == 0)
			return;
	if (r->nreasons == REASONS_MAX)
		return;
	if ((r->reasons[r->nreasons] = strdup(why)) == NULL)
		speech_no_memory();
	r->nreasons++;
	speech_complain("%s", why);
}

static void
add_account(struct reading *r, const char *name)
{
	const struct survey_entry *const *found = NULL;

	if (r->survey->count > 0)
		found =
		    bsearch(name, r->by_name, r->survey->count, sizeof(*r->by_name), name_order);
	if (found != NULL)
		add_pair(r, (size_t)(*found - r->survey->entries));
}

static void ask(struct reading *r, const char *address, bool local);

/* Of several targets each is asked about: sendmail, which gets them, hands those of this host back.
 */
static void
add_answer(struct reading *r, const struct answer *answer)
{
	if (answer->kind == ANSWER_ACCOUNT && answer->account.name != NULL)
		add_account(r, answer->account.name);
	for (size_t i = 0; answer->kind == ANSWER_FORWARD && i < answer->naddresses; i++)
		if (peek_is_new(&r->members, answer->addresses[i]))
			ask(r, answer->addresses[i], strchr(answer->addresses[i], '@') == NULL);
	if (answer->kind == ANSWER_DEFER && answer->untold)
		add_untold(r, answer->text != NULL ? answer->text : "out of memory");
	if (answer->warning != NULL && !r->is_stale) {
		speech_complain("%s", answer->warning);
		r->is_stale = true;
	}
}

static void
ask(struct reading *r, const char *address, bool local)
{
	struct answer answer;

	if (local)
		resolve_local(r->resolver, address, &answer, NULL);
	else
		resolve(r->resolver, address, &answer, NULL);
	add_answer(r, &answer);
	answer_free(&answer);
}

/* A pattern or a catch-all: no address to ask for, so its targets are asked one by one. */
static void
ask_targets(struct reading *r, const char *text)
{
	struct target target;
	struct err err;

	if (target_parse(&target, text, NULL, &err) == -1) {
		if (err.num == ENOMEM)
			speech_no_memory();
		return;
	}
	for (size_t i = 0; target.kind == TARGET_ADDRESSES && i < target.naddresses; i++) {
		const struct target_address *address = &target.addresses[i];
		char *whole;

		if (strchr(address->local, '%') != NULL)
			continue;
		if (address->domain == NULL) {
			ask(r, address->local, true);
			continue;
		}
		if (asprintf(&whole, "%s@%s", address->local, address->domain) == -1)
			speech_no_memory();
		ask(r, whole, false);
		free(whole);
	}
	target_free(&target);
}

static void
add_line(struct reading *r, const struct map_entry *entry)
{
	const char *key = entry->folded, *at = strrchr(key, '@');
	const bool is_pattern =
	    at == NULL || at == key || strstr(key, "++@") != NULL || strstr(key, "+*@") != NULL;

	r->domain = at != NULL && at[1] != '\0' ? at + 1 : key;
	r->is_untold = false;
	if (is_pattern)
		ask_targets(r, entry->target);
	else
		ask(r, key, false);
	add_pair(r, r->is_untold ? LINE_UNTOLD : LINE);
	r->untold += r->is_untold;
	names_free(&r->members);
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
		domain->addresses += p->account >= LINE_UNTOLD;
		domain->untold += p->account == LINE_UNTOLD;
		if (p->account < LINE_UNTOLD &&
		    (domain->naccounts == 0 ||
		        domain->accounts[domain->naccounts - 1] != p->account))
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
	resolver_expect_many(r.resolver);
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
	if (r.untold > 0)
		speech_complain("of %zu of %zu addresses of the map it is not known where they "
		                "lead",
		    r.untold, map_source_count(source));
	collect(&r, out);
	out->untold = r.untold;
	for (size_t i = 0; i < r.nreasons; i++)
		free(r.reasons[i]);
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
