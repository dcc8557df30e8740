/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What names a text by its content.
 */
#ifndef VIRTMDA_MAP_DIGEST_H
#define VIRTMDA_MAP_DIGEST_H

#include "map.h"

/* The digest of a text in one piece. */
void map_digest_of(unsigned char out[MAP_DIGEST_SIZE], const void *text, size_t len);

/* The same piece by piece. new: NULL with errno ENOMEM. finish frees; free, which accepts NULL,
 * gives up. */
struct map_digesting;
struct map_digesting *map_digest_new(void);
void map_digest_add(struct map_digesting *digesting, const void *piece, size_t len);
void map_digest_finish(struct map_digesting *digesting, unsigned char out[MAP_DIGEST_SIZE]);
void map_digest_free(struct map_digesting *digesting);

#endif
