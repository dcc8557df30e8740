/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The halves of `mailpeek trace`: by address, in trace_address.c, and by message-id, in trace_id.c.
 */
#ifndef MAILPEEK_TRACE_H
#define MAILPEEK_TRACE_H

#include "mailpeek.h"

#define TRACE_NEWEST     5 /* messages shown of an account where -n is not given */
#define TRACE_NEWEST_MAX 10000

/* In a process that is the account: its mailbox's health and the newest messages that were
 * delivered to `address`, printed. */
enum status trace_mailbox(
    const struct peek *peek, const struct mailbox *mailbox, const char *address, size_t newest);

/* Rows for the messages of all accounts that have this Message-ID, without its angle brackets. */
enum status trace_id(const struct peek *peek, const char *id);

#endif
