/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Any bytes as what the process that looked for an address's mail tells of a mailbox: they are
 * refused whole, or are something that can be told again and be understood the same.
 */
#include <string.h>

#include "../../src/mailpeek/sight.h"
#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf in = BUF_INIT, out = BUF_INIT, again = BUF_INIT;
	struct sight sight, twin;

	/* As long as it is, so that a byte behind it is seen to be read. */
	if (size > 0)
		FUZZ_CHECK(buf_add(&in, data, size) == 0);
	if (sight_read(&sight, &in) == -1) {
		FUZZ_CHECK(sight.count == 0 && sight.newest == NULL);
		FUZZ_CHECK(sight.findings.list.n == 0);
		buf_free(&in);
		return 0;
	}
	FUZZ_CHECK(sight.count <= SIGHT_NEWEST_MAX && sight.count <= sight.came);
	FUZZ_CHECK(memchr(sight.trouble.text, '\0', sizeof(sight.trouble.text)) != NULL);
	sight_write(&sight, &out);
	FUZZ_CHECK(sight_read(&twin, &out) == 0);
	sight_write(&twin, &again);
	FUZZ_CHECK(out.len == again.len && memcmp(out.data, again.data, out.len) == 0);
	sight_free(&sight);
	sight_free(&twin);
	buf_free(&in);
	buf_free(&out);
	buf_free(&again);
	return 0;
}
