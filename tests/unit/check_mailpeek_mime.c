/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Messages taken apart: the parts in their tree, what they say of themselves, which bytes are
 * theirs; the same whatever the pieces the message comes in.
 */
#include "../../src/mailpeek/mime.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "suite.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

static const struct mime_case {
	const char *message;
	/* For each part "NUMBER<PARENT TYPE[;charset][/encoding][@name][!]", then its bytes in
	 * brackets if it is a leaf, and its size. */
	const char *told;
} cases[] = {
	{ "", "0<0 text/plain [] 0\n" },
	{ "Subject: x\n", "0<0 text/plain [] 0\n" },
	{ "\nbody\n", "0<0 text/plain [body\n] 5\n" },
	{ "Subject: x\n\nbody", "0<0 text/plain [body] 4\n" },
	{ "Subject: x\r\n\r\nbody\r\n", "0<0 text/plain [body\r\n] 6\n" },
	{ "Content-Type: TEXT/HTML; Charset=UTF-8\nContent-Transfer-Encoding: Base64 (x)\n\nPGI+\n",
	    "0<0 text/html;UTF-8/Base64 [PGI+\n] 5\n" },
	{ "Content-Type: text/plain; charset=\"../x y\"\n\n", "0<0 text/plain [] 0\n" },
	/* what names no type is text (RFC 2045 5.2) */
	{ "Content-Type: text; charset=koi8-r\n\n", "0<0 text/plain [] 0\n" },
	{ "Content-Type: text/; charset=koi8-r\n\n", "0<0 text/plain [] 0\n" },
	{ "Content-Type: /plain; x=image/png\n\n", "0<0 text/plain [] 0\n" },
	{ "Content-Type: ;charset=us-ascii\n\n", "0<0 text/plain [] 0\n" },
	{ "Content-Type:\n\n", "0<0 text/plain [] 0\n" },
	{ "Content-Type: text / html\n\n", "0<0 text/html [] 0\n" },
	/* a file's name in all its spellings */
	{ "Content-Type: image/png; name=a.png\n\n", "0<0 image/png@a.png [] 0\n" },
	{ "Content-Type: image/png; name=a.png\nContent-Disposition: attachment; "
	  "filename=b.png\n\n",
	    "0<0 image/png@b.png! [] 0\n" },
	{ "Content-Disposition: attachment;\n filename*0*=utf-8''gr%C3%BC;\n filename*1=n.txt\n\n",
	    "0<0 text/plain@grün.txt! [] 0\n" },
	{ "Content-Disposition: inline; filename=\"=?utf-8?q?gr=C3=BCn?=\"\n\n",
	    "0<0 text/plain@grün [] 0\n" },
	/* boundaries */
	{ "Content-Type: multipart/mixed; "
	  "boundary=b\n\npre\n--b\n\none\n--b\n\ntwo\n\n--b--\nepi\n",
	    "1<0 text/plain [one] 3\n2<0 text/plain [two\n] 4\n0<0 multipart/mixed 33\n" },
	{ "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\none\r\n--b--\r\n",
	    "1<0 text/plain [one] 3\n0<0 multipart/mixed 19\n" },
	{ "Content-Type: multipart/mixed; boundary=b\n\n--b \t\n\none\n--b--  \nx",
	    "1<0 text/plain [one] 3\n0<0 multipart/mixed 20\n" },
	{ "Content-Type: multipart/mixed; boundary=b\n\n--b\n\n--bc\n-- b\n--b-\n---\n-\n--\n--b--",
	    "1<0 text/plain [--bc\n-- b\n--b-\n---\n-\n--] 23\n0<0 multipart/mixed 34\n" },
	{ "Content-Type: multipart/mixed; boundary=b\n\n--b\n\na\r", "1<0 text/plain [a\r] 2\n"
	                                                             "0<0 multipart/mixed 7\n" },
	{ "Content-Type: multipart/mixed; boundary=b\n\n--b\n\na\n", "1<0 text/plain [a\n] 2\n"
	                                                             "0<0 multipart/mixed 7\n" },
	{ "Content-Type: multipart/mixed; boundary=b\n\n--b\n\na\rb\n--b\n",
	    "1<0 text/plain [a\rb] 3\n2<0 text/plain [] 0\n0<0 multipart/mixed 13\n" },
	{ "Content-Type: multipart/mixed; boundary=b\n\n--b\n\n-a\r\n--b\n\n-\r",
	    "1<0 text/plain [-a] 2\n2<0 text/plain [-\r] 2\n0<0 multipart/mixed 16\n" },
	/* a header without end */
	{ "Content-Type: multipart/mixed; boundary=b\n\n--b\nX: y\n--b\n\na\n--b--\n",
	    "1<0 text/plain [] 0\n2<0 text/plain [a] 1\n0<0 multipart/mixed 22\n" },
	{ "Content-Type: multipart/mixed; boundary=b\n\n--b\nX: y\n--b--",
	    "1<0 text/plain [] 0\n0<0 multipart/mixed 14\n" },
	{ "Content-Type: multipart/mixed; boundary=b\n\n--b--\n--b\n\nbehind the end\n",
	    "0<0 multipart/mixed 26\n" },
	{ "Content-Type: multipart/mixed\n\n--b\n\nno boundary\n",
	    "0<0 multipart/mixed [--b\n\nno boundary\n] 17\n" },
	/* parts within parts */
	{ "Content-Type: multipart/mixed; boundary=a\n\n"
	  "--a\nContent-Type: multipart/alternative; boundary=b\n\n"
	  "--b\n\none\n--b\nContent-Type: text/html\n\ntwo\n"
	  "--a\n\nthree\n--b\nnot its own\n--a--\n",
	    "2<1 text/plain [one] 3\n3<1 text/html [two] 3\n1<0 multipart/alternative 41\n"
	    "4<0 text/plain [three\n--b\nnot its own] 21\n0<0 multipart/mixed 128\n" },
	{ "Content-Type: multipart/mixed; boundary=a\n\n"
	  "--a\nContent-Type: message/rfc822\n\nSubject: in\nContent-Type: "
	  "text/html\n\nhi\n--a--\n",
	    "2<1 text/html [hi] 2\n1<0 message/rfc822 39\n0<0 multipart/mixed 80\n" },
	{ "Content-Type: multipart/digest; boundary=a\n\n--a\n\nSubject: in\n\nhi\n--a--\n",
	    "2<1 text/plain [hi] 2\n1<0 message/rfc822 15\n0<0 multipart/digest 27\n" },
	{ "Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\nU3ViamVjdDogeA==\n",
	    "0<0 message/rfc822/base64 [U3ViamVjdDogeA==\n] 17\n" },
	{ "Content-Type: message/rfc822\n\nContent-Type: message/rfc822\n\nSubject: x\n\nhi",
	    "2<1 text/plain [hi] 2\n1<0 message/rfc822 14\n0<0 message/rfc822 44\n" },
};

