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
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "map.h"
#include "outcome.h"
#include "resolver.h"
#include "text.h"

#define CONFIGURATION "4.3.5" /* RFC 3463: system incorrectly configured */
#define NO_SUCH_USER  "5.1.1"
#define BAD_ADDRESS   "5.1.3"
#define LOOP          "4.4.6"

/* One resolution on its way. */
struct walk {
	struct resolver *resolver;
	const char *recipient; /* as received */
	struct answer *out;
	struct buf *explain;  /* or NULL */
	struct account found; /* by ask_account, for RUNG_ACCOUNT */
	/* A mapping on the way named somebody, and did not just pass on what the sender wrote
	 * (`@old.example %1@new.example`). That nobody is there is then the map's mistake. */
	bool promised;
};

/* ---- saying it ----------------------------------------------------------------------------- */

/* One line for `resolve -v`. Without memory it is missing: it is for people. */
static void __attribute__((format(printf, 2, 3))) say(struct walk *walk, const char *fmt, ...)
{
	char *line;
	va_list ap;
	int n;

	if (walk->explain == NULL)
		return;
	va_start(ap, fmt);
	n = vasprintf(&line, fmt, ap);
	va_end(ap);
	if (n == -1)
		return;
	if (text_vis(walk->explain, line, (size_t)n) == 0)
		buf_addc(walk->explain, '\n');
	free(line);
}

static void __attribute__((format(printf, 4, 5)))
decide(struct walk *walk, enum answer_kind kind, const char *status, const char *fmt, ...)
{
	struct answer *out = walk->out;
	va_list ap;

	free(out->text);
	va_start(ap, fmt);
	if (vasprintf(&out->text, fmt, ap) == -1)
		out->text = NULL;
	va_end(ap);
	/* Whoever runs out of memory here cannot explain a refusal, so it is none. */
	out->kind = out->text == NULL ? ANSWER_DEFER : kind;
	strlcpy(out->status, out->text == NULL ? "4.3.2" : status, sizeof(out->status));
}

/* Could not tell. */
static void
give_up(struct walk *walk, const struct err *err)
{
	struct outcome outcome;

	outcome_from_err(&outcome, err);
	decide(walk, ANSWER_DEFER, outcome.status, "%s", outcome.text);
	/* Perhaps it was the map: GDBM answers no more on a handle that met damage. */
	resolver_forget_map(walk->resolver);
}

static void
give_up_memory(struct walk *walk)
{
	struct err err;

	err_set(&err, ENOMEM, "resolve %s", walk->recipient);
	give_up(walk, &err);
}

/* Proven: nobody has the name that it came to. */
static void __attribute__((format(printf, 2, 3)))
no_such_user(struct walk *walk, const char *fmt, ...)
{
	const struct answer *out = walk->out;
	char why[ERR_TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap); /* for people; the names in it are cut if need be */
	va_end(ap);
	if (!walk->promised)
		decide(walk, ANSWER_NOUSER, NO_SUCH_USER, "no such user: %s", walk->recipient);
	else
		decide(walk, ANSWER_DEFER, CONFIGURATION, "%s -> %s: %s", out->match,
		    out->target != NULL ? out->target : "", why);
}

/* Remember what decided; rung is NULL for a setting. 0, or -1 without memory. */
static int
remember(struct walk *walk, const char *rung, const char *key, const char *target)
{
	struct answer *out = walk->out;

	free(out->match);
	free(out->target);
	out->rung = rung;
	out->match = strdup(key);
	out->target = target == NULL ? NULL : strdup(target);
	return out->match == NULL || (target != NULL && out->target == NULL) ? -1 : 0;
}

/* ---- local names --------------------------------------------------------------------------- */

struct local_name {
	char *user;
	char *detail; /* or NULL */
};

static void
local_name_free(struct local_name *name)
{
	free(name->user);
	free(name->detail);
}

