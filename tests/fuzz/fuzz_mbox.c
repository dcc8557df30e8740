/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Any bytes as an mbox. Scanning ends, numbers count up, messages lie one behind another within
 * the file, headers lie within their messages, and each message that was listed can be read,
 * with no more bytes than were listed.
 */
#include "mailbox_scan.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "fuzz.h"
#include "io.h"

struct walk {
	const uint8_t *data;
	size_t size, n;
	uint64_t behind;    /* end of the message before */
	uint64_t sizes[64]; /* of the first messages */
};

static int
look(void *arg, const struct scan_message *message)
{
	struct walk *walk = arg;

	FUZZ_CHECK(message->offset >= walk->behind && message->offset + 5 <= walk->size);
	FUZZ_CHECK(memcmp(walk->data + message->offset, "From ", 5) == 0);
	FUZZ_CHECK(message->offset == 0 || walk->data[message->offset - 1] == '\n');
	FUZZ_CHECK(message->size <= walk->size - message->offset);
	walk->behind = message->offset + message->size;
	FUZZ_CHECK(message->header_len <= message->size);
	if (message->header != NULL && message->header_len > 0)
		FUZZ_CHECK(memmem(walk->data + message->offset, walk->size - message->offset,
		               message->header, message->header_len) != NULL);
	if (walk->n < 64)
		walk->sizes[walk->n] = message->size;
	walk->n++;
	FUZZ_CHECK(message->number == walk->n);
	return 0;
}

static int
add(void *arg, const void *data, size_t len, struct err *err)
{
	const volatile unsigned char *p = data;

	(void)err;
	for (size_t i = 0; i < len; i++) /* all of it must be there to read */
		(void)p[i];
	*(uint64_t *)arg += len;
	return 0;
}

static const char *
write_mbox(const uint8_t *data, size_t size)
{
	static char path[4096];
	static int fd = -1;

	if (fd == -1) {
		const char *dir = getenv("TMPDIR");

		snprintf(path, sizeof(path), "%s/mbox.XXXXXX", dir != NULL ? dir : "/tmp");
		FUZZ_CHECK((fd = mkstemp(path)) != -1);
	}
	FUZZ_CHECK(ftruncate(fd, 0) == 0 && lseek(fd, 0, SEEK_SET) == 0);
	FUZZ_CHECK(io_write_all(fd, data, size) == 0);
	return path;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mailbox mailbox = { .format = MAILBOX_MBOX,
		.path = (char *)(uintptr_t)write_mbox(data, size) };
	struct walk walk = { .data = data, .size = size }, bare = { .data = data, .size = size };
	struct err err;
	uint64_t got = 0;

	/* Something else than an mbox is said to be that, and nothing of it is shown. */
	if (mailbox_scan(&mailbox, 0, look, &walk, &err) == -1) {
		FUZZ_CHECK(err.num == EINVAL && walk.n == 0);
		FUZZ_CHECK(mailbox_raw(&mailbox, 1, add, &got, &err) <= 0 && got == 0);
		return 0;
	}
	walk.n = walk.behind = 0;
	FUZZ_CHECK(mailbox_scan(&mailbox, SCAN_WANT_HEADER, look, &walk, &err) == 0);
	FUZZ_CHECK(mailbox_scan(&mailbox, 0, look, &bare, &err) == 0);
	FUZZ_CHECK(walk.n == bare.n && memcmp(walk.sizes, bare.sizes, sizeof(walk.sizes)) == 0);
	for (size_t i = 0; i < walk.n && i < 64; i++, got = 0) {
		FUZZ_CHECK(mailbox_raw(&mailbox, i + 1, add, &got, &err) == 1);
		FUZZ_CHECK(got <= walk.sizes[i]);
	}
	FUZZ_CHECK(mailbox_raw(&mailbox, walk.n + 1, add, &got, &err) == 0 && got == 0);
	return 0;
}
