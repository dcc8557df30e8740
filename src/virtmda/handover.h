/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A message given to sendmail: for an alias, for addresses elsewhere, for an account with a
 * .forward. sendmail is started for it (`sendmail -Am -bs`: no shell, no addresses in arguments),
 * and a process without rights reads the message and speaks SMTP to it.
 */
#ifndef VIRTMDA_HANDOVER_H
#define VIRTMDA_HANDOVER_H

#include <stdbool.h>
#include <stddef.h>

#include "intake.h"
#include "report.h"
#include "settings.h"

struct handover_job {
	const struct settings *settings;
	const struct intake *intake; /* spooled: what follows may need the message again */
	const char *sender;          /* as it came; "" for the null sender */
	bool utf8;                   /* SMTPUTF8 was given */
	const char *ret, *envid;     /* RFC 3461, as they came; NULL where they did not */
	const char *orcpt, *notify;
	/* The recipients that the message came for: a Delivered-To for each, and where it has one
	 * of theirs already it is a loop. */
	const char *const *originals;
	size_t noriginals;
	const char *const *members; /* addr-specs and bare names, quoted where need be */
	size_t nmembers;
	bool known; /* the members are names that this host has */
};

/* Hand over, and wait for sendmail's word. *report: its outcome is delivered once sendmail has
 * queued the message (exactly one submission), rejected where sendmail refused it for good and for
 * reasons of the mail's own, deferred otherwise. Members of several that were refused get a notice
 * to the sender; if that cannot be handed over, the outcome is "rejected", so that
 * who called us tells the sender. REPORT_LOOP: nothing was handed over, the message has been here.
 */
void handover_run(const struct handover_job *job, struct report *report);

#endif
