/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Search terms: which messages of a small mbox fit them, and what is told of terms that make no
 * sense. Times are UTC here.
 */
#include "../../src/mailpeek/query.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "suite.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))
#define WORDS_MAX    8
#define NOW          1767355200 /* 2026-01-02 12:00:00 */

static const char text[] =
    /* 1 */
    "From ann@one.example Thu Jan  1 10:00:00 2026\n"
    "From: Ann Example <ann@one.example>\n"
    "To: bob@two.example\n"
    "Subject: Quarterly   report\n"
    "Status: RO\n"
    "\n"
    "The figures are fine.\n"
    "\n"
    /* 2 */
    "From zoe@three.example Thu Jan  1 23:59:59 2026\n"
    "From: =?utf-8?q?Zo=C3=AB_M=C3=BCller?= <zoe@three.example>\n"
    "To: bob@two.example,\n"
    "\tann@one.example\n"
    "Cc: list@four.example\n"
    "Subject: =?utf-8?b?R3LDvMOf?= =?utf-8?b?ZSBhdXM=?=\n"
    " =?iso-8859-1?q?Z=FCrich?=\n"
    "Date: Wed, 31 Dec 2025 23:00:00 +0100\n"
    "X-Status: F\n"
    "Content-Type: text/plain; charset=iso-8859-1\n"
    "Content-Transfer-Encoding: quoted-printable\n"
    "\n"
    "Caf=E9 um f=\n"
    "=FCnf, p=FCnktlich.\n"
    "\n"
    /* 3 */
    "From shop@five.example Fri Jan  2 00:00:00 2026\n"
    "From: \"not the shop\" <shop@five.example>\n"
    "Subject: or not\n"
    "List-Id: <offers.five.example>\n"
    "List-Id: second <more.five.example>\n"
    "Status: O\n"
    "X-Status: AT\n"
    "MIME-Version: 1.0\n"
    "Content-Type: multipart/mixed; boundary=\"=_x\"\n"
    "\n"
    "preamble figures\n"
    "--=_x\n"
    "Content-Type: text/plain; charset=utf-8\n"
    "Content-Transfer-Encoding: base64\n"
    "\n"
    "UmVjaG51bmcgTnVtbWVyIDQ3MTEgw7xiZXIgNSDigqw=\n"
    "--=_x\n"
    "Content-Type: application/octet-stream; name=data\n"
    "\n"
    "figures in data\n"
    "--=_x\n"
    "Content-Type: message/rfc822\n"
    "\n"
    "Subject: =?utf-8?q?inner_=C3=84?=\n"
    "\n"
    "within\n"
    "--=_x--\n"
    "epilogue figures\n"
    "\n";

