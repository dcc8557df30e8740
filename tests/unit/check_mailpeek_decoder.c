/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Bodies through transfer encoding and charset, and text folded for comparing: right whatever the
 * pieces they come in, and never stopped by what makes no sense.
 */
#include "../../src/mailpeek/decode.h"
#include "../../src/mailpeek/fold.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "suite.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))
#define BYTES(text)  (text), sizeof(text) - 1
#define LOST         "\xef\xbf\xbd" /* U+FFFD */

static const struct decoder_case {
	const char *encoding, *charset;
	const char *in;
	size_t in_len;
	const char *out;
	size_t out_len;
} cases[] = {
	{ "", NULL, BYTES("a\xff\0b"), BYTES("a\xff\0b") },
	{ "base64", NULL, BYTES("AP9h\nYg==\n"),
	    BYTES("\0\xff"
	          "ab") },
	{ "BASE64", NULL, BYTES("YW Jj!"), BYTES("abc") },
	/* without padding, with too little, ended by it, and with a rest that is no byte */
	{ "base64", NULL, BYTES("YWI"), BYTES("ab") },
	{ "base64", NULL, BYTES("YQ\n"), BYTES("a") },
	{ "base64", NULL, BYTES("YWJjYQ="), BYTES("abca") },
	{ "base64", NULL, BYTES("YQ==\nYWI=\nYWJj"), BYTES("a") },
	{ "base64", NULL, BYTES("YWJjY"), BYTES("abc") },
	{ "quoted-printable", NULL, BYTES("a=\nb=3Dc=zz=\r\nd \n"), BYTES("ab=c=zzd \n") },
	{ "x-unknown", NULL, BYTES("=41"), BYTES("=41") },
	{ "7bit", "", BYTES("plain"), BYTES("plain") },
	/* UTF-8, or what is not */
	{ "", "utf-8", BYTES("gr\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80!"),
	    BYTES("gr\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80!") },
	{ "", "utf-8", BYTES("\xfc\xc3"), BYTES("\xc3\xbc\xc3\x83") },
	{ "", "us-ascii", BYTES("\xe9t\xe9"), BYTES("\xc3\xa9t\xc3\xa9") },
	{ "", "no-such-charset", BYTES("\xc3\xbc\xfc\0x"), BYTES("\xc3\xbc\xc3\xbc\0x") },
	{ "quoted-printable", "utf-8", BYTES("=C3=\n=BC"), BYTES("\xc3\xbc") },
	/* NUL within a character, and far from the end */
	{ "", "utf-8", BYTES("\xc3\0yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy"),
	    BYTES("\xc3\x83\0yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy") },
	{ "", "utf-8", BYTES("\xf8\x80\x80\x80\xe2\x82"),
	    BYTES("\xc3\xb8\xc2\x80\xc2\x80\xc2\x80\xc3\xa2\xc2\x82") },
	/* other charsets */
	{ "", "iso-8859-1", BYTES("\xe9\xe0"), BYTES("\xc3\xa9\xc3\xa0") },
	{ "", "Windows-1252", BYTES("\x80\x81\x93"), BYTES("\xe2\x82\xac" LOST "\xe2\x80\x9c") },
	{ "", "iso-2022-jp", BYTES("\x1b$B2q5D\x1b(B x"), BYTES("\xe4\xbc\x9a\xe8\xad\xb0 x") },
	{ "base64", "iso-2022-jp", BYTES("GyRCMnE1RBsoQg=="), BYTES("\xe4\xbc\x9a\xe8\xad\xb0") },
	{ "", "shift_jis", BYTES("\x8f\x64\x97"), BYTES("\xe9\x87\x8d" LOST) },
	{ "", "gb2312", BYTES("\xc4\xe3\xba\xc3"), BYTES("\xe4\xbd\xa0\xe5\xa5\xbd") },
	{ "", "big5", BYTES("\xc1\x63\xff\xc5\xe9"), BYTES("\xe7\xb9\x81" LOST "\xe9\xab\x94") },
	{ "", "koi8-r", BYTES("\xd0\xd2"), BYTES("\xd0\xbf\xd1\x80") },
	{ "", "utf-16le", BYTES("a\0\xfc\0"), BYTES("a\xc3\xbc") },
	{ "", "utf-7", BYTES("+APw-x"), BYTES("\xc3\xbcx") },
};

static int
take(void *arg, const void *data, size_t len)
{
	return buf_add(arg, data, len);
}

START_TEST(decoded)
{
	const struct decoder_case *c = &cases[_i];

	for (size_t step = 1; step <= c->in_len; step++) {
		struct decoder *decoder = decoder_new(c->encoding, c->charset);
		struct buf out = BUF_INIT;

		for (size_t at = 0; at < c->in_len; at += step) {
			size_t n = c->in_len - at < step ? c->in_len - at : step;

			ck_assert_int_eq(decoder_feed(decoder, c->in + at, n, take, &out), 0);
		}
		ck_assert_int_eq(decoder_end(decoder, take, &out), 0);
		ck_assert_msg(out.len == c->out_len && memcmp(out.data, c->out, out.len) == 0,
		    "case %d in pieces of %zu: %zu bytes, \"%s\"", _i, step, out.len,
		    buf_cstr(&out));
		decoder_free(decoder);
		buf_free(&out);
	}
}
END_TEST

