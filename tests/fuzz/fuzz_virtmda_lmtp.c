/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Any bytes from a client, the first of which says how they are cut. The replies and calls must be
 * those of the same bytes in one piece; every reply is a proper line, every accepted recipient has
 * its answer, and messages end where a simple model of RFC 5321 says.
 */
#include "fuzz.h"

#include "../unit/lmtp_tool.h"

static const struct lmtp_limits limits = { .recipients = 3, .errors = 10, .message_size = 4096 };

static void
feed(struct recording *r, const uint8_t *data, size_t size, unsigned step)
{
	recording_start(r, &limits);
	for (size_t at = 0, len; at < size; at += len) {
		len = step < size - at ? step : size - at;
		recording_feed(r, data + at, len);
		step = 1 + (step * 31 + 7) % 97;
	}
	recording_feed(r, data, 0);
}

static void
replies(const struct buf *out)
{
	size_t start = 0;

	for (size_t i = 0; i < out->len; i++) {
		unsigned char c = out->data[i];

		if (c == '\n') {
			FUZZ_CHECK(i > start + 4 && out->data[i - 1] == '\r' && i - start < 512);
			FUZZ_CHECK(out->data[start] >= '2' && out->data[start] <= '5');
			FUZZ_CHECK(out->data[start + 3] == ' ' || out->data[start + 3] == '-');
			start = i + 1;
		} else if (c != '\r') {
			FUZZ_CHECK(c >= ' ' && c < 127);
		}
	}
	FUZZ_CHECK(start == out->len);
}

/* Nothing is delivered that has not ended. */
static void
ends(const struct recording *r, const uint8_t *data, size_t size)
{
	size_t found = 0;

	for (size_t at = 0; at + 5 <= size; at++)
		found += memcmp(data + at, "\r\n.\r\n", 5) == 0;
	FUZZ_CHECK(r->transactions <= found);
}

/* What has been decoded holds a CR only where the client sent one that was bare. */
static void
message(const uint8_t *data, size_t size)
{
	static const char hello[] = "LHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<a>\r\nDATA\r\n";
	struct recording r;
	size_t bare = 0, kept = 0;

	recording_start(&r, &(struct lmtp_limits){ .recipients = 1 });
	recording_feed(&r, hello, strlen(hello));
	buf_clear(&r.calls);
	recording_feed(&r, data, size);
	if (r.transactions == 0) {
		for (size_t at = 0; at + 1 < size; at++)
			bare += data[at] == '\r' && data[at + 1] != '\n';
		for (size_t at = 0; at < r.calls.len; at++)
			kept += r.calls.data[at] == '\r';
		FUZZ_CHECK(bare == kept && r.calls.len <= size);
		recording_feed(&r, "\r\n.\r\n", 5);
		FUZZ_CHECK(r.transactions == 1);
	}
	recording_end(&r);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct recording pieces, whole;

	if (size == 0)
		return 0;
	feed(&pieces, data + 1, size - 1, 1U + data[0] % 97);
	feed(&whole, data + 1, size - 1, 1U << 20);
	FUZZ_CHECK(pieces.replies.len == whole.replies.len &&
	           memcmp(pieces.replies.data, whole.replies.data, whole.replies.len) == 0);
	FUZZ_CHECK(pieces.calls.len == whole.calls.len);
	FUZZ_CHECK(whole.calls.len == 0 ||
	           memcmp(pieces.calls.data, whole.calls.data, whole.calls.len) == 0);
	FUZZ_CHECK(lmtp_is_over(pieces.lmtp) == lmtp_is_over(whole.lmtp));
	replies(&whole.replies);
	ends(&whole, data + 1, size - 1);
	recording_end(&pieces);
	recording_end(&whole);
	message(data, size);
	return 0;
}
