/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Which source of accounts a setting names, and the calls that are the same for all of them.
 */
#include "account.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "nss.h"
#include "source.h"

static const struct passwd_system host = {
	.passwd = NSS_PASSWD,
	.nsswitch = NSS_NSSWITCH,
	.lookup = nss_getpwnam,
};

/* The path in "passwd-file:PATH", or NULL. */
static const char *
file_of(const char *spec)
{
	static const char prefix[] = "passwd-file:";

	if (strncmp(spec, prefix, sizeof(prefix) - 1) != 0 || spec[sizeof(prefix) - 1] == '\0')
		return NULL;
	return spec + sizeof(prefix) - 1;
}

static int
unknown(const char *spec, struct err *err)
{
	return err_set(err, 0, "accounts = %s: must be \"passwd\" or \"passwd-file:/PATH\"", spec);
}

int
accounts_open(
    struct accounts **out, const char *spec, const char *canary, int trusted, struct err *err)
{
	*out = NULL;
	if (strcmp(spec, "passwd") == 0)
		return passwd_open(out, &host, canary, err);
	if (file_of(spec) != NULL)
		return passwd_file_open(out, file_of(spec), trusted, err);
	return unknown(spec, err);
}

int
accounts_find(struct accounts *accounts, const char *name, struct account *out, struct err *err)
{
	memset(out, 0, sizeof(*out));
	return accounts->find(accounts, name, out, err);
}

int
accounts_each(struct accounts *accounts, int (*each)(void *arg, const struct account *account),
    void *arg, struct err *err)
{
	return accounts->each(accounts, each, arg, err);
}

void
accounts_expect_many(struct accounts *accounts)
{
	if (accounts->expect_many != NULL)
		accounts->expect_many(accounts);
}

void
accounts_close(struct accounts *accounts)
{
	if (accounts != NULL)
		accounts->close(accounts);
}

int
accounts_index(const char *spec, int trusted, struct err *err)
{
	if (strcmp(spec, "passwd") == 0)
		return 0;
	if (file_of(spec) == NULL)
		return unknown(spec, err);
	return passwd_file_index(file_of(spec), trusted, err);
}

int
accounts_check(
    const char *spec, int trusted, accounts_complain_fn *complain, void *arg, struct err *err)
{
	if (strcmp(spec, "passwd") == 0)
		return 0;
	if (file_of(spec) == NULL)
		return unknown(spec, err);
	return passwd_file_check(file_of(spec), trusted, complain, arg, err);
}

void
account_free(struct account *account)
{
	free(account->name);
	free(account->home);
	free(account->mailbox);
	free(account->quota_rule);
	memset(account, 0, sizeof(*account));
}

int
account_has_forward(const struct account *account, struct err *err)
{
	char path[PATH_MAX];
	struct stat st;
	int n;

	if (account->home == NULL || account->home[0] != '/')
		return 0;
	n = snprintf(path, sizeof(path), "%s/.forward", account->home);
	if (n < 0 || (size_t)n >= sizeof(path))
		return err_set(err, ENAMETOOLONG, "%s/.forward", account->home);
	if (stat(path, &st) == 0)
		return S_ISREG(st.st_mode);
	if (errno == ENOENT || errno == ENOTDIR || errno == EACCES || errno == ELOOP)
		return 0;
	return err_set(err, errno, "stat %s", path);
}
