/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The sources that a resolution asks: map, accounts, alias files, the names of this host.
 */
#include "resolver.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io.h"

int
resolver_new(struct resolver **out, const struct settings *settings, struct err *err)
{
	struct resolver *resolver = calloc(1, sizeof(*resolver));

	if (resolver == NULL)
		return err_set(err, ENOMEM, "resolver");
	resolver->settings = settings;
	resolver->trusted = io_is_root();
	*out = resolver;
	return 0;
}

static void
forget_locals(struct resolver *resolver)
{
	for (size_t i = 0; i < resolver->nlocals; i++)
		free(resolver->locals[i]);
	free(resolver->locals);
	resolver->locals = NULL;
	resolver->nlocals = 0;
}

void
resolver_free(struct resolver *resolver)
{
	if (resolver == NULL)
		return;
	map_close(resolver->map);
	accounts_close(resolver->accounts);
	aliases_close(resolver->aliases);
	forget_locals(resolver);
	free(resolver);
}

void
resolver_forget_map(struct resolver *resolver)
{
	map_close(resolver->map);
	resolver->map = NULL;
}

void
resolver_expect_many(struct resolver *resolver)
{
	resolver->expects_many = true;
}

void
resolver_refresh(struct resolver *resolver)
{
	if (resolver->map != NULL && map_is_replaced(resolver->map))
		resolver_forget_map(resolver);
}

int
resolver_need_map(struct resolver *resolver, struct err *err)
{
	if (resolver->map != NULL)
		return 0;
	return map_open(&resolver->map, resolver->settings->map, resolver->trusted, err);
}

int
resolver_has_domain(struct resolver *resolver, const char *domain, struct err *err)
{
	int rc;

	if (resolver_need_map(resolver, err) == -1)
		return -1;
	if ((rc = map_has_domain(resolver->map, domain, err)) == -1)
		resolver_forget_map(resolver);
	return rc;
}

int
resolver_need_accounts(struct resolver *resolver, struct err *err)
{
	const struct settings *settings = resolver->settings;

	if (resolver->accounts != NULL)
		return 0;
	if (accounts_open(&resolver->accounts, settings->accounts, settings->accounts_canary,
	        resolver->trusted, err) == -1)
		return -1;
	if (resolver->expects_many)
		accounts_expect_many(resolver->accounts);
	return 0;
}

int
resolver_need_aliases(struct resolver *resolver, struct err *err)
{
	if (resolver->aliases != NULL)
		return 0;
	return aliases_open(&resolver->aliases, resolver->settings->aliases, err);
}

int
resolver_has_addresses(const struct resolver *resolver)
{
	return strncmp(resolver->settings->accounts, "passwd-file:", strlen("passwd-file:")) == 0;
}

/* ---- local domains ------------------------------------------------------------------------- */

static int
add_local(struct resolver *resolver, const char *domain, size_t len, struct err *err)
{
	char **more = reallocarray(resolver->locals, resolver->nlocals + 1, sizeof(*more));

	if (more == NULL)
		return err_set(err, ENOMEM, "local_domains");
	resolver->locals = more;
	if ((more[resolver->nlocals] = address_fold_domain(domain, len, err)) == NULL)
		return err_prefix(err, "local_domains: %.*s", (int)len, domain);
	resolver->nlocals++;
	return 0;
}

static int
add_own_names(struct resolver *resolver, struct err *err)
{
	char host[HOST_NAME_MAX + 1];

	if (gethostname(host, sizeof(host)) == -1)
		return err_set(err, errno, "gethostname");
	host[sizeof(host) - 1] = '\0';
	/* A host name that is no mail domain (err->num 0) can be no recipient's either. */
	if (add_local(resolver, host, strlen(host), err) == -1 && err->num != 0)
		return -1;
	return add_local(resolver, "localhost", strlen("localhost"), err);
}

static int
read_locals(struct resolver *resolver, struct err *err)
{
	const char *rest = resolver->settings->local_domains;

	while (*(rest += strspn(rest, " \t")) != '\0') {
		size_t len = strcspn(rest, " \t");

		if (add_local(resolver, rest, len, err) == -1)
			return -1;
		rest += len;
	}
	return resolver->nlocals > 0 ? 0 : add_own_names(resolver, err);
}

int
resolver_is_local(struct resolver *resolver, const char *domain, struct err *err)
{
	if (resolver->locals == NULL && read_locals(resolver, err) == -1) {
		forget_locals(resolver);
		return -1;
	}
	for (size_t i = 0; i < resolver->nlocals; i++)
		if (strcmp(resolver->locals[i], domain) == 0)
			return 1;
	return 0;
}
