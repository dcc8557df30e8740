/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * virtmda's command line: every option, those of procmail and mail.local, and recipients that
 * look like options. They come from the network.
 */
#include "../../src/virtmda/args.h"

#include <check.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "suite.h"

#define WORDS_MAX 12

struct line {
	const char *words[WORDS_MAX]; /* without the program's name */
	const char *sender;
	const char *queue_id;
	const char *settings_file;
	const char *overrides[4];
	const char *recipients[4];
	bool dry_run, verbose, lmtp;
};

static const struct line good[] = {
	{ .words = { "-d", "bob@one.example" }, .recipients = { "bob@one.example" } },
	{ .words = { "--", "bob" }, .recipients = { "bob" } },
	{ .words = { "bob", "-n" }, .recipients = { "bob", "-n" } },
	{ .words = { "-dbob", "amy" }, .recipients = { "bob", "amy" } },
	{ .words = { "-d", "--", "bob" }, .recipients = { "bob" } },
	{ .words = { "-d", "-oops@d", "-n", "--" }, .recipients = { "-oops@d", "-n", "--" } },
	{ .words = { "-f", "", "--", "-f" }, .sender = "", .recipients = { "-f" } },
	{ .words = { "-f", "<>", "-d", "x" }, .sender = "", .recipients = { "x" } },
	{ .words = { "-f", "-", "-d", "x" }, .sender = "", .recipients = { "x" } },
	{ .words = { "-f", "amy@d", "-d", "x" }, .sender = "amy@d", .recipients = { "x" } },
	{ .words = { "-famy@d", "-d", "x" }, .sender = "amy@d", .recipients = { "x" } },
	{ .words = { "-f", "-oops@d", "-d", "x" }, .sender = "-oops@d", .recipients = { "x" } },
	{ .words = { "-r", "amy@d", "x" }, .sender = "amy@d", .recipients = { "x" } },
	{ .words = { "-Q", "q1AB", "-d", "x" }, .queue_id = "q1AB", .recipients = { "x" } },
	{ .words = { "-Q", "", "-d", "x" }, .queue_id = "NOQUEUE", .recipients = { "x" } },
	{ .words = { "-C", "/x.conf", "-d", "x" },
	    .settings_file = "/x.conf",
	    .recipients = { "x" } },
	{ .words = { "-o", "a=b", "-oc=d", "-d", "x" },
	    .overrides = { "a=b", "c=d" },
	    .recipients = { "x" } },
	/* procmail's -o has no argument, and must not eat what follows */
	{ .words = { "-o", "-d", "a=b@d" }, .recipients = { "a=b@d" } },
	{ .words = { "-o", "--", "a=b@d" }, .recipients = { "a=b@d" } },
	{ .words = { "-o", "bob" }, .recipients = { "bob" } },
	{ .words = { "-t", "-Y", "-a", "detail", "-d", "x" }, .recipients = { "x" } },
	{ .words = { "-Yt", "-a", "", "-d", "x" }, .recipients = { "x" } },
	{ .words = { "-tYo", "-d", "x" }, .recipients = { "x" } },
	{ .words = { "-n", "-v", "-d", "x" },
	    .dry_run = true,
	    .verbose = true,
	    .recipients = { "x" } },
	{ .words = { "-l" }, .lmtp = true },
	{ .words = { "-l", "-C", "/x.conf", "-oa=b" },
	    .lmtp = true,
	    .settings_file = "/x.conf",
	    .overrides = { "a=b" } },
	{ .words = { "-tvn", "-d", "x" }, .dry_run = true, .verbose = true, .recipients = { "x" } },
};

static const struct {
	const char *words[WORDS_MAX];
	const char *why;
} bad[] = {
	{ { NULL }, "no recipient given" }, { { "-d" }, "no recipient given" },
	{ { "-d", "--" }, "no recipient given" }, { { "-n" }, "no recipient given" },
	{ { "-f" }, "option -f needs an argument" }, { { "-Q" }, "option -Q needs an argument" },
	{ { "-x", "-d", "bob" }, "unknown option -x" }, { { "-lx" }, "unknown option -x" },
	{ { "-l", "-d", "bob" }, "LMTP names its recipients itself" },
	{ { "-l", "bob" }, "LMTP names its recipients itself" },
	{ { "-n", "-l" }, "-n says what a delivery would do; LMTP delivers" },
	{ { "-oops@d" }, "no recipient given" }, /* an -o, but not ours */
};

static int
parse(struct args *out, const char *const words[], struct err *err)
{
	static char *argv[WORDS_MAX + 2];
	static char program[] = "virtmda";
	int argc = 1;

	argv[0] = program;
	while (argc <= WORDS_MAX && words[argc - 1] != NULL) {
		/* args_parse moves pointers, it writes to no string */
		argv[argc] = (char *)(uintptr_t)words[argc - 1];
		argc++;
	}
	argv[argc] = NULL;
	return args_parse(out, argc, argv, err);
}

static void
assert_list(const char *const *is, size_t n, const char *const want[4])
{
	size_t wanted = 0;

	while (wanted < 4 && want[wanted] != NULL)
		wanted++;
	ck_assert_uint_eq(n, wanted);
	for (size_t i = 0; i < n; i++)
		ck_assert_str_eq(is[i], want[i]);
}

START_TEST(accepts)
{
	const struct line *line = &good[_i];
	struct args args;
	struct err err;

	ck_assert_msg(parse(&args, line->words, &err) == 0, "%s", err.text);
	ck_assert_int_eq(args.wish, line->lmtp ? ARGS_LMTP : ARGS_DELIVER);
	ck_assert_str_eq(args.sender, line->sender == NULL ? "" : line->sender);
	ck_assert_str_eq(args.queue_id, line->queue_id == NULL ? "NOQUEUE" : line->queue_id);
	ck_assert_pstr_eq(args.settings_file, line->settings_file);
	ck_assert_int_eq(args.dry_run, line->dry_run);
	ck_assert_int_eq(args.verbose, line->verbose);
	assert_list(args.overrides, args.noverrides, line->overrides);
	assert_list(args.recipients, args.nrecipients, line->recipients);
	args_free(&args);
}
END_TEST

START_TEST(refuses)
{
	struct args args;
	struct err err;

	ck_assert_int_eq(parse(&args, bad[_i].words, &err), -1);
	ck_assert_str_eq(err.text, bad[_i].why);
	ck_assert_ptr_null(args.overrides);
	ck_assert_int_eq(args.wish == ARGS_LMTP,
	    strstr(err.text, "LMTP") != NULL ||
	        (bad[_i].words[0] != NULL && strcmp(bad[_i].words[0], "-lx") == 0));
}
END_TEST

START_TEST(help_and_version_need_no_recipient)
{
	static const char *const help[] = { "-h", NULL }, *const version[] = { "-V", NULL };
	struct args args;
	struct err err;

	ck_assert_int_eq(parse(&args, help, &err), 0);
	ck_assert_int_eq(args.wish, ARGS_HELP);
	args_free(&args);
	ck_assert_int_eq(parse(&args, version, &err), 0);
	ck_assert_int_eq(args.wish, ARGS_VERSION);
	args_free(&args);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("virtmda args");
	TCase *tc = tcase_create("args");

	tcase_add_loop_test(tc, accepts, 0, (int)(sizeof(good) / sizeof(good[0])));
	tcase_add_loop_test(tc, refuses, 0, (int)(sizeof(bad) / sizeof(bad[0])));
	tcase_add_test(tc, help_and_version_need_no_recipient);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
