/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A process that looks at what strangers sent, and says one block of fixed size about it.
 */
#ifndef VIRTMDA_APART_H
#define VIRTMDA_APART_H

#include <stddef.h>
#include <sys/types.h>

#include "err.h"

struct apart {
	pid_t pid; /* 0: none */
	int fd;    /* what it says: poll(2) it for reading */
};

/* Fork. The child keeps none of our descriptors but the standard ones, `keep` (may be -1) and
 * `out`, has signals held, and ends with what body(arg, out, parent) returns; giving up rights is
 * body's (rights_drop). Signals are passed on to it. 0 with *apart, which must be heard, or -1 with
 * err. */
int apart_start(struct apart *apart, int keep, int (*body)(void *arg, int out, pid_t parent),
    void *arg, struct err *err);

/* Wait for its block, and bury it. until: a moment (moment.h) after which it is killed and not
 * waited for; neither is one that says more than its block, or closes `out` without ending. 1:
 * *block is what it said. 0: it said less, and *status is its status as waitpid(2) has it, or
 * APART_KILLED. */
#define APART_KILLED (-1)
int apart_hear(struct apart *apart, void *block, size_t size, long long until, int *status);

#endif
