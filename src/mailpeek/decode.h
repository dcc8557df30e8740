/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What RFC 2047, 2045 and 2231 have packed, unpacked into UTF-8. Works on bytes that a stranger
 * wrote: never fails, at worst nothing is decoded. Bounded by what is put in.
 */
#ifndef MAILPEEK_DECODE_H
#define MAILPEEK_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "buf.h"
#include "content.h"

/* Does a header value hold encoded words or bytes that are no UTF-8? */
bool decode_is_needed(const struct buf *value);

/* Decode a header value in place. */
void decode_header(struct buf *value);

/* Read a Content-Type value; what stands in *out of the type is replaced, but for the type itself
 * where the value names none: then the default is to be taken (RFC 2045 5.2). */
void decode_content_type(struct buf *value, struct content *out);

/* Read a Content-Disposition value: is_attachment, and the name, which goes before the type's. */
void decode_disposition(struct buf *value, struct content *out);

/* Read the value of a Date header (RFC 5322 3.3, and what has been seen instead of it): seconds
 * since the Epoch, (time_t)-1 if it cannot be read. */
time_t decode_date(struct buf *value);

/* ---- bodies --------------------------------------------------------------------------------- */

/* A body on its way through its transfer encoding and, if it is text, its charset. */
struct decoder;

/* Where the decoded bytes go, piece by piece. 0 to go on; another value ends decoder_feed, which
 * returns it. */
typedef int decode_sink(void *arg, const void *data, size_t len);

/* encoding: value of Content-Transfer-Encoding, "" for none, unknown ones leave bytes alone.
 * charset: NULL for bytes; else the output is UTF-8 but for bytes that make no sense in it ("" and
 * unknown charsets: what is UTF-8 stays, the rest is taken for ISO 8859-1). */
struct decoder *decoder_new(const char *encoding, const char *charset);
int decoder_feed(
    struct decoder *decoder, const void *data, size_t len, decode_sink *sink, void *arg);
int decoder_end(struct decoder *decoder, decode_sink *sink, void *arg);
void decoder_free(struct decoder *decoder); /* accepts NULL */

#endif
