/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Bytes searched many at a time. Compilers turn this into a few vector instructions on every
 * machine that has some.
 */
#ifndef VIRTMDA_BYTES_H
#define VIRTMDA_BYTES_H

#include <stddef.h>

/* The first place of `n` (at least 1) bytes in [p, end), or NULL: memmem(3), quicker where they are
 * few. */
const unsigned char *bytes_find(
    const unsigned char *p, const unsigned char *end, const void *needle, size_t n);

/* How many of the first bytes are ASCII. */
size_t bytes_ascii(const void *data, size_t len);

/* Copy ASCII, its letters small. */
void bytes_lower(unsigned char *to, const unsigned char *ascii, size_t len);

#endif
