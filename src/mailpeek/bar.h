/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Bars of block characters, as long as a number is large.
 */
#ifndef MAILPEEK_BAR_H
#define MAILPEEK_BAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"

/* Append `value` of `most` in up to `width` columns, to an eighth of one; in whole '#'s where the
 * locale's charset has no blocks. What is more than nothing is seen. 0, or -1 with errno ENOMEM. */
int bar_add(struct buf *out, uint64_t value, uint64_t most, size_t width);

/* Has the locale's charset blocks? */
bool bar_has_blocks(void);

/* How wide a bar may be where `taken` columns of the row are. */
size_t bar_width(size_t taken);

#endif
