/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Header fields: which one is found, how it is unfolded, what is decoded and what is left.
 */
#include "../../src/mailpeek/field.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "suite.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))
#define BYTES(text)  (text), sizeof(text) - 1

static const struct field_case {
	const char *header;
	size_t header_len;
	const char *value; /* of Subject; NULL: not there */
	size_t value_len;
} cases[] = {
	{ BYTES(""), NULL, 0 },
	{ BYTES("Subject: x\n"), BYTES("x") },
	{ BYTES("Subject:x"), BYTES("x") },
	{ BYTES("From: a\nsUBJECT:   x y \t\nTo: b\n"), BYTES("x y") },
	{ BYTES("Subject:\n"), BYTES("") },
	{ BYTES("Subject:"), BYTES("") },
	{ BYTES("Subject: one\nSubject: two\n"), BYTES("one") },
	{ BYTES("Subjects: no\nX-Subject: no\n Subject: no\nTo: Subject: no\nSubject no\n"), NULL,
	    0 },
	{ BYTES("Subject : no\n"), NULL, 0 },
	{ BYTES("Subject"), NULL, 0 },
	/* folding */
	{ BYTES("Subject: a\n b\n\t c\r\n\td\nTo: x\n"), BYTES("a b c d") },
	{ BYTES("Subject:\n a\n"), BYTES("a") },
	{ BYTES("Subject: a\n \n b\n"), BYTES("a  b") },
	{ BYTES("Subject: a\r\n"), BYTES("a") },
	{ BYTES("Subject: a\rb\r\r\n"), BYTES("a\rb\r") },
	/* left alone */
	{ BYTES("Subject: gr\xc3\xbc\xc3\x9f"
	        "e\n"),
	    BYTES("gr\xc3\xbc\xc3\x9f"
	          "e") },
	{ BYTES("Subject: a\x1b[2Jb\n"), BYTES("a\x1b[2Jb") },
	{ BYTES("Subject: = ? =_=\n"), BYTES("= ? =_=") },
	/* decoded */
	{ BYTES("Subject: =?utf-8?q?gr=C3=BC=C3=9Fe?=\n"), BYTES("gr\xc3\xbc\xc3\x9f"
	                                                         "e") },
	{ BYTES("Subject: =?ISO-8859-1?Q?a_=FC?= b\n"), BYTES("a \xc3\xbc b") },
	{ BYTES("Subject: =?utf-8?b?SGVsbG8=?= =?utf-8?B?IHdvcmxk?=\n"), BYTES("Hello world") },
	{ BYTES("Subject: =?utf-8?b?SGVsbG8=?=\n =?utf-8?B?IHdvcmxk?= !\n"),
	    BYTES("Hello world !") },
	{ BYTES("Subject: =?utf-8?b?w7w=?=\n"), BYTES("\xc3\xbc") },
	{ BYTES("Subject: =?utf-8?q?=C3?= =?utf-8?q?=BC?=\n"), BYTES("\xc3\xbc") },
	{ BYTES("Subject: =?utf-8?b?ww==?= =?utf-8?b?vA==?=\n"), BYTES("\xc3\xbc") },
	{ BYTES("Subject: =?iso-2022-jp?b?GyRCMnE1RBsoQg==?= x\n"),
	    BYTES("\xe4\xbc\x9a\xe8\xad\xb0 x") },
	{ BYTES("Subject: =?utf-8*en?q?x?=\n"), BYTES("x") },
	{ BYTES("Subject: a\xfc"
	        "b\n"),
	    BYTES("a\xc3\xbc"
	          "b") },
	{ BYTES("Subject: a\0b \xc3\xbc\n"), BYTES("a\0b \xc3\xbc") },
	{ BYTES("Subject: \0\0=?utf-8?q?=C3=BC?=\0\n"), BYTES("\0\0\xc3\xbc\0") },
	/* not as RFC 2047 has it, but understood */
	{ BYTES("Subject: =?utf-8?b?SGVsbG8?= =?utf-8?B?IHc?= =?utf-8?b?b3JsZA?=\n"),
	    BYTES("Hello world") },
	{ BYTES("Subject: =?utf-8?b?SGVsbG8=IHdvcmxk?=\n"), BYTES("Hello world") },
	{ BYTES("Subject: =?utf-8?b?*S_GVs bG8=*?=\n"), BYTES("Hello") },
	{ BYTES("Subject: =?utf-8?b?S?= x\n"), BYTES(" x") },
	{ BYTES("Subject: =?utf-8?q?a=G1=4?= =?utf-8?q?=?=\n"), BYTES("a=G1=4=") },
	{ BYTES("Subject: =?utf-8?q?a b_c?=\n"), BYTES("a b c") },
	{ BYTES("Subject: =?utf-8?q?=fF=C3?=x\n"), BYTES("??x") },
	{ BYTES("Subject: =?x-none?q?=E9?=\n"), BYTES("\xc3\xa9") },
	/* what only looks like an encoded word */
	{ BYTES("Subject: =?\n"), BYTES("=?") },
	{ BYTES("Subject: =?utf-8?b?\n"), BYTES("=?utf-8?b?") },
	{ BYTES("Subject: =?utf-8?b?YQ==?\n"), BYTES("=?utf-8?b?YQ==?") },
	{ BYTES("Subject: =?utf-8?x?YQ==?=\n"), BYTES("=?utf-8?x?YQ==?=") },
};

