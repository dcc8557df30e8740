/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Has a message been here before? Asked before it goes on to sendmail, never before a mailbox:
 * there a Delivered-To may stand with right.
 */
#ifndef VIRTMDA_LOOP_H
#define VIRTMDA_LOOP_H

#include <stdbool.h>
#include <stddef.h>

#include "err.h"
#include "intake.h"
#include "message.h"
#include "outcome.h"
#include "settings.h"

#define LOOP_HOPS_MAX 100 /* Received headers (RFC 5321 6.3: at least that) */

struct loop_question {
	const struct settings *settings;
	const struct intake *intake;  /* spooled */
	const char *const *originals; /* recipients that it came for, noriginals of them */
	size_t noriginals;
	long long until; /* a moment: later it is too late */
};

/* Have a process without rights look. *outcome: delivered when the message may go on, except for
 * those originals whose seen[i] is set; rejected when it has been through too many hops; deferred
 * when that could not be told. */
void loop_ask(const struct loop_question *question, bool *seen, struct outcome *outcome);

/* Which of the originals do the message's Delivered-To headers name? 0 with seen, or -1 with err.
 */
int loop_find(const struct message *message, const char *const *originals, size_t noriginals,
    bool *seen, struct err *err);

#endif
