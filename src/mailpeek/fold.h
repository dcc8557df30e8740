/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Text compared as people compare it: without case, an accent however it was put together, wide
 * and narrow letters alike. Character by character, so that a text may come in pieces.
 */
#ifndef MAILPEEK_FOLD_H
#define MAILPEEK_FOLD_H

#include <stdbool.h>
#include <stddef.h>

#include "buf.h"

/* Append the folded text to `out`. Bytes that are no UTF-8 stay. At most twelve times as long. */
void fold_add(struct buf *out, const void *text, size_t len);

/* A search for one folded needle in a text that comes in pieces. */
struct fold_search {
	const struct buf *needle; /* folded; empty: found at once */
	struct buf window;        /* folded text, and what a needle that began there still needs */
	unsigned char begun[4];   /* a character whose end is not there yet */
	size_t nbegun;
	bool is_found;
};

void fold_search_begin(struct fold_search *search, const struct buf *needle);

/* Has it been found by now? */
bool fold_search_feed(struct fold_search *search, const void *text, size_t len);
void fold_search_free(struct fold_search *search);

/* Is the folded needle in this text, folded? */
bool fold_contains(const struct buf *needle, const void *text, size_t len);

#endif
