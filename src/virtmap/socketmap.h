/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The socketmap protocol of sendmail (cf/README, "socket") and Postfix (socketmap_table(5)): a
 * request is one netstring "NAME KEY", a reply is one netstring "OK VALUE", "NOTFOUND ", "TEMP
 * REASON" or "PERM REASON". Pure: bytes in, bytes out.
 */
#ifndef VIRTMAP_SOCKETMAP_H
#define VIRTMAP_SOCKETMAP_H

#include <stddef.h>

#include "buf.h"

/* Bytes of a netstring's payload that are listened to; whoever sends more is no mail server. */
#define SOCKETMAP_REQUEST_MAX 4096
#define SOCKETMAP_FRAME_MAX   (SOCKETMAP_REQUEST_MAX + 6) /* with length, colon and comma */

enum socketmap_taken {
	SOCKETMAP_MORE,    /* so far the beginning of a request */
	SOCKETMAP_REQUEST, /* one is there, whole */
	SOCKETMAP_GARBAGE  /* no netstring, or too long: nothing behind it can be trusted */
};

struct socketmap_request {
	const char *name; /* name_len bytes: the map asked; without a blank */
	size_t name_len;
	const char *key; /* key_len bytes, any; empty if there was no blank */
	size_t key_len;
	size_t frame; /* bytes of the whole netstring */
};

/* The request at the beginning of `data`. The strings point into `data` and do not end in NUL. */
enum socketmap_taken socketmap_take(
    struct socketmap_request *out, const unsigned char *data, size_t len);

/* Append `reply` as a netstring. 0, or -1 with ENOMEM. */
int socketmap_frame(struct buf *out, const char *reply);

#endif
