/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a worker has to say about its copy, as one block of fixed size that can cross a socket.
 */
#ifndef VIRTMDA_REPORT_H
#define VIRTMDA_REPORT_H

#include <stdint.h>

#include "mailbox.h"
#include "outcome.h"

struct report {
	struct outcome outcome;
	struct mailbox_receipt receipt;
	uint64_t size;        /* bytes of the message as read */
	char message_id[256]; /* "" for none; cut if longer */
};

/* Deferred, nothing known. */
void report_init(struct report *report);

/* Make a report that came from a process without rights fit to use: strings end, the outcome is one
 * that outcome.h could have made. */
void report_check(struct report *report);

#endif
