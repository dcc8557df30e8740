/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Walking the ladder. Where it overlaps with sendmail's virtusertable (Parse1 in its proto.m4) it
 * does what that does, down to the whole local part as %1 of an exact hit. The first
 * answer that is no plain "no" ends the walk: a rung that could not be read is not passed over.
 */
#include "map_ladder.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "map_key.h"

enum wants { ANY, PLUS, DETAIL };  /* the address must have: nothing, a plus, a non-empty detail */
enum part { WHOLE, USER, NOBODY }; /* what stands in front of the pattern */
enum side { NARROW, CATCHALL };    /* rungs behind which postmaster@d does not fall */

static const struct rung {
	enum map_rung rung;
	const char *name;
	enum wants wants;
	enum part part;
	const char *pattern; /* NULL: more than one key, walked by a function of its own */
	enum side side;
} rungs[] = {
	{ RUNG_EXACT, "exact", ANY, WHOLE, "", NARROW },
	{ RUNG_USER_DETAIL, "user++", DETAIL, USER, "++", NARROW },
	{ RUNG_USER_ANY, "user+*", PLUS, USER, "+*", NARROW },
	{ RUNG_USER, "user", PLUS, USER, "", NARROW },
	{ RUNG_ACCOUNT, "account", ANY, NOBODY, NULL, NARROW },
	{ RUNG_ANY_DETAIL, "++", DETAIL, NOBODY, "++", CATCHALL },
	{ RUNG_ANY_MAYBE, "+*", PLUS, NOBODY, "+*", CATCHALL },
	{ RUNG_CATCHALL, "catch-all", ANY, NOBODY, "", CATCHALL },
	{ RUNG_PARENT, ".parent", ANY, NOBODY, NULL, CATCHALL },
	{ RUNG_EVERYTHING, "@", ANY, NOBODY, NULL, CATCHALL },
};

#define NRUNGS (sizeof(rungs) / sizeof(rungs[0]))

const char *
map_rung_name(enum map_rung rung)
{
	for (size_t i = 0; i < NRUNGS; i++)
		if (rungs[i].rung == rung)
			return rungs[i].name;
	return "?";
}

static int
put_key(
    struct buf *key, const char *front, const char *pattern, const char *domain, struct err *err)
{
	buf_clear(key);
	if (buf_adds(key, front) == -1 || buf_adds(key, pattern) == -1 ||
	    buf_addc(key, '@') == -1 || buf_adds(key, domain) == -1 || buf_cstr(key) == NULL)
		return err_set(err, ENOMEM, "look up %.100s", domain);
	return 0;
}

/* Try the key that stands in `key`. */
static int
try_key(const struct map_ladder *ladder, enum map_rung rung, struct buf *key, struct err *err)
{
	const char *string = buf_cstr(key);
	int found;

	if (string == NULL)
		return err_set(err, ENOMEM, "look up a key");
	found = ladder->find(ladder->find_arg, string, err);
	if (found != -1 && ladder->trace != NULL)
		ladder->trace(ladder->arg, rung, string, found);
	return found;
}

static int
try_account(const struct map_ladder *ladder, const char *local, const char *domain, struct buf *key,
    struct err *err)
{
	int found;

	if (put_key(key, local, "", domain, err) == -1)
		return -1;
	found = ladder->account(ladder->arg, buf_cstr(key), err);
	if (found != -1 && ladder->trace != NULL)
		ladder->trace(ladder->arg, RUNG_ACCOUNT, buf_cstr(key), found);
	return found;
}

static int
walk_account(const struct map_ladder *ladder, const struct address *address, struct buf *key,
    struct err *err)
{
	int found = 0;

	if (ladder->account == NULL)
		return 0;
	if (address->detail != NULL)
		found = try_account(ladder, address->local, address->domain, key, err);
	return found != 0 ? found : try_account(ladder, address->user, address->domain, key, err);
}

/* ".b.c", then ".c" for a.b.c. */
static int
walk_parents(const struct map_ladder *ladder, const struct address *address, struct buf *key,
    struct err *err)
{
	const char *parent = address->domain;
	int found = 0;

	while (found == 0 && (parent = map_key_parent(parent)) != NULL) {
		buf_clear(key);
		if (buf_adds(key, parent) == -1)
			return err_set(err, ENOMEM, "look up %.100s", parent);
		found = try_key(ladder, RUNG_PARENT, key, err);
	}
	return found;
}

static int
walk_everything(const struct map_ladder *ladder, const struct address *address, struct buf *key,
    struct err *err)
{
	int known = ladder->has_domain(ladder->find_arg, address->domain, err);

	if (known != 1)
		return known;
	buf_clear(key);
	if (buf_adds(key, "@") == -1)
		return err_set(err, ENOMEM, "look up @");
	return try_key(ladder, RUNG_EVERYTHING, key, err);
}

static int
walk_pattern(const struct map_ladder *ladder, const struct rung *rung,
    const struct address *address, struct buf *key, struct err *err)
{
	const char *front = rung->part == WHOLE  ? address->local
	                    : rung->part == USER ? address->user
	                                         : "";

	if (put_key(key, front, rung->pattern, address->domain, err) == -1)
		return -1;
	return try_key(ladder, rung->rung, key, err);
}

static int
walk_rung(const struct map_ladder *ladder, const struct rung *rung, const struct address *address,
    struct buf *key, struct err *err)
{
	if (rung->wants == PLUS && address->detail == NULL)
		return 0;
	if (rung->wants == DETAIL && (address->detail == NULL || *address->detail == '\0'))
		return 0;
	if (rung->pattern != NULL)
		return walk_pattern(ladder, rung, address, key, err);
	if (rung->rung == RUNG_ACCOUNT)
		return walk_account(ladder, address, key, err);
	if (rung->rung == RUNG_PARENT)
		return walk_parents(ladder, address, key, err);
	return walk_everything(ladder, address, key, err);
}

int
map_ladder_walk(const struct map_ladder *ladder, const struct address *address, enum map_rung *rung,
    struct buf *key, struct err *err)
{
	int found = 0;

	for (size_t i = 0; found == 0 && i < NRUNGS; i++) {
		if (ladder->skip_catchall && rungs[i].side == CATCHALL)
			break;
		*rung = rungs[i].rung;
		found = walk_rung(ladder, &rungs[i], address, key, err);
	}
	return found;
}

int
map_ladder_args(enum map_rung rung, const struct address *address, const char *key,
    struct target_args *args, char **plus, struct err *err)
{
	const char *detail = address->original_detail;
	size_t len;

	*plus = NULL;
	*args = (struct target_args){ .whole = key, .user = address->local };
	if (rung == RUNG_EXACT || address->detail == NULL)
		return 0;
	if (detail == NULL)
		detail = address->detail;
	len = strlen(detail);
	if ((*plus = malloc(len + 2)) == NULL)
		return err_set(err, ENOMEM, "look up %.100s", key);
	**plus = '+';
	memcpy(*plus + 1, detail, len + 1);
	args->user = address->user;
	args->detail = *plus + 1;
	args->plus = *plus;
	return 0;
}