static struct buf told, bytes;

static int
begin(void *arg, const struct mime_part *part)
{
	(void)arg;
	if (!part->has_parts)
		buf_clear(&bytes);
	return 0;
}

static int
data(void *arg, const struct mime_part *part, const void *data_, size_t len)
{
	(void)arg;
	ck_assert(!part->has_parts);
	ck_assert_uint_gt(len, 0);
	return buf_add(&bytes, data_, len);
}

static int
end(void *arg, const struct mime_part *part)
{
	const struct content *c = &part->content;

	(void)arg;
	buf_addf(&told, "%zu<%zu %s", part->number, part->parent, c->type);
	if (c->charset[0] != '\0')
		buf_addf(&told, ";%s", c->charset);
	if (part->encoding[0] != '\0')
		buf_addf(&told, "/%s", part->encoding);
	if (c->name.len > 0)
		buf_addf(&told, "@%.*s", (int)c->name.len, (const char *)c->name.data);
	buf_adds(&told, c->is_attachment ? "! " : " ");
	if (!part->has_parts) {
		buf_adds(&told, "[");
		buf_add(&told, bytes.data, bytes.len);
		buf_adds(&told, "] ");
		ck_assert_uint_eq(bytes.len, part->size);
	}
	buf_addf(&told, "%llu\n", (unsigned long long)part->size);
	return 0;
}

