/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Chains of mappings that do not end.
 */
#ifndef VIRTMDA_MAP_CYCLE_H
#define VIRTMDA_MAP_CYCLE_H

#include "map_domains.h"
#include "map_source.h"

/* Report every mapping whose chain comes back to it or is longer than MAP_STEPS_MAX. *found is
 * their number. 0, or -1 with err (no memory; an account that could not be looked up). */
int map_cycle_check(const struct map_source *source, const struct map_domains *domains,
    map_account_fn *account, map_complain_fn *complain, void *arg, size_t *found, struct err *err);

#endif
