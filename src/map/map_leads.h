/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Which mappings lead into a domain: with it the chains that an edit may have changed are found
 * without walking all the others. The compiled map keeps for each domain that targets name a mark
 * with the keys of these mappings; of more than MAP_LEADS_MAX it only keeps that they are many.
 */
#ifndef VIRTMDA_MAP_LEADS_H
#define VIRTMDA_MAP_LEADS_H

#include "map_source.h"

#define MAP_LEADS_MAX 64
/* In place of a domain that depends on the recipient ("x@%2"): it may be any. */
#define MAP_LEADS_ANYWHERE "%"

struct map_lead {
	const char *mark;   /* the key of the mark: "<" and the domain, which is its group */
	const char *keys;   /* folded keys in the order of strcmp, each with a NUL behind it */
	size_t len;         /* bytes of keys; 0: many */
	const char **links; /* while they are collected; NULL: many */
	uint32_t n;
};

struct map_leads {
	struct string_index index;
	struct map_lead *all;
	size_t count, room;
	struct arena strings;
};

/* 0, or -1 with errno ENOMEM; to be freed in both cases. The source must stay as it is. */
int map_leads_collect(struct map_leads *out, const struct map_source *source);
void map_leads_free(struct map_leads *leads);

/* Call `each` with the mark of each domain that `target` leads to, once or more. 0, the callback's
 * value, or -1 with errno ENOMEM. */
int map_leads_of(
    const char *target, size_t len, int (*each)(void *arg, const char *mark), void *arg);

#endif
