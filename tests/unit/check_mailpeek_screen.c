/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Text on its way to a terminal: what is escaped, what it measures, where it is cut, and what
 * becomes of it in another charset.
 */
#include "../../src/mailpeek/screen.h"

#include <check.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "suite.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))
#define BYTES(text)  (text), sizeof(text) - 1
#define DOTS         "\xe2\x80\xa6"
#define WIDE         "\xe6\x97\xa5" /* two columns */
#define UMLAUT       "\xc3\xbc"
#define ACUTE        "\xcc\x81" /* combining: no column */

static const struct text_case {
	const char *text;
	size_t len, limit;
	const char *shown;
	size_t columns;
	const char *ascii; /* in the C locale */
} cases[] = {
	{ BYTES(""), 0, "", 0, "" },
	{ BYTES(""), 5, "", 0, "" },
	{ BYTES("abc"), 0, "abc", 3, "abc" },
	{ BYTES("abc"), 3, "abc", 3, "abc" },
	{ BYTES("abcd"), 3, "ab" DOTS, 3, "ab>" },
	{ BYTES("abcd"), 1, DOTS, 1, ">" },
	{ BYTES("a\x1b[2J\x07"), 0, "a\\^[[2J\\a", 9, "a\\^[[2J\\a" },
	{ BYTES("a\nb\tc\0d"), 0, "a\\nb\\tc\\0d", 10, "a\\nb\\tc\\0d" },
	{ BYTES("\xc2\x9b"
	        "1m"),
	    0, "\\302\\2331m", 10, "\\302\\2331m" },
	{ BYTES("\x9b"
	        "1m"),
	    0, "\\2331m", 6, "\\2331m" },
	{ BYTES("\xe2\x80\xae"), 0, "\\342\\200\\256", 12, "\\342\\200\\256" },
	{ BYTES(UMLAUT "x"), 0, UMLAUT "x", 2, "?x" },
	{ BYTES(WIDE WIDE), 0, WIDE WIDE, 4, NULL },
	{ BYTES(WIDE WIDE), 4, WIDE WIDE, 4, NULL },
	{ BYTES(WIDE WIDE), 3, WIDE DOTS, 3, NULL },
	{ BYTES(WIDE WIDE WIDE), 4, WIDE DOTS, 3, NULL },
	{ BYTES("a" ACUTE "b"), 2, "a" ACUTE "b", 2, NULL },
	{ BYTES("a" ACUTE "bc"), 2, "a" ACUTE DOTS, 2, NULL },
	{ BYTES("a" ACUTE ACUTE ACUTE ACUTE ACUTE "b"), 0, "a" ACUTE ACUTE ACUTE ACUTE "?b", 3,
	    NULL },
};

START_TEST(shown_text)
{
	const struct text_case *c = &cases[_i];
	struct buf out = BUF_INIT;
	size_t columns;

	if (setlocale(LC_CTYPE, "C.UTF-8") == NULL)
		return; /* a system without it */
	columns = screen_text(&out, c->text, c->len, c->limit);
	ck_assert_str_eq(buf_cstr(&out), c->shown);
	ck_assert_uint_eq(columns, c->columns);
	buf_clear(&out);
	setlocale(LC_CTYPE, "C");
	(void)screen_text(&out, c->text, c->len, c->limit);
	if (c->ascii != NULL)
		ck_assert_str_eq(buf_cstr(&out), c->ascii);
	buf_free(&out);
}
END_TEST

/* However long the text is, a limit bounds what comes of it; what stood there before stays. */
START_TEST(bounded)
{
	static const char *const units[] = { "x", ACUTE, WIDE, "\x1b", "\xff" };
	struct buf text = BUF_INIT, out = BUF_INIT;

	if (setlocale(LC_CTYPE, "C.UTF-8") == NULL)
		return;
	while (text.len < 300000)
		ck_assert_int_eq(buf_adds(&text, units[_i]), 0);
	ck_assert_int_eq(buf_adds(&out, "before "), 0);
	ck_assert_uint_le(screen_text(&out, text.data, text.len, 20), 20);
	ck_assert_uint_le(out.len, 7 + 20 * 20);
	ck_assert_mem_eq(out.data, "before ", 7);
	ck_assert_mem_eq(out.data + out.len - 3, DOTS, 3);
	buf_free(&text);
	buf_free(&out);
}
END_TEST

