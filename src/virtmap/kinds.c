/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What kind of target an address is. Found as delivery would find it, but one step far, and each
 * local name once: a million lines may share a few.
 */
#include "kinds.h"

#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const kind_names[KINDS] = { "accounts", "aliases", "mapped", "remote", "errors",
	"discards", "other" };

/* What is known of a local name. */
struct name {
	char *text;
	enum kind kind;
};

static int
by_text(const void *a, const void *b)
{
	return strcmp(((const struct name *)a)->text, ((const struct name *)b)->text);
}

static void
name_free(void *arg)
{
	struct name *name = arg;

	free(name->text);
	free(name);
}

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

/* Ask once for every name. Without memory we ask again. */
static enum kind
kind_of_name(struct kinds *kinds, const char *text)
{
	struct name *name = malloc(sizeof(*name));
	struct name **known = NULL;
	enum kind kind;

	if (name != NULL && (name->text = strdup(text)) != NULL)
		known = tsearch(name, &kinds->names, by_text);
	if (known != NULL && *known != name) {
		kind = (*known)->kind;
		name_free(name);
		return kind;
	}
	kind = ask_name(kinds, text);
	if (known != NULL)
		name->kind = kind;
	else if (name != NULL)
		name_free(name);
	return kind;
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
	tdestroy(kinds->names, name_free);
	kinds->names = NULL;
}
