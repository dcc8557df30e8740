/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Any bytes as maildirsize. What is believed can be written again and read back the same; what is
 * cut short, or has a byte too many, is never worth more than the whole.
 */
#include <string.h>

#include "../../src/mailbox/maildirsize.h"
#include "fuzz.h"

static int
same(const struct quota *a, const struct quota *b)
{
	return a->bytes == b->bytes && a->messages == b->messages;
}

static void
write_again(const struct maildirsize *file)
{
	struct buf text = BUF_INIT;
	struct maildirsize again;

	FUZZ_CHECK(maildirsize_text(&text, &file->limits, &file->used) == 0);
	FUZZ_CHECK(maildirsize_parse((const char *)text.data, text.len, &again) == 1);
	FUZZ_CHECK(again.lines == 1);
	FUZZ_CHECK(same(&again.limits, &file->limits) && same(&again.used, &file->used));
	buf_free(&text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* A copy of just this length, so that a byte behind it is seen to be read. */
	char *text = malloc(size > 0 ? size : 1);
	struct maildirsize file, shorter;
	int believed;

	if (size > 0)
		memcpy(text, data, size);
	believed = maildirsize_parse(text, size, &file);
	FUZZ_CHECK(believed == 0 || believed == 1);
	if (believed == 1) {
		FUZZ_CHECK(size < MAILDIRSIZE_MAX && text[size - 1] == '\n' && file.lines > 0);
		FUZZ_CHECK(file.used.bytes <= INT64_MAX && file.used.messages <= INT64_MAX);
		FUZZ_CHECK(maildirsize_parse(text, size - 1, &shorter) == 0);
		write_again(&file);
	}
	free(text);
	return 0;
}
