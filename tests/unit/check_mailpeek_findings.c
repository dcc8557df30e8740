/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Findings on their way through a pipe: they arrive as they were sent, and what a process sends
 * that was taken over by a mailbox is refused whole.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/mailpeek/findings.h"
#include "suite.h"

#define HEAD 16 /* bytes in front of a finding's strings */

/* A finding as it stands in the pipe. */
static void
put(struct buf *out, uint32_t which, const char *strings, size_t len)
{
	const uint64_t offset = 42;
	const uint32_t numbers[2] = { which, 0 };

	ck_assert_int_eq(buf_add(out, &offset, sizeof(offset)), 0);
	ck_assert_int_eq(buf_add(out, numbers, sizeof(numbers)), 0);
	ck_assert_int_eq(buf_add(out, strings, len), 0);
}

static void
refused(const struct buf *in)
{
	struct findings findings = { 0 };

	ck_assert_int_eq(findings_read(&findings, in), -1);
	ck_assert_uint_eq(findings.list.n, 0);
	for (unsigned i = 0; i < FINDINGS; i++)
		ck_assert_uint_eq(findings.told[i], 0);
}

START_TEST(there_and_back)
{
	struct findings sent = { 0 }, got = { 0 };
	struct buf pipe = BUF_INIT;

	ck_assert_int_eq(findings_read(&got, &pipe), 0);
	ck_assert_uint_eq(got.list.n, 0);
	findings_add(&sent, FAULT_OLD_TMP, "/a/b\n\xff", UINT64_MAX - 1, "");
	/* As many as there can be. */
	for (unsigned which = 0; which < FINDINGS; which++)
		for (unsigned i = 0; i < 40; i++)
			findings_add(&sent, which, "", i, "text");
	findings_close(&sent, "/a");
	ck_assert_uint_eq(sent.list.n, FINDINGS * (FINDINGS_MAX + 1));
	findings_write(&sent, &pipe);
	ck_assert_int_eq(findings_read(&got, &pipe), 0);
	ck_assert_uint_eq(got.list.n, sent.list.n);
	for (size_t i = 0; i < got.list.n; i++) {
		ck_assert_uint_eq(got.list.found[i].which, sent.list.found[i].which);
		ck_assert_uint_eq(got.list.found[i].place, sent.list.found[i].place);
		ck_assert_uint_eq(got.list.found[i].order, i);
		ck_assert_str_eq(got.list.found[i].path, sent.list.found[i].path);
		ck_assert_str_eq(got.list.found[i].text, sent.list.found[i].text);
	}
	findings_free(&got);
	findings_free(&sent);
	buf_free(&pipe);
}
END_TEST

START_TEST(cut_off)
{
	static const char strings[] = "path\0text";
	struct buf pipe = BUF_INIT, part = BUF_INIT;
	struct findings findings = { 0 };
	size_t whole;

	put(&pipe, 0, strings, sizeof(strings));
	whole = pipe.len;
	put(&pipe, 1, strings, sizeof(strings));
	for (size_t len = 1; len < pipe.len; len++) {
		if (len == whole)
			continue;
		/* In memory that ends there, for the sanitizer. */
		ck_assert_int_eq(buf_add(&part, pipe.data, len), 0);
		refused(&part);
		buf_free(&part);
	}
	ck_assert_int_eq(findings_read(&findings, &pipe), 0);
	ck_assert_uint_eq(findings.list.n, 2);
	ck_assert_str_eq(findings.list.found[1].path, "path");
	ck_assert_str_eq(findings.list.found[1].text, "text");
	findings_free(&findings);
	buf_free(&pipe);
}
END_TEST

START_TEST(nonsense)
{
	static const char strings[] = "path\0text";
	struct buf pipe = BUF_INIT;

	put(&pipe, FINDINGS, strings, sizeof(strings));
	refused(&pipe);
	buf_clear(&pipe);
	put(&pipe, UINT32_MAX, strings, sizeof(strings));
	refused(&pipe);
	buf_clear(&pipe);
	put(&pipe, 0, strings, sizeof(strings));
	pipe.data[HEAD - 1] = 1;
	refused(&pipe);
	/* A NUL within a string is the end of it; the rest is no finding. */
	buf_clear(&pipe);
	put(&pipe, 0, "pa\0th\0text", sizeof("pa\0th\0text"));
	refused(&pipe);
	buf_free(&pipe);
}
END_TEST

/* What a small report can make the parent keep has a limit. */
START_TEST(too_many)
{
	struct buf pipe = BUF_INIT;

	for (unsigned i = 0; i < FINDINGS_MAX + 2; i++)
		put(&pipe, FINDING_COULD_NOT_TELL, "\0", 2);
	refused(&pipe);
	buf_free(&pipe);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("mailpeek_findings");
	TCase *tc = tcase_create("findings");

	tcase_add_test(tc, there_and_back);
	tcase_add_test(tc, cut_off);
	tcase_add_test(tc, nonsense);
	tcase_add_test(tc, too_many);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
