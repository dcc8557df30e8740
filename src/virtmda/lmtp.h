/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * LMTP (RFC 2033), the server's side of the conversation, and nothing else: bytes go in, replies
 * come out, and what has to be known or done is asked of a host. No descriptors, no clock.
 */
#ifndef VIRTMDA_LMTP_H
#define VIRTMDA_LMTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "lmtp_notice.h"
#include "outcome.h"

#define LMTP_LINE_MAX                                                                              \
	4096 /* bytes of a command with its line end: RFC 5321's 512, and those that               \
	        SMTPUTF8 and ORCPT add */

struct lmtp_limits {
	size_t recipients; /* accepted in one transaction; further ones are deferred */
	unsigned errors;   /* commands not understood or out of order; one more ends the session */
	uint64_t message_size; /* bytes as they will be stored; 0: no limit */
};

/* Addresses come without brackets and quotes; they hold no control characters. An outcome that is
 * filled in becomes the reply. */
struct lmtp_host {
	void *arg;
	/* A transaction begins; `sender` is "" for the null sender. size: bytes that the client
	 * announced, 0 none. */
	void (*begin)(
	    void *arg, const char *sender, uint64_t size, const struct lmtp_notice *notice);
	/* May the message go to this recipient? Delivered: it may, and there will be one outcome
	 * for it. Recipients that were told anything else are forgotten. */
	void (*recipient)(void *arg, const char *recipient, const struct lmtp_notice *notice,
	    struct outcome *out);
	/* VRFY: the same question, but nothing follows from it. */
	void (*verify)(void *arg, const char *recipient, struct outcome *out);
	/* A piece of the message. What goes wrong is said by `outcome`, behind the end. */
	void (*data)(void *arg, const void *bytes, size_t len);
	/* That was the whole message: deliver it. */
	void (*deliver)(void *arg);
	/* What became of the next accepted recipient, in the order of their acceptance. Called once
	 * for each after `deliver`; then the transaction is over. */
	void (*outcome)(void *arg, struct outcome *out);
	/* The transaction is over without a message. */
	void (*reset)(void *arg);
};

struct lmtp; /* one session */

/* name: what the greeting calls this host. The greeting is the first output. 0 with *out
 * (lmtp_free), or -1 with err. */
int lmtp_new(struct lmtp **out, const char *name, const struct lmtp_limits *limits,
    const struct lmtp_host *host, struct err *err);
void lmtp_free(struct lmtp *lmtp); /* accepts NULL */

/* Take what the client sent, cut as it may be: the same bytes always lead to the same calls and
 * replies. What comes behind the session's end is ignored. */
void lmtp_input(struct lmtp *lmtp, const void *bytes, size_t len);

/* Replies to be sent, in this order; the caller clears it. */
struct buf *lmtp_output(struct lmtp *lmtp);

/* The session is over: send the output and hang up. */
bool lmtp_is_over(const struct lmtp *lmtp);

/* End it from this side, with a 421 of this status: idle too long, shutting down. */
void lmtp_end(struct lmtp *lmtp, const char *status, const char *text);

#endif
