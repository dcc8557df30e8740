/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Header fields of a stored message, unfolded and decoded.
 */
#ifndef MAILPEEK_FIELD_H
#define MAILPEEK_FIELD_H

#include <stddef.h>

#include "buf.h"

#define FIELD_MAX 16384 /* bytes of one value that are looked at */

/* Put the value of the first field `name` (without colon) of the header block into `out`: on one
 * line, blanks at both ends off, RFC 2047 decoded, as UTF-8 if it was in a charset that can be
 * told. Control characters may be in it: print it through screen_text. 1 found, 0 not there. */
int field_get(const unsigned char *header, size_t len, const char *name, struct buf *out);

#endif
