/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A compiled map and its domains file, made ready beside the old ones: from the whole text, or from
 * the map that is there and the few keys that an edit has changed.
 */
#ifndef VIRTMDA_MAP_PREPARE_H
#define VIRTMDA_MAP_PREPARE_H

#include "io.h"
#include "map_patch.h"
#include "map_source.h"

/* What the callers of map_compile and map_publish ask for. */
struct map_order {
	const char *domains_path;
	gid_t gid;
	mode_t mode;
	map_account_fn *account;
	map_complain_fn *complain;
	void *arg;
};

/* What is ready to be renamed into place. */
struct map_prepared {
	struct table_builder *builder;
	struct io_stage domains; /* zeroed: the domains file stays as it is */
	struct map_patch patch;  /* zeroed: the map is compiled whole */
};

/* What map_check asks, of a source of which all was read. */
int map_check_whole(
    const struct map_source *source, const struct map_order *order, struct err *err);

/* Compile the whole text; `info` says of which file. 0, or -1 with err and nothing to discard. */
int map_prepare_whole(struct map_prepared *out, const struct map_source *source,
    const struct table_source *info, const struct map_order *order, struct err *err);
/* Bring the compiled map forward. 1 done; 0 not possible, for whatever reason, or not worth it, and
 * nothing to discard: the whole text is to be compiled. */
int map_prepare_patch(struct map_prepared *out, const struct map_source *source,
    const struct table_source *info, const struct map_order *order);

/* Show it. 0, or -1 with err; discarded in any case. */
int map_prepared_publish(struct map_prepared *prepared, struct err *err);
void map_prepared_discard(struct map_prepared *prepared);

#endif
