/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A local name's way to its answer: an alias if there is one, else an account. What neither has is
 * proven to be nobody, or the walk gives up.
 */
#include "local_name.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "address.h"

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

void
local_name_accept(struct walk *walk, struct account *account, const char *detail)
{
	struct answer *out = walk->out;
	unsigned min_uid = walk->resolver->settings->min_uid;

	walk_say(walk, "account %s: uid %lu, gid %lu, home %s", account->name,
	    (unsigned long)account->uid, (unsigned long)account->gid,
	    *account->home == '\0' ? "none" : account->home);
	if (account->uid == 0 || account->uid < min_uid) {
		walk_decide(walk, ANSWER_DEFER, WALK_CONFIGURATION,
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
		walk_give_up_memory(walk);
		return;
	}
	out->kind = ANSWER_ACCOUNT;
}

static void
unknown_name(struct walk *walk, const char *name)
{
	walk_say(walk, "account %s: no", name);
	walk_no_such_user(walk, "%s is no alias and no account", name);
}

static void
resolve_account(struct walk *walk, const struct local_name *name)
{
	struct account account;
	struct err err;

	switch (find_account(walk, name->user, &account, &err)) {
	case 1:
		local_name_accept(walk, &account, name->detail);
		break;
	case 0:
		unknown_name(walk, name->user);
		break;
	default:
		walk_give_up(walk, &err);
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
			walk_say(walk, "alias %s: no", whole);
		return rc;
	}
	walk_say(walk, "alias %s: %s in %s", whole, key, file);
	if ((walk->out->name = strdup(whole)) == NULL)
		return err_set(err, ENOMEM, "alias %s", whole);
	walk->out->kind = ANSWER_ALIAS;
	return 1;
}

void
local_name_resolve(struct walk *walk, const char *whole)
{
	struct local_name name;
	struct err err;

	if (local_name_split(&name, whole) == -1) {
		walk_give_up_memory(walk);
		return;
	}
	switch (try_alias(walk, whole, &name, &err)) {
	case 1:
		break;
	case 0:
		resolve_account(walk, &name);
		break;
	default:
		walk_give_up(walk, &err);
	}
	local_name_free(&name);
}

void
local_name_resolve_bare(struct walk *walk, const char *recipient)
{
	struct local_name name;

	if (local_name_split(&name, recipient) == -1) {
		walk_give_up_memory(walk);
		return;
	}
	resolve_account(walk, &name);
	local_name_free(&name);
}
