/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The ladder: which keys an address tries, in which order, and what %1 %2 %3 are then. Pure:
 * where keys are looked up is the caller's business, so a compiled map and a text that is about to
 * become one are walked alike.
 */
#ifndef VIRTMDA_MAP_LADDER_H
#define VIRTMDA_MAP_LADDER_H

#include "map.h"

struct map_ladder {
	/* Is there a mapping of this folded key? 1 yes (the callee keeps what it found), 0 no, -1
	 * could not tell. */
	int (*find)(void *arg, const char *key, struct err *err);
	/* Does a left side name this domain? 1 / 0 / -1. Asked before "@". */
	int (*has_domain)(void *arg, const char *domain, struct err *err);
	void *find_arg; /* for these two */

	map_account_fn *account; /* may be NULL */
	map_trace_fn *trace;     /* may be NULL */
	void *arg;               /* for these two */
	int skip_catchall;       /* stop before RUNG_ANY_DETAIL */
};

/* 1 with *rung and the key that hit in `key` (for RUNG_ACCOUNT the account's name), 0 when no rung
 * hit, -1 with err. */
int map_ladder_walk(const struct map_ladder *ladder, const struct address *address,
    enum map_rung *rung, struct buf *key, struct err *err);

/* The arguments that the rung gives to its target; they point into address, key and plus. *plus is
 * "+detail", malloc'ed, the caller frees; NULL where the rung gives none. 0, or -1 with err
 * (ENOMEM). */
int map_ladder_args(enum map_rung rung, const struct address *address, const char *key,
    struct target_args *args, char **plus, struct err *err);

#endif