/* More than one piece inside, characters over the joints. */
START_TEST(long_text)
{
	struct decoder *decoder = decoder_new("", _i == 0 ? "utf-8" : "shift_jis");
	struct buf in = BUF_INIT, out = BUF_INIT;
	const char *unit = _i == 0 ? "x\xe9\x87\x8d" : "x\x8f\x64";

	while (in.len < 100000)
		ck_assert_int_eq(buf_adds(&in, unit), 0);
	ck_assert_int_eq(decoder_feed(decoder, in.data, in.len, take, &out), 0);
	ck_assert_int_eq(decoder_end(decoder, take, &out), 0);
	ck_assert_uint_eq(out.len, in.len / strlen(unit) * 4);
	for (size_t i = 0; i < out.len; i += 4)
		ck_assert_mem_eq(out.data + i, "x\xe9\x87\x8d", 4);
	decoder_free(decoder);
	buf_free(&in);
	buf_free(&out);
}
END_TEST

/* ---- folding --------------------------------------------------------------------------------- */

static const struct fold_case {
	const char *needle, *text;
	bool found;
} folds[] = {
	{ "abc", "xABCx", true },
	{ "ABC", "xabcx", true },
	{ "abc", "ab", false },
	{ "", "", true },
	{ "\xc3\x84", "b\xc3\xa4r", true },         /* Ä, ä */
	{ "\xc3\xa4", "ba\xcc\x88r", true },        /* composed or not */
	{ "\xce\xa3", "\xcf\x82", true },           /* sigma at a word's end */
	{ "file", "\xef\xac\x81le", true },         /* a ligature */
	{ "ab", "\xef\xbc\xa1\xef\xbc\xa2", true }, /* full width */
	{ "\xe6\x97\xa5", "\xe6\x97\xa5\xe6\x9c\xac", true },
	{ "\xe6\x97\xa5", "\xe6\x9c\xac", false },
	{ "b",
	    "\xff\xfe"
	    "B",
	    true }, /* beside bytes that are no text */
	{ "\xff", "a\xff", true },
	{ "aab", "aaaab", true },
};

START_TEST(folded)
{
	const struct fold_case *c = &folds[_i];
	struct buf needle = BUF_INIT;
	size_t len = strlen(c->text);

	fold_add(&needle, c->needle, strlen(c->needle));
	ck_assert_int_eq(fold_contains(&needle, c->text, len), c->found);
	for (size_t step = 1; step <= len; step++) {
		struct fold_search search;
		bool found = false;

		fold_search_begin(&search, &needle);
		for (size_t at = 0; at < len; at += step)
			found = fold_search_feed(
			    &search, c->text + at, len - at < step ? len - at : step);
		ck_assert_int_eq(found, c->found);
		fold_search_free(&search);
	}
	buf_free(&needle);
}
END_TEST

/* What is kept between pieces does not grow with the text. */
START_TEST(window)
{
	struct buf needle = BUF_INIT;
	struct fold_search search;
	char text[1000];

	memset(text, 'a', sizeof(text));
	fold_add(&needle, "aab", 3);
	fold_search_begin(&search, &needle);
	for (int i = 0; i < 1000; i++) {
		ck_assert(!fold_search_feed(&search, text, sizeof(text)));
		ck_assert_uint_le(search.window.len, 2);
	}
	ck_assert(fold_search_feed(&search, "b", 1));
	ck_assert_uint_le(search.window.cap, 4096);
	fold_search_free(&search);
	buf_free(&needle);
}
END_TEST

/* ---- dates ----------------------------------------------------------------------------------- */

static const struct date_case {
	const char *text;
	time_t time;
} dates[] = {
	{ "Thu, 01 Jan 1970 00:00:00 +0000", 0 },
	{ "Thu, 1 Jan 2026 12:00:00 +0100 (CET)", 1767265200 },
	{ "1 Jan 2026 12:00 GMT", 1767268800 },
	{ "Sat, 31 Dec 2016 23:59:60 +0000", 1483228799 },
	{ "Thu, 1 Jan 2026 12.00.00 +0100", 1767265200 },
	{ "1.1.2026 12:00:61 GMT", -1 },
	{ "12:00:", -1 },
	{ "not a date", -1 },
	{ "", -1 },
};

START_TEST(date)
{
	struct buf value = BUF_INIT;

	ck_assert_int_eq(buf_adds(&value, dates[_i].text), 0);
	ck_assert_int_eq(decode_date(&value), dates[_i].time);
	buf_free(&value);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("mailpeek_decoder");
	TCase *tc = tcase_create("decoder");

	tcase_add_loop_test(tc, decoded, 0, COUNT(cases));
	tcase_add_loop_test(tc, long_text, 0, 2);
	tcase_add_loop_test(tc, folded, 0, COUNT(folds));
	tcase_add_test(tc, window);
	tcase_add_loop_test(tc, date, 0, COUNT(dates));
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
