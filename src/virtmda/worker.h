/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Copies into mailboxes of one owner, with nothing but that account's rights.
 */
#ifndef VIRTMDA_WORKER_H
#define VIRTMDA_WORKER_H

#include <stdbool.h>
#include <time.h>

#include "intake.h"
#include "plan.h"
#include "settings.h"

struct job {
	const struct settings *settings;
	const char *sender; /* "" for the null sender */
	time_t date;        /* for the From_ line */
	long long until;    /* a moment (moment.h): nobody waits for a lock any longer then */
	const struct intake *intake;
	bool dry_run;         /* become the account and look, but neither read nor write */
	struct copy **copies; /* ncopies of them, with their reports */
	size_t ncopies;
};

/* The copies have one uid and gid, and if they are several they are all Maildirs. */

/* Do it in this process, which becomes the account. Always fills the reports. */
void worker_run(const struct job *job, const struct mailbox_broker *broker);

/* The same for a process of its own, which it ends: it asks over `socket` for what takes more
 * rights, and sends the reports there, in the order of the copies. */
_Noreturn void worker_process(const struct job *job, int socket);

/* The status of a worker process whose messages are all durable, should its reports not come
 * through. No library ends a process with it. */
#define WORKER_DURABLE 113

#endif
