/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Header fields of a stored message: found, unfolded and decoded.
 */
#ifndef MAILPEEK_FIELD_H
#define MAILPEEK_FIELD_H

#include <stdbool.h>
#include <stddef.h>

#include "buf.h"

#define FIELD_MAX 16384 /* bytes of one value that are looked at */

/* A field as it stands in a header block. */
struct field {
	const unsigned char *name;
	size_t name_len;                  /* without the colon and blanks before it */
	const unsigned char *value, *end; /* behind the colon, to the end of the header block */
};

/* Where a header block ends, for field_next; an empty one may be NULL. */
static inline const unsigned char *
field_end(const unsigned char *header, size_t len)
{
	return len > 0 ? header + len : header;
}

/* The field that begins at or behind *p; *p moves behind its first line. Lines that are no field
 * (continuations, mbox quoting, junk) are passed over. False at the end. */
bool field_next(const unsigned char **p, const unsigned char *end, struct field *out);

/* The same for the next field `name` (without colon), without a look at what the others are. */
bool field_find(
    const unsigned char **p, const unsigned char *end, const char *name, struct field *out);

/* The first field of each of `n` names, in one pass: out[i].value is NULL for one that is not
 * there.
 */
void field_find_all(const unsigned char *header, size_t len, const char *const names[], size_t n,
    struct field out[]);

/* Has the field this name, compared without case? */
bool field_is(const struct field *field, const char *name);

/* The field's value into `out`: on one line, blanks at both ends off, RFC 2047 decoded, as UTF-8
 * if it was in a charset that can be told. Control characters may be in it: print it through
 * screen_text. */
void field_value(const struct field *field, struct buf *out);

/* The same without decoding. */
void field_plain(const struct field *field, struct buf *out);

/* Is its value longer than FIELD_MAX, so that both of these leave something out? */
bool field_is_cut(const struct field *field);

/* field_value of the first field `name` (without colon). 1 found, 0 not there. */
int field_get(const unsigned char *header, size_t len, const char *name, struct buf *out);

#endif
