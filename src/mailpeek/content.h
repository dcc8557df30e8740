/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the headers of a MIME part say of it.
 */
#ifndef MAILPEEK_CONTENT_H
#define MAILPEEK_CONTENT_H

#include <stdbool.h>
#include <stddef.h>

#include "buf.h"

#define DECODE_TYPE_MAX     80  /* bytes of "type/subtype", NUL included; a longer one is none */
#define DECODE_CHARSET_MAX  48  /* bytes, NUL included */
#define DECODE_BOUNDARY_MAX 256 /* bytes; RFC 2046 allows 70 */

/* What the headers of a part say of it. */
struct content {
	char type[DECODE_TYPE_MAX];       /* lower case; "" if there is none that can be read */
	char charset[DECODE_CHARSET_MAX]; /* "" if none is named that could be one */
	char boundary[DECODE_BOUNDARY_MAX + 1]; /* "" for none, or one that is too long */
	size_t boundary_len;
	bool is_attachment; /* Content-Disposition says so */
	struct buf name;    /* of the file, decoded; may hold anything */
};

/* Read a Content-Type value; what stands in *out of the type is replaced, but for the type itself
 * where the value names none: then the default is to be taken (RFC 2045 5.2). */
void content_read_type(struct buf *value, struct content *out);

/* The same for a value of tokens and plain quoted strings, as most are. False, and *out as
 * decode_content_type may find it, if it takes somebody who knows more. */
bool content_read_plain(const struct buf *value, struct content *out);

#endif
