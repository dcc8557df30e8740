/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Left sides: from any spelling to the one key of the compiled map, and from a key to the
 * group that decides where it stands.
 */
#ifndef VIRTMDA_MAP_KEY_H
#define VIRTMDA_MAP_KEY_H

#include <stddef.h>

#include "err.h"

/* Room for every folded key: 998 bytes of address may grow when folded, but limits of 64
 * and 255 bytes hold for its parts. */
#define MAP_KEY_ROOM 1024

/* Fold `len` bytes of a left side into `out`, NUL-ended. 0, or -1 with err (err->num 0: malformed,
 * ENOMEM). */
int map_key_fold_into(char out[MAP_KEY_ROOM], const char *key, size_t len, struct err *err);

/* The group of a folded key. Keys that one address tries one after the other share a group where
 * that costs nothing: user@d, user++@d and user+*@d are in "user@d"; @d, ++@d, +*@d and the mark
 * "d" (a left side names the domain d) in "d". user+detail@d has a group of its own, or a user
 * with a million details would have one page of a million keys. Points into `key`, or to `scratch`.
 */
const char *map_key_group(const char *key, char scratch[MAP_KEY_ROOM]);

/* The domain that a folded key names: "d" of user@d and @d, ".d" of .d; NULL for "@". Points into
 * `key`. */
const char *map_key_domain(const char *key);

/* The next .parent upwards: ".b.c" of "a.b.c" and of ".a.b.c"; NULL at the top. Points into
 * `domain`.
 */
const char *map_key_parent(const char *domain);

#endif
