/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Written with GCC's vectors of a size that every machine has, or can do in halves; clang knows
 * them, too.
 */
#include "bytes.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define STRIDE   ((size_t)64)
#define FIND_MAX 64 /* bytes; how long one is compared at each of its places is bounded */

typedef unsigned char block16 __attribute__((vector_size(16)));

static bool
has_any(block16 bits)
{
	uint64_t half[2];

	memcpy(half, &bits, sizeof(half));
	return (half[0] | half[1]) != 0;
}

static block16
load(const unsigned char *p)
{
	block16 block;

	memcpy(&block, p, sizeof(block));
	return block;
}

/* Does `first` stand among STRIDE bytes from p on, with `last` so far behind it? */
static bool
has_pair(const unsigned char *p, block16 first, block16 last, size_t apart)
{
	block16 seen = { 0 };

	for (size_t i = 0; i < STRIDE; i += 16)
		seen |= (block16)((load(p + i) == first) & (load(p + i + apart) == last));
	return has_any(seen);
}

const unsigned char *
bytes_find(const unsigned char *p, const unsigned char *end, const void *needle, size_t n)
{
	const unsigned char *bytes = needle;
	const size_t apart = n - 1;
	const block16 first = (block16){ 0 } + bytes[0], last = (block16){ 0 } + bytes[apart];

	if (n > FIND_MAX)
		return memmem(p, (size_t)(end - p), needle, n);
	for (;;) {
		while ((size_t)(end - p) >= STRIDE + apart && !has_pair(p, first, last, apart))
			p += STRIDE;
		if ((size_t)(end - p) < n ||
		    (p = memchr(p, bytes[0], (size_t)(end - p) - apart)) == NULL)
			return NULL;
		if (p[apart] == bytes[apart] && memcmp(p, bytes, n) == 0)
			return p;
		p++;
	}
}

size_t
bytes_ascii(const void *data, size_t len)
{
	const unsigned char *p = data;
	size_t i = 0;

	for (; len - i >= STRIDE; i += STRIDE)
		if (has_any((load(p + i) | load(p + i + 16) | load(p + i + 32) | load(p + i + 48)) &
		            0x80))
			break;
	while (i < len && p[i] < 0x80)
		i++;
	return i;
}

void
bytes_lower(unsigned char *to, const unsigned char *ascii, size_t len)
{
	size_t i = 0;

	for (; len - i >= 16; i += 16) {
		block16 block = load(ascii + i);

		block |= (block16)((block16)(block - 'A') < 26) & 0x20;
		memcpy(to + i, &block, sizeof(block));
	}
	for (; i < len; i++)
		to[i] = (unsigned char)(ascii[i] | ((unsigned char)(ascii[i] - 'A') < 26) << 5);
}