/* Split at the first plus that is not in first place, as an address is. 0, or -1. */
static int
local_name_split(struct local_name *out, const char *name)
{
	const char *plus = *name == '\0' ? NULL : strchr(name + 1, '+');

	out->user = plus == NULL ? strdup(name) : strndup(name, (size_t)(plus - name));
	out->detail = plus == NULL ? NULL : strdup(plus + 1);
	if (out->user != NULL && (plus == NULL || out->detail != NULL))
		return 0;
	local_name_free(out);
	return -1;
}

/* The account as it is spelled, else in lower case: sendmail, too, hands local names over folded.
 */
static int
find_account(struct walk *walk, const char *name, struct account *out, struct err *err)
{
	struct resolver *resolver = walk->resolver;
	char *folded;
	int rc;

	if (resolver_need_accounts(resolver, err) == -1)
		return -1;
	if ((rc = accounts_find(resolver->accounts, name, out, err)) != 0 ||
	    resolver_has_addresses(resolver))
		return rc;
	if ((folded = address_fold_local(name, strlen(name), err)) == NULL)
		return -1;
	if (strcmp(folded, name) != 0)
		rc = accounts_find(resolver->accounts, folded, out, err);
	free(folded);
	return rc;
}

/* The account is the answer, if mail may go there; takes the account over. */
static void
accept_account(struct walk *walk, struct account *account, const char *detail)
{
	struct answer *out = walk->out;
	unsigned min_uid = walk->resolver->settings->min_uid;

	say(walk, "account %s: uid %lu, gid %lu, home %s", account->name,
	    (unsigned long)account->uid, (unsigned long)account->gid,
	    *account->home == '\0' ? "none" : account->home);
	if (account->uid == 0 || account->uid < min_uid) {
		decide(walk, ANSWER_DEFER, CONFIGURATION,
		    "account %s has uid %lu, below min_uid = %u: make it an alias, or map it "
		    "elsewhere",
		    account->name, (unsigned long)account->uid, min_uid);
		account_free(account);
		return;
	}
	out->account = *account;
	memset(account, 0, sizeof(*account));
	out->name = strdup(out->account.name);
	out->detail = detail == NULL ? NULL : strdup(detail);
	if (out->name == NULL || (detail != NULL && out->detail == NULL)) {
		give_up_memory(walk);
		return;
	}
	out->kind = ANSWER_ACCOUNT;
}

static void
unknown_name(struct walk *walk, const char *name)
{
	say(walk, "account %s: no", name);
	no_such_user(walk, "%s is no alias and no account", name);
}

static void
resolve_account(struct walk *walk, const struct local_name *name)
{
	struct account account;
	struct err err;

	switch (find_account(walk, name->user, &account, &err)) {
	case 1:
		accept_account(walk, &account, name->detail);
		break;
	case 0:
		unknown_name(walk, name->user);
		break;
	default:
		give_up(walk, &err);
	}
}

/* 1 it is an alias, and that is the answer; 0 it is none; -1 with err. */
static int
try_alias(struct walk *walk, const char *whole, const struct local_name *name, struct err *err)
{
	char key[ALIASES_KEY_MAX];
	const char *file;
	int rc;

	if (resolver_need_aliases(walk->resolver, err) == -1)
		return -1;
	rc = aliases_find(walk->resolver->aliases, name->user, name->detail, &file, key, err);
	if (rc != 1) {
		if (rc == 0)
			say(walk, "alias %s: no", whole);
		return rc;
	}
	say(walk, "alias %s: %s in %s", whole, key, file);
	if ((walk->out->name = strdup(whole)) == NULL)
		return err_set(err, ENOMEM, "alias %s", whole);
	walk->out->kind = ANSWER_ALIAS;
	return 1;
}