START_TEST(field)
{
	const struct field_case *c = &cases[_i];
	struct buf out = BUF_INIT;
	/* Exactly as long as it is, for the sanitizers. */
	unsigned char *exact = malloc(c->header_len + (c->header_len == 0));
	int found;

	ck_assert_ptr_nonnull(exact);
	memcpy(exact, c->header, c->header_len);
	found = field_get(exact, c->header_len, "Subject", &out);
	ck_assert_msg(found == (c->value != NULL), "\"%s\": %d", c->header, found);
	ck_assert_msg(
	    out.len == c->value_len && (out.len == 0 || memcmp(out.data, c->value, out.len) == 0),
	    "\"%s\": \"%.*s\"", c->header, (int)out.len,
	    out.len != 0 ? (const char *)out.data : "");
	free(exact);
	buf_free(&out);
}
END_TEST

/* One line of a megabyte, and a megabyte of lines. */
START_TEST(huge)
{
	static const char *const units[] = { "x", "x\n ", "=?utf-8?q?x?= ", "=?",
		"=?utf-8?b?eA==?=\n " };
	struct buf header = BUF_INIT, out = BUF_INIT;

	ck_assert_int_eq(buf_adds(&header, "Subject: "), 0);
	while (header.len < 1024 * 1024)
		ck_assert_int_eq(buf_adds(&header, units[_i]), 0);
	ck_assert_int_eq(field_get(header.data, header.len, "Subject", &out), 1);
	ck_assert_uint_gt(out.len, 0);
	ck_assert_uint_le(out.len, FIELD_MAX);
	buf_free(&header);
	buf_free(&out);
}
END_TEST

/* The first of each name, wherever it stands, whoever else begins with that letter. */
START_TEST(find_all)
{
	static const char header[] = " Subject: folded\nFrom\nFr:\nSubject : no\nXubject: no\n"
	                             "subject:1\nSender:2\nSUBJECT:3\nFrom:4\n\tX:5\nX:6";
	static const char *const names[] = { "From", "Subject", "sUBJECT", "To", "x", "Sender" };
	static const char values[] = { '4', '1', '1', 0, '6', '2' };
	const size_t n = sizeof(values);
	struct field out[sizeof(values)];

	/* However much of it is there. */
	for (size_t len = 0; len < sizeof(header); len++) {
		unsigned char *exact = malloc(len + (len == 0));

		ck_assert_ptr_nonnull(exact);
		memcpy(exact, header, len);
		field_find_all(exact, len, names, n, out);
		for (size_t i = 0; i < n; i++) {
			const unsigned char *p = exact;
			struct field first;

			if (!field_find(&p, exact + len, names[i], &first)) {
				ck_assert_ptr_null(out[i].value);
				continue;
			}
			ck_assert_ptr_eq(out[i].value, first.value);
			ck_assert_ptr_eq(out[i].name, first.name);
			ck_assert_ptr_eq(out[i].end, exact + len);
		}
		free(exact);
	}
	field_find_all((const unsigned char *)header, sizeof(header) - 1, names, n, out);
	for (size_t i = 0; i < n; i++)
		ck_assert_int_eq(out[i].value == NULL ? 0 : out[i].value[0], values[i]);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("mailpeek_field");
	TCase *tc = tcase_create("field");

	tcase_add_loop_test(tc, field, 0, COUNT(cases));
	tcase_add_loop_test(tc, huge, 0, 5);
	tcase_add_test(tc, find_all);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
