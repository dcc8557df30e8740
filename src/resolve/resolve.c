/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * From a recipient to where its mail goes, by the order of the ladder and nothing else. An answer
 * starts as "try again later" and every question that could not be told ends there. Only three ways
 * lead to a refusal: the address itself is impossible, the map says so, or every source was asked
 * and proved that nobody has this name. A mistake in the map or in the settings is ours, not the
 * sender's: it defers, with a text that names the line to mend.
 */
#include "resolve.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "local_name.h"
#include "map.h"

#define BAD_ADDRESS "5.1.3" /* RFC 3463 */
#define LOOP        "4.4.6"

/* ---- targets ------------------------------------------------------------------------------- */

/* "local@domain" with the local part quoted where it must be; NULL without memory. */
static char *
addr_spec(const struct target_address *address)
{
	char *local = address_quote_local(address->local);
	char *spec = NULL;

	if (local == NULL || address->domain == NULL)
		return local;
	if (asprintf(&spec, "%s@%s", local, address->domain) == -1)
		spec = NULL;
	free(local);
	return spec;
}

static void
forward(struct walk *walk, const struct target *target)
{
	struct answer *out = walk->out;

	out->addresses = calloc(target->naddresses, sizeof(*out->addresses));
	for (size_t i = 0; out->addresses != NULL && i < target->naddresses; i++) {
		if ((out->addresses[i] = addr_spec(&target->addresses[i])) == NULL)
			break;
		walk_say(walk, "forward to %s", out->addresses[i]);
		out->naddresses++;
	}
	if (out->addresses == NULL || out->naddresses < target->naddresses)
		walk_give_up_memory(walk);
	else
		out->kind = ANSWER_FORWARD;
}

static void
refuse(struct walk *walk, const struct target *target)
{
	enum answer_kind kind = target->temporary ? ANSWER_DEFER
	                        : target->nouser  ? ANSWER_NOUSER
	                                          : ANSWER_REJECT;

	walk_decide(walk, kind, target->status, "%s", target->text);
	strlcpy(walk->out->reply, target->reply, sizeof(walk->out->reply));
}

/* map_account_fn: an account that is an address; the one found is kept for RUNG_ACCOUNT. */
static int
ask_account(void *arg, const char *name, struct err *err)
{
	struct walk *walk = arg;

	if (resolver_need_accounts(walk->resolver, err) == -1)
		return -1;
	account_free(&walk->found);
	return accounts_find(walk->resolver->accounts, name, &walk->found, err);
}

/* Is a target's address itself the name of an account? Such a name is final. 1 and it is the
 * answer, 0, -1 with err. */
static int
try_address_account(struct walk *walk, const struct address *address, struct err *err)
{
	char *name = NULL;
	int rc;

	if (!resolver_has_addresses(walk->resolver))
		return 0;
	if (asprintf(&name, "%s@%s", address->local, address->domain) == -1)
		return err_set(err, ENOMEM, "account %s@%s", address->local, address->domain);
	rc = ask_account(walk, name, err);
	free(name);
	if (rc == 1)
		local_name_accept(walk, &walk->found, NULL);
	if (rc != 0 || address->detail == NULL)
		return rc;
	if (asprintf(&name, "%s@%s", address->user, address->domain) == -1)
		return err_set(err, ENOMEM, "account %s@%s", address->user, address->domain);
	rc = ask_account(walk, name, err);
	free(name);
	if (rc == 1)
		local_name_accept(walk, &walk->found, address->original_detail);
	return rc;
}

/* The address that a target leads to. 0 with *out, -1 with err. */
static int
target_address(struct address *out, const struct target_address *target, struct err *err)
{
	char *whole;
	int rc;

	if (asprintf(&whole, "%s@%s", target->local, target->domain) == -1)
		return err_set(err, ENOMEM, "target %s@%s", target->local, target->domain);
	rc = address_parse(out, whole, err);
	free(whole);
	return rc;
}

/* Does the address belong to us? 1 / 0 / -1 with err. */
static int
is_ours(struct walk *walk, const char *domain, struct err *err)
{
	int rc = resolver_is_local(walk->resolver, domain, err);

	return rc != 0 ? rc : resolver_has_domain(walk->resolver, domain, err);
}