/* A local name: its alias if there is one, else its account. */
static void
resolve_name(struct walk *walk, const char *whole)
{
	struct local_name name;
	struct err err;

	if (local_name_split(&name, whole) == -1) {
		give_up_memory(walk);
		return;
	}
	switch (try_alias(walk, whole, &name, &err)) {
	case 1:
		break;
	case 0:
		resolve_account(walk, &name);
		break;
	default:
		give_up(walk, &err);
	}
	local_name_free(&name);
}

/* A bare recipient: sendmail has been through its aliases already. */
static void
resolve_bare(struct walk *walk, const char *recipient)
{
	struct local_name name;

	if (local_name_split(&name, recipient) == -1) {
		give_up_memory(walk);
		return;
	}
	resolve_account(walk, &name);
	local_name_free(&name);
}

/* user or user+detail of an address in a local domain, in the spelling received where it matters.
 */
static void
resolve_user_part(struct walk *walk, const struct address *address)
{
	char *name = NULL;

	if (address->detail == NULL) {
		resolve_name(walk, address->user);
		return;
	}
	if (asprintf(&name, "%s+%s", address->user, address->original_detail) == -1) {
		give_up_memory(walk);
		return;
	}
	resolve_name(walk, name);
	free(name);
}

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
		say(walk, "forward to %s", out->addresses[i]);
		out->naddresses++;
	}
	if (out->addresses == NULL || out->naddresses < target->naddresses)
		give_up_memory(walk);
	else
		out->kind = ANSWER_FORWARD;
}

static void
refuse(struct walk *walk, const struct target *target)
{
	enum answer_kind kind = target->temporary ? ANSWER_DEFER
	                        : target->nouser  ? ANSWER_NOUSER
	                                          : ANSWER_REJECT;

	decide(walk, kind, target->status, "%s", target->text);
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
		accept_account(walk, &walk->found, NULL);
	if (rc != 0 || address->detail == NULL)
		return rc;
	if (asprintf(&name, "%s@%s", address->user, address->domain) == -1)
		return err_set(err, ENOMEM, "account %s@%s", address->user, address->domain);
	rc = ask_account(walk, name, err);
	free(name);
	if (rc == 1)
		accept_account(walk, &walk->found, address->original_detail);
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
			decide(walk, ANSWER_DEFER, CONFIGURATION, "%s -> %s: %s", walk->out->match,
			    walk->out->target, err.text);
		else
			give_up(walk, &err);
		return 0;
	}
	rc = try_address_account(walk, next, &err);
	if (rc == 0 && (rc = is_ours(walk, next->domain, &err)) == 1)
		return 1;
	if (rc == 0)
		forward(walk, target);
	else if (rc == -1)
		give_up(walk, &err);
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
		resolve_name(walk, target->addresses[0].local);
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

	if (remember(walk, rung, key, text) == -1) {
		give_up_memory(walk);
		return 0;
	}
	if (target_parse(&target, text, args, &err) == -1) {
		if (err.num == 0)
			decide(
			    walk, ANSWER_DEFER, CONFIGURATION, "%s -> %s: %s", key, text, err.text);
		else
			give_up(walk, &err);
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
	say(arg, "  %-12s %s%s", map_rung_name(rung), key, hit ? "  <- this one" : "");
}

