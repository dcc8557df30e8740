/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A growable run of bytes. Growth doubles, so that n additions cost O(n); a failed
 * addition leaves the buffer as it was.
 */
#include "buf.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUF_FIRST 128 /* bytes; the first allocation */

int
buf_reserve(struct buf *buf, size_t extra)
{
	unsigned char *data;
	size_t cap;

	if (buf->cap - buf->len >= extra)
		return 0;
	if (extra > SIZE_MAX / 2 - buf->len) {
		errno = EOVERFLOW;
		return -1;
	}
	for (cap = buf->cap ? buf->cap : BUF_FIRST; cap - buf->len < extra;)
		cap *= 2;
	data = realloc(buf->data, cap);
	if (data == NULL)
		return -1;
	buf->data = data;
	buf->cap = cap;
	return 0;
}

int
buf_add(struct buf *buf, const void *data, size_t len)
{
	if (len == 0)
		return 0;
	if (buf_reserve(buf, len) == -1)
		return -1;
	memcpy(buf->data + buf->len, data, len);
	buf->len += len;
	return 0;
}

int
buf_adds(struct buf *buf, const char *string)
{
	return buf_add(buf, string, strlen(string));
}

int
buf_addc(struct buf *buf, unsigned char byte)
{
	return buf_add(buf, &byte, 1);
}

int
buf_addf(struct buf *buf, const char *fmt, ...)
{
	va_list ap;
	size_t len;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0)
		return -1;
	len = (size_t)n;
	if (buf_reserve(buf, len + 1) == -1)
		return -1;
	va_start(ap, fmt);
	vsnprintf((char *)buf->data + buf->len, len + 1, fmt, ap);
	va_end(ap);
	buf->len += len;
	return 0;
}

char *
buf_cstr(struct buf *buf)
{
	if (buf_reserve(buf, 1) == -1)
		return NULL;
	buf->data[buf->len] = '\0';
	return (char *)buf->data;
}

char *
buf_steal(struct buf *buf)
{
	char *string = buf_cstr(buf);

	if (string != NULL)
		*buf = (struct buf)BUF_INIT;
	return string;
}

void
buf_clear(struct buf *buf)
{
	buf->len = 0;
}

void
buf_free(struct buf *buf)
{
	free(buf->data);
	*buf = (struct buf)BUF_INIT;
}
