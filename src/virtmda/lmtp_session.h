/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the two halves of the LMTP engine share: lmtp.c takes bytes and messages, lmtp_command.c
 * understands commands. Private to them.
 */
#ifndef VIRTMDA_LMTP_SESSION_H
#define VIRTMDA_LMTP_SESSION_H

#include "lmtp.h"
#include "lmtp_data.h"

#define DECODE_STEP 16384 /* bytes of a message decoded in one go */

enum state {
	STATE_START = 0,  /* before LHLO */
	STATE_READY,      /* between transactions */
	STATE_RECIPIENTS, /* behind MAIL */
	STATE_DATA,       /* behind 354 */
	STATE_OVER
};

struct lmtp {
	struct lmtp_limits limits;
	const struct lmtp_host *host;
	char *name;
	enum state state;
	struct buf output;
	unsigned errors;
	size_t accepted; /* recipients */

	char line[LMTP_LINE_MAX + 1];
	size_t line_len; /* beyond LMTP_LINE_MAX: too long, its bytes are not kept */

	struct lmtp_data data;
	uint64_t message_size; /* decoded so far */
	unsigned char decoded[LMTP_DATA_ROOM(DECODE_STEP)];
};

/* Add a reply; without memory for it the session is over. */
void lmtp_say(struct lmtp *lmtp, unsigned code, const char *status, const char *text);
void lmtp_say_outcome(struct lmtp *lmtp, const struct outcome *outcome);

/* The reply to a mistake of the client. Too many of them, and it is somebody who does not speak
 * LMTP: the session is over. */
void lmtp_complain(struct lmtp *lmtp, unsigned code, const char *status, const char *text);

bool lmtp_is_too_large(const struct lmtp *lmtp, uint64_t size);
void lmtp_refuse_size(struct outcome *out);

/* Carry out a command: a line without its end, which holds no NUL and no CR. */
void lmtp_command(struct lmtp *lmtp, const char *line);

#endif
