/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * In which order findings are told, and how each of them and their numbers read.
 */
#include <check.h>
#include <stdlib.h>

#include "found.h"
#include "suite.h"

static const struct found_kind kinds[] = {
	{ "bad", SEVERITY_ERROR, "It is bad.", "Mend it." },
	{ "odd", SEVERITY_NOTE, "It is odd.", "Nothing." },
};

START_TEST(order)
{
	static const struct {
		const char *path;
		uint64_t place;
		const char *line;
	} in[] = {
		{ "b", 7, "b:7: note: 0 [odd]" },
		{ "b", UINT64_MAX - 1, "b:18446744073709551614: note: 1 [odd]" },
		{ "b", FOUND_WHOLE, "b: note: 2 [odd]" },
		{ "a\xff", 0, "a\xff:0: note: 3 [odd]" },
		{ "b", 0, "b:0: note: 4 [odd]" },
		{ "b", 7, "b:7: note: 5 [odd]" },
		{ "b", FOUND_WHOLE, "b: note: 6 [odd]" },
	};
	static const unsigned expected[] = { 3, 2, 6, 4, 0, 5, 1 };
	struct found_list list = { 0 };
	char text[2] = "0";

	for (size_t i = 0; i < sizeof(in) / sizeof(in[0]); i++, text[0]++)
		ck_assert_int_eq(found_add(&list, 1, in[i].path, in[i].place, text), 0);
	found_sort(&list);
	ck_assert_uint_eq(list.n, sizeof(expected) / sizeof(expected[0]));
	for (size_t i = 0; i < list.n; i++) {
		char *line = found_line(kinds, &list.found[i]);

		ck_assert_str_eq(line, in[expected[i]].line);
		free(line);
	}
	found_free(&list);
	ck_assert_uint_eq(list.n, 0);
	found_sort(&list);
	found_free(&list);
}
END_TEST

START_TEST(many)
{
	struct found_list list = { 0 };

	for (size_t i = 1000; i-- > 0;)
		ck_assert_int_eq(found_add(&list, 0, "file", i, "text"), 0);
	found_sort(&list);
	for (size_t i = 0; i < 1000; i++)
		ck_assert_uint_eq(list.found[i].place, i);
	found_free(&list);
}
END_TEST

static const struct {
	size_t count[SEVERITIES];
	const char *text;
} counted[] = {
	{ { 0, 0, 0 }, "0 errors, 0 warnings" },
	{ { 1, 1, 1 }, "1 error, 1 warning, 1 note" },
	{ { 2, 3, 4 }, "2 errors, 3 warnings, 4 notes" },
	{ { SIZE_MAX, SIZE_MAX, SIZE_MAX },
	    "18446744073709551615 errors, 18446744073709551615 warnings, 18446744073709551615 "
	    "notes" },
};

START_TEST(counts)
{
	char text[FOUND_COUNTS_MAX];

	if (SIZE_MAX < UINT64_MAX && counted[_i].count[0] == SIZE_MAX)
		return;
	found_counts(text, counted[_i].count);
	ck_assert_str_eq(text, counted[_i].text);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("found");
	TCase *tcase = tcase_create("found");

	tcase_add_test(tcase, order);
	tcase_add_test(tcase, many);
	tcase_add_loop_test(tcase, counts, 0, (int)(sizeof(counted) / sizeof(counted[0])));
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
