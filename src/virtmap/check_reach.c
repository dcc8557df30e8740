/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * virtmap check: lines that no address reaches, and lines without which mail would go the same way.
 * The ladder decides both: an address tries its keys in a fixed order, so for each line it is known
 * which keys come before it, and which one would have its addresses if it were not there.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "check.h"

#define KEY_ROOM 2048 /* twice what a folded key can need */

static const struct map_entry *
find(struct check *check, const char *key)
{
	struct err err;
	const struct map_entry *entry = map_source_find(check->source, key, &err);

	if (entry == NULL && err.num == ENOMEM)
		check->findings.no_memory = true;
	return entry;
}

/* The mapping of FRONT PATTERN @ DOMAIN, or NULL. */
static const struct map_entry *
find_made(struct check *check, const char *front, size_t front_len, const char *pattern,
    const char *domain)
{
	char key[KEY_ROOM];
	int n = snprintf(key, sizeof(key), "%.*s%s@%s", (int)front_len, front, pattern, domain);

	/* A local part in the map stands there without its quotes. To be found it needs them again
	 * where it holds what would be taken for some. */
	if (n < 0 || (size_t)n >= sizeof(key) || memchr(front, '"', front_len) != NULL ||
	    memchr(front, '\\', front_len) != NULL || memchr(front, '@', front_len) != NULL)
		return NULL;
	return find(check, key);
}

/* ---- out of reach ---------------------------------------------------------------------------- */

static void
unreachable(struct check *check, const struct map_entry *entry, const char *why)
{
	findings_add(&check->findings, FINDING_UNREACHABLE, check->virtmap->settings->map,
	    entry->line, "%s: %s", entry->folded, why);
}

/* user++@d, user+*@d; `len`: of the user. */
static void
reach_user_pattern(struct check *check, const struct map_entry *entry, size_t len)
{
	const char *key = entry->folded, *domain = strrchr(key, '@') + 1;

	if (len > 1 && memchr(key + 1, '+', len - 1) != NULL)
		unreachable(
		    check, entry, "the first plus sign ends the user, so no address has this one");
	else if (check_rung(key) == RUNG_USER_ANY &&
	         find_made(check, key, len, "++", domain) != NULL &&
	         find_made(check, key, len, "+", domain) != NULL)
		unreachable(check, entry,
		    "what has a detail goes by ++, and what has an empty one by its own line");
}

/* Does another line catch all of the domain before "@" is asked? */
static bool
is_caught(struct check *check, const char *domain)
{
	const char *parent = domain;

	if (find_made(check, "", 0, "", domain) != NULL)
		return true;
	while ((parent = check_domains_parent(parent)) != NULL)
		if (check_domains_find(check, parent) != NULL)
			return true;
	return false;
}

static void
reach_everything(struct check *check, const struct map_entry *entry)
{
	for (size_t i = 0; i < check->ndomains; i++)
		if (*check->domains[i].name != '.' && !is_caught(check, check->domains[i].name))
			return;
	unreachable(check, entry, "every domain of the map has a catch-all of its own");
}

/* ---- of no consequence ------------------------------------------------------------------------
 */

/* What a catch-all's addresses would come to next. "@" does not count: it asks whether a line names
 * the domain, and this may be the one. */
static const struct map_entry *
next_parent(struct check *check, const char *domain)
{
	const char *parent = domain;

	while ((parent = check_domains_parent(parent)) != NULL)
		if (check_domains_find(check, parent) != NULL)
			return find(check, parent);
	return NULL;
}

/* The one line that would have all addresses of this one; NULL: none, or it is not as simple. */
static const struct map_entry *
next_below(struct check *check, const struct map_entry *entry)
{
	const char *key = entry->folded, *at = strrchr(key, '@'), *plus;
	const struct map_entry *next = NULL;
	size_t len = at == NULL ? 0 : (size_t)(at - key);

	switch (check_rung(key)) {
	case RUNG_EXACT:
		plus = len > 1 ? memchr(key + 1, '+', len - 1) : NULL;
		if (plus == NULL || strchr(entry->target, '%') != NULL)
			return NULL;
		if (plus + 1 < at)
			next = find_made(check, key, (size_t)(plus - key), "++", at + 1);
		if (next == NULL)
			next = find_made(check, key, (size_t)(plus - key), "+*", at + 1);
		return next != NULL ? next
		                    : find_made(check, key, (size_t)(plus - key), "", at + 1);
	case RUNG_USER_DETAIL:
		next = find_made(check, key, len - 2, "+*", at + 1);
		return next != NULL ? next : find_made(check, key, len - 2, "", at + 1);
	case RUNG_USER_ANY:
		return find_made(check, key, len - 2, "", at + 1);
	case RUNG_ANY_DETAIL:
		next = find_made(check, "", 0, "+*", at + 1);
		/* fall through */
	case RUNG_ANY_MAYBE:
		if (next == NULL)
			next = find_made(check, "", 0, "", at + 1);
		return next != NULL ? next : next_parent(check, at + 1);
	case RUNG_CATCHALL:
		return next_parent(check, at + 1);
	case RUNG_PARENT:
		return next_parent(check, key);
	default:
		return NULL;
	}
}

static void
weigh(struct check *check, const struct map_entry *entry)
{
	const struct map_entry *next = next_below(check, entry);

	/* %0 is the key itself. */
	if (next != NULL && strcmp(next->target, entry->target) == 0 &&
	    strstr(entry->target, "%0") == NULL)
		findings_add(&check->findings, FINDING_REDUNDANT, check->virtmap->settings->map,
		    entry->line, "%s: %s in line %zu does the same", entry->folded, next->folded,
		    next->line);
}

/* ---- all of it ------------------------------------------------------------------------------- */

/* RFC 5321 4.5.1 */
static void
reach_postmaster(struct check *check, const struct map_entry *entry)
{
	static const char name[] = "postmaster@";

	if (strncmp(entry->folded, name, sizeof(name) - 1) == 0 &&
	    (strncasecmp(entry->target, "error:", 6) == 0 ||
	        strncasecmp(entry->target, "discard:", 8) == 0))
		findings_add(&check->findings, FINDING_REFUSED_POSTMASTER,
		    check->virtmap->settings->map, entry->line, "%s -> %s", entry->folded,
		    entry->target);
}

void
check_reach(struct check *check)
{
	for (size_t i = 0; i < map_source_count(check->source); i++) {
		const struct map_entry *entry = map_source_entry(check->source, i);

		if (entry == NULL) {
			check->findings.no_memory = true;
			return;
		}
		switch (check_rung(entry->folded)) {
		case RUNG_USER_DETAIL:
		case RUNG_USER_ANY:
			reach_user_pattern(check, entry,
			    (size_t)(strrchr(entry->folded, '@') - entry->folded) - 2);
			break;
		case RUNG_EVERYTHING:
			reach_everything(check, entry);
			break;
		case RUNG_EXACT:
			reach_postmaster(check, entry);
			break;
		default:
			break;
		}
		weigh(check, entry);
	}
}
