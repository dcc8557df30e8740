/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Outcome -> LMTP reply, in this one place, as exit.h has the outcome's exit status.
 */
#ifndef VIRTMDA_REPLY_H
#define VIRTMDA_REPLY_H

#include "buf.h"
#include "outcome.h"

#define REPLY_LINE_MAX 512 /* bytes with CRLF, RFC 5321 4.5.3.1.5 */

/* Append "550 5.1.1 TEXT" and CRLF: the reply code that the map asks for, or, also instead of
 * 421, one that fits class and status; the outcome's own status; its text as printable ASCII, cut
 * at the line's limit. 0, or -1 with errno ENOMEM. */
int reply_add(struct buf *out, const struct outcome *outcome);

/* The same for a reply of the protocol's own. status "" for none. */
int reply_line(struct buf *out, unsigned code, const char *status, const char *text);

#endif
