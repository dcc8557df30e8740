/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Bytes from outside: made safe for a terminal, a log or a bounce with vis(3); told apart.
 */
#ifndef VIRTMDA_TEXT_H
#define VIRTMDA_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "buf.h"

/* Append the bytes to `out` in vis(3)'s C style on one line: control characters (tab and
 * newline too), bytes over 0x7e that are not valid printable UTF-8, and the backslash
 * come out escaped. 0, or -1 with errno ENOMEM. */
int text_vis(struct buf *out, const void *data, size_t len);

/* How many of the first bytes text_vis leaves as they are and are ASCII: most text is nothing else.
 */
size_t text_plain(const void *data, size_t len);

/* "before", the C string as text_vis has it, "behind": a field of a log line or a header. 0, or -1
 * with errno ENOMEM. */
int text_vis_between(struct buf *out, const char *before, const char *string, const char *behind);

/* text_vis of a C string into a malloc'ed string; the caller frees. NULL with
 * errno ENOMEM. */
char *text_vis_dup(const char *string);

/* Length of the well-formed UTF-8 sequence (RFC 3629) of two bytes or more at p, and its code
 * point; 0 if there is none within `len` (at least 1). */
size_t text_utf8(const unsigned char *p, size_t len, unsigned long *code);

/* Are these `len` bytes (at least 1) what such a sequence may begin with, without its end? */
bool text_utf8_is_begun(const unsigned char *p, size_t len);

/* Are the `len` bytes this word, in capitals or not? A keyword of a protocol, a map or a command; a
 * NUL among them is not its end. */
bool text_is_word(const char *word, const char *text, size_t len);

#endif
