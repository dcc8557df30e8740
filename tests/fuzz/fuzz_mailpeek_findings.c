/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Any bytes as what the process that verified a mailbox tells of it: they are refused whole, or are
 * a list that can be told and that writes the same bytes again.
 */
#include <string.h>

#include "../../src/mailpeek/findings.h"
#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct findings findings = { 0 };
	struct buf in = BUF_INIT, out = BUF_INIT;

	FUZZ_CHECK(buf_add(&in, data, size) == 0);
	if (findings_read(&findings, &in) == -1) {
		FUZZ_CHECK(findings.list.n == 0 && findings.list.found == NULL);
		buf_free(&in);
		return 0;
	}
	FUZZ_CHECK(findings.list.n <= FINDINGS * (FINDINGS_MAX + 1));
	findings_write(&findings, &out);
	FUZZ_CHECK(out.len == size && (size == 0 || memcmp(out.data, data, size) == 0));
	found_sort(&findings.list);
	for (size_t i = 0; i < findings.list.n; i++) {
		char *line = found_line(findings_kinds, &findings.list.found[i]);

		FUZZ_CHECK(line != NULL);
		free(line);
	}
	findings_free(&findings);
	buf_free(&in);
	buf_free(&out);
	return 0;
}
