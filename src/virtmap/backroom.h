/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Between the front, which hears strangers and has no rights, and those in the back, which have
 * them and ask map and accounts. Questions and answers are blocks of one size each over a sequenced
 * packet socket; a question is the number of a map and a key, and nothing in it is parsed but by
 * resolve(). Several may wait at the back's end of the socket: each question goes to one of them.
 */
#ifndef VIRTMAP_BACKROOM_H
#define VIRTMAP_BACKROOM_H

#include <stdint.h>

#include "err.h"
#include "lookup.h"
#include "settings.h"

/* More than an address may have (ADDRESS_MAX), so that one cut off here is still too long. */
#define BACKROOM_KEY_MAX 1024

struct backroom_question {
	uint64_t serial; /* the asker's, returned with the answer */
	uint32_t slot;   /* the same */
	int32_t map;
	char key[BACKROOM_KEY_MAX]; /* NUL-ended */
};

struct backroom_answer {
	uint64_t serial;
	uint32_t slot;
	char reply[LOOKUP_REPLY_MAX]; /* NUL-ended */
};

/* Answer questions that come over `socket` until it is closed. 0 then, or -1 with err. */
int backroom_run(int socket, const struct settings *settings, struct err *err);

/* The front's side of it, without waiting. 1 done, 0 not now, -1 with err. */
int backroom_ask(int socket, const struct backroom_question *question, struct err *err);
int backroom_hear(int socket, struct backroom_answer *answer, struct err *err);

#endif
