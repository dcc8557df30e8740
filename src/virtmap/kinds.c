/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What kind of target an address is. Found as delivery would find it, but one step far, and each
 * local name once: a million lines may share a few.
 */
#include "kinds.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const kind_names[KINDS] = { "accounts", "aliases", "mapped", "remote", "errors",
	"discards", "other" };

static enum kind
ask_name(struct kinds *kinds, const char *text)
{
	struct answer answer;
	enum kind kind;

	resolve_local(kinds->resolver, text, &answer, NULL);
	kind = answer.kind == ANSWER_ACCOUNT ? KIND_ACCOUNT
	       : answer.kind == ANSWER_ALIAS ? KIND_ALIAS
	                                     : KIND_OTHER;
	answer_free(&answer);
	return kind;
}

static int
grow(struct kinds *kinds)
{
	size_t room = kinds->room + kinds->room / 2 + 64;
	enum kind *known = reallocarray(kinds->known, room, sizeof(*known));

	if (known == NULL)
		return -1;
	kinds->known = known;
	kinds->room = room;
	return 0;
}

/* Ask once for every name. Without memory we ask again. */
static enum kind
kind_of_name(struct kinds *kinds, const char *text)
{
	size_t count = kinds->names.count;
	uint32_t number = NAMES_NONE;

	if (count < kinds->room || grow(kinds) == 0)
		number = names_add(&kinds->names, text);
	if (number == NAMES_NONE)
		return ask_name(kinds, text);
	if (number == count)
		kinds->known[number] = ask_name(kinds, text);
	return kinds->known[number];
}

/* "bob%3" and "bob+%2" go to bob whatever the recipient was, "%1" wherever it says. */
static enum kind
kind_of_local(struct kinds *kinds, const char *local)
{
	size_t len = strcspn(local, "%");
	enum kind kind = KIND_OTHER;
	char *name;

	if (local[len] == '\0')
		return kind_of_name(kinds, local);
	if (len > 0 && local[len - 1] == '+')
		len--;
	if (len > 0 && (name = strndup(local, len)) != NULL) {
		kind = kind_of_name(kinds, name);
		free(name);
	}
	return kind;
}

/* Has an account this address for its name? 1 / 0 / -1. */
static int
is_account(const struct kinds *kinds, const struct target_address *address)
{
	struct account account;
	struct err err;
	char *name;
	int rc;

	if (kinds->accounts == NULL || strchr(address->local, '%') != NULL)
		return 0;
	if (asprintf(&name, "%s@%s", address->local, address->domain) == -1)
		return -1;
	rc = accounts_find(kinds->accounts, name, &account, &err);
	if (rc == 1)
		account_free(&account);
	free(name);
	return rc;
}

/* 1 / 0 / -1 */
static int
is_ours(const struct kinds *kinds, const char *domain)
{
	struct err err;

	if (kinds->has_domain(kinds->arg, domain))
		return 1;
	for (const char *dot = strchr(domain, '.'); dot != NULL; dot = strchr(dot + 1, '.'))
		if (kinds->has_domain(kinds->arg, dot))
			return 1;
	return resolver_is_local(kinds->resolver, domain, &err);
}

enum kind
kinds_of(struct kinds *kinds, const struct target_address *address)
{
	int rc;

	if (address->domain == NULL)
		return kind_of_local(kinds, address->local);
	if (strchr(address->domain, '%') != NULL)
		return KIND_OTHER;
	if ((rc = is_account(kinds, address)) != 0)
		return rc == 1 ? KIND_ACCOUNT : KIND_OTHER;
	if ((rc = is_ours(kinds, address->domain)) == -1)
		return KIND_OTHER;
	return rc == 1 ? KIND_MAPPED : KIND_REMOTE;
}

void
kinds_free(struct kinds *kinds)
{
	names_free(&kinds->names);
	free(kinds->known);
	kinds->known = NULL;
	kinds->room = 0;
}
