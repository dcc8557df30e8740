/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Outcome -> exit status, in this one place. sendmail bounces on every status but 0, 71, 74
 * and 75, so there are four that we may end with, and "try again" is the one for all that is
 * not proven: bad settings, usage, a full disk, a bug.
 */
#ifndef VIRTMDA_EXIT_H
#define VIRTMDA_EXIT_H

#include <stddef.h>

#include "outcome.h"

enum exit_status {
	EXIT_DELIVERED = 0, /* delivered or discarded */
	EXIT_NO_USER = 67,  /* EX_NOUSER: proven that there is no such user */
	EXIT_REFUSED = 69,  /* EX_UNAVAILABLE: any other permanent refusal */
	EXIT_LATER = 75     /* EX_TEMPFAIL: everything else */
};

enum exit_status exit_status_of(const struct outcome *outcome);

/* One status for two recipients of one run: later beats refused beats no user beats delivered.
 * What is retried may then arrive twice; what is not would be lost. */
enum exit_status exit_status_worse(enum exit_status a, enum exit_status b);

/* The one line for the bounce or sendmail's log, on standard output: "D.S.N RECIPIENT: TEXT"
 * through text_vis, cut where a bounce would grow unreadable. recipient NULL: sendmail knows whom
 * it asked for.
 * Failure to say it changes nothing. */
void exit_say(const char *status, const char *recipient, const char *text);

#endif
