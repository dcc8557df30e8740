/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * From an answer to the words that a mail server gets: refused is only what delivery would refuse,
 * our own troubles stay ours, and what strangers are told is one line of harmless ASCII.
 */
#include "../../src/virtmap/verdict.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "suite.h"

#define LATER "temporary trouble here, try again later"

static const struct {
	enum answer_kind kind;
	const char *target, *status, *reply, *text;
	const char *word, *action, *trouble;
} answers[] = {
	/* Refused. */
	{ ANSWER_NOUSER, NULL, "5.1.1", "", "no such user: x@d",
	    "REJECT 5.1.1 \"550 no such user: x@d\"", "550 5.1.1 no such user: x@d", "" },
	{ ANSWER_REJECT, "error:5.7.1:551 gone", "5.7.1", "551", "gone",
	    "REJECT 5.7.1 \"551 gone\"", "551 5.7.1 gone", "" },
	{ ANSWER_REJECT, "error:5.7.1:gone", "5.7.1", "", "gone", "REJECT 5.7.1 \"550 gone\"",
	    "550 5.7.1 gone", "" },
	{ ANSWER_REJECT, NULL, "5.1.3", "", "no address", "REJECT 5.1.3 \"553 no address\"",
	    "553 5.1.3 no address", "" },
	{ ANSWER_REJECT, NULL, "5.3.4", "", "large", "REJECT 5.3.4 \"552 large\"",
	    "552 5.3.4 large", "" },
	/* Put off because the map says so. A 421 would end the session. */
	{ ANSWER_DEFER, "error:4.2.1:450 moving", "4.2.1", "450", "moving",
	    "TEMP 4.2.1 \"450 moving\"", "450 4.2.1 moving", "" },
	{ ANSWER_DEFER, "ERROR:4.2.1:421 moving", "4.2.1", "421", "moving",
	    "TEMP 4.2.1 \"451 moving\"", "451 4.2.1 moving", "" },
	{ ANSWER_DEFER, "error:4.2.2:full", "4.2.2", "", "full", "TEMP 4.2.2 \"452 full\"",
	    "452 4.2.2 full", "" },
	/* Put off because of us: the reason is nobody else's. */
	{ ANSWER_DEFER, NULL, "4.3.0", "", "open /etc/secret: no", "TEMP 4.3.0 \"451 " LATER "\"",
	    "451 4.3.0 " LATER, "open /etc/secret: no" },
	{ ANSWER_DEFER, "nobodyhere", "4.3.5", "", "x -> nobodyhere",
	    "TEMP 4.3.5 \"451 " LATER "\"", "451 4.3.5 " LATER, "x -> nobodyhere" },
	{ ANSWER_DEFER, "error:%9", "4.3.5", "", "a wrong target", "TEMP 4.3.5 \"451 " LATER "\"",
	    "451 4.3.5 " LATER, "a wrong target" },
	{ ANSWER_DEFER, NULL, "4.3.0", "", NULL, "TEMP 4.3.0 \"451 " LATER "\"", "451 4.3.0 " LATER,
	    "out of memory" },
	/* Let in. */
	{ ANSWER_ALIAS, "team", "", "", NULL, "OK", "DUNNO", "" },
	{ ANSWER_FORWARD, "x@far.example", "", "", NULL, "OK", "DUNNO", "" },
	{ ANSWER_DISCARD, "discard:", "", "", NULL, "OK", "DUNNO", "" },
	/* What could be a token's end, a second line, or no ASCII. */
	{ ANSWER_REJECT, "error:5.7.1:x", "5.7.1", "", "a \"b\" c\\d\re\nf\x1bg\x7fh\xc3\xbc",
	    "REJECT 5.7.1 \"550 a 'b' c'd?e?f?g?h\?\?\"", "550 5.7.1 a 'b' c'd?e?f?g?h\?\?", "" },
};

static void
ck_words(const struct verdict *verdict, const char *word, const char *action)
{
	struct buf text = BUF_INIT;

	ck_assert_int_eq(verdict_word(verdict, &text), 0);
	ck_assert_str_eq(buf_cstr(&text), word);
	buf_clear(&text);
	ck_assert_int_eq(verdict_action(verdict, &text), 0);
	ck_assert_str_eq(buf_cstr(&text), action);
	buf_free(&text);
}

START_TEST(as_the_table_says)
{
	static const struct settings settings;
	struct answer answer = { .kind = answers[_i].kind,
		.target = (char *)(uintptr_t)answers[_i].target,
		.text = (char *)(uintptr_t)answers[_i].text };
	struct verdict verdict;

	strlcpy(answer.status, answers[_i].status, sizeof(answer.status));
	strlcpy(answer.reply, answers[_i].reply, sizeof(answer.reply));
	verdict_of(&verdict, &settings, &answer);
	ck_words(&verdict, answers[_i].word, answers[_i].action);
	ck_assert_str_eq(verdict.trouble, answers[_i].trouble);
}
END_TEST

START_TEST(long_text)
{
	static const struct settings settings;
	static char text[1000];
	struct answer answer = { .kind = ANSWER_REJECT, .status = "5.7.1", .text = text };
	struct verdict verdict;

	memset(text, 'x', sizeof(text) - 1);
	verdict_of(&verdict, &settings, &answer);
	ck_assert_uint_eq(strlen(verdict.text), sizeof(verdict.text) - 1);
}
END_TEST

/* An account whose mailbox nobody can find is put off; one without a quota is not looked at. */
START_TEST(accounts)
{
	static char name[] = "joe", home[] = "/nonexistent", none[] = "none",
	            good[] = "maildir:~/Maildir", bad[] = "maildir:~x", rule[] = "*:lots";
	const struct settings settings = { .mailbox = good, .quota = none, .min_uid = 1 };
	struct answer answer = { .kind = ANSWER_ACCOUNT,
		.account = { .name = name, .uid = 1, .home = home } };
	struct verdict verdict;

	verdict_of(&verdict, &settings, &answer);
	ck_words(&verdict, "OK", "DUNNO");
	ck_assert_str_eq(verdict.trouble, "");
	answer.account.mailbox = bad;
	verdict_of(&verdict, &settings, &answer);
	ck_words(&verdict, "TEMP 4.3.5 \"451 " LATER "\"", "451 4.3.5 " LATER);
	ck_assert_ptr_nonnull(strstr(verdict.trouble, "maildir:~x"));
	/* A quota that is not understood, delivery will see; only root is told here. */
	answer.account.mailbox = NULL;
	answer.account.quota_rule = rule;
	verdict_of(&verdict, &settings, &answer);
	ck_words(&verdict, "OK", "DUNNO");
	ck_assert_int_eq(verdict.trouble[0] != '\0', geteuid() == 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("virtmap verdict");
	TCase *tests = tcase_create("verdict");

	tcase_add_loop_test(
	    tests, as_the_table_says, 0, (int)(sizeof(answers) / sizeof(answers[0])));
	tcase_add_test(tests, long_text);
	tcase_add_test(tests, accounts);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
