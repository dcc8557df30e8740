/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Any bytes as a message, taken apart, decoded, searched and stripped of HTML: the same whatever
 * the pieces it comes in (the first byte says which), parts within their bounds, and decoding that
 * does not swell.
 */
#include <string.h>
#include <strings.h>

#include "../../src/mailpeek/fold.h"
#include "../../src/mailpeek/mime.h"
#include "../../src/mailpeek/outline.h"
#include "fuzz.h"

struct run {
	struct buf told, text;
	struct decoder *decoder;
	size_t open, count, bytes;
	bool is_stateful;
};

static bool
is_stateful(const char *charset)
{
	static const char *const stateless[] = { "utf-8", "us-ascii", "iso-8859-", "windows-",
		"koi8", "shift_jis", "euc-", "gb2312", "big5" };

	for (size_t i = 0; i < sizeof(stateless) / sizeof(stateless[0]); i++)
		if (strncasecmp(charset, stateless[i], strlen(stateless[i])) == 0)
			return false;
	return charset[0] != '\0';
}

static int
begin(void *arg, const struct mime_part *part)
{
	struct run *run = arg;

	FUZZ_CHECK(part->number == run->count++);
	FUZZ_CHECK(part->depth == run->open++ && part->depth < MIME_DEPTH_MAX);
	FUZZ_CHECK(part->number == 0 || part->parent < part->number);
	FUZZ_CHECK(part->header_len <= MIME_HEADER_MAX);
	FUZZ_CHECK(strlen(part->content.boundary) == part->content.boundary_len);
	run->bytes = 0;
	run->is_stateful |= is_stateful(part->content.charset);
	if (!part->has_parts)
		run->decoder = decoder_new(part->encoding, part->content.charset);
	return 0;
}

static int
take(void *arg, const void *data, size_t len)
{
	struct run *run = arg;

	FUZZ_CHECK(len > 0);
	return buf_add(&run->text, data, len);
}

static int
feed(void *arg, const struct mime_part *part, const void *data, size_t len)
{
	struct run *run = arg;

	FUZZ_CHECK(!part->has_parts && len > 0);
	run->bytes += len;
	return decoder_feed(run->decoder, data, len, take, run);
}

static int
end(void *arg, const struct mime_part *part)
{
	struct run *run = arg;

	FUZZ_CHECK(run->open-- == part->depth + 1);
	if (!part->has_parts) {
		FUZZ_CHECK(part->size == run->bytes);
		FUZZ_CHECK(decoder_end(run->decoder, take, run) == 0);
		decoder_free(run->decoder);
		run->decoder = NULL;
	}
	FUZZ_CHECK(buf_addf(&run->told, "%zu<%zu %s %llu\n", part->number, part->parent,
	               part->content.type, (unsigned long long)part->size) == 0);
	return 0;
}

static void
pass(const uint8_t *data, size_t size, size_t step, struct run *run)
{
	static const struct mime_events events = { begin, feed, end };
	struct mime *mime;

	memset(run, 0, sizeof(*run));
	mime = mime_new(&events, run);
	for (size_t at = 0; at < size; at += step)
		FUZZ_CHECK(mime_feed(mime, data + at, size - at < step ? size - at : step) == 0);
	FUZZ_CHECK(mime_end(mime) == 0);
	FUZZ_CHECK(run->open == 0 && run->count > 0);
	mime_free(mime);
}

static void
check_same(const struct buf *a, const struct buf *b)
{
	FUZZ_CHECK(a->len == b->len && (a->len == 0 || memcmp(a->data, b->data, a->len) == 0));
}

/* The last characters of a text are found in it, in pieces too. */
static void
check_search(const struct buf *text, size_t step)
{
	struct buf needle = BUF_INIT;
	struct fold_search search;
	size_t len = text->len < 9 ? text->len : 9;

	if (len == 0)
		return;
	fold_add(&needle, text->data + text->len - len, len);
	FUZZ_CHECK(needle.len <= 12 * len);
	/* Half a character is another byte when it is whole. */
	if ((text->data[text->len - len] & 0xc0) == 0x80 || text->data[text->len - 1] >= 0x80) {
		buf_free(&needle);
		return;
	}
	fold_search_begin(&search, &needle);
	for (size_t at = 0; at < text->len; at += step)
		(void)fold_search_feed(
		    &search, text->data + at, text->len - at < step ? text->len - at : step);
	FUZZ_CHECK(search.is_found);
	FUZZ_CHECK(fold_contains(&needle, text->data, text->len));
	fold_search_free(&search);
	buf_free(&needle);
}

static void
check_html(const struct buf *text)
{
	struct buf out = BUF_INIT;

	html_text(&out, text->data, text->len);
	FUZZ_CHECK(out.len <= 3 * text->len + 1);
	buf_free(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct run whole, pieces;

	if (size < 1)
		return 0;
	pass(data + 1, size - 1, size, &whole);
	pass(data + 1, size - 1, 1 + data[0] % 64, &pieces);
	check_same(&whole.told, &pieces.told);
	/* What the C library makes of broken text in a charset with states depends on the pieces.
	 */
	if (!whole.is_stateful)
		check_same(&whole.text, &pieces.text);
	FUZZ_CHECK(whole.text.len <= 6 * size + 64 * whole.count);
	check_search(&whole.text, 1 + data[0] % 64);
	check_html(&whole.text);
	buf_free(&whole.told);
	buf_free(&whole.text);
	buf_free(&pieces.told);
	buf_free(&pieces.text);
	return 0;
}
