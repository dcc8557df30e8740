/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The front of virtmap serve: all clients in one event loop, without rights. It knows the protocol
 * and no answers: each question goes to the back (backroom.h), one at a time for each client,
 * and nobody waits for anybody else. What a client can make us hold is bounded.
 */
#ifndef VIRTMAP_FRONT_H
#define VIRTMAP_FRONT_H

#include <stddef.h>

#include "err.h"

/* Seconds, and clients at once. When there are as many, who has been idle longest makes place. */
struct front_limits {
	size_t clients;
	int idle;    /* between questions */
	int partial; /* from the first byte of a question to its last */
	int answer;  /* for the back; then the client is told TEMP */
	int reading; /* for the client to take its answer */
};

extern const struct front_limits front_limits_usual;

/* Serve clients of these listening sockets (which are made non-blocking) until the back closes its
 * end. 0 then, or -1 with err. */
int front_run(const int *listeners, size_t nlisteners, int backroom,
    const struct front_limits *limits, struct err *err);

#endif
