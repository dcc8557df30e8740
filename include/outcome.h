/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What became of one recipient. It starts as deferred and leaves that state only
 * by an explicit call: a path that forgets to decide ends in "try again later".
 */
#ifndef VIRTMDA_OUTCOME_H
#define VIRTMDA_OUTCOME_H

#include "err.h"

enum outcome_class {
	OUTCOME_DEFERRED = 0, /* 4yz: everything that is not proven */
	OUTCOME_DELIVERED,    /* 2yz: durable, handed over or discarded */
	OUTCOME_REJECTED      /* 5yz: refused by the map, or a fault of the message */
};

#define OUTCOME_STATUS_MAX 12 /* "5.123.123" */

struct outcome {
	enum outcome_class class;
	int nouser; /* rejected because there is proof that no such user exists */
	char status[OUTCOME_STATUS_MAX]; /* RFC 3463, "4.3.0" */
	char text[ERR_TEXT_MAX];         /* one line for people */
	char reply[4]; /* SMTP reply code that the map asks for ("550"), "" where none does */
};

/* Deferred, 4.3.0, "no decision was reached". */
void outcome_init(struct outcome *out);

/* `status` must be of the class's digit (RFC 3463: 2, 4 or 5 . 1-3 digits . 1-3
 * digits); if it is not, the outcome becomes deferred 4.3.0. text is cut at the
 * buffer's end and line breaks become blanks. */
void outcome_defer(struct outcome *out, const char *status, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void outcome_deliver(struct outcome *out, const char *status, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void outcome_reject(struct outcome *out, const char *status, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void outcome_nouser(struct outcome *out, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* The reply code to go with it; one of another class, or none at all (""), leaves it without. */
void outcome_reply(struct outcome *out, const char *code);

/* Is `status` an RFC 3463 code of the class '2', '4' or '5'? */
int outcome_status_fits(const char *status, char class);

/* Deferred with the RFC 3463 code that fits err->num (ENOSPC 4.3.1 and EDQUOT 4.2.2 among
 * them, 4.3.0 otherwise) and err's text. Never anything but deferred. */
void outcome_from_err(struct outcome *out, const struct err *err);

#endif
