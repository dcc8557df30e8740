/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A message taken apart into its MIME parts while it streams past: memory and time per byte are
 * bounded whatever it says of itself. No decoding of bodies here (decoder_new).
 */
#ifndef MAILPEEK_MIME_H
#define MAILPEEK_MIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "decode.h"

#define MIME_DEPTH_MAX    32    /* parts within parts; what lies deeper is one part's bytes */
#define MIME_PARTS_MAX    10000 /* what comes behind so many is not looked at */
#define MIME_HEADER_MAX   (256 * 1024) /* bytes of a header block that are looked at */
#define MIME_ENCODING_MAX 32

struct mime_part {
	size_t number; /* from 0, the message itself, in the order of the bytes */
	size_t parent; /* its number; the message's is 0 */
	unsigned depth;
	struct content content;
	char encoding[MIME_ENCODING_MAX]; /* Content-Transfer-Encoding, "" for none */
	bool has_parts; /* a multipart, or a message with its own header: its bytes are parts' */
	uint64_t size;  /* bytes of its body as they stand there; known when it ends */
	const unsigned char *header; /* good during `begin` only */
	size_t header_len;
};

struct mime_events {
	/* Each returns 0 to go on; another value ends mime_feed or mime_end, which return it. Any
	 * may be NULL. */
	int (*begin)(void *arg, const struct mime_part *part); /* its header was read */
	int (*data)(void *arg, const struct mime_part *part, const void *data, size_t len);
	int (*end)(void *arg, const struct mime_part *part);
};

struct mime;

/* Out of memory ends the process. */
struct mime *mime_new(const struct mime_events *events, void *arg);
int mime_feed(struct mime *mime, const void *data, size_t len);
int mime_end(struct mime *mime);
void mime_free(struct mime *mime); /* accepts NULL */

#endif
