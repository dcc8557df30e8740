/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Accounts: who owns a mailbox. From passwd (NSS) or from a passwd-file in Dovecot's format,
 * always with three answers. "No" is said only with proof; anything short of it is -1.
 */
#ifndef VIRTMDA_ACCOUNT_H
#define VIRTMDA_ACCOUNT_H

#include <stddef.h>
#include <sys/types.h>

#include "err.h"

struct account {
	char *name; /* canonical, as the source spells it */
	uid_t uid;
	gid_t gid;
	char *home;       /* absolute path; "" if the source gives none */
	char *mailbox;    /* userdb_mail ("maildir:~/Maildir"), or NULL: the setting decides */
	char *quota_rule; /* userdb_quota_rule (quota.h, checked), or NULL */
};

struct accounts; /* an open source of accounts */

/* spec: "passwd" or "passwd-file:PATH" (checked as trusted input when `trusted`). canary: name of
 * an account that must be found before passwd's "no" counts where services other than files and
 * systemd are configured, "" for none. 0 with *out (accounts_close), or -1 with err. */
int accounts_open(
    struct accounts **out, const char *spec, const char *canary, int trusted, struct err *err);
void accounts_close(struct accounts *accounts); /* accepts NULL */

/* 1 found, *out filled (account_free); 0 proven absent; -1 could not tell, err set. passwd compares
 * names as they are; a passwd-file folds them as addresses are folded, and a name that stands there
 * twice is -1. A malformed line stands in the way of a "no", and of a "yes" for its own name. An
 * address as a name ("user@domain") is found only in a passwd-file. Files changed or replaced
 * meanwhile are noticed at the next call. */
int accounts_find(
    struct accounts *accounts, const char *name, struct account *out, struct err *err);

/* Nearly all accounts will be asked for, as by virtmap check: of a passwd-file all names are read
 * at once and kept, as long as it stays the same. The answers are the same. */
void accounts_expect_many(struct accounts *accounts);

/* Every account, in the source's order, until the callback returns other than 0. 0, the callback's
 * value, or -1 with err. */
int accounts_each(struct accounts *accounts, int (*each)(void *arg, const struct account *account),
    void *arg, struct err *err);

/* Write the index of a passwd-file (PATH.gdbm), so that lookups do not grow with it. Nothing to do
 * (0) for passwd. Malformed lines: -1 with err "PATH:LINE: why" and the old index kept. A reader
 * uses the index only while it belongs to the very file that is there; otherwise it reads the file.
 */
int accounts_index(const char *spec, int trusted, struct err *err);

/* Every malformed line and every name that stands twice in a passwd-file, through `complain`, all
 * of them. The number of complaints, 0 for passwd, or -1 with err when the file could not be read.
 */
typedef void accounts_complain_fn(void *arg, const char *path, size_t line, const char *why);
int accounts_check(
    const char *spec, int trusted, accounts_complain_fn *complain, void *arg, struct err *err);

void account_free(struct account *account); /* accepts a zeroed one */

/* Give up this process's rights for the account's: group list {gid}, gid, uid, in that order, real,
 * effective and saved; then prove that none can be had back. When not root: the account must be the
 * caller's own uid (else EPERM). Uid 0, uids below min_uid and (as root) gid 0 are EPERM. 0, or -1
 * with err: the process must then end without doing anything else. */
int account_become(const struct account *account, unsigned min_uid, struct err *err);

/* Is there a .forward that sendmail would honour? 1, 0, or -1 with err. Asked with the account's
 * rights, as sendmail does: what the account itself may not reach does not count. */
int account_has_forward(const struct account *account, struct err *err);

#endif
