/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A stretch of a file in memory, moving forward as it is read. Read, never mapped: somebody may
 * truncate the file meanwhile, and a mapping would answer with SIGBUS.
 */
#ifndef VIRTMDA_SCAN_WINDOW_H
#define VIRTMDA_SCAN_WINDOW_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"

#define WINDOW_STEP ((size_t)128 * 1024) /* bytes a read: they stay in the cache while searched */

struct window {
	const char *path; /* for messages */
	int fd;
	uint64_t end;  /* nothing is read from here on */
	uint64_t base; /* file offset of data[0] */
	size_t len, max;
	unsigned char *data;
};

/* A window that can hold `max` bytes and WINDOW_STEP, empty at the file's beginning. 0, or -1 with
 * err. */
int window_open(
    struct window *w, const char *path, int fd, uint64_t end, size_t max, struct err *err);
void window_close(struct window *w); /* accepts a zeroed one; the descriptor stays open */

/* Let go of what stands before `from` and read on from the end of what is held, or from `from` if
 * that is not held. 1 there is more, 0 at the end (a file that
 * shrank ends where it ends now), -1 with err. */
int window_advance(struct window *w, uint64_t from, struct err *err);

/* Have at least `need` bytes (of `max`) from `from` on, or all there are. *have bytes are. 0, or -1
 * with err. */
int window_need(struct window *w, uint64_t from, size_t need, size_t *have, struct err *err);

/* File offset behind the last byte held. */
static inline uint64_t
window_end(const struct window *w)
{
	return w->base + w->len;
}

static inline const unsigned char *
window_at(const struct window *w, uint64_t offset)
{
	return w->data + (offset - w->base);
}

#endif
