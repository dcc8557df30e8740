/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The front of virtmap serve: all clients in one event loop, without rights. It knows the protocol
 * and no answers: each question goes to the back (backroom.h), one at a time for each client,
 * and nobody waits for anybody else. What a client can make us hold is bounded.
 */
#ifndef VIRTMAP_FRONT_H
#define VIRTMAP_FRONT_H

#include <stddef.h>

#include "clients.h"
#include "err.h"

/* Serve clients of these listening sockets (which are made non-blocking) until the back closes its
 * end. 0 then, or -1 with err. */
int front_run(const int *listeners, size_t nlisteners, int backroom,
    const struct client_limits *limits, struct err *err);

#endif
