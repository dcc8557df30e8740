/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * text_vis: nothing that a terminal or a log reader obeys comes out raw, whatever the locale;
 * text that people can read stays as it is.
 */
#include <check.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "suite.h"
#include "text.h"

static const struct {
	const char *in;
	size_t len;
	const char *out;
} cases[] = {
	{ "plain text, <a@b>", 17, "plain text, <a@b>" },
	{ "", 0, "" },
	{ "a\nb", 3, "a\\nb" },
	{ "a\tb", 3, "a\\tb" },
	{ "a\rb", 3, "a\\rb" },
	{ "\x1b[2J", 4, "\\^[[2J" },
	{ "a\0b", 3, "a\\0b" },
	{ "a\0"
	  "1",
	    3, "a\\0001" },
	{ "\\n", 2, "\\\\n" },
	{ "\x7f", 1, "\\^?" },
	{ "gr\xc3\xbc\xc3\x9f", 6, "gr\xc3\xbc\xc3\x9f" },
	{ "\xe2\x82\xac", 3, "\xe2\x82\xac" },
	{ "\xf0\x9f\x93\xac", 4, "\xf0\x9f\x93\xac" },
	{ "\xc3", 1, "\\303" },                            /* cut short */
	{ "\xc3(", 2, "\\303(" },                          /* no continuation */
	{ "\xc0\xaf", 2, "\\300\\257" },                   /* over-long '/' */
	{ "\xed\xa0\x80", 3, "\\355\\240\\200" },          /* surrogate */
	{ "\xf4\x90\x80\x80", 4, "\\364\\220\\200\\200" }, /* over U+10FFFF */
	{ "\xc2\x9b"
	  "2J",
	    4, "\\302\\2332J" }, /* C1 CSI */
	{ "\xe2\x80\xae"
	  "exe",
	    6, "\\342\\200\\256exe" },                     /* right-to-left override */
	{ "\xe2\x81\xa6", 3, "\\342\\201\\246" },          /* isolate */
	{ "\xe2\x80\xa8", 3, "\\342\\200\\250" },          /* line separator */
	{ "\xe2\x80\x8b", 3, "\\342\\200\\213" },          /* zero width space */
	{ "\xef\xbb\xbf", 3, "\\357\\273\\277" },          /* byte order mark */
	{ "\xf3\xa0\x81\x81", 4, "\\363\\240\\201\\201" }, /* tag character */
	{ "\xff\xfe", 2, "\\377\\376" },
};

START_TEST(escapes)
{
	struct buf out = BUF_INIT;

	ck_assert_int_eq(text_vis(&out, cases[_i].in, cases[_i].len), 0);
	ck_assert_str_eq(buf_cstr(&out), cases[_i].out);
	buf_free(&out);
}
END_TEST

/* Any byte, at any place among words of eight: it ends the run, or does not. */
START_TEST(plain)
{
	unsigned char text[30];

	for (unsigned byte = 0; byte < 256; byte++)
		for (size_t at = 0; at < sizeof(text); at++) {
			bool ends = byte < 0x20 || byte > 0x7e || byte == '\\';

			memset(text, at % 2 == 0 ? ' ' : '~', sizeof(text));
			text[at] = (unsigned char)byte;
			for (size_t len = 0; len <= sizeof(text); len++)
				if (text_plain(text, len) != (ends && at < len ? at : len))
					ck_abort_msg("%02x at %zu of %zu", byte, at, len);
		}
}
END_TEST

START_TEST(locale_changes_nothing)
{
	struct buf out = BUF_INIT;

	ck_assert_ptr_nonnull(setlocale(LC_ALL, "C.UTF-8"));
	ck_assert_int_eq(text_vis(&out, cases[_i].in, cases[_i].len), 0);
	ck_assert_str_eq(buf_cstr(&out), cases[_i].out);
	buf_free(&out);
	setlocale(LC_ALL, "C");
}
END_TEST

/* Every run of two bytes: no byte that is a control, alone or as C1, is left. */
START_TEST(two_bytes)
{
	struct buf out = BUF_INIT;

	for (unsigned i = 0; i < 0x10000; i++) {
		unsigned char in[2] = { (unsigned char)(i >> 8), (unsigned char)i };

		buf_clear(&out);
		ck_assert_int_eq(text_vis(&out, in, 2), 0);
		for (size_t k = 0; k < out.len; k++) {
			ck_assert_int_ge(out.data[k], 0x20);
			ck_assert_int_ne(out.data[k], 0x7f);
		}
		ck_assert(out.len != 2 || out.data[0] != 0xc2 || out.data[1] >= 0xa0);
	}
	buf_free(&out);
}
END_TEST

START_TEST(dup)
{
	char *s = text_vis_dup("a\nb");

	ck_assert_str_eq(s, "a\\nb");
	free(s);
}
END_TEST

START_TEST(between)
{
	struct buf out = BUF_INIT;

	ck_assert_int_eq(text_vis_between(&out, "to=<\n", "a\nb", ">\n"), 0);
	ck_assert_str_eq(buf_cstr(&out), "to=<\na\\nb>\n");
	buf_free(&out);
}
END_TEST

START_TEST(words)
{
	ck_assert(text_is_word("NEVER", "never,", 5));
	ck_assert(text_is_word("", "x", 0));
	ck_assert(!text_is_word("NEVER", "never", 4));
	ck_assert(!text_is_word("NEVE", "never", 5));
	ck_assert(!text_is_word("NEVER", "nev\0r", 5));
	ck_assert(!text_is_word("NEVER", "newer", 5));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("text");
	TCase *tcase = tcase_create("text");

	tcase_add_loop_test(tcase, escapes, 0, sizeof(cases) / sizeof(cases[0]));
	tcase_add_loop_test(tcase, locale_changes_nothing, 0, sizeof(cases) / sizeof(cases[0]));
	tcase_add_test(tcase, two_bytes);
	tcase_add_test(tcase, plain);
	tcase_add_test(tcase, dup);
	tcase_add_test(tcase, between);
	tcase_add_test(tcase, words);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
