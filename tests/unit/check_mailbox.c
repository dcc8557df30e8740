/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * mailbox_locate: what a setting says becomes a path, and an account's name never becomes one of
 * its own choosing.
 */
#include "mailbox_tool.h"

static const struct {
	const char *spec, *name, *home;
	enum mailbox_format format;
	const char *path; /* or NULL: refused */
} cases[] = {
	{ "mbox:/var/mail/%u", "bob", "", MAILBOX_MBOX, "/var/mail/bob" },
	{ "mbox:/var/mail/%u", "bob@one.example", "", MAILBOX_MBOX, "/var/mail/bob@one.example" },
	{ "maildir:~/Maildir", "bob", "/home/bob", MAILBOX_MAILDIR, "/home/bob/Maildir" },
	{ "maildir:~/Maildir//", "bob", "/home/bob", MAILBOX_MAILDIR, "/home/bob/Maildir" },
	{ "maildir:~", "bob", "/home/bob", MAILBOX_MAILDIR, "/home/bob" },
	{ "maildir:%h/Maildir", "bob", "/home/bob", MAILBOX_MAILDIR, "/home/bob/Maildir" },
	{ "maildir:/srv/%d/%n", "bob@one.example", "", MAILBOX_MAILDIR, "/srv/one.example/bob" },
	{ "mbox:/srv/100%%/%u", "bob", "", MAILBOX_MBOX, "/srv/100%/bob" },
	{ "mbox:/srv/all", "bob", "", MAILBOX_MBOX, "/srv/all" },
	{ "mbox:/srv/a~b", "bob", "", MAILBOX_MBOX, "/srv/a~b" },
	{ "mbox:/srv/%u", "..bob", "", MAILBOX_MBOX, "/srv/..bob" },
	{ "mbox:/srv/%u", "b|c;$d", "", MAILBOX_MBOX, "/srv/b|c;$d" },

	{ "mbox:/var/mail/%u", "../root", "", MAILBOX_MBOX, NULL },
	{ "mbox:/var/mail/%u", "/root", "", MAILBOX_MBOX, NULL },
	{ "mbox:/var/mail/x", "a/b", "", MAILBOX_MBOX, NULL },
	{ "mbox:/var/mail/%u", "..", "", MAILBOX_MBOX, NULL },
	{ "mbox:/var/mail/%u", ".", "", MAILBOX_MBOX, NULL },
	{ "mbox:/var/mail/%u", "", "", MAILBOX_MBOX, NULL },
	{ "maildir:/srv/%d/%n", "..@one.example", "", MAILBOX_MBOX, NULL },
	{ "maildir:/srv/%d/%n", "bob@..", "", MAILBOX_MBOX, NULL },
	{ "maildir:/srv/%d/%n", "bob@", "", MAILBOX_MBOX, NULL },
	{ "maildir:/srv/%d/%n", "@one.example", "", MAILBOX_MBOX, NULL },
	{ "maildir:/srv/%d/%n", "bob", "", MAILBOX_MBOX, NULL },
	{ "maildir:~/Maildir", "bob", "", MAILBOX_MBOX, NULL },
	{ "maildir:~/Maildir", "bob", "home", MAILBOX_MBOX, NULL },
	{ "maildir:~ann/Maildir", "bob", "/home/bob", MAILBOX_MBOX, NULL },
	{ "maildir:Maildir", "bob", "/home/bob", MAILBOX_MBOX, NULL },
	{ "maildir:", "bob", "/home/bob", MAILBOX_MBOX, NULL },
	{ "maildir:/", "bob", "/home/bob", MAILBOX_MBOX, NULL },
	{ "maildir:///", "bob", "/home/bob", MAILBOX_MBOX, NULL },
	{ "mbox:/var/mail/", "bob", "", MAILBOX_MBOX, NULL },
	{ "mbox:/var/mail/%u", "bob.lock", "", MAILBOX_MBOX, NULL },
	{ "mbox:/var/mail/%q", "bob", "", MAILBOX_MBOX, NULL },
	{ "mbox:/var/mail/%", "bob", "", MAILBOX_MBOX, NULL },
	{ "mbox:~/mail:INBOX=/var/mail/%u", "bob", "/home/bob", MAILBOX_MBOX, NULL },
	{ "mh:~/Mail", "bob", "/home/bob", MAILBOX_MBOX, NULL },
	{ "/var/mail/bob", "bob", "/home/bob", MAILBOX_MBOX, NULL },
	{ "", "bob", "/home/bob", MAILBOX_MBOX, NULL },
};

START_TEST(located_or_refused)
{
	struct mailbox out;
	int failed = mailbox_locate(&out, cases[_i].spec, cases[_i].name, cases[_i].home, &err);

	if (cases[_i].path == NULL) {
		ck_assert_msg(failed == -1, "%s", out.path);
		ck_assert_ptr_null(out.path);
		/* The setting and the account are named, and there is a reason behind them. */
		ck_assert_ptr_nonnull(strstr(err.text, cases[_i].spec));
		ck_assert_uint_gt(strlen(err.text),
		    strlen("mailbox  of : ") + strlen(cases[_i].spec) + strlen(cases[_i].name) + 5);
		return;
	}
	ck_assert_msg(failed == 0, "%s", err.text);
	ck_assert_str_eq(out.path, cases[_i].path);
	ck_assert_int_eq(out.format, cases[_i].format);
	mailbox_free(&out);
	mailbox_free(&out);
}
END_TEST

START_TEST(too_long_is_refused)
{
	char name[PATH_MAX];
	struct mailbox out;

	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	ck_assert_int_eq(mailbox_locate(&out, "mbox:/var/mail/%u", name, "", &err), -1);
	ck_assert_int_eq(err.num, ENAMETOOLONG);
	name[PATH_MAX - 10] = '\0';
	ck_assert_int_eq(mailbox_locate(&out, "mbox:/var/mail/%u", name, "", &err), -1);
	name[PATH_MAX - 11] = '\0';
	ck_assert_int_eq(mailbox_locate(&out, "mbox:/var/mail/%u", name, "", &err), 0);
	mailbox_free(&out);
}
END_TEST

START_TEST(notes_are_joined_and_cut)
{
	struct mailbox_receipt r = { 0 };

	receipt_note(&r, "one %d", 1);
	receipt_note(&r, "two");
	ck_assert_str_eq(r.note, "one 1; two");
	for (int i = 0; i < 200; i++)
		receipt_note(&r, "and more");
	ck_assert_uint_lt(strlen(r.note), sizeof(r.note));
}
END_TEST

int
main(void)
{
	TCase *tcase = tcase_create("mailbox");

	tcase_add_loop_test(tcase, located_or_refused, 0, COUNT(cases));
	tcase_add_test(tcase, too_long_is_refused);
	tcase_add_test(tcase, notes_are_joined_and_cut);
	return run_suite("mailbox", tcase);
}
