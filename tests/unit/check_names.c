/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Names, each once, numbered as they came, from none to more than any table's first size.
 */
#include "names.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "suite.h"

START_TEST(each_once)
{
	struct names names = { 0 };
	char name[8] = "one";

	ck_assert_uint_eq(names_find(&names, "one"), NAMES_NONE);
	ck_assert_uint_eq(names_add(&names, name), 0);
	name[0] = 'x'; /* it is a copy that was kept */
	ck_assert_uint_eq(names_add(&names, ""), 1);
	ck_assert_uint_eq(names_add(&names, "one"), 0);
	ck_assert_uint_eq(names_find(&names, "one"), 0);
	ck_assert_uint_eq(names_find(&names, ""), 1);
	ck_assert_uint_eq(names_find(&names, "xne"), NAMES_NONE);
	ck_assert_uint_eq(names_find(&names, "on"), NAMES_NONE);
	ck_assert_uint_eq(names.count, 2);
	ck_assert_str_eq(names.all[0], "one");
	names_free(&names);
	ck_assert_uint_eq(names.count, 0);
	ck_assert_uint_eq(names_find(&names, "one"), NAMES_NONE);
	names_free(&names);
}
END_TEST

START_TEST(many)
{
	struct names names = { 0 };
	char name[32];

	for (unsigned round = 0; round < 2; round++)
		for (unsigned i = 0; i < 100000; i++) {
			snprintf(name, sizeof(name), "name%u", i);
			ck_assert_uint_eq(names_add(&names, name), i);
		}
	ck_assert_uint_eq(names.count, 100000);
	for (unsigned i = 0; i < 100000; i++) {
		snprintf(name, sizeof(name), "name%u", i);
		ck_assert_str_eq(names.all[i], name);
		ck_assert_uint_eq(names_find(&names, name), i);
	}
	names_free(&names);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("names");
	TCase *tests = tcase_create("names");

	tcase_add_test(tests, each_once);
	tcase_add_test(tests, many);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
