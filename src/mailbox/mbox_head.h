/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the header block of a message in an mbox says to a scanner. Pure, no I/O.
 */
#ifndef VIRTMDA_MBOX_HEAD_H
#define VIRTMDA_MBOX_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mbox_head {
	size_t len;      /* bytes of the header block, without the empty line behind it */
	size_t text;     /* where the text begins, behind that line */
	unsigned flags;  /* SCAN_, of the first Status and the first X-Status */
	bool has_length; /* a Content-Length that is a number */
	uint64_t length;
};

/* Read a header block at `data`. 1: whole, or SCAN_HEADER_MAX of it, which is all that is looked
 * at; 0: it does not end within `size` bytes, and *out is what they say. */
int mbox_head_read(const unsigned char *data, size_t size, struct mbox_head *out);

#endif