static const struct match_case {
	const char *words[WORDS_MAX];
	const char *numbers; /* of the messages that fit */
} matches[] = {
	{ { NULL }, "123" },
	{ { "all" }, "123" },
	{ { "not all" }, "" },
	/* flags */
	{ { "read" }, "1" },
	{ { "seen" }, "1" },
	{ { "unread" }, "23" },
	{ { "UNSEEN" }, "23" },
	{ { "flagged" }, "2" },
	{ { "unflagged" }, "13" },
	{ { "answered" }, "3" },
	{ { "draft" }, "3" },
	{ { "recent" }, "2" },
	{ { "old" }, "13" },
	{ { "deleted" }, "" },
	{ { "passed" }, "" },
	/* headers, decoded and without case */
	{ { "from ann" }, "1" },
	{ { "from", "ANN EXAMPLE" }, "1" },
	{ { "from:ann example" }, "1" },
	{ { "from", "zoë" }, "2" },
	{ { "from", "ZOË MÜLLER" }, "2" },
	{ { "from", "zoe\xcc\x88" }, "2" },
	{ { "from", "utf-8" }, "" },
	{ { "to", "ann@one.example" }, "2" },
	{ { "to", "bob@two.example, ann" }, "2" },
	{ { "cc list" }, "2" },
	{ { "subject", "GRÜßE auszürich" }, "2" },
	{ { "subject", "quarterly   report" }, "1" },
	{ { "subject", "quarterly report" }, "" },
	{ { "subject", "" }, "123" },
	{ { "cc", "" }, "2" },
	{ { "header", "List-Id", "offers" }, "3" },
	{ { "header", "list-id", "SECOND" }, "3" },
	{ { "header list-id more" }, "3" },
	{ { "header:list-id more" }, "3" },
	{ { "header", "cc", "" }, "2" },
	{ { "header subj report" }, "" },
	/* bodies */
	{ { "body figures" }, "1" },
	{ { "body", "the figures are" }, "1" },
	{ { "body", "café um fünf, pünktlich" }, "2" },
	{ { "body", "=E9" }, "" },
	{ { "body", "über 5 €" }, "3" },
	{ { "body", "UmVjaG51bm" }, "" },
	{ { "body", "within" }, "3" },
	{ { "body", "INNER ä" }, "3" },
	{ { "body", "report" }, "" },
	{ { "body", "" }, "123" },
	{ { "text", "report" }, "1" },
	{ { "text", "figures" }, "1" },
	{ { "text", "from: zoë" }, "2" },
	{ { "text", "nobody wrote this" }, "" },
	/* dates */
	{ { "since 2026-01-02" }, "3" },
	{ { "since 2-Jan-2026" }, "3" },
	{ { "since:today" }, "3" },
	{ { "before 2026-01-02" }, "12" },
	{ { "on 2026-01-01" }, "12" },
	{ { "on yesterday" }, "12" },
	{ { "on 2026-01-01T10:00" }, "1" },
	{ { "since", "2026-01-01 23:59:59" }, "23" },
	{ { "before", "2026-01-01T23:59:59" }, "1" },
	{ { "since 13h" }, "23" },
	{ { "before 13hours" }, "1" },
	{ { "since 3d" }, "123" },
	{ { "since @1767312000" }, "3" },
	{ { "sentbefore 2026-01-01" }, "2" },
	{ { "senton 2025-12-31" }, "2" },
	{ { "sentsince 2026-01-01" }, "" },
	/* sizes */
	{ { "larger 135" }, "23" },
	{ { "larger 136" }, "23" },
	{ { "smaller 1K" }, "123" },
	{ { "smaller 0" }, "" },
	/* numbers */
	{ { "2" }, "2" },
	{ { "number 1:2" }, "12" },
	{ { "2:*" }, "23" },
	{ { "3,1" }, "13" },
	{ { "9" }, "" },
	/* together */
	{ { "from ann unread" }, "" },
	{ { "to bob unread" }, "2" },
	{ { "to bob and unread" }, "2" },
	{ { "from ann or from zoë" }, "12" },
	{ { "from", "ann", "or", "from", "shop" }, "13" },
	{ { "from ann or unread from shop" }, "13" },
	{ { "not from ann" }, "23" },
	{ { "not not from ann" }, "1" },
	{ { "! from ann" }, "23" },
	{ { "not (from ann or from zoë)" }, "3" },
	{ { "(", "from ann", "or", "from zoë", ")", "unread" }, "2" },
	{ { "((unread))" }, "23" },
	{ { "not unread or flagged" }, "12" },
	{ { "body figures or body within" }, "13" },
	{ { "not body figures" }, "23" },
	/* quoting */
	{ { "subject \"or not\"" }, "3" },
	{ { "subject", "or not" }, "3" },
	{ { "subject:or not" }, "3" },
	{ { "subject:\"or not\" unread" }, "3" },
	{ { "from:shop unread" }, "" }, /* one value: the shell has put it together */
	{ { "unread from:shop" }, "3" },
	{ { "from", "\"not the" }, NULL },
	{ { "from", "\"\\\"not the\"" }, "3" },
	{ { "subject", "or" }, "13" },
	{ { "subject or from ann" }, "1" },
};

struct found {
	const struct query *query;
	struct err *err;
	char numbers[16];
};

static int
note(void *arg, const struct scan_message *message)
{
	struct found *found = arg;
	size_t len = strlen(found->numbers);

	switch (query_match(found->query, message, found->err)) {
	case 1:
		found->numbers[len] = (char)('0' + message->number);
		found->numbers[len + 1] = '\0';
		return 0;
	case 0:
		return 0;
	default:
		return -1;
	}
}

static int
parse(const char *const *words, struct query **query, struct err *err)
{
	char *argv[WORDS_MAX];
	int argc = 0, rc;

	for (; argc < WORDS_MAX && words[argc] != NULL; argc++)
		argv[argc] = strdup(words[argc]);
	rc = query_parse(query, argc, argv, NOW, err);
	while (argc-- > 0)
		free(argv[argc]);
	return rc;
}

