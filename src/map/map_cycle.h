/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Chains of mappings that do not end.
 */
#ifndef VIRTMDA_MAP_CYCLE_H
#define VIRTMDA_MAP_CYCLE_H

#include "map_domains.h"
#include "map_source.h"

/* A mapping on the way. The strings must live as long as the walk. */
struct map_chain_link {
	const char *key; /* folded */
	const char *target;
	size_t target_len;
};

/* A map that is walked: find answers 1 with *out, 0, -1 with err; has_domain as map_domains_has. */
struct map_chain_view {
	int (*find)(void *arg, const char *key, struct map_chain_link *out, struct err *err);
	int (*has_domain)(void *arg, const char *domain, struct err *err);
	void *arg;
};

/* Does the chain that begins with this mapping end? 0 it does, 1 it does not within MAP_STEPS_MAX,
 * -1 with err. */
int map_cycle_walk(const struct map_chain_view *view, const struct map_chain_link *start,
    map_account_fn *account, void *arg, struct err *err);

/* Report every mapping whose chain comes back to it or is longer than MAP_STEPS_MAX. *found is
 * their number. 0, or -1 with err (no memory; an account that could not be looked up). */
int map_cycle_check(const struct map_source *source, const struct map_domains *domains,
    map_account_fn *account, map_complain_fn *complain, void *arg, size_t *found, struct err *err);

#endif
