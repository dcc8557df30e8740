/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Which domains are ours: sendmail learns it from a file, the compiled map keeps a mark for
 * each, so that "no such user" can be told from "no domain of mine".
 */
#include "map_domains.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io.h"
#include "map_digest.h"
#include "map_key.h"

static const char *
name_of(const void *arg, uint32_t number)
{
	const struct map_domains *domains = arg;

	return domains->all[number].name;
}

static int
add(struct map_domains *domains, const char *name)
{
	if (domains->count == domains->room) {
		size_t room = domains->room + domains->room / 2 + 64;
		struct map_domain *all = reallocarray(domains->all, room, sizeof(*all));

		if (all == NULL)
			return -1;
		domains->all = all;
		domains->room = room;
	}
	domains->all[domains->count++] = (struct map_domain){ .name = name, .lines = 1 };
	return string_index_put(&domains->index, (uint32_t)domains->count - 1);
}

static int
compare(const void *a, const void *b)
{
	const struct map_domain *left = a, *right = b;

	return strcmp(left->name, right->name);
}

/* In order, and found by their new numbers. */
static int
sort(struct map_domains *domains)
{
	if (domains->count == 0)
		return 0;
	qsort(domains->all, domains->count, sizeof(*domains->all), compare);
	string_index_clear(&domains->index);
	for (uint32_t i = 0; i < domains->count; i++)
		if (string_index_put(&domains->index, i) == -1)
			return -1;
	return 0;
}

int
map_domains_collect(struct map_domains *out, const struct map_source *source)
{
	uint32_t line = MAP_LINE_NONE;

	memset(out, 0, sizeof(*out));
	out->index.string_of = name_of;
	out->index.arg = out;
	while ((line = map_source_next(source, line)) != MAP_LINE_NONE) {
		const char *folded = source->lines[line].folded;
		const char *domain = folded != NULL ? map_key_domain(folded) : NULL;
		uint32_t found;

		if (domain == NULL)
			continue;
		if ((found = string_index_find(&out->index, domain)) != STRING_INDEX_NONE)
			out->all[found].lines++;
		else if (add(out, domain) == -1)
			return -1;
	}
	return sort(out);
}

int
map_domains_has(const struct map_domains *domains, const char *domain)
{
	return string_index_find(&domains->index, domain) != STRING_INDEX_NONE;
}

int
map_domains_text(const struct map_domains *domains, struct buf *out)
{
	for (size_t i = 0; i < domains->count; i++)
		if (buf_adds(out, domains->all[i].name) == -1 || buf_addc(out, '\n') == -1)
			return -1;
	return 0;
}

int
map_domains_read(struct buf *out, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	int failed, saved;

	if (fd == -1)
		return -1;
	failed = io_read_all(fd, MAP_TEXT_MAX, out);
	saved = errno;
	close(fd);
	errno = saved;
	return failed;
}

uint64_t
map_domains_word(const char *name, size_t len)
{
	unsigned char digest[MAP_DIGEST_SIZE];
	uint64_t word;

	map_digest_of(digest, name, len);
	memcpy(&word, digest, sizeof(word));
	return word;
}

uint64_t
map_domains_sum(const struct map_domains *domains)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < domains->count; i++)
		sum += map_domains_word(domains->all[i].name, strlen(domains->all[i].name));
	return sum;
}

void
map_domains_free(struct map_domains *domains)
{
	string_index_free(&domains->index);
	free(domains->all);
	memset(domains, 0, sizeof(*domains));
}