/* An account that has the address for its name. Its detail is not lost for want of a target. */
static void
matched_account(struct walk *walk, const struct address *address, const char *name)
{
	size_t whole = strlen(address->local);
	int with_detail = strncmp(name, address->local, whole) == 0 && name[whole] == '@';
	const char *detail = with_detail ? NULL : address->original_detail;

	if (remember(walk, map_rung_name(RUNG_ACCOUNT), name, NULL) == -1) {
		give_up_memory(walk);
		return;
	}
	if (walk->found.name == NULL) {
		struct err err;

		err_set(&err, 0, "account %s: found by the ladder and then not there", name);
		give_up(walk, &err);
		return;
	}
	accept_account(walk, &walk->found, detail);
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
		give_up(walk, &err);
		return 0;
	}
	if (ours == 0) {
		decide(walk, ANSWER_DEFER, CONFIGURATION,
		    "%s: domain %s is neither in the map nor in local_domains", walk->recipient,
		    address->domain);
		return 0;
	}
	if (role != NULL) {
		say(walk, "setting %s: %s", address->user, role);
		walk->promised = true;
		return follow_text(walk, NULL, address->user, role, NULL, next);
	}
	say(walk, local ? "%s is local here" : "%s is in the map", address->domain);
	if (local || settings->unmatched == UNMATCHED_LOCAL)
		resolve_user_part(walk, address);
	else
		no_such_user(walk, "%s@%s has no mapping", address->local, address->domain);
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

	say(walk, "%s@%s", address->local, address->domain);
	if (resolver_need_map(resolver, &err) == -1) {
		give_up(walk, &err);
		return 0;
	}
	rc = map_lookup(resolver->map, address, role_target(walk, address) != NULL,
	    resolver_has_addresses(resolver) ? ask_account : NULL,
	    walk->explain == NULL ? NULL : trace, walk, &match, &err);
	if (rc == -1)
		give_up(walk, &err);
	if (rc != 1)
		return rc == 0 ? unmatched(walk, address, next) : 0;
	if (match.rung == RUNG_ACCOUNT) {
		matched_account(walk, address, match.key);
		rc = 0;
	} else {
		say(walk, "%s -> %s", match.key, match.target);
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
	decide(walk, ANSWER_DEFER, LOOP, "%s: more than %d mappings one after the other",
	    walk->recipient, MAP_STEPS_MAX);
	address_free(address);
}

/* For the log: the text was edited and the map does not know yet. */
static void
note_stale(struct walk *walk)
{
	struct resolver *resolver = walk->resolver;
	struct err err;
	char **warning = &walk->out->warning;
	int n = 0;

	if (resolver->map == NULL)
		return;
	switch (map_is_stale(resolver->map, &err)) {
	case 1:
		n = asprintf(warning, "%s was changed and not compiled: run virtmap build",
		    resolver->settings->map);
		break;
	case -1:
		n = asprintf(warning, "%s", err.text);
		break;
	}
	if (n == -1)
		*warning = NULL;
	if (*warning != NULL)
		say(walk, "warning: %s", *warning);
}

/* ---- contracts ----------------------------------------------------------------------------- */

static void
begin(struct walk *walk, struct resolver *resolver, const char *recipient, struct answer *out,
    struct buf *explain)
{
	memset(out, 0, sizeof(*out));
	strlcpy(out->status, "4.3.0", sizeof(out->status));
	*walk = (struct walk){
		.resolver = resolver, .recipient = recipient, .out = out, .explain = explain
	};
}

/* Nothing decided is deferred, and says so. */
static void
finish(struct walk *walk)
{
	account_free(&walk->found);
	if (walk->out->kind == ANSWER_DEFER && walk->out->text == NULL)
		decide(walk, ANSWER_DEFER, "4.3.0", "%s: no decision was reached", walk->recipient);
}

void
resolve(struct resolver *resolver, const char *recipient, struct answer *out, struct buf *explain)
{
	struct walk walk;
	struct address address;
	struct err err;

	begin(&walk, resolver, recipient, out, explain);
	if (address_parse(&address, recipient, &err) == -1) {
		if (err.num == 0)
			decide(&walk, ANSWER_REJECT, BAD_ADDRESS, "%s", err.text);
		else
			give_up(&walk, &err);
	} else if (address.domain == NULL) {
		address_free(&address);
		resolve_bare(&walk, recipient);
	} else {
		climb(&walk, &address);
		note_stale(&walk);
	}
	finish(&walk);
}

void
resolve_local(struct resolver *resolver, const char *name, struct answer *out, struct buf *explain)
{
	struct walk walk;

	begin(&walk, resolver, name, out, explain);
	resolve_name(&walk, name);
	finish(&walk);
}
