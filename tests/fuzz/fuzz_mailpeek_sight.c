/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Any bytes as what the process that looked for an address's mail tells of it: they are refused
 * whole, or can be told, and say the same when they are written and read again.
 */
#include <string.h>

#include "../../src/mailpeek/sight.h"
#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sight sight, again;
	struct buf in = BUF_INIT, out = BUF_INIT;

	FUZZ_CHECK(buf_add(&in, data, size) == 0);
	if (sight_read(&sight, &in) == -1) {
		FUZZ_CHECK(sight.newest == NULL && sight.count == 0);
		FUZZ_CHECK(sight.findings.list.n == 0);
		buf_free(&in);
		return 0;
	}
	FUZZ_CHECK(sight.count <= SIGHT_NEWEST_MAX && sight.count <= sight.came);
	FUZZ_CHECK(memchr(sight.trouble.text, '\0', sizeof(sight.trouble.text)) != NULL);
	sight_write(&sight, &out);
	FUZZ_CHECK(out.len == size);
	FUZZ_CHECK(sight_read(&again, &out) == 0);
	FUZZ_CHECK(again.count == sight.count && again.came == sight.came);
	for (size_t i = 0; i < sight.count; i++)
		FUZZ_CHECK(again.newest[i].subject.len == sight.newest[i].subject.len);
	sight_free(&again);
	sight_free(&sight);
	buf_free(&in);
	buf_free(&out);
	return 0;
}
