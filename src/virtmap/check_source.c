/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * virtmap check: what a build would refuse of the text. The map's own code says it; here it only
 * gets its name.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "account.h"
#include "check.h"

/* Does the complaint end in MAP_WHY_TWICE and the number of a line? */
static bool
is_duplicate(const char *why)
{
	const char *found = NULL;

	for (const char *p = why; (p = strstr(p, MAP_WHY_TWICE)) != NULL; p++)
		found = p + strlen(MAP_WHY_TWICE);
	return found != NULL && *found != '\0' && found[strspn(found, "0123456789")] == '\0';
}

/* map_complain_fn */
static void
complain(void *arg, const char *path, size_t line, const char *why)
{
	struct check *check = arg;
	enum finding which = FINDING_MALFORMED;

	if (is_duplicate(why))
		which = FINDING_DUPLICATE;
	else if (strncmp(why, MAP_WHY_CIRCLE, strlen(MAP_WHY_CIRCLE)) == 0)
		which = FINDING_CYCLE;
	else if (strncmp(why, MAP_WHY_LONG, strlen(MAP_WHY_LONG)) == 0)
		which = FINDING_LONG_CHAIN;
	findings_add(&check->findings, which, path, line, "%s", why);
}

/* Whether root trusts the text is a finding like others (check_files.c), and no reason not to look
 * at it. */
int
check_source_read(struct check *check, struct err *err)
{
	return map_source_read(
	    &check->source, check->virtmap->settings->map, 0, complain, check, err);
}

/* map_account_fn: an account ends a chain. */
struct asking {
	struct check *check;
	struct accounts *accounts;
};

static int
ask_account(void *arg, const char *name, struct err *err)
{
	struct asking *asking = arg;
	struct account account;
	int rc = accounts_find(asking->accounts, name, &account, err);

	if (rc == 1)
		account_free(&account);
	return rc;
}

/* map_complain_fn */
static void
complain_asking(void *arg, const char *path, size_t line, const char *why)
{
	complain(((struct asking *)arg)->check, path, line, why);
}

void
check_source_chains(struct check *check)
{
	const struct settings *settings = check->virtmap->settings;
	struct asking asking = { .check = check };
	bool has_addresses = strcmp(settings->accounts, "passwd") != 0;
	struct err err;

	/* One that cannot be read is told by check_targets. */
	if (has_addresses && accounts_open(&asking.accounts, settings->accounts,
	                         settings->accounts_canary, check->virtmap->trusted, &err) == -1)
		has_addresses = false;
	if (map_check(check->source, has_addresses ? ask_account : NULL, complain_asking, &asking,
	        &err) == -1 &&
	    err.num != 0)
		findings_add(
		    &check->findings, FINDING_COULD_NOT_TELL, settings->map, 0, "%s", err.text);
	accounts_close(asking.accounts);
}
