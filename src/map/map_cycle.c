/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Looking for chains that do not end, by resolving each mapping once as a delivery would: its own
 * ladder, its own substitution, the same limit of steps. A pattern or a catch-all is tried with a
 * user that no line names, so `@a -> %1@b` and `@b -> %1@a` are found as well as a@x -> b@y -> a@x.
 * What depends on the recipient in other ways is left to the limit at delivery.
 */
#include "map_cycle.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "map_ladder.h"

/* A user and a detail that no line of a map has: not UTF-8, and not by accident. */
#define NOBODY    "\xff\xfe?"
#define NO_DETAIL "\xfe"

/* Lists that fan out and in again have more ways than are worth walking. */
#define WAYS_MAX 1000

struct walk {
	const struct map_chain_view *view;
	map_account_fn *account; /* NULL as long as nothing was found that an account could end */
	void *arg;
	struct map_chain_link way[MAP_STEPS_MAX + 1]; /* from the start to here */
	unsigned ways;                                /* ends reached from this start */
	struct map_chain_link found;                  /* what the ladder found last */
};

/* ---- the ladder over the map to be -------------------------------------------------------------
 */

static int
find(void *arg, const char *key, struct err *err)
{
	struct walk *walk = arg;

	return walk->view->find(walk->view->arg, key, &walk->found, err);
}

static int
has_domain(void *arg, const char *domain, struct err *err)
{
	const struct walk *walk = arg;

	return walk->view->has_domain(walk->view->arg, domain, err);
}

/* ---- one step ---------------------------------------------------------------------------------
 */

static int follow(struct walk *walk, const struct map_chain_link *link, enum map_rung rung,
    const struct address *address, unsigned depth, struct err *err);

/* Is the address the name of an account, and so the end? */
static int
is_account(struct walk *walk, const struct address *address, struct err *err)
{
	char *name;
	int found;

	if (walk->account == NULL || strchr(address->local, (unsigned char)NOBODY[0]) != NULL)
		return 0;
	if ((name = malloc(strlen(address->local) + strlen(address->domain) + 2)) == NULL)
		return err_set(err, ENOMEM, "look for cycles");
	strcpy(stpcpy(stpcpy(name, address->local), "@"), address->domain);
	found = walk->account(walk->arg, name, err);
	free(name);
	return found;
}

/* Go on from one address of a target. 1 too deep, 0 it ends, -1 with err. */
static int
step(struct walk *walk, const struct target_address *to, unsigned depth, struct err *err)
{
	struct map_ladder ladder = { .find = find,
		.has_domain = has_domain,
		.find_arg = walk,
		.account = walk->account,
		.arg = walk->arg };
	struct buf whole = BUF_INIT, key = BUF_INIT;
	struct address address;
	enum map_rung rung;
	int rc;

	if (buf_addf(&whole, "%s@%s", to->local, to->domain) == -1)
		return err_set(err, ENOMEM, "look for cycles");
	rc = address_parse(&address, buf_cstr(&whole), err);
	buf_free(&whole);
	if (rc == -1)
		return err->num == 0 ? 0 : -1; /* refused: that ends it, too */
	rc = is_account(walk, &address, err);
	if (rc == 0) {
		rc = map_ladder_walk(&ladder, &address, &rung, &key, err);
		if (rc == 1)
			rc = rung == RUNG_ACCOUNT
			         ? 0
			         : follow(walk, &walk->found, rung, &address, depth + 1, err);
	} else if (rc == 1) {
		rc = 0;
	}
	buf_free(&key);
	address_free(&address);
	return rc;
}

static int
may_lead_on(const struct map_chain_link *link)
{
	return memchr(link->target, '@', link->target_len) != NULL;
}

