/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One copy into one mailbox, with nothing but its account's rights.
 */
#ifndef VIRTMDA_WORKER_H
#define VIRTMDA_WORKER_H

#include <stdbool.h>

#include "account.h"
#include "intake.h"
#include "mailbox.h"
#include "message.h"
#include "report.h"
#include "settings.h"

struct job {
	const struct settings *settings;
	const struct account *account;
	const struct mailbox *mailbox;
	struct message_envelope envelope;
	const struct intake *intake;
	bool final;    /* a .forward is not looked for; else, with one, nothing is read and the
	                 report says REPORT_FORWARD */
	uint64_t size; /* bytes expected, 0 unknown */
	bool dry_run;  /* become the account and look, but neither read nor write */
};

/* As root the work is done by a process of its own, which becomes the account for good; this one
 * serves it as broker and waits. Otherwise it is done here, if the account is the caller's own.
 * Always fills *report; a worker that dies or ends without a word is "deferred". From the
 * first call on signals are held (process.h). */
void worker_run(const struct job *job, struct report *report);

#endif
