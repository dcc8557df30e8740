/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a resolution asks, opened when first asked. An opening that failed is tried again at the
 * next question: a process that lives longer must not remember a fault that is mended.
 */
#ifndef VIRTMDA_RESOLVER_H
#define VIRTMDA_RESOLVER_H

#include "account.h"
#include "aliases.h"
#include "map.h"
#include "resolve.h"

struct resolver {
	const struct settings *settings;
	bool expects_many;
	int trusted; /* root takes orders only from root's files */
	struct map *map;
	struct accounts *accounts;
	struct aliases *aliases;
	char **locals; /* folded local domains; NULL until asked */
	size_t nlocals;
};

/* Let go of a map that failed: the next question opens it anew. */
void resolver_forget_map(struct resolver *resolver);

/* Each 0, or -1 with err. */
int resolver_need_map(struct resolver *resolver, struct err *err);
int resolver_need_accounts(struct resolver *resolver, struct err *err);
int resolver_need_aliases(struct resolver *resolver, struct err *err);

/* Can accounts have addresses for names? */
int resolver_has_addresses(const struct resolver *resolver);

#endif