/* One address as target: 1 resolve *next, 0 decided. */
static int
follow_address(struct walk *walk, const struct target *target, struct address *next)
{
	struct err err;
	int rc;

	if (target_address(next, &target->addresses[0], &err) == -1) {
		if (err.num == 0)
			walk_decide(walk, ANSWER_DEFER, WALK_CONFIGURATION, "%s -> %s: %s",
			    walk->out->match, walk->out->target, err.text);
		else
			walk_give_up(walk, &err);
		return 0;
	}
	rc = try_address_account(walk, next, &err);
	if (rc == 0 && (rc = is_ours(walk, next->domain, &err)) == 1)
		return 1;
	if (rc == 0)
		forward(walk, target);
	else if (rc == -1)
		walk_give_up(walk, &err);
	address_free(next);
	return 0;
}

/* 1 resolve *next, 0 decided. */
static int
follow(struct walk *walk, const struct target *target, struct address *next)
{
	switch (target->kind) {
	case TARGET_ERROR:
		refuse(walk, target);
		return 0;
	case TARGET_DISCARD:
		walk->out->kind = ANSWER_DISCARD;
		return 0;
	case TARGET_ADDRESSES:
		break;
	}
	if (target->naddresses > 1)
		forward(walk, target);
	else if (target->addresses[0].domain == NULL)
		local_name_resolve(walk, target->addresses[0].local);
	else
		return follow_address(walk, target, next);
	return 0;
}

/* Go where the right side of `key` says. 1 resolve *next, 0 decided. */
static int
follow_text(struct walk *walk, const char *rung, const char *key, const char *text,
    const struct target_args *args, struct address *next)
{
	struct target target;
	struct err err;
	int rc;

	if (walk_remember(walk, rung, key, text) == -1) {
		walk_give_up_memory(walk);
		return 0;
	}
	if (target_parse(&target, text, args, &err) == -1) {
		if (err.num == 0)
			walk_decide(walk, ANSWER_DEFER, WALK_CONFIGURATION, "%s -> %s: %s", key,
			    text, err.text);
		else
			walk_give_up(walk, &err);
		return 0;
	}
	rc = follow(walk, &target, next);
	target_free(&target);
	return rc;
}

/* ---- the ladder ---------------------------------------------------------------------------- */

static void
trace(void *arg, enum map_rung rung, const char *key, int hit)
{
	walk_say(arg, "  %-12s %s%s", map_rung_name(rung), key, hit ? "  <- this one" : "");
}

/* An account that has the address for its name. Its detail is not lost for want of a target. */
static void
matched_account(struct walk *walk, const struct address *address, const char *name)
{
	size_t whole = strlen(address->local);
	int with_detail = strncmp(name, address->local, whole) == 0 && name[whole] == '@';
	const char *detail = with_detail ? NULL : address->original_detail;

	if (walk_remember(walk, map_rung_name(RUNG_ACCOUNT), name, NULL) == -1) {
		walk_give_up_memory(walk);
		return;
	}
	if (walk->found.name == NULL) {
		struct err err;

		err_set(&err, 0, "account %s: found by the ladder and then not there", name);
		walk_give_up(walk, &err);
		return;
	}
	local_name_accept(walk, &walk->found, detail);
}

/* Where mail for a role goes that a domain of the map has no entry for, before any catch-all; NULL:
 * it is no such role, or not set. RFC 5321 4.5.1 has a postmaster in every domain, RFC 2142 asks
 * for the other. */
static const char *
role_target(const struct walk *walk, const struct address *address)
{
	const struct settings *settings = walk->resolver->settings;

	if (strcmp(address->user, "postmaster") == 0)
		return settings->postmaster;
	if (strcmp(address->user, "abuse") == 0 && settings->abuse[0] != '\0')
		return settings->abuse;
	return NULL;
}

/* user or user+detail of an address in a local domain, in the spelling received where it matters.
 */
static void
resolve_user_part(struct walk *walk, const struct address *address)
{
	char *name = NULL;

	if (address->detail == NULL) {
		local_name_resolve(walk, address->user);
		return;
	}
	if (asprintf(&name, "%s+%s", address->user, address->original_detail) == -1) {
		walk_give_up_memory(walk);
		return;
	}
	local_name_resolve(walk, name);
	free(name);
}

