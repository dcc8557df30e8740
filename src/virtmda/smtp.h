/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * SMTP (RFC 5321) as a client speaks it: commands out, replies in, over a pair of pipes to a
 * program on this host. Nothing is believed of the other side: it may hang, die, or talk nonsense.
 */
#ifndef VIRTMDA_SMTP_H
#define VIRTMDA_SMTP_H

#include <stddef.h>

#include "err.h"
#include "outcome.h"

#define SMTP_TEXT_MAX 400 /* bytes of a reply that are kept, for people */

struct smtp_reply {
	int code;                        /* 200 to 599 */
	char status[OUTCOME_STATUS_MAX]; /* RFC 2034; of the code's class, or "" */
	char text[SMTP_TEXT_MAX]; /* "550 5.1.1 <x>... User unknown": lines joined, printable */
};

/* One conversation; both descriptors are the caller's, and become non-blocking. */
struct smtp {
	int in, out;
	long long until;          /* a moment (moment.h) at which all patience is over */
	unsigned char data[4096]; /* read, and not yet looked at */
	size_t at, len;
};

void smtp_init(struct smtp *smtp, int in, int out);

/* Called with every line of a reply, without code and line end. */
typedef void smtp_line_fn(void *arg, const char *line);

/* Read one reply, all its lines. each may be NULL. 0, or -1 with err: nothing whole within
 * `patience` milliseconds (ETIMEDOUT), the other side is gone (EPIPE), or that was no reply
 * (EPROTO). */
int smtp_read(struct smtp *smtp, struct smtp_reply *reply, smtp_line_fn *each, void *arg,
    int patience, struct err *err);

/* Write all of it. 0, or -1 with err: not taken within `patience` milliseconds, or nobody reads. */
int smtp_write(struct smtp *smtp, const void *data, size_t len, int patience, struct err *err);

/* After a write that failed, and err says how: the refusal that explains it, if there is one (400
 * and above; nothing else is believed that was said unasked). 0, or -1 with err as it was. */
int smtp_last_words(struct smtp *smtp, struct smtp_reply *reply, struct err *err);

/* Has everything been read, and is the other side there? Before something is sent whose reply must
 * not be mistaken. 0, or -1 with err. */
int smtp_is_quiet(struct smtp *smtp, struct err *err);

/* Send a line (CRLF is put behind it) and read the reply. A line that would hold a control
 * character is not sent: EINVAL. */
int smtp_command(struct smtp *smtp, struct smtp_reply *reply, int patience, struct err *err,
    const char *fmt, ...) __attribute__((format(printf, 5, 6)));

#endif
