/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Any bytes as a message. However it is spooled, it is written the same; the body is kept byte
 * for byte; and an mbox of two such messages is read back as two, each what it was: nobody can
 * write a message that splits, hides or prolongs another.
 */
#include "message.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../src/message/view.h"
#include "fuzz.h"
#include "io.h"
#include "mailbox_scan.h"

static const char *const recipients[] = { "Bob+x@one.example", "bob@two.example" };
static const struct message_envelope envelope = {
	.sender = "From me@there.example", .recipients = recipients, .nrecipients = 2, .date = 0
};

static int
collect(void *arg, const void *data, size_t len, struct err *err)
{
	(void)err;
	FUZZ_CHECK(buf_add(arg, data, len) == 0);
	return 0;
}

/* A descriptor to read these bytes from. */
static int
source(const uint8_t *data, size_t size)
{
	int fd = memfd_create("message", 0);

	FUZZ_CHECK(fd != -1 && io_write_all(fd, data, size) == 0 && lseek(fd, 0, SEEK_SET) == 0);
	return fd;
}

static struct message *
spool(const uint8_t *data, size_t size, size_t in_memory, size_t window)
{
	const char *dir = getenv("TMPDIR");
	struct message *message;
	struct err err;
	int fd = source(data, size);

	FUZZ_CHECK(message_read_limited(
	               &message, fd, dir != NULL ? dir : "/tmp", in_memory, window, &err) == 0);
	FUZZ_CHECK(message_size(message) == size);
	close(fd);
	return message;
}

static struct buf
written(const struct message *message, enum message_format format)
{
	struct buf out = BUF_INIT;
	struct err err;

	FUZZ_CHECK(message_write(message, format, &envelope, collect, &out, &err) == 0);
	return out;
}

static void
assert_same(const struct buf *a, const struct buf *b)
{
	FUZZ_CHECK(a->len == b->len);
	FUZZ_CHECK(a->len == 0 || memcmp(a->data, b->data, a->len) == 0);
}

/* ---- one way of spooling and the other ------------------------------------------------------ */

static void
compare(const struct message *memory, const struct message *file)
{
	for (int format = MESSAGE_MAILDIR; format <= MESSAGE_MBOX; format++) {
		struct buf one = written(memory, (enum message_format)format);
		struct buf other = written(file, (enum message_format)format);

		assert_same(&one, &other);
		buf_free(&one);
		buf_free(&other);
	}
}

static void
compare_header(const struct message *memory, const struct message *file)
{
	struct buf one = BUF_INIT, other = BUF_INIT;
	int rc = message_header(memory, "Message-Id", &one);

	FUZZ_CHECK(rc == 0 || rc == 1);
	FUZZ_CHECK(message_header(file, "Message-Id", &other) == rc);
	assert_same(&one, &other);
	FUZZ_CHECK(one.len == 0 || memchr(one.data, '\n', one.len) == NULL);
	buf_free(&one);
	buf_free(&other);
}

/* What follows the first empty line is the body, and stands at the end as it came; an mbox puts a
 * newline behind it if it has none. */
static void
body_is_kept(const struct buf *out, int mbox, const uint8_t *data, size_t size)
{
	const uint8_t *body = memmem(data, size, "\n\n", 2);
	size_t len, added = mbox && size > 0 && data[size - 1] != '\n';

	if (body == NULL)
		return;
	len = size - (size_t)(body + 1 - data);
	FUZZ_CHECK(out->len >= len + added);
	FUZZ_CHECK(memcmp(out->data + out->len - len - added, body + 1, len) == 0);
}

/* ---- there and back ---------------------------------------------------------------------------
 */

/* The message in an mbox: From_ line and last empty line off, mboxrd undone. */
static struct buf
unquoted(const struct buf *mbox)
{
	struct buf out = BUF_INIT;
	const unsigned char *at = memchr(mbox->data, '\n', mbox->len), *end;

	FUZZ_CHECK(at != NULL && mbox->len >= 2);
	end = mbox->data + mbox->len;
	FUZZ_CHECK(end[-1] == '\n' && end[-2] == '\n');
	end--;
	for (at++; at < end;) {
		const unsigned char *next = memchr(at, '\n', (size_t)(end - at));
		const unsigned char *word = at;

		FUZZ_CHECK(next != NULL);
		FUZZ_CHECK(end - at < 5 || memcmp(at, "From ", 5) != 0);
		while (*word == '>')
			word++;
		if (word > at && end - word >= 5 && memcmp(word, "From ", 5) == 0)
			at++;
		FUZZ_CHECK(buf_add(&out, at, (size_t)(next + 1 - at)) == 0);
		at = next + 1;
	}
	return out;
}

static int
count(void *arg, const struct scan_message *message)
{
	FUZZ_CHECK(message->number == ++*(size_t *)arg);
	FUZZ_CHECK(message->received == 0);
	return 0;
}

static void
round_trip(const struct buf *mbox, const uint8_t *data, size_t size)
{
	static char path[4096];
	static int fd = -1;
	struct mailbox mailbox = { .format = MAILBOX_MBOX, .path = path };
	struct buf wanted = unquoted(mbox);
	struct err err;
	size_t n = 0;

	body_is_kept(&wanted, 1, data, size);
	if (fd == -1) {
		const char *dir = getenv("TMPDIR");

		snprintf(path, sizeof(path), "%s/mbox.XXXXXX", dir != NULL ? dir : "/tmp");
		fd = mkstemp(path);
	}
	FUZZ_CHECK(ftruncate(fd, 0) == 0 && lseek(fd, 0, SEEK_SET) == 0);
	FUZZ_CHECK(io_write_all(fd, mbox->data, mbox->len) == 0);
	FUZZ_CHECK(io_write_all(fd, mbox->data, mbox->len) == 0);
	FUZZ_CHECK(mailbox_scan(&mailbox, 0, count, &n, &err) == 0);
	FUZZ_CHECK(n == 2);
	for (n = 1; n <= 3; n++) {
		struct buf got = BUF_INIT;

		FUZZ_CHECK(mailbox_raw(&mailbox, n, collect, &got, &err) == (n <= 2));
		if (n <= 2)
			assert_same(&got, &wanted);
		buf_free(&got);
	}
	buf_free(&wanted);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t window = VIEW_WINDOW_MIN + (size > 0 ? data[0] % 16u : 0);
	struct message *memory = spool(data, size, MESSAGE_IN_MEMORY, VIEW_WINDOW);
	struct message *file = spool(data, size, 0, window);
	struct buf out;

	compare(memory, file);
	compare_header(memory, file);
	out = written(memory, MESSAGE_MAILDIR);
	body_is_kept(&out, 0, data, size);
	buf_free(&out);
	out = written(memory, MESSAGE_MBOX);
	round_trip(&out, data, size);
	buf_free(&out);
	message_free(memory);
	message_free(file);
	return 0;
}
