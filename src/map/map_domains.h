/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The domains that the left sides of a source name, each once.
 */
#ifndef VIRTMDA_MAP_DOMAINS_H
#define VIRTMDA_MAP_DOMAINS_H

#include "map_source.h"
#include "string_index.h"

struct map_domain {
	const char *name; /* ".parent" with its dot; the source's */
	uint32_t lines;   /* that name it; the value of its mark in the compiled map */
};

struct map_domains {
	struct string_index index;
	struct map_domain *all; /* in the order of strcmp */
	size_t count, room;
};

/* 0, or -1 with errno ENOMEM; to be freed in both cases. The source must stay as it is. */
int map_domains_collect(struct map_domains *out, const struct map_source *source);

/* 1 the domain is named (a .parent of it does not count), 0 it is not. */
int map_domains_has(const struct map_domains *domains, const char *domain);

/* Append the domains file: what sendmail reads into a class, one name a line. 0, or -1 with errno
 * ENOMEM. */
int map_domains_text(const struct map_domains *domains, struct buf *out);

/* Append what stands in the domains file `path`. 0, or -1 with errno. */
int map_domains_read(struct buf *out, const char *path);

/* One number for all names, in any order: the sum of map_domains_word of each. The compiled map
 * keeps it, to know the domains file by it. */
uint64_t map_domains_sum(const struct map_domains *domains);
uint64_t map_domains_word(const char *name, size_t len);

void map_domains_free(struct map_domains *domains);

#endif
