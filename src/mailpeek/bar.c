/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * U+2588, the full block, and U+2589 to U+258F, its eighths, seven down to one.
 */
#include "bar.h"

#include <limits.h>
#include <stdbool.h>
#include <wchar.h>

#include "screen.h"

#define FULL      0x2588
#define ELSEWHERE 40 /* columns where there is no terminal */
#define LEAST     10

bool
bar_has_blocks(void)
{
	char bytes[MB_LEN_MAX];
	mbstate_t state = { 0 };

	return wcrtomb(bytes, FULL, &state) != (size_t)-1;
}

/* In UTF-8, as all text is until screen_text brings it into the locale's charset. */
static int
add_block(struct buf *out, unsigned eighths)
{
	const unsigned char block[] = { 0xe2, 0x96, (unsigned char)(0x88 + 8 - eighths) };

	return buf_add(out, block, sizeof(block));
}

int
bar_add(struct buf *out, uint64_t value, uint64_t most, size_t width)
{
	double part = most == 0 ? 0 : (double)value / (double)most;
	size_t eighths = (size_t)((part > 1 ? 1 : part) * (double)width * 8 + 0.5);

	if (eighths == 0 && value > 0)
		eighths = 1;
	if (!bar_has_blocks()) {
		for (size_t i = 0; i < (eighths + 7) / 8; i++)
			if (buf_addc(out, '#') == -1)
				return -1;
		return 0;
	}
	for (; eighths >= 8; eighths -= 8)
		if (add_block(out, 8) == -1)
			return -1;
	return eighths > 0 ? add_block(out, (unsigned)eighths) : 0;
}

size_t
bar_width(size_t taken)
{
	size_t width = screen_width();

	if (width == 0)
		return ELSEWHERE;
	return width > taken + LEAST ? width - taken : LEAST;
}
