/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The domains of the text, each with the line that names it first. Neighbouring lines mostly are of
 * one domain, so the index is asked once for each run of them.
 */
#include <stdlib.h>
#include <string.h>

#include "check.h"

enum map_rung
check_rung(const char *folded)
{
	const char *at = strrchr(folded, '@');

	if (at == NULL)
		return RUNG_PARENT;
	if (at == folded)
		return at[1] == '\0' ? RUNG_EVERYTHING : RUNG_CATCHALL;
	if (at - folded >= 2 && strncmp(at - 2, "++", 2) == 0)
		return at - folded == 2 ? RUNG_ANY_DETAIL : RUNG_USER_DETAIL;
	if (at - folded >= 2 && strncmp(at - 2, "+*", 2) == 0)
		return at - folded == 2 ? RUNG_ANY_MAYBE : RUNG_USER_ANY;
	return RUNG_EXACT;
}

/* The domain of a folded key, NULL for "@". */
static const char *
domain_of(const char *folded)
{
	const char *at = strrchr(folded, '@');

	if (at == NULL)
		return folded;
	return at[1] == '\0' ? NULL : at + 1;
}

static const char *
name_of(const void *arg, uint32_t number)
{
	const struct check *check = arg;

	return check->domains[number].name;
}

static int
add(struct check *check, size_t *room, const char *name, size_t line)
{
	if (string_index_find(&check->domain_index, name) != STRING_INDEX_NONE)
		return 0;
	if (check->ndomains == *room) {
		size_t more = *room * 2 + 64;
		struct check_domain *domains = reallocarray(check->domains, more, sizeof(*domains));

		if (domains == NULL)
			return -1;
		check->domains = domains;
		*room = more;
	}
	check->domains[check->ndomains] = (struct check_domain){ name, line };
	return string_index_put(&check->domain_index, (uint32_t)check->ndomains++);
}

int
check_domains_collect(struct check *check)
{
	const char *last = NULL;
	size_t room = 0;

	check->domain_index = (struct string_index){ .string_of = name_of, .arg = check };
	for (size_t i = 0; i < map_source_count(check->source); i++) {
		const struct map_entry *entry = map_source_entry(check->source, i);
		const char *name = entry == NULL ? NULL : domain_of(entry->folded);

		if (entry == NULL)
			return -1;
		if (name == NULL || (last != NULL && strcmp(last, name) == 0))
			continue;
		last = name;
		if (add(check, &room, name, entry->line) == -1)
			return -1;
	}
	return 0;
}

void
check_domains_free(struct check *check)
{
	string_index_free(&check->domain_index);
	free(check->domains);
}

const struct check_domain *
check_domains_find(const struct check *check, const char *name)
{
	uint32_t number = string_index_find(&check->domain_index, name);

	return number == STRING_INDEX_NONE ? NULL : &check->domains[number];
}

const char *
check_domains_parent(const char *domain)
{
	return *domain == '\0' ? NULL : strchr(domain + 1, '.');
}

bool
check_domains_cover(const struct check *check, const char *domain)
{
	bool found = check_domains_find(check, domain) != NULL;

	while (!found && (domain = check_domains_parent(domain)) != NULL)
		found = check_domains_find(check, domain) != NULL;
	return found;
}