/* Nothing in the map. 1 resolve *next, 0 decided. */
static int
unmatched(struct walk *walk, const struct address *address, struct address *next)
{
	const struct settings *settings = walk->resolver->settings;
	const char *role = role_target(walk, address);
	struct err err;
	int ours, local = resolver_is_local(walk->resolver, address->domain, &err);

	ours = local == 0 ? resolver_has_domain(walk->resolver, address->domain, &err) : local;
	if (ours == -1) {
		walk_give_up(walk, &err);
		return 0;
	}
	if (ours == 0) {
		walk_decide(walk, ANSWER_DEFER, WALK_CONFIGURATION,
		    "%s: domain %s is neither in the map nor in local_domains", walk->recipient,
		    address->domain);
		return 0;
	}
	if (role != NULL) {
		walk_say(walk, "setting %s: %s", address->user, role);
		walk->promised = true;
		return follow_text(walk, NULL, address->user, role, NULL, next);
	}
	walk_say(walk, local ? "%s is local here" : "%s is in the map", address->domain);
	if (local || settings->unmatched == UNMATCHED_LOCAL)
		resolve_user_part(walk, address);
	else
		walk_no_such_user(walk, "%s@%s has no mapping", address->local, address->domain);
	return 0;
}

/* One address through the ladder. 1 resolve *next, 0 decided. */
static int
step(struct walk *walk, const struct address *address, struct address *next)
{
	struct resolver *resolver = walk->resolver;
	struct map_match match = { 0 };
	struct err err;
	int rc;

	walk_say(walk, "%s@%s", address->local, address->domain);
	if (resolver_need_map(resolver, &err) == -1) {
		walk_give_up(walk, &err);
		return 0;
	}
	rc = map_lookup(resolver->map, address, role_target(walk, address) != NULL,
	    resolver_has_addresses(resolver) ? ask_account : NULL,
	    walk->explain == NULL ? NULL : trace, walk, &match, &err);
	if (rc == -1)
		walk_give_up(walk, &err);
	if (rc != 1)
		return rc == 0 ? unmatched(walk, address, next) : 0;
	if (match.rung == RUNG_ACCOUNT) {
		matched_account(walk, address, match.key);
		rc = 0;
	} else {
		walk_say(walk, "%s -> %s", match.key, match.target);
		walk->promised |=
		    match.rung == RUNG_EXACT || !target_follows_recipient(match.target);
		rc = follow_text(
		    walk, map_rung_name(match.rung), match.key, match.target, &match.args, next);
	}
	map_match_free(&match);
	return rc;
}

/* Takes the address over. */
static void
climb(struct walk *walk, struct address *address)
{
	for (int steps = 0; steps < MAP_STEPS_MAX; steps++) {
		struct address next = { 0 };
		int more = step(walk, address, &next);

		address_free(address);
		if (!more)
			return;
		*address = next;
	}
	walk_decide(walk, ANSWER_DEFER, LOOP, "%s: more than %d mappings one after the other",
	    walk->recipient, MAP_STEPS_MAX);
	address_free(address);
}

/* ---- contracts ----------------------------------------------------------------------------- */

void
resolve(struct resolver *resolver, const char *recipient, struct answer *out, struct buf *explain)
{
	struct walk walk;
	struct address address;
	struct err err;

	walk_begin(&walk, resolver, recipient, out, explain);
	if (address_parse(&address, recipient, &err) == -1) {
		if (err.num == 0)
			walk_decide(&walk, ANSWER_REJECT, BAD_ADDRESS, "%s", err.text);
		else
			walk_give_up(&walk, &err);
	} else if (address.domain == NULL) {
		address_free(&address);
		local_name_resolve_bare(&walk, recipient);
	} else {
		climb(&walk, &address);
		walk_note_stale(&walk);
	}
	walk_finish(&walk);
}

void
resolve_local(struct resolver *resolver, const char *name, struct answer *out, struct buf *explain)
{
	struct walk walk;

	walk_begin(&walk, resolver, name, out, explain);
	local_name_resolve(&walk, name);
	walk_finish(&walk);
}
