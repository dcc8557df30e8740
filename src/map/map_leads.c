/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Collecting the marks of domains that targets lead to.
 */
#include "map_leads.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int
map_leads_of(const char *target, size_t len, int (*each)(void *arg, const char *mark), void *arg)
{
	struct target parsed;
	struct err err;
	char *text, mark[ADDRESS_MAX + 2] = "<";
	int rc;

	if (memchr(target, '@', len) == NULL)
		return 0;
	if ((text = strndup(target, len)) == NULL)
		return -1;
	rc = target_parse(&parsed, text, NULL, &err);
	free(text);
	if (rc == -1) {
		errno = ENOMEM; /* a target of the map is well-formed */
		return -1;
	}
	for (size_t i = 0; rc == 0 && i < parsed.naddresses; i++) {
		const char *domain = parsed.addresses[i].domain;

		if (domain == NULL)
			continue;
		if (strchr(domain, '%') != NULL || strlen(domain) > ADDRESS_MAX)
			domain = MAP_LEADS_ANYWHERE;
		strcpy(mark + 1, domain);
		rc = each(arg, mark);
	}
	target_free(&parsed);
	return rc;
}

/* ---- collecting ------------------------------------------------------------------------------ */

struct collecting {
	struct map_leads *leads;
	const char *key; /* the mapping that leads there */
};

static const char *
mark_of(const void *arg, uint32_t number)
{
	const struct map_leads *leads = arg;

	return leads->all[number].mark;
}

static struct map_lead *
new_lead(struct map_leads *leads, const char *mark)
{
	struct map_lead *lead;

	if (leads->count == leads->room) {
		size_t room = leads->room + leads->room / 2 + 64;
		struct map_lead *all = reallocarray(leads->all, room, sizeof(*all));

		if (all == NULL)
			return NULL;
		leads->all = all;
		leads->room = room;
	}
	lead = &leads->all[leads->count++];
	*lead = (struct map_lead){ .mark = arena_string(&leads->strings, mark, strlen(mark)) };
	if (lead->mark == NULL || string_index_put(&leads->index, (uint32_t)leads->count - 1) == -1)
		return NULL;
	return lead;
}

/* Room for one more: at 1, 2, 4, ... it is doubled. */
static int
need_room(struct map_lead *lead)
{
	const char **links;

	if ((lead->n & (lead->n - 1)) != 0)
		return 0;
	links = reallocarray(lead->links, lead->n == 0 ? 1 : 2 * (size_t)lead->n, sizeof(*links));
	if (links == NULL)
		return -1;
	lead->links = links;
	return 0;
}

static int
add(void *arg, const char *mark)
{
	const struct collecting *collecting = arg;
	struct map_leads *leads = collecting->leads;
	uint32_t found = string_index_find(&leads->index, mark);
	struct map_lead *lead =
	    found != STRING_INDEX_NONE ? &leads->all[found] : new_lead(leads, mark);

	if (lead == NULL)
		return -1;
	if (lead->n > MAP_LEADS_MAX || (lead->n > 0 && lead->links[lead->n - 1] == collecting->key))
		return 0;
	if (lead->n == MAP_LEADS_MAX) {
		free(lead->links);
		lead->links = NULL;
		lead->n++;
		return 0;
	}
	if (need_room(lead) == -1)
		return -1;
	lead->links[lead->n++] = collecting->key;
	return 0;
}

static int
compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Make the list one string. */
static int
join(struct map_leads *leads, struct map_lead *lead)
{
	char *to;

	if (lead->links == NULL) {
		lead->keys = "";
		return 0;
	}
	qsort(lead->links, lead->n, sizeof(*lead->links), compare);
	for (uint32_t i = 0; i < lead->n; i++)
		lead->len += strlen(lead->links[i]) + 1;
	if ((to = arena_take(&leads->strings, lead->len)) == NULL)
		return -1;
	lead->keys = to;
	for (uint32_t i = 0; i < lead->n; i++)
		to = stpcpy(to, lead->links[i]) + 1;
	free(lead->links);
	lead->links = NULL;
	return 0;
}

int
map_leads_collect(struct map_leads *out, const struct map_source *source)
{
	struct collecting collecting = { .leads = out };
	uint32_t number = MAP_LINE_NONE;

	memset(out, 0, sizeof(*out));
	out->index.string_of = mark_of;
	out->index.arg = out;
	while ((number = map_source_next(source, number)) != MAP_LINE_NONE) {
		const struct map_line *line = &source->lines[number];

		collecting.key = line->folded;
		if (line->folded != NULL && map_leads_of(line->text + line->target_off,
		                                line->target_len, add, &collecting) == -1)
			return -1;
	}
	for (size_t i = 0; i < out->count; i++)
		if (join(out, &out->all[i]) == -1)
			return -1;
	return 0;
}

void
map_leads_free(struct map_leads *leads)
{
	for (size_t i = 0; i < leads->count; i++)
		free(leads->all[i].links);
	free(leads->all);
	string_index_free(&leads->index);
	arena_free(&leads->strings);
	memset(leads, 0, sizeof(*leads));
}
