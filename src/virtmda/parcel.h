/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How the processes of one virtmda talk: blocks over a socket pair, of fixed size wherever
 * the receiver has more rights than the sender.
 */
#ifndef VIRTMDA_PARCEL_H
#define VIRTMDA_PARCEL_H

#include <stddef.h>

#include "err.h"

/* A pair of connected sockets, O_CLOEXEC. 0, or -1 with err. */
int parcel_pair(int sockets[2], struct err *err);

/* Receive a block of exactly `len` bytes. *descriptor (NULL: none is let in) is the one that came
 * with it, O_CLOEXEC, the caller's to close; or -1; several are an error. 1, 0 when the other side
 * is gone, -1 with err.
 */
int parcel_receive(int socket, void *data, size_t len, int *descriptor, struct err *err);

/* The same for a block of any size up to `room`; *len is what it has. */
int parcel_receive_some(
    int socket, void *data, size_t room, size_t *len, int *descriptor, struct err *err);

/* Send one, with a descriptor or -1. 0, or -1 with err. */
int parcel_send(int socket, const void *data, size_t len, int descriptor, struct err *err);

#endif