static const struct mime_events events = { begin, data, end };

static void
feed(const char *message, size_t len, size_t step)
{
	struct mime *mime = mime_new(&events, NULL);

	buf_clear(&told);
	for (size_t at = 0; at < len; at += step) {
		size_t n = len - at < step ? len - at : step;
		/* Exactly as long as it is, for the sanitizers. */
		char *piece = malloc(n);

		memcpy(piece, message + at, n);
		ck_assert_int_eq(mime_feed(mime, piece, n), 0);
		free(piece);
	}
	ck_assert_int_eq(mime_end(mime), 0);
	mime_free(mime);
}

START_TEST(parts)
{
	const struct mime_case *c = &cases[_i];
	size_t len = strlen(c->message);

	for (size_t step = 1; step <= len + 1; step++) {
		feed(c->message, len, step);
		ck_assert_msg(strcmp(buf_cstr(&told), c->told) == 0, "%s\npieces of %zu:\n%s",
		    c->message, step, buf_cstr(&told));
	}
	buf_free(&told);
	buf_free(&bytes);
}
END_TEST

/* Ten thousand parts within one another, and a hundred thousand beside one another. */
static size_t parts_seen, deepest;

static int
note(void *arg, const struct mime_part *part)
{
	(void)arg;
	parts_seen++;
	if (part->depth > deepest)
		deepest = part->depth;
	return 0;
}

START_TEST(bounded)
{
	static const struct mime_events count = { note, NULL, NULL };
	struct mime *mime = mime_new(&count, NULL);
	char text[128];
	int len;

	parts_seen = deepest = 0;
	if (_i == 1)
		ck_assert_int_eq(
		    mime_feed(mime, "Content-Type: multipart/mixed; boundary=b\n\n", 43), 0);
	for (int n = 0; n < (_i == 0 ? 10000 : 100000); n++) {
		len = _i == 0 ? snprintf(text, sizeof(text),
		                    "Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n", n, n)
		              : snprintf(text, sizeof(text), "--b\n\nx\n");
		ck_assert_int_eq(mime_feed(mime, text, (size_t)len), 0);
	}
	ck_assert_int_eq(mime_end(mime), 0);
	ck_assert_uint_lt(deepest, MIME_DEPTH_MAX);
	ck_assert_uint_le(parts_seen, MIME_PARTS_MAX);
	ck_assert_uint_ge(parts_seen, _i == 0 ? MIME_DEPTH_MAX : MIME_PARTS_MAX);
	mime_free(mime);
}
END_TEST

static int
stop(void *arg, const struct mime_part *part)
{
	(void)arg;
	return part->number == 1 ? 42 : 0;
}

/* What an event answers comes back, and the rest can be let go. */
START_TEST(stopped)
{
	static const struct mime_events stopping = { stop, NULL, NULL };
	static const char message[] =
	    "Content-Type: multipart/mixed; boundary=b\n\n--b\n\none\n--b--\n";
	struct mime *mime = mime_new(&stopping, NULL);

	ck_assert_int_eq(mime_feed(mime, message, strlen(message)), 42);
	mime_free(mime);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("mailpeek_mime");
	TCase *tc = tcase_create("mime");

	tcase_add_loop_test(tc, parts, 0, COUNT(cases));
	tcase_add_loop_test(tc, bounded, 0, 2);
	tcase_add_test(tc, stopped);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