static int
parse_target_of(struct target *out, const struct map_chain_link *link, enum map_rung rung,
    const struct address *address, struct err *err)
{
	char *text = strndup(link->target, link->target_len), *plus;
	struct target_args args;
	int failed = -1;

	if (text == NULL)
		err_set(err, ENOMEM, "look for cycles");
	else if (map_ladder_args(rung, address, link->key, &args, &plus, err) == 0) {
		failed = target_parse(out, text, &args, err);
		free(plus);
	}
	free(text);
	return failed;
}

/* Resolve what `link` makes of `address`. 1 too deep, 0 all of it ends, -1 with err. */
static int
follow(struct walk *walk, const struct map_chain_link *link, enum map_rung rung,
    const struct address *address, unsigned depth, struct err *err)
{
	struct target target;
	int rc = 0;

	walk->way[depth] = *link;
	if (depth == MAP_STEPS_MAX)
		return 1;
	if (!may_lead_on(link) || walk->ways++ >= WAYS_MAX)
		return 0;
	if (parse_target_of(&target, &walk->way[depth], rung, address, err) == -1)
		return err->num == 0 ? 0 : -1; /* cannot be substituted: deferred, no chain */
	for (size_t i = 0; rc == 0 && i < target.naddresses; i++)
		if (target.addresses[i].domain != NULL)
			rc = step(walk, &target.addresses[i], depth, err);
	target_free(&target);
	return rc;
}

/* ---- where to start ---------------------------------------------------------------------------
 */

/* An address that matches the line, and the rung on which it does. */
static int
representative(const char *folded, struct address *out, enum map_rung *rung, struct err *err)
{
	static const struct {
		const char *local; /* of the key, or its end */
		enum map_rung user_rung, any_rung;
	} patterns[] = {
		{ "++", RUNG_USER_DETAIL, RUNG_ANY_DETAIL },
		{ "+*", RUNG_USER_ANY, RUNG_ANY_MAYBE },
	};
	const char *at = strrchr(folded, '@');
	size_t len = at != NULL ? (size_t)(at - folded) : 0;
	struct buf whole = BUF_INIT;
	int failed;

	*rung = len > 0 ? RUNG_EXACT : at == NULL ? RUNG_PARENT : RUNG_CATCHALL;
	failed = len > 0 ? buf_adds(&whole, folded) : buf_adds(&whole, NOBODY "@any.invalid");
	for (size_t i = 0; len >= 2 && i < 2; i++) {
		if (strncmp(at - 2, patterns[i].local, 2) != 0)
			continue;
		*rung = len > 2 ? patterns[i].user_rung : patterns[i].any_rung;
		buf_clear(&whole);
		failed = len > 2 ? buf_add(&whole, folded, len - 2) : buf_adds(&whole, NOBODY);
		failed |= buf_adds(&whole, "+" NO_DETAIL "@any.invalid");
	}
	if (failed != 0 || buf_cstr(&whole) == NULL)
		failed = err_set(err, ENOMEM, "look for cycles");
	else
		failed = address_parse(out, buf_cstr(&whole), err);
	buf_free(&whole);
	return failed;
}

static int
walk_once(struct walk *walk, const struct map_chain_link *start, struct err *err)
{
	struct address address;
	enum map_rung rung;
	int rc;

	walk->ways = 0;
	if (representative(start->key, &address, &rung, err) == -1)
		return err->num == 0 ? 0 : -1;
	rc = follow(walk, start, rung, &address, 0, err);
	address_free(&address);
	return rc;
}

/* Accounts are asked only where without them there is no end. */
static int
walk_from(
    struct walk *walk, const struct map_chain_link *start, map_account_fn *account, struct err *err)
{
	int rc;

	if (!may_lead_on(start))
		return 0;
	walk->account = NULL;
	rc = walk_once(walk, start, err);
	if (rc == 1 && account != NULL) {
		walk->account = account;
		rc = walk_once(walk, start, err);
	}
	return rc;
}

int
map_cycle_walk(const struct map_chain_view *view, const struct map_chain_link *start,
    map_account_fn *account, void *arg, struct err *err)
{
	struct walk walk = { .view = view, .arg = arg };

	return walk_from(&walk, start, account, err);
}

