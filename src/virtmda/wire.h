/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A message's content as SMTP wants it behind DATA: lines that end in CRLF, dots in front doubled.
 */
#ifndef VIRTMDA_WIRE_H
#define VIRTMDA_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "smtp.h"

/* Zeroed but for the first two. */
struct wire {
	struct smtp *smtp; /* NULL: the bytes are only looked at and counted */
	int patience;      /* milliseconds that a piece may take until it is taken */
	uint64_t size;     /* bytes so far */
	bool eight_bit;    /* there was one over 127 */
	bool mid_line;
	bool cr; /* seen, and nothing behind it yet */
	unsigned char data[16384];
	size_t len;
};

/* Take a piece of the content, cut as it may be: a message_sink, and `wire` is its argument. Bytes
 * are kept but for line ends: LF and CRLF become CRLF. A bare CR, which RFC 5321 2.3.8 forbids and
 * sendmail refuses, becomes a blank. 0, or -1 with err. */
int wire_put(void *wire, const void *data, size_t len, struct err *err);

/* That was all: a last line without an end gets one, and everything is sent. Behind it only the dot
 * is missing. 0, or -1 with err. */
int wire_end(struct wire *wire, struct err *err);

#endif
