/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How each of these programs ends: its suite is run, and the exit status says whether all went
 * well.
 */
#ifndef SUITE_H
#define SUITE_H

#include <check.h>

/* The status for main to return. */
static inline int
suite_run(Suite *suite)
{
	SRunner *runner = srunner_create(suite);
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}

#endif
