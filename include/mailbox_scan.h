/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Reading mailboxes without changing them: no lock held longer than a read, O_NOATIME where
 * allowed, no flag touched. Shares no code with delivery but the names of things.
 */
#ifndef VIRTMDA_MAILBOX_SCAN_H
#define VIRTMDA_MAILBOX_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "buf.h"
#include "err.h"
#include "mailbox.h"

#define SCAN_SEEN     0x01u
#define SCAN_ANSWERED 0x02u
#define SCAN_FLAGGED  0x04u
#define SCAN_DELETED  0x08u
#define SCAN_DRAFT    0x10u
#define SCAN_PASSED   0x20u
#define SCAN_RECENT   0x40u /* Maildir new/, mbox without "O" */

struct scan_message {
	size_t number;   /* from 1, in the mailbox's order (Maildir: by delivery time, then name) */
	unsigned flags;  /* SCAN_ */
	uint64_t size;   /* bytes of the message itself, without mbox's From_ line and its closing
	                    empty line */
	time_t received; /* From_ line's date or the Maildir name's time; (time_t)-1 if unknown */
	const unsigned char *header; /* the header block, NUL not added; NULL unless asked for */
	size_t header_len;
	uint64_t offset;  /* mbox: of the From_ line */
	const char *name; /* Maildir: file name with its folder ("new/…"); NULL for mbox */
};

#define SCAN_WANT_HEADER 0x01u

/* Every message once, until the callback returns other than 0. A missing mailbox is an empty one:
 * 0. 0 at the end, the callback's value, or -1 with err. The message's pointers are good only
 * during the callback. */
int mailbox_scan(const struct mailbox *mailbox, unsigned want,
    int (*each)(void *arg, const struct scan_message *message), void *arg, struct err *err);

/* The bytes of message `number` as it stands in the mailbox (mbox: without its From_ line and the
 * closing empty line, unquoting mboxrd) through `sink`. 1 written, 0 no such message, -1 with err.
 */
int mailbox_raw(
    const struct mailbox *mailbox, size_t number, message_sink *sink, void *arg, struct err *err);

#endif
