/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * From a few edits to the compiled map, without a look at the other mappings: their number by
 * domain and the ways from one to another stand in marks of the compiled map, and are brought
 * forward. The map that comes of it is the same, key by key, that compiling the whole text would
 * give; where that is not certain nothing comes of it, and the whole text is compiled.
 */
#include "map_patch.h"

#include <stdlib.h>
#include <string.h>

#include "map_cycle.h"
#include "map_domains.h"
#include "map_file.h"
#include "map_key.h"
#include "map_leads.h"
#include "names.h"

#define WALKS_MAX 2000 /* chains: more are walked as quickly all together */

struct making {
	struct map_cells *cells;
	struct names domains; /* whose addresses may resolve otherwise, or lead to such */
	struct names starts;  /* mappings whose chains may have changed */
	const char *key;      /* of the change that is entered */
	bool coming;          /* its target comes; else it goes */
};

/* ---- marks ------------------------------------------------------------------------------------
 */

/* One left side more or less names the domain. */
static int
count_domain(struct making *making, const char *domain, int more)
{
	struct err err;
	struct map_cell *cell = map_cells_get(making->cells, domain, domain, &err);
	uint32_t lines = 0;

	if (cell == NULL || (cell->value != NULL && cell->len != sizeof(lines)))
		return -1;
	if (cell->value != NULL)
		memcpy(&lines, cell->value, sizeof(lines));
	if (more < 0 && lines == 0)
		return -1; /* the map is not what it says */
	lines += (uint32_t)more;
	return map_cells_set(
	    making->cells, cell, lines > 0 ? (const char *)&lines : NULL, sizeof(lines));
}

/* Copy the list of a mark without `key`, or with it in its place. */
static int
edit_list(struct buf *out, const struct map_cell *cell, const char *key, bool with, unsigned *n)
{
	const char *p = cell->value, *end = p != NULL ? p + cell->len : p;
	bool pending = with;

	*n = 0;
	for (; p < end; p += strlen(p) + 1) {
		int order = strcmp(p, key);

		if (pending && order >= 0) {
			pending = false;
			++*n;
			if (buf_add(out, key, strlen(key) + 1) == -1)
				return -1;
		}
		if (order == 0)
			continue;
		++*n;
		if (buf_add(out, p, strlen(p) + 1) == -1)
			return -1;
	}
	*n += pending;
	return pending ? buf_add(out, key, strlen(key) + 1) : 0;
}

/* The mapping leads to the domain of `mark`, or does so no longer. */
static int
count_lead(void *arg, const char *mark)
{
	struct making *making = arg;
	struct err err;
	struct map_cell *cell = map_cells_get(making->cells, mark + 1, mark, &err);
	struct buf list = BUF_INIT;
	unsigned n;
	int failed;

	if (cell == NULL)
		return -1;
	if (cell->value != NULL && cell->len == 0)
		return 0; /* many: until all are counted again */
	failed = edit_list(&list, cell, making->key, making->coming, &n);
	if (failed == 0 && n > MAP_LEADS_MAX)
		failed = map_cells_set(making->cells, cell, "", 0);
	else if (failed == 0)
		failed = map_cells_set(
		    making->cells, cell, n > 0 ? (const char *)list.data : NULL, list.len);
	buf_free(&list);
	return failed;
}

/* ---- one change -------------------------------------------------------------------------------
 */

static int
enter_leads(struct making *making, const char *target, bool coming)
{
	making->coming = coming;
	return target == NULL ? 0 : map_leads_of(target, strlen(target), count_lead, making);
}

