/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a worker has to say about its copy, as one block of fixed size that can cross a socket.
 */
#ifndef VIRTMDA_REPORT_H
#define VIRTMDA_REPORT_H

#include <stdint.h>

#include "mailbox.h"
#include "outcome.h"

/* What was found before anything was done; the outcome is deferred or rejected then. */
enum report_finding {
	REPORT_NOTHING = 0,
	REPORT_FORWARD /* the account has a .forward: the message is not read, and sendmail's */
};

struct report {
	struct outcome outcome;
	uint32_t finding; /* enum report_finding */
	struct mailbox_receipt receipt;
	uint64_t size;        /* bytes of the message as read */
	char message_id[256]; /* "" for none; cut if longer */
};

/* Deferred, nothing known. */
void report_init(struct report *report);

/* Keep its size and Message-Id, for the log. */
void report_note(struct report *report, const struct message *message);

/* Make a report that came from a process without rights fit to use: strings end, the outcome is one
 * that outcome.h could have made. */
void report_check(struct report *report);

#endif
