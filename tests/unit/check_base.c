/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The floor of the house: err, buf and outcome. An outcome must never leave "deferred" by
 * accident, a reason must keep its errno, a buffer must survive what it refuses.
 */
#include <check.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "err.h"
#include "outcome.h"
#include "suite.h"

START_TEST(err_keeps_errno_and_reason)
{
	struct err err;

	ck_assert_int_eq(err_set(&err, ENOSPC, "write %s", "/x"), -1);
	ck_assert_int_eq(errno, ENOSPC);
	ck_assert_int_eq(err.num, ENOSPC);
	ck_assert_str_eq(err.text, "write /x: No space left on device");
	ck_assert_int_eq(err_prefix(&err, "mbox %d", 7), -1);
	ck_assert_str_eq(err.text, "mbox 7: write /x: No space left on device");
	ck_assert_int_eq(errno, ENOSPC);
	err_set(&err, 0, "line %d: no target", 3);
	ck_assert_str_eq(err.text, "line 3: no target");
	ck_assert_int_eq(err.num, 0);
}
END_TEST

START_TEST(err_marks_a_cut)
{
	struct err err;
	char longest[2 * ERR_TEXT_MAX];

	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	err_set(&err, EIO, "%s", longest);
	ck_assert_uint_eq(strlen(err.text), ERR_TEXT_MAX - 1);
	ck_assert_str_eq(err.text + ERR_TEXT_MAX - 4, "...");
	err_set(&err, EIO, "%.*s", ERR_TEXT_MAX - 5, longest);
	ck_assert_str_eq(err.text + ERR_TEXT_MAX - 4, "...");
	err_prefix(&err, "%s", longest);
	ck_assert_str_eq(err.text + ERR_TEXT_MAX - 4, "...");
	ck_assert_int_eq(err.num, EIO);
}
END_TEST

START_TEST(buf_grows_and_keeps_every_byte)
{
	struct buf buf = BUF_INIT;

	for (unsigned i = 0; i < 100000; i++)
		ck_assert_int_eq(buf_addc(&buf, (unsigned char)(i * 7)), 0);
	ck_assert_uint_eq(buf.len, 100000);
	for (unsigned i = 0; i < 100000; i++)
		ck_assert_uint_eq(buf.data[i], (unsigned char)(i * 7));
	buf_clear(&buf);
	ck_assert_int_eq(buf_add(&buf, "a\0b", 3), 0);
	ck_assert_int_eq(buf_addf(&buf, "%s-%d", "c", 5), 0);
	ck_assert_uint_eq(buf.len, 6);
	ck_assert_mem_eq(buf_cstr(&buf), "a\0bc-5", 7);
	buf_free(&buf);
	ck_assert_ptr_null(buf.data);
}
END_TEST

START_TEST(buf_refuses_what_no_memory_holds)
{
	struct buf buf = BUF_INIT;
	char *stolen;

	ck_assert_int_eq(buf_adds(&buf, "kept"), 0);
	ck_assert_int_eq(buf_reserve(&buf, SIZE_MAX), -1);
	ck_assert_int_eq(errno, EOVERFLOW);
	ck_assert_uint_eq(buf.len, 4);
	stolen = buf_steal(&buf);
	ck_assert_str_eq(stolen, "kept");
	ck_assert_uint_eq(buf.len, 0);
	free(stolen);
	stolen = buf_steal(&buf);
	ck_assert_str_eq(stolen, "");
	free(stolen);
}
END_TEST

START_TEST(outcome_starts_deferred)
{
	struct outcome out;

	outcome_init(&out);
	ck_assert_int_eq(out.class, OUTCOME_DEFERRED);
	ck_assert_str_eq(out.status, "4.3.0");
	ck_assert_int_eq(OUTCOME_DEFERRED, 0);
}
END_TEST

static const struct {
	const char *status;
	int delivered, rejected; /* is the status accepted there? */
} statuses[] = {
	{ "2.0.0", 1, 0 },
	{ "2.123.999", 1, 0 },
	{ "5.1.1", 0, 1 },
	{ "5.7.0", 0, 1 },
	{ "4.2.2", 0, 0 },
	{ "", 0, 0 },
	{ "5", 0, 0 },
	{ "5.", 0, 0 },
	{ "5.1", 0, 0 },
	{ "5.1.", 0, 0 },
	{ "5..1", 0, 0 },
	{ "5.1.1 ", 0, 0 },
	{ "5.1.1.1", 0, 0 },
	{ "5.1234.1", 0, 0 },
	{ "5.1.1234", 0, 0 },
	{ "5,1,1", 0, 0 },
	{ "550", 0, 0 },
	{ "3.0.0", 0, 0 },
};

START_TEST(outcome_of_a_wrong_status_is_deferred)
{
	struct outcome out;

	outcome_deliver(&out, statuses[_i].status, "x");
	ck_assert_int_eq(out.class, statuses[_i].delivered ? OUTCOME_DELIVERED : OUTCOME_DEFERRED);
	outcome_reject(&out, statuses[_i].status, "x");
	ck_assert_int_eq(out.class, statuses[_i].rejected ? OUTCOME_REJECTED : OUTCOME_DEFERRED);
	if (out.class == OUTCOME_DEFERRED)
		ck_assert_str_eq(out.status, "4.3.0");
}
END_TEST

START_TEST(outcome_text_is_one_line)
{
	struct outcome out;

	outcome_nouser(&out, "no such user\r\n%s", "here");
	ck_assert_int_eq(out.class, OUTCOME_REJECTED);
	ck_assert_int_eq(out.nouser, 1);
	ck_assert_str_eq(out.status, "5.1.1");
	ck_assert_str_eq(out.text, "no such user  here");
	outcome_reject(&out, "5.2.2", "full");
	ck_assert_int_eq(out.nouser, 0);
}
END_TEST

START_TEST(no_errno_is_a_refusal)
{
	struct outcome out;
	struct err err;

	for (int num = 0; num < 200; num++) {
		err_set(&err, num, "x");
		outcome_from_err(&out, &err);
		ck_assert_int_eq(out.class, OUTCOME_DEFERRED);
		ck_assert_int_eq(out.status[0], '4');
		ck_assert_str_eq(out.text, err.text);
	}
	err_set(&err, EDQUOT, "x");
	outcome_from_err(&out, &err);
	ck_assert_str_eq(out.status, "4.2.2");
	err_set(&err, ENOSPC, "x");
	outcome_from_err(&out, &err);
	ck_assert_str_eq(out.status, "4.3.1");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("base");
	TCase *tcase = tcase_create("base");

	tcase_add_test(tcase, err_keeps_errno_and_reason);
	tcase_add_test(tcase, err_marks_a_cut);
	tcase_add_test(tcase, buf_grows_and_keeps_every_byte);
	tcase_add_test(tcase, buf_refuses_what_no_memory_holds);
	tcase_add_test(tcase, outcome_starts_deferred);
	tcase_add_loop_test(tcase, outcome_of_a_wrong_status_is_deferred, 0,
	    sizeof(statuses) / sizeof(statuses[0]));
	tcase_add_test(tcase, outcome_text_is_one_line);
	tcase_add_test(tcase, no_errno_is_a_refusal);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
