/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The halves of `mailpeek trace`: by address, in trace_address.c, and by message-id, in trace_id.c.
 */
#ifndef MAILPEEK_TRACE_H
#define MAILPEEK_TRACE_H

#include "mailpeek.h"

/* Where mail for the address goes, and in each account's mailbox that it leads to its health and
 * the newest messages that came for it. */
enum status trace_address(const struct peek *peek, const char *address, size_t newest);

/* Rows for the messages of all accounts that have this Message-ID, without its angle brackets; top:
 * how many at most, 0 all. */
enum status trace_id(const struct peek *peek, const char *id, size_t top);

#endif
