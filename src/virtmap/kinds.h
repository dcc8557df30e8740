/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Of what kind targets are.
 */
#ifndef VIRTMAP_KINDS_H
#define VIRTMAP_KINDS_H

#include "account.h"
#include "map.h"
#include "names.h"
#include "resolve.h"

enum kind {
	KIND_ACCOUNT,
	KIND_ALIAS,
	KIND_MAPPED, /* an address of a domain of ours: goes on there */
	KIND_REMOTE,
	KIND_ERROR,
	KIND_DISCARD,
	KIND_OTHER, /* a name that is neither, or could not be asked for, or depends on %1 */
	KINDS
};

extern const char *const kind_names[KINDS]; /* "accounts", for people and programs */

/* Does a left side name this domain, or ".parent" with its dot? */
typedef bool kinds_has_fn(const void *arg, const char *domain);

/* Begin with the first four set and the others zeroed. What is set is the caller's. Not to be
 * copied once it was asked. */
struct kinds {
	struct resolver *resolver;
	struct accounts *accounts; /* where accounts can be addresses, else NULL */
	kinds_has_fn *has_domain;
	const void *arg;
	struct names names; /* local ones that were asked for */
	enum kind *known;   /* of each */
	size_t room;        /* for them */
};

/* The kind of one address of a target that was parsed without a recipient. What could not be told
 * is KIND_OTHER. */
enum kind kinds_of(struct kinds *kinds, const struct target_address *address);
void kinds_free(struct kinds *kinds);

#endif
