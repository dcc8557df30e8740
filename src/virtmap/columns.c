/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The width of text on a terminal is not its length: an umlaut is two bytes and one column, a
 * Chinese character three bytes and two columns, a combining mark none.
 */
#include "columns.h"

#include <locale.h>
#include <string.h>
#include <wchar.h>

void
columns_begin(void)
{
	setlocale(LC_CTYPE, "C.UTF-8");
}

size_t
columns_of(const char *safe)
{
	mbstate_t state = { 0 };
	size_t columns = 0, len = strlen(safe);

	while (len > 0) {
		wchar_t code;
		size_t n = (unsigned char)*safe < 0x80 ? 1 : mbrtowc(&code, safe, len, &state);
		int width = 1;

		if (n == 0 || n == (size_t)-1 || n == (size_t)-2) {
			memset(&state, 0, sizeof(state));
			n = 1;
		} else if (n > 1 && (width = wcwidth(code)) < 0) {
			width = 1; /* younger than the C library */
		}
		columns += (size_t)width;
		safe += n;
		len -= n;
	}
	return columns;
}

void
columns_put(FILE *to, enum columns_side side, size_t width, const char *safe)
{
	size_t columns = columns_of(safe);
	int pad = columns < width ? (int)(width - columns) : 0;

	if (side == COLUMNS_RIGHT)
		fprintf(to, "%*s%s", pad, "", safe);
	else
		fprintf(to, "%s%*s", safe, pad, "");
}
