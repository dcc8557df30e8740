/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What every source of accounts can do. Private to the room: others see struct accounts only as a
 * name. A source embeds it as its first member.
 */
#ifndef VIRTMDA_ACCOUNT_SOURCE_H
#define VIRTMDA_ACCOUNT_SOURCE_H

#include <pwd.h>
#include <stddef.h>

#include "account.h"

struct accounts {
	/* The contracts of accounts_find, accounts_each, accounts_close and
	 * accounts_expect_many. */
	int (*find)(
	    struct accounts *accounts, const char *name, struct account *out, struct err *err);
	int (*each)(struct accounts *accounts,
	    int (*each)(void *arg, const struct account *account), void *arg, struct err *err);
	void (*close)(struct accounts *accounts);
	void (*expect_many)(struct accounts *accounts); /* NULL: all lookups cost the same */
};

/* Where passwd's answers come from. The tests put their own files and their own getpwnam_r here:
 * an unreadable /etc/passwd is not to be had otherwise. */
struct passwd_system {
	const char *passwd;   /* "/etc/passwd" */
	const char *nsswitch; /* "/etc/nsswitch.conf" */
	int (*lookup)(const char *name, struct passwd *entry, char *space, size_t size,
	    struct passwd **result); /* getpwnam_r(3) */
};

/* accounts_open for "passwd"; `system` must outlive it. */
int passwd_open(
    struct accounts **out, const struct passwd_system *system, const char *canary, struct err *err);

/* accounts_open, accounts_index and accounts_check for "passwd-file:PATH". */
int passwd_file_open(struct accounts **out, const char *path, int trusted, struct err *err);
int passwd_file_index(const char *path, int trusted, struct err *err);
int passwd_file_check(
    const char *path, int trusted, accounts_complain_fn *complain, void *arg, struct err *err);

#endif
