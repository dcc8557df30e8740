/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A client's bytes, cut into pieces at every place and at none: what is taken is the same, and
 * never reaches behind what has come. What was taken, framed again, is what came.
 */
#include "../../src/virtmap/socketmap.h"

#include <string.h>

#include "fuzz.h"

/* Take requests from `size` bytes of which at first only `step` at a time are there. Their number,
 * and in *end how many bytes they had. */
static size_t
take_all(const uint8_t *data, size_t size, size_t step, size_t *end, enum socketmap_taken *last)
{
	size_t n = 0, at = 0, have = 0;

	for (;;) {
		struct socketmap_request request;
		/* Of its own size, so that a byte too far is found. */
		uint8_t *copy = malloc(have - at + 1);

		FUZZ_CHECK(copy != NULL);
		memcpy(copy, data + at, have - at);
		*last = socketmap_take(&request, copy, have - at);
		if (*last == SOCKETMAP_REQUEST) {
			struct buf framed = BUF_INIT;
			char *text = strndup(
			    (const char *)request.name, request.key_len + request.name_len + 1);
			size_t payload = request.name_len + request.key_len +
			                 (request.key == request.name + request.name_len ? 0 : 1);

			FUZZ_CHECK(
			    request.frame <= have - at && request.frame <= SOCKETMAP_FRAME_MAX);
			FUZZ_CHECK(memchr(request.name, ' ', request.name_len) == NULL);
			FUZZ_CHECK(text != NULL);
			if (memchr(request.name, '\0', payload) == NULL) {
				text[payload] = '\0';
				FUZZ_CHECK(socketmap_frame(&framed, text) == 0);
				FUZZ_CHECK(framed.len == request.frame &&
				           memcmp(framed.data, copy, framed.len) == 0);
			}
			buf_free(&framed);
			free(text);
			at += request.frame;
			n++;
		}
		free(copy);
		if (*last == SOCKETMAP_GARBAGE)
			break;
		if (*last == SOCKETMAP_MORE) {
			FUZZ_CHECK(have - at < SOCKETMAP_FRAME_MAX);
			if (have == size)
				break;
			have = size - have < step ? size : have + step;
		}
	}
	*end = at;
	return n;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum socketmap_taken whole, piecewise;
	size_t whole_end, end;
	size_t n = take_all(data, size, size + 1, &whole_end, &whole);

	FUZZ_CHECK(take_all(data, size, size > 512 ? 61 : 1, &end, &piecewise) == n);
	FUZZ_CHECK(end == whole_end && piecewise == whole);
	return 0;
}
