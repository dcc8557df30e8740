/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What trace is told of a mailbox, on its way through a pipe: it arrives as it was sent, and what a
 * process sends that was taken over by a mailbox is refused whole.
 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/mailpeek/sight.h"
#include "suite.h"

static void
set(struct buf *out, const char *text, size_t len)
{
	ck_assert_int_eq(buf_add(out, text, len), 0);
}

/* Two messages and two findings. */
static void
make(struct sight *out)
{
	memset(out, 0, sizeof(*out));
	out->newest = calloc(2, sizeof(*out->newest));
	ck_assert_ptr_nonnull(out->newest);
	out->count = 2;
	out->came = 7;
	out->newest[0] = (struct arrival){ .number = 5, .size = 1ULL << 40, .received = -1 };
	out->newest[1] = (struct arrival){ .number = 1, .received = 1ULL << 33 };
	set(&out->newest[0].folder, "INBOX", 5);
	set(&out->newest[0].from, "a\0b\xff", 4);
	set(&out->newest[0].subject, "\033[2J", 4);
	set(&out->newest[1].folder, "x", 1);
	findings_add(&out->findings, FAULT_TORN_TAIL, "/mbox", 42, "torn");
	findings_add(&out->findings, FAULT_OLD_TMP, "/tmp", FAULT_NO_OFFSET, "old");
}

static void
written(struct buf *out)
{
	struct sight sight;

	make(&sight);
	sight_write(&sight, out);
	sight_free(&sight);
}

static void
refused(const struct buf *in)
{
	struct sight sight;

	ck_assert_int_eq(sight_read(&sight, in), -1);
	ck_assert_ptr_null(sight.newest);
	ck_assert_uint_eq(sight.count, 0);
	ck_assert_uint_eq(sight.findings.list.n, 0);
}

START_TEST(there_and_back)
{
	struct sight sent, got;
	struct buf pipe = BUF_INIT;

	make(&sent);
	sent.is_missing = true;
	err_set(&sent.trouble, EIO, "read /mbox");
	sight_write(&sent, &pipe);
	ck_assert_int_eq(sight_read(&got, &pipe), 0);
	ck_assert_uint_eq(got.came, 7);
	ck_assert(got.is_missing);
	ck_assert_int_eq(got.trouble.num, EIO);
	ck_assert_str_eq(got.trouble.text, sent.trouble.text);
	ck_assert_uint_eq(got.findings.list.n, 2);
	ck_assert_str_eq(got.findings.list.found[1].text, "old");
	ck_assert_uint_eq(got.count, 2);
	for (size_t i = 0; i < 2; i++) {
		const struct arrival *a = &sent.newest[i], *b = &got.newest[i];

		ck_assert_uint_eq(a->number, b->number);
		ck_assert_uint_eq(a->size, b->size);
		ck_assert_int_eq(a->received, b->received);
		ck_assert_uint_eq(a->from.len, b->from.len);
		ck_assert_uint_eq(a->subject.len, b->subject.len);
		ck_assert_int_eq(memcmp(a->folder.data, b->folder.data, a->folder.len), 0);
	}
	ck_assert_int_eq(memcmp(got.newest[0].from.data, "a\0b\xff", 4), 0);
	sight_free(&got);
	sight_free(&sent);
	buf_free(&pipe);
}
END_TEST

/* Without its last message it is a report too, of more that came than is shown. */
START_TEST(cut_off)
{
	struct buf pipe = BUF_INIT, part = BUF_INIT, last = BUF_INIT, first = BUF_INIT;
	struct sight sight;

	written(&pipe);
	make(&sight);
	arrival_write(&sight.newest[0], &first);
	arrival_write(&sight.newest[1], &last);
	for (size_t len = 0; len < pipe.len; len++) {
		if (len == pipe.len - last.len || len == pipe.len - last.len - first.len)
			continue;
		/* In memory that ends there, for the sanitizer. */
		if (len > 0)
			ck_assert_int_eq(buf_add(&part, pipe.data, len), 0);
		refused(&part);
		buf_free(&part);
	}
	sight_free(&sight);
	buf_free(&first);
	buf_free(&last);
	buf_free(&pipe);
}
END_TEST

/* The last four bytes of an arrival's head, and the lengths before them. */
START_TEST(nonsense)
{
	struct buf pipe = BUF_INIT, last = BUF_INIT;
	struct sight sight;
	size_t head;

	make(&sight);
	arrival_write(&sight.newest[1], &last);
	sight_free(&sight);
	for (size_t back = 1; back <= 4; back++) {
		written(&pipe);
		head = pipe.len - last.len;
		pipe.data[head + 24 + back * 4 - 1] = 0x80;
		refused(&pipe);
		buf_free(&pipe);
	}
	/* More messages than there are said to be. */
	make(&sight);
	sight.came = 1;
	sight_write(&sight, &pipe);
	refused(&pipe);
	buf_clear(&pipe);
	sight.came = UINT64_MAX;
	sight_write(&sight, &pipe);
	refused(&pipe);
	buf_free(&pipe);
	sight_free(&sight);
	buf_free(&last);
}
END_TEST

/* trace by message-id is told of arrivals alone. */
START_TEST(lists)
{
	struct buf pipe = BUF_INIT, part = BUF_INIT;
	struct sight sight;
	size_t first;

	ck_assert(arrival_is_list(&pipe));
	make(&sight);
	arrival_write(&sight.newest[0], &pipe);
	first = pipe.len;
	arrival_write(&sight.newest[1], &pipe);
	sight_free(&sight);
	for (size_t len = 1; len <= pipe.len; len++) {
		ck_assert_int_eq(buf_add(&part, pipe.data, len), 0);
		ck_assert_int_eq(arrival_is_list(&part), len == first || len == pipe.len);
		buf_free(&part);
	}
	buf_free(&pipe);
}
END_TEST

START_TEST(too_many)
{
	struct buf pipe = BUF_INIT, one = BUF_INIT;
	struct sight sight;

	make(&sight);
	sight.came = 2 * SIGHT_NEWEST_MAX;
	sight_write(&sight, &pipe);
	arrival_write(&sight.newest[1], &one);
	for (size_t i = 2; i < SIGHT_NEWEST_MAX; i++)
		ck_assert_int_eq(buf_add(&pipe, one.data, one.len), 0);
	sight_free(&sight);
	ck_assert_int_eq(sight_read(&sight, &pipe), 0);
	ck_assert_uint_eq(sight.count, SIGHT_NEWEST_MAX);
	sight_free(&sight);
	ck_assert_int_eq(buf_add(&pipe, one.data, one.len), 0);
	refused(&pipe);
	buf_free(&one);
	buf_free(&pipe);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("mailpeek_sight");
	TCase *tc = tcase_create("sight");

	tcase_add_test(tc, there_and_back);
	tcase_add_test(tc, cut_off);
	tcase_add_test(tc, nonsense);
	tcase_add_test(tc, lists);
	tcase_add_test(tc, too_many);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