/* ---- telling ----------------------------------------------------------------------------------
 */

/* How often a chain comes by at a line tells where it closes. 0: it does not. */
static unsigned
returns_at(const struct walk *walk)
{
	for (unsigned i = 1; i <= MAP_STEPS_MAX; i++)
		if (strcmp(walk->way[i].key, walk->way[0].key) == 0)
			return i;
	return 0;
}

static int
comes_back_anywhere(const struct walk *walk)
{
	for (unsigned i = 0; i <= MAP_STEPS_MAX; i++)
		for (unsigned k = i + 1; k <= MAP_STEPS_MAX; k++)
			if (strcmp(walk->way[i].key, walk->way[k].key) == 0)
				return 1;
	return 0;
}

static int
tell(const struct walk *walk, const char *path, unsigned steps, size_t number,
    map_complain_fn *complain, struct err *err)
{
	struct buf why = BUF_INIT;
	int failed = steps > 0 ? buf_adds(&why, MAP_WHY_CIRCLE)
	                       : buf_addf(&why, MAP_WHY_LONG "%d steps: ", MAP_STEPS_MAX);

	for (unsigned i = 0; i <= (steps > 0 ? steps : 3); i++)
		failed |= buf_addf(&why, "%s%.100s", i > 0 ? " -> " : "", walk->way[i].key);
	if (steps == 0)
		failed |= buf_adds(&why, " -> ...");
	if (failed != 0 || buf_cstr(&why) == NULL)
		failed = err_set(err, ENOMEM, "look for cycles");
	else if (complain != NULL)
		complain(walk->arg, path, number, buf_cstr(&why));
	buf_free(&why);
	return failed;
}

/* ---- the source, all of it --------------------------------------------------------------------
 */

struct whole {
	const struct map_source *source;
	const struct map_domains *domains;
};

static void
link_of(struct map_chain_link *out, const struct map_line *line)
{
	out->key = line->folded;
	out->target = line->text + line->target_off;
	out->target_len = line->target_len;
}

static int
find_line(void *arg, const char *key, struct map_chain_link *out, struct err *err)
{
	const struct whole *whole = arg;
	uint32_t line = string_index_find(&whole->source->keys, key);

	(void)err;
	if (line == STRING_INDEX_NONE || !map_line_maps(&whole->source->lines[line]))
		return 0;
	link_of(out, &whole->source->lines[line]);
	return 1;
}

static int
find_domain(void *arg, const char *domain, struct err *err)
{
	const struct whole *whole = arg;

	(void)err;
	return map_domains_has(whole->domains, domain);
}

int
map_cycle_check(const struct map_source *source, const struct map_domains *domains,
    map_account_fn *account, map_complain_fn *complain, void *arg, size_t *found, struct err *err)
{
	struct whole whole = { source, domains };
	struct map_chain_view view = { find_line, find_domain, &whole };
	struct walk walk = { .view = &view, .arg = arg }, aside;
	struct map_chain_link start;
	uint32_t line = MAP_LINE_NONE;
	size_t number = 0, aside_number = 0;
	int rc;

	*found = 0;
	while ((line = map_source_next(source, line)) != MAP_LINE_NONE) {
		number++;
		if (source->lines[line].folded == NULL)
			continue;
		link_of(&start, &source->lines[line]);
		rc = walk_from(&walk, &start, account, err);
		if (rc == -1)
			return -1;
		if (rc == 1 && returns_at(&walk) == 0 && comes_back_anywhere(&walk)) {
			/* It leads into a circle; the lines of that are told instead. */
			aside = walk;
			aside_number = number;
		} else if (rc == 1) {
			++*found;
			if (tell(&walk, source->path, returns_at(&walk), number, complain, err) ==
			    -1)
				return -1;
		}
	}
	if (*found == 0 && aside_number > 0) {
		*found = 1;
		return tell(&aside, source->path, 0, aside_number, complain, err);
	}
	return 0;
}