/* map_change_fn; anything that does not go well ends it. */
static int
enter(void *arg, const struct map_change *change, struct err *err)
{
	struct making *making = arg;
	const char *domain = map_key_domain(change->key);
	struct map_cell *cell;

	/* These match in domains that no key names. */
	if (domain == NULL || *domain == '.')
		return 1;
	cell = map_cells_mapping(making->cells, change->key, err);
	if (cell == NULL || (cell->value == NULL) != (change->old == NULL) ||
	    (change->old != NULL && strcmp(cell->value, change->old) != 0))
		return 1;
	making->key = change->key;
	if (enter_leads(making, change->old, false) == -1 ||
	    enter_leads(making, change->now, true) == -1 ||
	    map_cells_set(making->cells, cell, change->now,
	        change->now != NULL ? strlen(change->now) : 0) == -1)
		return 1;
	if ((change->now != NULL) != (change->old != NULL) &&
	    count_domain(making, domain, change->now != NULL ? 1 : -1) == -1)
		return 1;
	if (names_add(&making->domains, domain) == NAMES_NONE)
		return 1;
	return change->now != NULL && strchr(change->now, '@') != NULL &&
	       names_add(&making->starts, change->key) == NAMES_NONE;
}

/* ---- chains ------------------------------------------------------------------------------------
 */

/* Everything that leads to the domain is to be walked, and its own domain looked at in turn. */
static int
add_leads(struct making *making, const char *domain)
{
	char mark[ADDRESS_MAX + 2] = "<";
	const struct map_cell *cell;
	const char *p, *end;
	struct err err;

	if (strlen(domain) > ADDRESS_MAX)
		return -1;
	strcpy(mark + 1, domain);
	if ((cell = map_cells_get(making->cells, domain, mark, &err)) == NULL)
		return -1;
	if (cell->value != NULL && cell->len == 0)
		return -1; /* many */
	p = cell->value;
	for (end = p != NULL ? p + cell->len : p; p < end; p += strlen(p) + 1) {
		const char *from = map_key_domain(p);

		if (from == NULL || *from == '.' || making->starts.count > WALKS_MAX ||
		    names_add(&making->starts, p) == NAMES_NONE ||
		    names_add(&making->domains, from) == NAMES_NONE)
			return -1;
	}
	return 0;
}

static int
find(void *arg, const char *key, struct map_chain_link *out, struct err *err)
{
	const struct map_cell *cell;

	/* A longer key is in no map, since none is compiled. */
	if (strlen(key) >= MAP_KEY_ROOM)
		return 0;
	if ((cell = map_cells_mapping(arg, key, err)) == NULL)
		return -1;
	*out = (struct map_chain_link){ cell->key, cell->value, cell->len };
	return cell->value != NULL;
}

static int
has_domain(void *arg, const char *domain, struct err *err)
{
	const struct map_cell *cell = map_cells_get(arg, domain, domain, err);

	return cell == NULL ? -1 : cell->value != NULL;
}

/* Do all chains end that the changes can have lengthened? Those are the ones that come through a
 * domain where a key has changed: a mapping less lets its address fall to the catch-all. */
static bool
chains_end(struct making *making, map_account_fn *account, void *arg)
{
	struct map_chain_view view = { find, has_domain, making->cells };

	if (add_leads(making, MAP_LEADS_ANYWHERE) == -1)
		return false;
	for (size_t i = 0; i < making->domains.count; i++)
		if (add_leads(making, making->domains.all[i]) == -1)
			return false;
	for (size_t i = 0; i < making->starts.count; i++) {
		struct map_chain_link start;
		struct err err;
		int found = find(making->cells, making->starts.all[i], &start, &err);

		if (found == 1)
			found = map_cycle_walk(&view, &start, account, arg, &err);
		if (found != 0)
			return false;
	}
	return true;
}

/* ---- all of it ---------------------------------------------------------------------------------
 */

/* The mark of a domain: the name itself. */
static bool
is_domain(const struct map_cell *cell)
{
	return strcmp(cell->group, cell->key) == 0 && strchr(cell->key, '@') == NULL;
}

static uint64_t
sum_of(const struct map_patch *patch)
{
	uint64_t sum = patch->old_sum;

	for (size_t i = 0; i < patch->cells.count; i++) {
		const struct map_cell *cell = patch->cells.all[i];
		uint64_t word = 0;

		if (is_domain(cell) && (cell->value == NULL) != (cell->old_value == NULL))
			word = map_domains_word(cell->key, strlen(cell->key));
		sum += cell->value != NULL ? word : -word;
	}
	return sum;
}

int
map_patch_make(
    struct map_patch *out, const struct map_source *source, map_account_fn *account, void *arg)
{
	struct making making = { .cells = &out->cells };
	struct err err;
	int can = 0;

