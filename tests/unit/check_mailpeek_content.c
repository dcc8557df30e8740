/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Content-Types: what is read of them, and that it is the same with GMime and without.
 */
#include "../../src/mailpeek/content.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/mailpeek/decode.h"
#include "suite.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))
#define TEN          "0123456789"
#define EIGHTY       TEN TEN TEN TEN TEN TEN TEN TEN

static const struct content_case {
	const char *value;
	bool is_plain;
	const char *type, *charset, *boundary, *name;
} cases[] = {
	{ "text/plain", true, "text/plain", "", "", "" },
	{ "TEXT/Plain; Charset=UTF-8", true, "text/plain", "UTF-8", "", "" },
	{ "text/plain;charset=\"koi8-r\"", true, "text/plain", "koi8-r", "", "" },
	{ "text/plain ; format=flowed;\tcharset=x ; delsp=yes", true, "text/plain", "x", "", "" },
	{ "multipart/mixed; boundary=\"--=_a'b/c:d(e)\"", true, "multipart/mixed", "",
	    "--=_a'b/c:d(e)", "" },
	{ "application/vnd.oasis+xml; name=\"a;b.pdf\"", true, "application/vnd.oasis+xml", "", "",
	    "a;b.pdf" },
	/* for GMime */
	{ "text/plain; name=\"a b.pdf\"", false, "text/plain", "", "", "a b.pdf" },
	{ "text/plain; name=\"a\\\"b\"", false, "text/plain", "", "", "a\"b" },
	{ "text/plain; name=\"=?utf-8?q?=C3=BC?=\"", false, "text/plain", "", "", "\xc3\xbc" },
	{ "text/plain; name*=utf-8''%C3%BC", false, "text/plain", "", "", "\xc3\xbc" },
	{ "text/plain; name*0=a; name*1=b", false, "text/plain", "", "", "ab" },
	{ "text/plain (comment); charset=x", false, "text/plain", "x", "", "" },
	{ "text/plain; charset=\"a;b\"", false, "text/plain", "", "", "" },
	{ "text/" EIGHTY, false, "", "", "", "" },
	{ "text/plain; charset=" EIGHTY, false, "text/plain", "", "", "" },
};

static void
assert_content(const struct content_case *c, const struct content *found)
{
	ck_assert_str_eq(found->type, c->type);
	ck_assert_str_eq(found->charset, c->charset);
	ck_assert_str_eq(found->boundary, c->boundary);
	ck_assert_uint_eq(found->boundary_len, strlen(c->boundary));
	ck_assert_uint_eq(found->name.len, strlen(c->name));
	ck_assert(found->name.len == 0 || memcmp(found->name.data, c->name, strlen(c->name)) == 0);
}

START_TEST(type)
{
	const struct content_case *c = &cases[_i];
	struct content plain = { 0 }, decoded = { 0 }, either = { 0 };
	struct buf value = BUF_INIT;

	ck_assert_int_eq(buf_adds(&value, c->value), 0);
	ck_assert_int_eq(content_read_plain(&value, &plain), c->is_plain);
	if (c->is_plain)
		assert_content(c, &plain);
	content_read_type(&value, &either);
	assert_content(c, &either);
	decode_content_type(&value, &decoded);
	assert_content(c, &decoded);
	buf_free(&plain.name);
	buf_free(&decoded.name);
	buf_free(&either.name);
	buf_free(&value);
}
END_TEST

static const char *const odd[] = { "", "text", "text/", "/plain", "text/plain;", "text/plain; ",
	"text/plain; charset", "text/plain; charset=", "text/plain; charset=\"\"",
	"text/plain; charset=\"x", "text/plain; charset=x y", "text/plain; charset=x; charset=y",
	"text/plain; boundary=a; boundary=b", "text/plain; name=a; name=b", "text/plain charset=x",
	"text /plain", "\xc3\xbc/plain", "text/plain; name=\"\xc3\xbc\"",
	"text/plain; name=\"a\tb\"" };

/* What is not quite right is nobody's to guess but GMime's; nothing of the try is left. */
START_TEST(left_to_gmime)
{
	struct content plain = { 0 }, decoded = { 0 }, either = { 0 };
	struct buf value = BUF_INIT;

	ck_assert_int_eq(buf_adds(&value, odd[_i]), 0);
	ck_assert(!content_read_plain(&value, &plain));
	strlcpy(either.type, "default/type", sizeof(either.type));
	strlcpy(decoded.type, "default/type", sizeof(decoded.type));
	content_read_type(&value, &either);
	decode_content_type(&value, &decoded);
	ck_assert_str_eq(either.type, decoded.type);
	ck_assert_str_eq(either.charset, decoded.charset);
	ck_assert_str_eq(either.boundary, decoded.boundary);
	ck_assert_uint_eq(either.boundary_len, decoded.boundary_len);
	ck_assert_uint_eq(either.name.len, decoded.name.len);
	buf_free(&plain.name);
	buf_free(&decoded.name);
	buf_free(&either.name);
	buf_free(&value);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("mailpeek_content");
	TCase *tc = tcase_create("content");

	tcase_add_loop_test(tc, type, 0, COUNT(cases));
	tcase_add_loop_test(tc, left_to_gmime, 0, COUNT(odd));
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
