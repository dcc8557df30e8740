/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What fuzz_mbox cannot see from the door: messages and headers that reach over the scanner's
 * windows (the first byte says how often the rest is repeated), and what raw must give, byte for
 * byte: the stored bytes less the quotes taken off. A growing tail costs the last message only.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../src/mailbox/scan.h"
#include "fuzz.h"

#define MESSAGES_READ 32 /* of each input */

struct run {
	struct mbox_file file;
	const unsigned char *bytes;
	uint64_t behind; /* end of the last message */
	size_t count, headers;
};

static int
take(void *arg, const void *data, size_t len, struct err *err)
{
	struct buf *out = arg;

	return buf_add(out, data, len) == 0 ? 0 : err_set(err, ENOMEM, "take");
}

/* mboxrd's rule over a whole message in memory. */
static void
unquote_simply(const unsigned char *p, size_t len, struct buf *out)
{
	const unsigned char *end = p + len;

	while (p < end) {
		const unsigned char *newline = memchr(p, '\n', (size_t)(end - p)), *q = p;
		const unsigned char *next = newline != NULL ? newline + 1 : end;

		while (q < next && *q == '>')
			q++;
		if (q > p && next - q >= 5 && memcmp(q, "From ", 5) == 0)
			p++;
		FUZZ_CHECK(buf_add(out, p, (size_t)(next - p)) == 0);
		p = next;
	}
}

static void
check_raw(const struct run *run, const struct mbox_message *m)
{
	struct buf got = BUF_INIT, expected = BUF_INIT;
	struct err err;

	FUZZ_CHECK(mbox_raw(&run->file, m, take, &got, &err) == 0);
	if (m->by_length)
		FUZZ_CHECK(buf_add(&expected, run->bytes + m->body, (size_t)m->size) == 0);
	else
		unquote_simply(run->bytes + m->body, (size_t)m->size, &expected);
	FUZZ_CHECK(got.len == expected.len);
	FUZZ_CHECK(got.len == 0 || memcmp(got.data, expected.data, got.len) == 0);
	buf_free(&got);
	buf_free(&expected);
}

static int
check(void *arg, const struct mbox_message *m)
{
	struct run *run = arg;
	struct from_date date;
	uint64_t left = run->file.end - m->at;

	FUZZ_CHECK(m->number == ++run->count);
	FUZZ_CHECK(m->at >= run->behind && m->body > m->at);
	FUZZ_CHECK(m->body <= run->file.end && m->size <= run->file.end - m->body);
	FUZZ_CHECK(
	    from_line_parse(run->bytes + m->at, left < FROM_LINE_MAX ? (size_t)left : FROM_LINE_MAX,
	        &date) == m->body - m->at);
	FUZZ_CHECK(m->header_len <= SCAN_HEADER_MAX);
	if (m->header != NULL)
		FUZZ_CHECK(m->header_len == 0 ||
		           memcmp(m->header, run->bytes + m->body, m->header_len) == 0);
	(void)from_date_time(&m->date);
	run->behind = m->body + m->size;
	run->headers += m->header_len;
	if (m->number <= MESSAGES_READ)
		check_raw(run, m);
	return 0;
}

static void
scan(int fd, const struct buf *text, unsigned want, bool tail_open, size_t *count)
{
	struct run run = { .bytes = text->data };
	struct err err;
	bool is_mbox;

	run.file = (struct mbox_file){
		.path = "fuzz", .fd = fd, .end = text->len, .tail_open = tail_open
	};
	FUZZ_CHECK(mbox_scan(&run.file, want, check, &run, &is_mbox, &err) == 0);
	*count = run.count;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int fd = -1;
	struct buf text = BUF_INIT;
	size_t all, quick, whole;

	if (size < 2)
		return 0;
	if (fd == -1)
		fd = memfd_create("mbox", 0);
	FUZZ_CHECK(fd != -1);
	for (int repeat = data[0] % 64; repeat >= 0; repeat -= 1)
		FUZZ_CHECK(buf_add(&text, data + 1, size - 1) == 0);
	FUZZ_CHECK(ftruncate(fd, 0) == 0);
	FUZZ_CHECK(pwrite(fd, text.data, text.len, 0) == (ssize_t)text.len);
	scan(fd, &text, SCAN_WANT_HEADER, false, &all);
	scan(fd, &text, 0, false, &quick);
	scan(fd, &text, 0, true, &whole);
	FUZZ_CHECK(quick == all && whole == (all == 0 ? 0 : all - 1));
	buf_free(&text);
	return 0;
}