	memset(out, 0, sizeof(*out));
	if (source->whole_new || map_open(&out->map, source->path, source->trusted, &err) == -1)
		return 0;
	map_cells_init(&out->cells, map_file_table(out->map));
	out->old_sum = table_source_of(map_file_table(out->map))->note;
	if (memcmp(map_digest(out->map), source->info.digest, MAP_DIGEST_SIZE) == 0)
		can = map_source_changes(source, enter, &making, &err) == 0 &&
		      chains_end(&making, account, arg);
	names_free(&making.domains);
	names_free(&making.starts);
	if (can)
		out->sum = sum_of(out);
	else
		map_patch_free(out);
	return can;
}

void
map_patch_free(struct map_patch *patch)
{
	map_cells_free(&patch->cells);
	map_close(patch->map);
	memset(patch, 0, sizeof(*patch));
}

/* ---- the domains file --------------------------------------------------------------------------
 */

static int
by_key(const void *a, const void *b)
{
	const struct map_cell *const *left = a, *const *right = b;

	return strcmp((*left)->key, (*right)->key);
}

/* Domains that come or go, in order; *out malloc'ed. */
static int
list_changes(const struct map_patch *patch, const struct map_cell ***out, size_t *n)
{
	*n = 0;
	*out = calloc(patch->cells.count + 1, sizeof(const struct map_cell *));
	if (*out == NULL)
		return -1;
	for (size_t i = 0; i < patch->cells.count; i++) {
		const struct map_cell *cell = patch->cells.all[i];

		if (is_domain(cell) && (cell->value == NULL) != (cell->old_value == NULL))
			(*out)[(*n)++] = cell;
	}
	return 0;
}

static int
add_line(struct buf *out, const char *name, size_t len)
{
	return buf_add(out, name, len) == -1 ? -1 : buf_addc(out, '\n');
}

/* Enter changes up to `name`. 1 it is to stay, 0 it goes, -1 without memory, or it is there
 * although it was to come. */
static int
merge_up_to(struct buf *out, const struct map_cell ***next, const struct map_cell *const *end,
    const char *name)
{
	int order = 1;

	while (*next < end && (order = name == NULL ? 1 : strcmp(name, (**next)->key)) > 0) {
		const struct map_cell *cell = *(*next)++;

		if (cell->value == NULL || add_line(out, cell->key, strlen(cell->key)) == -1)
			return -1;
	}
	if (name == NULL || *next == end || order != 0)
		return 1;
	return (*(*next)++)->value == NULL ? 0 : -1;
}

/* The lines of `old`, which must be the domains of the compiled map in their order, with the
 * changes. 0, or -1. */
static int
merge(struct buf *out, struct buf *old, uint64_t sum, const struct map_cell **next,
    const struct map_cell *const *end)
{
	char *p = buf_cstr(old), *stop = p + old->len, *newline;
	const char *before = "";

	for (; p < stop; p = newline + 1) {
		int stays;

		if ((newline = memchr(p, '\n', (size_t)(stop - p))) == NULL)
			return -1;
		*newline = '\0';
		if (strlen(p) != (size_t)(newline - p) || strcmp(before, p) >= 0)
			return -1;
		sum -= map_domains_word(p, strlen(p));
		stays = merge_up_to(out, &next, end, p);
		if (stays == -1 || (stays == 1 && add_line(out, p, strlen(p)) == -1))
			return -1;
		before = p;
	}
	return sum != 0 || merge_up_to(out, &next, end, NULL) == -1 ? -1 : 0;
}

int
map_patch_domains(const struct map_patch *patch, const char *path, struct buf *out, bool *changed)
{
	const struct map_cell **changes = NULL;
	struct buf old = BUF_INIT;
	size_t n = 0;
	int can = 0;

	if (map_domains_read(&old, path) == 0 && buf_cstr(&old) != NULL &&
	    list_changes(patch, &changes, &n) == 0) {
		qsort(changes, n, sizeof(const struct map_cell *), by_key);
		can = merge(out, &old, patch->old_sum, changes, changes + n) == 0;
	}
	*changed = n > 0;
	free(changes);
	buf_free(&old);
	return can;
}
