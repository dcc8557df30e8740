/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the meter says of how far work has come, and who hears of it.
 */
#include <check.h>
#include <stdlib.h>

#include "meter.h"
#include "progress.h"
#include "suite.h"

static const struct {
	size_t from, done, total;
	double seconds;
	const char *text;
} cases[] = {
	{ 0, 0, 1000, 0, "virtmap: building: 0 of 1000 (0%)" },
	{ 0, 250, 1000, 0.5, "virtmap: building: 250 of 1000 (25%), 500/s, 2 s left" },
	{ 0, 1000, 1000, 2, "virtmap: building: 1000 of 1000 (100%), 500/s, 0 s left" },
	/* Only what was heard of counts for the rate. */
	{ 500, 750, 1000, 0.5, "virtmap: building: 750 of 1000 (75%), 500/s, 1 s left" },
	{ 0, 10, 1000, 1, "virtmap: building: 10 of 1000 (1%), 10/s, 1:39 min left" },
	{ 0, 1, 8001, 1, "virtmap: building: 1 of 8001 (0%), 1/s, 2:13 h left" },
	{ 0, 1, 1000000, 10, "virtmap: building: 1 of 1000000 (0%), hours left" },
	/* Nobody knows how many there are, or there were more than thought. */
	{ 0, 4096, 0, 2, "virtmap: building: 4096, 2048/s" },
	{ 0, 12, 10, 1, "virtmap: building: 12 of 10 (120%), 12/s" },
	{ 5, 5, 10, 1, "virtmap: building: 5 of 10 (50%)" },
};

START_TEST(text)
{
	char out[160];

	meter_text(out, sizeof(out), "virtmap", "building", cases[_i].from, cases[_i].done,
	    cases[_i].total, cases[_i].seconds);
	ck_assert_str_eq(out, cases[_i].text);
}
END_TEST

static void
hear(void *arg, const char *doing, size_t done, size_t total)
{
	ck_assert_str_eq(doing, "building");
	ck_assert_uint_eq(total, 9000);
	*(size_t *)arg += done;
}

START_TEST(listeners)
{
	size_t sum = 0;

	progress_tell("building", 1, 9000);
	progress_listen(hear, &sum);
	for (size_t i = 0; i < 9000; i++)
		if (PROGRESS_DUE(i))
			progress_tell("building", i, 9000);
	progress_listen(NULL, NULL);
	progress_tell("building", 1, 9000);
	ck_assert_uint_eq(sum, 4096 + 8192);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("meter");
	TCase *tcase = tcase_create("meter");

	tcase_add_loop_test(tcase, text, 0, (int)(sizeof(cases) / sizeof(cases[0])));
	tcase_add_test(tcase, listeners);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
