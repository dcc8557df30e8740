/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Which accounts there are, and their mailboxes counted, each with its account's rights and none
 * with root's.
 */
#ifndef MAILPEEK_SURVEY_H
#define MAILPEEK_SURVEY_H

#include <stddef.h>

#include "mailpeek.h"
#include "quota.h"

struct survey_entry {
	struct account account;
	enum {
		SURVEY_FAILED,    /* could not tell: `why` */
		SURVEY_FORBIDDEN, /* not looked at: `why` */
		SURVEY_DONE
	} state;
	struct mailbox mailbox; /* path NULL if it could not be located */
	char *why;              /* malloc'ed; NULL until there is a reason */

	/* filled by survey_count */
	struct mailbox_summary summary; /* folders included */
	struct quota limits;
};

struct survey {
	struct survey_entry *entries;
	size_t count;
};

/* All accounts, in the source's order, or those that argv names, in that order and as often. A
 * STATUS_ other than STATUS_OK is told. survey_free in any case. */
enum status survey_accounts(
    const struct settings *settings, int argc, char **argv, struct survey *out);
void survey_free(struct survey *survey);

/* Whose work is entry i, for a crew: NULL if it is not to be looked at. */
const struct account *survey_account(const struct survey *survey, size_t i);

/* Note why there is nothing of an entry. */
void survey_fail(struct survey_entry *entry, const struct err *err);

/* Count all mailboxes. */
void survey_count(struct survey *survey, const struct settings *settings);

/* How full, in percent of the quota; -1 without one. */
int survey_percent(const struct survey_entry *entry);

/* Does what was found say anything about messages? */
bool survey_was_counted(const struct survey_entry *entry);

/* Are there, or may there be, messages of which nothing is known? */
bool survey_is_unknown(const struct survey_entry *entry);

/* Complain about every mailbox of which nothing could be told. Is there one? */
bool survey_complain(const struct survey *survey);

/* Is it worth a row: not if there is no mailbox, or it is none of the caller's? */
bool survey_is_there(const struct survey_entry *entry);

/* Columns for the accounts' names, and a heading. */
size_t survey_name_width(const struct survey *survey, const char *heading);

/* An account's name as the first cell of a row; on a terminal one that is very long is cut. */
void survey_print_name(size_t width, const struct survey_entry *entry);

#endif