START_TEST(match)
{
	const struct match_case *c = &matches[_i];
	char path[] = "/tmp/check_query.XXXXXX";
	struct mailbox mailbox = { .format = MAILBOX_MBOX, .path = path };
	int fd = mkstemp(path);
	struct query *query;
	struct err err = { 0 };
	struct found found = { .err = &err };

	setenv("TZ", "UTC", 1);
	ck_assert_int_ne(fd, -1);
	ck_assert_int_eq(write(fd, text, sizeof(text) - 1), sizeof(text) - 1);
	close(fd);
	if (c->numbers == NULL) {
		ck_assert_int_eq(parse(c->words, &query, &err), -1);
	} else {
		ck_assert_msg(parse(c->words, &query, &err) == 0, "%s: %s", c->words[0], err.text);
		found.query = query;
		ck_assert_int_eq(mailbox_scan(&mailbox, query_wants(query), note, &found, &err), 0);
		ck_assert_msg(strcmp(found.numbers, c->numbers) == 0, "%s: \"%s\", not \"%s\"",
		    c->words[0] != NULL ? c->words[0] : "nothing", found.numbers, c->numbers);
		query_free(query);
	}
	unlink(path);
}
END_TEST

static const struct wrong_case {
	const char *words[WORDS_MAX];
	const char *why; /* a part of it */
} wrongs[] = {
	{ { "nonsense" }, "\"nonsense\" is no search term" },
	{ { "from" }, "\"from\" needs a value" },
	{ { "from ann", "subject" }, "\"subject\" needs a value" },
	{ { "header", "x" }, "\"header\" needs a value" },
	{ { "header", "a b", "x" }, "\"a b\" is no header's name" },
	{ { "header", "", "x" }, "no header's name" },
	{ { "larger", "many" }, "\"many\" is no size" },
	{ { "larger", "-1" }, "no size" },
	{ { "larger", "99999999999G" }, "no size" },
	{ { "since", "2026-02-30" }, "\"2026-02-30\" is no date" },
	{ { "since", "2026-13-01" }, "no date" },
	{ { "since", "tomorrow" }, "no date" },
	{ { "since", "" }, "no date" },
	{ { "since", "99999999999d" }, "no date" },
	{ { "number", "0" }, "no message numbers" },
	{ { "number", "2:1" }, "no message numbers" },
	{ { "number", "1:2x" }, "no message numbers" },
	{ { "number", "9223372036854775807" }, "no message numbers" },
	{ { "1,,2" }, "no message numbers" },
	{ { "unread:yes" }, "takes no value" },
	{ { "(", "unread" }, "a parenthesis is not closed" },
	{ { "unread", ")" }, "unexpected: )" },
	{ { "()" }, "no search term" },
	{ { "not" }, "missing at the end" },
	{ { "unread or" }, "missing at the end" },
	{ { "unread and" }, "missing behind \"and\"" },
	{ { "or unread" }, "\"or\" is no search term" },
	{ { "subject \"open" }, "a quoted text has no end" },
	{ { "from:ann subject:x" }, "one value or several terms?" },
};

START_TEST(wrong)
{
	const struct wrong_case *c = &wrongs[_i];
	struct query *query;
	struct err err;

	ck_assert_int_eq(parse(c->words, &query, &err), -1);
	ck_assert_int_eq(err.num, EINVAL);
	ck_assert_ptr_null(query);
	ck_assert_msg(strstr(err.text, c->why) != NULL, "\"%s\": \"%s\"", c->words[0], err.text);
}
END_TEST

/* As deep as it likes; told, not followed. */
START_TEST(deep)
{
	char *words[1] = { malloc(200001) };
	struct query *query;
	struct err err;

	memset(words[0], '(', 200000);
	words[0][200000] = '\0';
	ck_assert_int_eq(query_parse(&query, 1, words, NOW, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.text, "too many"));
	free(words[0]);
}
END_TEST

/* The dear terms last, whatever the order they were given in. */
START_TEST(order)
{
	static const char *const words[] = {
		"body x subject y (unread or text z) not larger 5 flagged", NULL
	};
	static const enum query_kind kinds[] = { QUERY_FLAG, QUERY_NOT, QUERY_FIELD, QUERY_BODY,
		QUERY_OR };
	struct query *query, *one;
	struct err err;
	int i = 0;

	ck_assert_int_eq(parse(words, &query, &err), 0);
	ck_assert_int_eq(query->kind, QUERY_AND);
	for (one = query->first; one != NULL; one = one->next)
		ck_assert_int_eq(one->kind, kinds[i++]);
	ck_assert_int_eq(i, COUNT(kinds));
	ck_assert_uint_eq(query_wants(query), SCAN_WANT_HEADER);
	query_free(query);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("mailpeek_query");
	TCase *tc = tcase_create("query");

	tcase_add_loop_test(tc, match, 0, COUNT(matches));
	tcase_add_loop_test(tc, wrong, 0, COUNT(wrongs));
	tcase_add_test(tc, deep);
	tcase_add_test(tc, order);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
