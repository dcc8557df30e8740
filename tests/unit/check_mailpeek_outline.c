/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Which parts of a message are read and which are listed, how they are numbered and measured; and
 * HTML as text.
 */
#include "../../src/mailpeek/outline.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "suite.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))
#define BOUND(type)  "Content-Type: multipart/" type "; boundary=b\n\n"
#define PLAIN        "Content-Type: text/plain\n\nplain\n"
#define HTML         "Content-Type: text/html\n\n<p>html\n"
#define IMAGE        "Content-Type: image/png\n\npng\n"

static const struct outline_case {
	const char *message;
	/* Each part: its section, 't'ext, 'h'tml, 'o'ther or 'f'rame, its size unless a frame. */
	const char *parts;
	const char *text;
} cases[] = {
	{ "Subject: x\n\nbody\n", "1t5 ", "body\n" },
	{ "Content-Type: text/html\n\n<p>x\n", "1h5 ", "x\n" },
	{ IMAGE, "1o4 ", "" },
	{ "Content-Disposition: attachment\n" PLAIN, "1o6 ", "" },
	{ "Content-Type: message/delivery-status\n\nStatus: 5.1.1\n", "1t14 ", "Status: 5.1.1\n" },
	{ "Content-Transfer-Encoding: base64\n\nw7w=\n", "1t2 ", "\xc3\xbc" },
	/* the plainest alternative, wherever it stands */
	{ BOUND("alternative") "--b\n" PLAIN "--b\n" HTML "--b--\n", "f 1t5 2o7 ", "plain" },
	{ BOUND("alternative") "--b\n" HTML "--b\n" PLAIN "--b--\n", "f 1o7 2t5 ", "plain" },
	{ BOUND("alternative") "--b\n" IMAGE "--b\n" HTML "--b--\n", "f 1o3 2h7 ", "html\n" },
	{ BOUND("alternative") "--b\n" IMAGE "--b--\n", "f 1o3 ", "" },
	/* all of a mixed, the root of a related */
	{ BOUND("mixed") "--b\n" PLAIN "--b\n" IMAGE "--b\n" PLAIN "--b--\n", "f 1t5 2o3 3t5 ",
	    "plainplain" },
	{ BOUND("related") "--b\n" HTML "--b\n" PLAIN "--b--\n", "f 1h7 2o5 ", "html\n" },
	{ BOUND("related") "--b--\n", "f ", "" },
	/* parts within parts */
	{ BOUND("mixed") "--b\nContent-Type: multipart/alternative; boundary=c\n\n"
	                 "--c\n" PLAIN "--c\n" HTML "--c--\n--b\n" IMAGE "--b--\n",
	    "f 1f 1.1t5 1.2o7 2o3 ", "plain" },
	{ BOUND("alternative") "--b\n" PLAIN "--b\nContent-Type: multipart/related; boundary=c\n\n"
	                       "--c\n" HTML "--c--\n--b--\n",
	    "f 1t5 2f 2.1o7 ", "plain" },
	/* what is enclosed is listed, unless there is nothing else */
	{ BOUND("mixed") "--b\n" PLAIN "--b\nContent-Type: message/rfc822\n\nSubject: in\n\nin\n"
	                 "--b\n" IMAGE "--b--\n",
	    "f 1t5 2o15 2.1o2 3o3 ", "plain" },
	{ "Content-Type: message/rfc822\n\nSubject: in\n\nin\n", "1o16 1.1t3 ", "in\n" },
	{ "Content-Type: message/rfc822\n\n" BOUND("mixed") "--b\n" PLAIN "--b--\n",
	    "1o85 1f 1.1t5 ", "plain" },
};

struct told {
	struct buf parts, text;
};

