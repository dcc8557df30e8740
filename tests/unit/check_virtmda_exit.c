/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Outcome -> exit status, reports from a process that is not trusted, and the log line.
 */
#include "../../src/virtmda/exit.h"

#include <check.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../src/virtmda/journal.h"
#include "../../src/virtmda/report.h"
#include "suite.h"

START_TEST(status_of_an_outcome)
{
	struct outcome outcome;

	outcome_init(&outcome);
	ck_assert_int_eq(exit_status_of(&outcome), 75);
	outcome_deliver(&outcome, "2.0.0", "x");
	ck_assert_int_eq(exit_status_of(&outcome), 0);
	outcome_deliver(&outcome, "5.0.0", "a status of another class");
	ck_assert_int_eq(exit_status_of(&outcome), 75);
	outcome_reject(&outcome, "5.7.1", "x");
	ck_assert_int_eq(exit_status_of(&outcome), 69);
	outcome_nouser(&outcome, "x");
	ck_assert_int_eq(exit_status_of(&outcome), 67);
	outcome_defer(&outcome, "4.2.0", "x");
	ck_assert_int_eq(exit_status_of(&outcome), 75);
	memset(&outcome, 0xff, sizeof(outcome));
	ck_assert_int_eq(exit_status_of(&outcome), 75);
}
END_TEST

START_TEST(worse_of_two)
{
	static const enum exit_status order[] = { EXIT_DELIVERED, EXIT_NO_USER, EXIT_REFUSED,
		EXIT_LATER };

	for (int a = 0; a < 4; a++)
		for (int b = 0; b < 4; b++)
			ck_assert_int_eq(
			    exit_status_worse(order[a], order[b]), order[a > b ? a : b]);
}
END_TEST

static size_t
said(char *out, size_t size, const char *status, const char *recipient, const char *text)
{
	int ends[2], saved = dup(STDOUT_FILENO);
	ssize_t n;

	ck_assert_int_eq(pipe(ends), 0);
	ck_assert_int_ne(dup2(ends[1], STDOUT_FILENO), -1);
	exit_say(status, recipient, text);
	ck_assert_int_ne(dup2(saved, STDOUT_FILENO), -1);
	close(saved);
	close(ends[1]);
	n = read(ends[0], out, size - 1);
	close(ends[0]);
	ck_assert_int_ge(n, 0);
	out[n] = '\0';
	return (size_t)n;
}

START_TEST(says_one_short_safe_line)
{
	char out[2048], text[1500];

	said(out, sizeof(out), "4.3.5", NULL, "no map");
	ck_assert_str_eq(out, "4.3.5 no map\n");
	said(out, sizeof(out), "5.1.1", "b\033@d", "no\nsuch");
	ck_assert_str_eq(out, "5.1.1 b\\^[@d: no\\nsuch\n");
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	ck_assert_uint_eq(said(out, sizeof(out), "4.0.0", NULL, text), 401);
	ck_assert_int_eq(out[400], '\n');
}
END_TEST

START_TEST(reports_are_made_fit)
{
	struct report report;

	report_init(&report);
	ck_assert_int_eq(report.outcome.class, OUTCOME_DEFERRED);
	/* A worker that was taken over says whatever it likes. */
	memset(&report, 'A', sizeof(report));
	report_check(&report);
	ck_assert_int_eq(report.outcome.class, OUTCOME_DEFERRED);
	ck_assert_str_eq(report.outcome.status, "4.3.0");
	ck_assert_uint_lt(strlen(report.outcome.text), sizeof(report.outcome.text));
	ck_assert_uint_lt(strlen(report.receipt.note), sizeof(report.receipt.note));
	ck_assert_uint_lt(strlen(report.receipt.name), sizeof(report.receipt.name));
	ck_assert_uint_lt(strlen(report.message_id), sizeof(report.message_id));
	report_init(&report);
	outcome_nouser(&report.outcome, "so it says");
	report_check(&report);
	ck_assert_int_eq(exit_status_of(&report.outcome), 69);
	outcome_deliver(&report.outcome, "2.0.0", "fine");
	strcpy(report.outcome.status, "5.0.0");
	report_check(&report);
	ck_assert_int_eq(exit_status_of(&report.outcome), 75);
}
END_TEST

static const char *
line_of(const struct recipient *recipient, const char *sender, unsigned long delay)
{
	static struct buf out;

	buf_clear(&out);
	ck_assert_int_eq(journal_line(&out, recipient, sender, delay), 0);
	return buf_cstr(&out);
}

START_TEST(log_line_of_a_copy)
{
	static char name[] = "bob", path[] = "/var/mail/bob", match[] = "@one.example",
	            original[] = "Info@one.example";
	const struct account account = { .name = name };
	struct copy copy = { .account = &account,
		.mailbox = { .format = MAILBOX_MBOX, .path = path } };
	struct recipient recipient = { .original = original,
		.answer = { .kind = ANSWER_ACCOUNT, .account = account },
		.copy = &copy };

	report_init(&copy.report);
	recipient.answer.match = match;
	ck_assert_str_eq(line_of(&recipient, "", 0),
	    "to=<Info@one.example>, from=<>, match=@one.example, account=bob, "
	    "mailbox=mbox:/var/mail/bob, delay=00:00:00.000, dsn=4.3.0, "
	    "stat=Deferred: no decision was reached");
	outcome_deliver(&copy.report.outcome, "2.0.0", "delivered");
	copy.report.size = 4096;
	copy.report.receipt.lock_wait_ms = 40;
	strcpy(copy.report.receipt.note, "cut 12 bytes");
	strcpy(copy.report.receipt.name, "1.x");
	strcpy(copy.report.message_id, "<1@d>");
	ck_assert_str_eq(line_of(&recipient, "amy@two.example", 3723004),
	    "to=<Info@one.example>, from=<amy@two.example>, match=@one.example, account=bob, "
	    "mailbox=mbox:/var/mail/bob, file=1.x, size=4096, msgid=<1@d>, lockwait=40ms, "
	    "repair=cut 12 bytes, delay=01:02:03.004, dsn=2.0.0, stat=Delivered");
}
END_TEST

START_TEST(log_line_without_a_copy)
{
	static char forger[] = "x\nto=<root>, stat=Delivered", x[] = "x";
	struct recipient recipient = { .original = forger };

	outcome_nouser(&recipient.outcome, "no such\ruser");
	ck_assert_str_eq(line_of(&recipient, "\033]0;a\a", 1),
	    "to=<x\\nto=<root>, stat=Delivered>, from=<\\^[]0;a\\a>, delay=00:00:00.001, "
	    "dsn=5.1.1, stat=User unknown: no such user");
	outcome_reject(&recipient.outcome, "5.7.1", "closed");
	recipient.original = x;
	ck_assert_str_eq(line_of(&recipient, "", 0),
	    "to=<x>, from=<>, delay=00:00:00.000, dsn=5.7.1, stat=Service unavailable: closed");
	outcome_deliver(&recipient.outcome, "2.0.0", "discarded");
	ck_assert_str_eq(line_of(&recipient, "", 0),
	    "to=<x>, from=<>, delay=00:00:00.000, dsn=2.0.0, stat=Discarded");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("virtmda exit");
	TCase *tc = tcase_create("exit");

	tcase_add_test(tc, status_of_an_outcome);
	tcase_add_test(tc, worse_of_two);
	tcase_add_test(tc, says_one_short_safe_line);
	tcase_add_test(tc, reports_are_made_fit);
	tcase_add_test(tc, log_line_of_a_copy);
	tcase_add_test(tc, log_line_without_a_copy);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
