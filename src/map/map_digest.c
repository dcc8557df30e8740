/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The digest of a text: XXH3, 128 bits, in the byte order that the xxhsum command prints. Every
 * edit of a large map reads all of its text twice to learn that nobody else has changed it, and
 * SHA-256 took longer for that than all else together. It need not withstand an adversary: who
 * could forge a text can write the compiled map as well. This file alone includes <xxhash.h>.
 */
#include "map_digest.h"

#include <errno.h>
#include <string.h>
#include <xxhash.h>

static void
put(unsigned char out[MAP_DIGEST_SIZE], XXH128_hash_t hash)
{
	XXH128_canonical_t canonical;

	_Static_assert(sizeof(canonical) == MAP_DIGEST_SIZE, "a digest is 128 bits");
	XXH128_canonicalFromHash(&canonical, hash);
	memcpy(out, canonical.digest, MAP_DIGEST_SIZE);
}

void
map_digest_of(unsigned char out[MAP_DIGEST_SIZE], const void *text, size_t len)
{
	put(out, XXH3_128bits(text, len));
}

struct map_digesting *
map_digest_new(void)
{
	XXH3_state_t *state = XXH3_createState();

	if (state == NULL)
		errno = ENOMEM;
	else
		XXH3_128bits_reset(state);
	return (struct map_digesting *)state;
}

void
map_digest_add(struct map_digesting *digesting, const void *piece, size_t len)
{
	XXH3_128bits_update((XXH3_state_t *)digesting, piece, len);
}

void
map_digest_finish(struct map_digesting *digesting, unsigned char out[MAP_DIGEST_SIZE])
{
	put(out, XXH3_128bits_digest((XXH3_state_t *)digesting));
	map_digest_free(digesting);
}

void
map_digest_free(struct map_digesting *digesting)
{
	XXH3_freeState((XXH3_state_t *)digesting);
}