static int
tell(void *arg, const struct scan_message *message)
{
	static const char uses[] = { [OUTLINE_OTHER] = 'o',
		[OUTLINE_TEXT] = 't',
		[OUTLINE_HTML] = 'h',
		[OUTLINE_FRAME] = 'f' };
	struct told *told = arg;
	struct outline outline;
	struct err err;

	ck_assert_int_eq(outline_read(&outline, message, &err), 1);
	for (size_t i = 0; i < outline.count; i++) {
		const struct outline_part *part = &outline.parts[i];

		buf_addf(&told->parts, "%s%c", part->section, uses[part->use]);
		if (part->use != OUTLINE_FRAME)
			buf_addf(&told->parts, "%llu", (unsigned long long)part->size);
		buf_adds(&told->parts, " ");
		if (part->text.len > 0)
			buf_add(&told->text, part->text.data, part->text.len);
	}
	outline_free(&outline);
	return 0;
}

START_TEST(outline)
{
	const struct outline_case *c = &cases[_i];
	char path[] = "/tmp/check_outline.XXXXXX";
	struct mailbox mailbox = { .format = MAILBOX_MBOX, .path = path };
	struct told told = { BUF_INIT, BUF_INIT };
	FILE *file = fdopen(mkstemp(path), "w");
	struct err err;

	ck_assert_ptr_nonnull(file);
	fprintf(file, "From a@b Thu Jan  1 00:00:00 1970\n%s\n", c->message);
	fclose(file);
	ck_assert_int_eq(mailbox_scan(&mailbox, 0, tell, &told, &err), 0);
	ck_assert_msg(strcmp(buf_cstr(&told.parts), c->parts) == 0, "%s\n\"%s\", not \"%s\"",
	    c->message, buf_cstr(&told.parts), c->parts);
	ck_assert_str_eq(buf_cstr(&told.text), c->text);
	buf_free(&told.parts);
	buf_free(&told.text);
	unlink(path);
}
END_TEST

static const struct html_case {
	const char *html, *text;
} htmls[] = {
	{ "", "" },
	{ "plain  text\n\nhere", "plain text here\n" },
	{ "<p>one</p><p>two</p>", "one\n\ntwo\n" },
	{ "one<br>two<BR/>three", "one\ntwo\nthree\n" },
	{ "<b>bo</b>ld", "bold\n" },
	{ "<ul><li>a</li><li>b</li></ul>c", "* a\n* b\n\nc\n" },
	{ "<tr><td>a</td><td>b</td></tr><tr><td>c</td></tr>", "a b\nc\n" },
	{ "a<!-- x > <b> -->b", "ab\n" },
	{ "a<!-- no end", "a\n" },
	{ "a<script>if (a < b) x('</p>')</SCRIPT>b", "ab\n" },
	{ "a<style>no end", "a\n" },
	{ "<a href=\"x>y\" title='>'>link</a>", "link\n" },
	{ "<a href=\"no end", "" },
	{ "a < b && c<1 <3", "a < b && c<1 <3\n" },
	{ "&lt;b&gt; &amp;amp; &quot;&#228;&#xE4;&auml;&euro;", "<b> &amp; \"äää€\n" },
	{ "a&nbsp;b&unknown;&#;&#0;&#27;&#xd800;&#99999999999999999999;",
	    "a b&unknown;&#;\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\n" },
	{ "x<", "x<\n" },
	{ "x</", "x\n" },
	{ "x&", "x&\n" },
};

START_TEST(html)
{
	const struct html_case *c = &htmls[_i];
	size_t len = strlen(c->html);
	/* Exactly as long as it is, for the sanitizers. */
	char *exact = malloc(len + (len == 0));
	struct buf out = BUF_INIT;

	memcpy(exact, c->html, len);
	html_text(&out, exact, len);
	ck_assert_str_eq(buf_cstr(&out), c->text);
	buf_free(&out);
	free(exact);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("mailpeek_outline");
	TCase *tc = tcase_create("outline");

	tcase_add_loop_test(tc, outline, 0, COUNT(cases));
	tcase_add_loop_test(tc, html, 0, COUNT(htmls));
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
