/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A growable run of bytes. Bytes from mail and maps carry their length; they
 * are not C strings.
 */
#ifndef VIRTMDA_BUF_H
#define VIRTMDA_BUF_H

#include <stddef.h>

struct buf {
	unsigned char *data; /* NULL until something was added */
	size_t len;          /* bytes in use */
	size_t cap;          /* bytes allocated */
};

#define BUF_INIT                                                                                   \
	{                                                                                          \
		NULL, 0, 0                                                                         \
	}

/* Each returns 0, or -1 with errno ENOMEM (or EOVERFLOW) and the buffer as it
 * was. */
int buf_reserve(struct buf *buf, size_t extra); /* room for `extra` more bytes */
int buf_add(struct buf *buf, const void *data, size_t len);
int buf_adds(struct buf *buf, const char *string);
int buf_addc(struct buf *buf, unsigned char byte);
int buf_addf(struct buf *buf, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The bytes as a C string: a NUL is kept just behind them and not counted.
 * NULL with errno ENOMEM. Valid until the next change. */
char *buf_cstr(struct buf *buf);

/* Hand the bytes over as a malloc'ed C string (the caller frees) and empty the
 * buffer. NULL with errno ENOMEM, the buffer then as it was. */
char *buf_steal(struct buf *buf);

void buf_clear(struct buf *buf); /* length 0, memory kept */
void buf_free(struct buf *buf);  /* back to BUF_INIT */

#endif
