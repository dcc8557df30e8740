/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Text in columns and rows of virtmap: widths, patterns, order, bytes that JSON cannot hold.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/virtmap/columns.h"
#include "../../src/virtmap/history_record.h"
#include "../../src/virtmap/rows.h"
#include "suite.h"

static const struct {
	const char *text;
	size_t columns;
} widths[] = {
	{ "", 0 }, { "abc", 3 }, { "j\xc3\xbcrg", 4 }, /* one umlaut */
	{ "ju\xcc\x88rg", 4 },                         /* the same as two code points */
	{ "\xe4\xbf\xa1@\xe4\xbe\x8b.example", 13 },   /* two wide ones */
	{ "\xf0\x9f\x93\xae", 2 },                     /* a postbox */
	{ "\\377", 4 },                                /* as text_vis leaves a stray byte */
	{ "\xff\xc3", 2 },                             /* and what it would never leave */
};

START_TEST(width)
{
	columns_begin();
	ck_assert_uint_eq(columns_of(widths[_i].text), widths[_i].columns);
}
END_TEST

START_TEST(padding)
{
	char out[64] = "";
	FILE *to = fmemopen(out, sizeof(out), "w");

	columns_begin();
	ck_assert_ptr_nonnull(to);
	columns_put(to, COLUMNS_LEFT, 4, "\xc3\xbc");
	columns_put(to, COLUMNS_RIGHT, 4, "\xe4\xbf\xa1");
	columns_put(to, COLUMNS_LEFT, 2, "longer");
	ck_assert_int_eq(fclose(to), 0);
	ck_assert_str_eq(out, "\xc3\xbc     \xe4\xbf\xa1longer");
}
END_TEST

START_TEST(patterns)
{
	char *const some[] = { (char *)"*@one.example", (char *)"b?b" };

	columns_begin();
	ck_assert(rows_match(some, 0, "anything"));
	ck_assert(rows_match(some, 2, "Info@ONE.example"));
	ck_assert(rows_match(some, 2,
	    "b\xc3\xbc"
	    "b"));
	ck_assert(!rows_match(some, 2, "bob@two.example"));
	ck_assert(!rows_match(some, 1, "bob"));
	ck_assert(!rows_match(some, 2, ""));
}
END_TEST

START_TEST(bytes_in_json)
{
	json_t *good = history_string("j\xc3\xbcrg"),
	       *bad = history_string("\xff"
	                             "a"),
	       *none = history_string(NULL);

	ck_assert_str_eq(json_string_value(good), "j\xc3\xbcrg");
	ck_assert_str_eq(json_string_value(json_object_get(bad, "hex")), "ff61");
	ck_assert(json_is_null(none));
	json_decref(good);
	json_decref(bad);
	json_decref(none);
}
END_TEST

/* The keys of the entries, in order, a blank behind each. */
static void
order_of(char *out, size_t size, const char *text, bool sorted)
{
	struct map_source *source;
	const struct map_entry **entries;
	struct err err;

	*out = '\0';
	ck_assert_int_eq(
	    map_source_parse(&source, "/map", text, strlen(text), NULL, NULL, &err), 0);
	entries = rows_entries(source, sorted, &err);
	ck_assert_ptr_nonnull(entries);
	for (size_t i = 0; entries[i] != NULL; i++) {
		strncat(out, entries[i]->folded, size - strlen(out) - 1);
		strncat(out, " ", size - strlen(out) - 1);
	}
	free(entries);
	map_source_free(source);
}

START_TEST(order)
{
	const char *text = "z@b.example x\na.example x\nb@a.example x\n.b.example x\n@ x\n";
	char out[256];

	order_of(out, sizeof(out), text, false);
	ck_assert_str_eq(out, "z@b.example @a.example b@a.example .b.example @ ");
	order_of(out, sizeof(out), text, true);
	ck_assert_str_eq(out, "@ @a.example b@a.example .b.example z@b.example ");
	order_of(out, sizeof(out), "", true);
	ck_assert_str_eq(out, "");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("virtmap_columns");
	TCase *tcase = tcase_create("columns");

	tcase_add_loop_test(tcase, width, 0, (int)(sizeof(widths) / sizeof(widths[0])));
	tcase_add_test(tcase, padding);
	tcase_add_test(tcase, patterns);
	tcase_add_test(tcase, bytes_in_json);
	tcase_add_test(tcase, order);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
