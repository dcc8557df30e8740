/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A message as it comes behind DATA (RFC 5321 4.5.2), decoded.
 */
#ifndef VIRTMDA_LMTP_DATA_H
#define VIRTMDA_LMTP_DATA_H

#include <stdbool.h>
#include <stddef.h>

struct lmtp_data {
	enum {
		LMTP_DATA_BEGIN =
		    0,           /* at the beginning of a line: of the message, or behind CRLF */
		LMTP_DATA_LINE,  /* within one */
		LMTP_DATA_CR,    /* a CR, not passed on yet */
		LMTP_DATA_DOT,   /* a dot that begins a line */
		LMTP_DATA_DOT_CR /* the same and a CR */
	} state;
};

#define LMTP_DATA_ROOM(len) ((len) + 1) /* bytes that `len` of them can become */

/* Decode `len` bytes into `out` (LMTP_DATA_ROOM), *outlen of them: CRLF becomes LF, a dot that
 * begins a line is taken off, all else stays. True at the end, CRLF.CRLF and nothing but that:
 * *used bytes were looked at, the rest is the next command's. A zeroed decoder is at the beginning;
 * however the bytes are cut in pieces, what comes out is the same. */
bool lmtp_data_decode(struct lmtp_data *data, const unsigned char *in, size_t len,
    unsigned char *out, size_t *outlen, size_t *used);

#endif