static const struct size_case {
	uint64_t bytes;
	const char *shown;
} sizes[] = {
	{ 0, "0" },
	{ 1023, "1023" },
	{ 1024, "1.0K" },
	{ 10188, "9.9K" },
	{ 10189, "10K" },
	{ 1023 * 1024, "1023K" },
	{ 1048063, "1023K" },
	{ 1048064, "1.0M" },
	{ 5000000000, "4.7G" },
	{ UINT64_MAX, "16E" },
};

/* Standard output is a file for a moment. */
static void
assert_printed(const struct size_case *c, bool exact, const char *expected)
{
	char name[] = "/tmp/check_screen.XXXXXX", line[64] = "";
	int saved = dup(STDOUT_FILENO), fd = mkstemp(name);

	ck_assert_int_ne(fd, -1);
	fflush(stdout);
	dup2(fd, STDOUT_FILENO);
	screen_size(6, c->bytes, exact);
	screen_string(SCREEN_LEFT, 4, "x");
	screen_string(SCREEN_LEFT, 4, "y");
	screen_end_row();
	fflush(stdout);
	dup2(saved, STDOUT_FILENO);
	close(saved);
	ck_assert_int_ge(pread(fd, line, sizeof(line) - 1, 0), 0);
	close(fd);
	unlink(name);
	ck_assert_str_eq(line, expected);
}

START_TEST(size)
{
	const struct size_case *c = &sizes[_i];
	char expected[64];

	snprintf(expected, sizeof(expected), "%6s  x     y\n", c->shown);
	assert_printed(c, false, expected);
	snprintf(expected, sizeof(expected), "%6llu  x     y\n", (unsigned long long)c->bytes);
	assert_printed(c, true, expected);
}
END_TEST

/* As strftime(3) writes them, in zones that are odd, too. */
START_TEST(dates)
{
	static const char *const zones[] = { "UTC", "CET-1CEST,M3.5.0,M10.5.0/3", "NST3:30NDT",
		"<-1030>10:30", "<+0545>-5:45:30", "<-0000>0:00:30" };
	static const time_t times[] = { 0, 1, -2, 1700000000, 1721999999, -30610224001,
		-30610224000, 253402300799, 253402300800, 253402300800 + 86400 };
	const time_t time = times[_i];
	char text[SCREEN_DATE_MAX], expected[SCREEN_DATE_MAX];

	for (int z = 0; z < COUNT(zones); z++) {
		struct tm tm;

		setenv("TZ", zones[z], 1);
		tzset();
		ck_assert_ptr_nonnull(localtime_r(&time, &tm));
		strftime(expected, sizeof(expected), "%Y-%m-%dT%H:%M:%S%z", &tm);
		screen_date_text(time, true, text);
		ck_assert_str_eq(text, expected);
		strftime(expected, sizeof(expected), "%Y-%m-%d %H:%M", &tm);
		screen_date_text(time, false, text);
		ck_assert_str_eq(text, expected);
	}
}
END_TEST

START_TEST(no_date)
{
	char text[SCREEN_DATE_MAX];

	screen_date_text((time_t)-1, true, text);
	ck_assert_str_eq(text, "-");
	screen_date_text((time_t)INT64_MAX, false, text); /* a year that no int holds */
	ck_assert_str_eq(text, "-");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("mailpeek_screen");
	TCase *tc = tcase_create("screen");

	tcase_add_loop_test(tc, shown_text, 0, COUNT(cases));
	tcase_add_loop_test(tc, bounded, 0, 5);
	tcase_add_loop_test(tc, size, 0, COUNT(sizes));
	tcase_add_loop_test(tc, dates, 0, 10);
	tcase_add_test(tc, no_date);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
