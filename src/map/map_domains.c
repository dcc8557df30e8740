/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Which domains are ours: sendmail learns it from a file, the compiled map keeps a mark for
 * each, so that "no such user" can be told from "no domain of mine".
 */
#include "map_domains.h"

#include <stdlib.h>
#include <string.h>

#include "map_key.h"

static const char *
domain_of(const void *arg, uint32_t number)
{
	const struct map_source *source = arg;

	return map_key_domain(source->lines[number].folded);
}

static int
add(struct map_domains *domains, uint32_t line, const char *domain)
{
	if (domains->count == domains->room) {
		size_t room = domains->room + domains->room / 2 + 64;
		const char **names = reallocarray(domains->names, room, sizeof(*names));

		if (names == NULL)
			return -1;
		domains->names = names;
		domains->room = room;
	}
	domains->names[domains->count++] = domain;
	return map_index_put(&domains->index, line);
}

static int
compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

int
map_domains_collect(struct map_domains *out, const struct map_source *source)
{
	uint32_t line = MAP_LINE_NONE;

	memset(out, 0, sizeof(*out));
	out->index.string_of = domain_of;
	out->index.arg = source;
	while ((line = map_source_next(source, line)) != MAP_LINE_NONE) {
		const char *folded = source->lines[line].folded;
		const char *domain = folded != NULL ? map_key_domain(folded) : NULL;

		if (domain != NULL && map_index_find(&out->index, domain) == MAP_INDEX_NONE &&
		    add(out, line, domain) == -1)
			return -1;
	}
	if (out->count > 0)
		qsort(out->names, out->count, sizeof(*out->names), compare);
	return 0;
}

int
map_domains_has(const struct map_domains *domains, const char *domain)
{
	return map_index_find(&domains->index, domain) != MAP_INDEX_NONE;
}

int
map_domains_text(const struct map_domains *domains, struct buf *out)
{
	for (size_t i = 0; i < domains->count; i++)
		if (buf_adds(out, domains->names[i]) == -1 || buf_addc(out, '\n') == -1)
			return -1;
	return 0;
}

void
map_domains_free(struct map_domains *domains)
{
	map_index_free(&domains->index);
	free(domains->names);
	memset(domains, 0, sizeof(*domains));
}
