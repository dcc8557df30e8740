/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Any bytes as a header block: whatever is decoded from it, what is printed of it is printable,
 * one line, and no wider than asked for.
 */
#include <locale.h>
#include <string.h>
#include <wchar.h>

#include "../../src/mailpeek/field.h"
#include "../../src/mailpeek/screen.h"
#include "fuzz.h"

static void
check_printable(const struct buf *text)
{
	for (size_t i = 0; i < text->len; i++) {
		unsigned char c = text->data[i];

		FUZZ_CHECK(c >= 0x20 && c != 0x7f);
		/* C1 controls in UTF-8 */
		FUZZ_CHECK(c != 0xc2 || (i + 1 < text->len && text->data[i + 1] >= 0xa0));
	}
}

static void
check_shown(const struct buf *value, size_t limit)
{
	struct buf shown = BUF_INIT;
	size_t columns = screen_text(&shown, value->data, value->len, limit);

	FUZZ_CHECK(limit == 0 || columns <= limit);
	check_printable(&shown);
	buf_free(&shown);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = { "Subject", "From" };
	struct field fields[2];
	struct buf value = BUF_INIT;

	field_find_all(data, size, names, 2, fields);
	setlocale(LC_CTYPE, "C.UTF-8");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		int found = field_get(data, size, names[i], &value);

		FUZZ_CHECK(found == 1 || value.len == 0);
		FUZZ_CHECK((fields[i].value != NULL) == found);
		FUZZ_CHECK(value.len <= 4 * FIELD_MAX);
		check_shown(&value, 0);
		check_shown(&value, 1 + size % 50);
	}
	buf_free(&value);
	return 0;
}
