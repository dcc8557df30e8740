/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Any bytes as a Content-Type: what is read without GMime is what GMime reads.
 */
#include <string.h>

#include "../../src/mailpeek/decode.h"
#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct content plain = { .type = "default" }, decoded = { .type = "default" };
	struct buf value = BUF_INIT;

	FUZZ_CHECK(buf_add(&value, data, size) == 0);
	if (content_read_plain(&value, &plain)) {
		decode_content_type(&value, &decoded);
		FUZZ_CHECK(strcmp(plain.type, decoded.type) == 0);
		FUZZ_CHECK(strcmp(plain.charset, decoded.charset) == 0);
		FUZZ_CHECK(strcmp(plain.boundary, decoded.boundary) == 0);
		FUZZ_CHECK(plain.boundary_len == decoded.boundary_len);
		FUZZ_CHECK(plain.name.len == decoded.name.len);
		FUZZ_CHECK(plain.name.len == 0 ||
		           memcmp(plain.name.data, decoded.name.data, plain.name.len) == 0);
	}
	buf_free(&value);
	buf_free(&plain.name);
	buf_free(&decoded.name);
	return 0;
}
