/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Many accounts' mailboxes counted, each with its account's rights and none with root's.
 */
#ifndef MAILPEEK_SURVEY_H
#define MAILPEEK_SURVEY_H

#include <stddef.h>

#include "mailpeek.h"

struct survey_entry {
	struct account account;
	enum {
		SURVEY_FAILED,    /* could not tell: `why` */
		SURVEY_FORBIDDEN, /* not looked at: `why` */
		SURVEY_DONE
	} state;
	struct mailbox mailbox; /* path NULL if it could not be located */
	struct mailbox_summary summary;
	struct err why;
};

/* All accounts, in the source's order. 0 with *out and *count (survey_free), or -1 with err. */
int survey_accounts(
    const struct settings *settings, struct survey_entry **out, size_t *count, struct err *err);
void survey_free(struct survey_entry *entries, size_t count);

/* Count the mailboxes in workers, one for each run of accounts with the same uid and gid; `done` is
 * called for every entry, in order, as soon as it is filled. */
void survey_run(const struct settings *settings, struct survey_entry *entries, size_t count,
    void (*done)(void *arg, const struct survey_entry *entry), void *arg);

#endif
