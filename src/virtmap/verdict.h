/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * May mail for this recipient come in? What an SMTP server is told before it takes the message.
 */
#ifndef VIRTMAP_VERDICT_H
#define VIRTMAP_VERDICT_H

#include "buf.h"
#include "err.h"
#include "resolve.h"
#include "settings.h"

enum verdict_class {
	VERDICT_TEMP = 0, /* could not tell, full for now, or the map says "later" */
	VERDICT_OK,
	VERDICT_REJECT
};

struct verdict {
	enum verdict_class class;
	char reply[4];              /* SMTP: "550", "452"; "" when OK */
	char status[12];            /* RFC 3463, "5.1.1"; "" when OK */
	char text[256];             /* one line of ASCII for the sender; "" when OK */
	char trouble[ERR_TEXT_MAX]; /* ours, for the log; "" where there is none */
};

/* Our own trouble (a map that cannot be read, a mistake in the settings) is TEMP, and strangers are
 * told no more than that; the reason is in `trouble`. */
void verdict_of(struct verdict *out, const struct settings *settings, const struct answer *answer);

/* Resolve and judge. */
void verdict_ask(struct verdict *out, const struct settings *settings, struct resolver *resolver,
    const char *recipient);

/* For sendmail's rulesets, appended: `OK`, `REJECT 5.1.1 "550 no such user"`, `TEMP 4.2.2 "452
 * mailbox full"`. The quoted part is one token, fit for $: of the error mailer. 0, or -1 with
 * ENOMEM. */
int verdict_word(const struct verdict *verdict, struct buf *out);

/* For Postfix's access(5), appended: `DUNNO`, `550 5.1.1 no such user`. 0, or -1 with ENOMEM. */
int verdict_action(const struct verdict *verdict, struct buf *out);

#endif
