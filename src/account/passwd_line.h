/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One line of a passwd-file in Dovecot's format, without a copy of anything.
 */
#ifndef VIRTMDA_PASSWD_LINE_H
#define VIRTMDA_PASSWD_LINE_H

#include <sys/types.h>

#include "account.h"
#include "lines.h"

struct passwd_line { /* strings point into the line */
	const char *name;
	uid_t uid;
	gid_t gid;
	const char *home;                     /* "" for none */
	const char *mailbox;                  /* NULL for none */
	const char *quota_rule;               /* NULL for none */
	const char *quota_size, *quota_count; /* the same limits as Dovecot 2.4 writes them */
};

/* Take the line apart, in place. 1 with *out; 0 a comment or an empty line; -1 malformed: err says
 * why, without path and number, and err->num is 0. */
int passwd_line_parse(struct line *line, struct passwd_line *out, struct err *err);

/* The name as names are compared: local part and domain folded as an address's are. malloc'ed, or
 * NULL with err; err->num 0 if no account can have this name. */
char *passwd_line_fold(const char *name, struct err *err);

/* Copy into *out (account_free). 0, or -1 with err. */
int passwd_line_account(const struct passwd_line *line, struct account *out, struct err *err);

#endif
