/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a hand-over says: the sender as one word, and the notice for members that were refused.
 */
#include "../../src/virtmda/speech.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../src/virtmda/bounce.h"
#include "io.h"
#include "suite.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static struct err err;

static struct message *
message_of(const char *text)
{
	struct message *message;
	int fd = open("/tmp", O_TMPFILE | O_RDWR, 0600);

	ck_assert_int_ne(fd, -1);
	ck_assert_int_eq(io_write_all(fd, text, strlen(text)), 0);
	ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0);
	ck_assert_int_eq(message_read(&message, fd, "/tmp", &err), 0);
	close(fd);
	return message;
}

static const struct {
	const char *sender, *path; /* NULL: cannot be written */
} paths[] = {
	{ "", "" },
	{ "ann@d.example", "ann@d.example" },
	{ "root", "root" },
	{ "a b@d.example", "\"a b\"@d.example" },
	{ "a@b@d.example", "\"a@b\"@d.example" },
	{ "\"a b\"@d.example", "\"a b\"@d.example" },
	{ "\"a\\\"b\"@d.example", "\"a\\\"b\"@d.example" },
	{ "\"a\"b\"@d.example", "\"\\\"a\\\"b\\\"\"@d.example" },
	{ "\"a\\\"@d.example", "\"\\\"a\\\\\\\"\"@d.example" },
	{ "\"@d.example", "\"\\\"\"@d.example" },
	{ "x>RCPT TO:<y@d.example", "\"x>RCPT TO:<y\"@d.example" },
	{ "b\303\274cher@d.example", "b\303\274cher@d.example" },
	{ "a\nb@d.example", NULL },
};

START_TEST(a_sender_is_one_word)
{
	char *path = speech_path(paths[_i].sender, &err);

	if (paths[_i].path == NULL) {
		ck_assert_ptr_null(path);
		ck_assert_int_eq(err.num, EINVAL);
	} else {
		ck_assert_str_eq(path, paths[_i].path);
	}
	free(path);
}
END_TEST

START_TEST(who_is_told)
{
	static const struct {
		const char *sender, *notify;
		bool wanted;
	} cases[] = {
		{ "a@b", NULL, true },
		{ "a@b", "", true },
		{ "", NULL, false },
		{ "", "FAILURE", false },
		{ "a@b", "NEVER", false },
		{ "a@b", "never", false },
		{ "a@b", "SUCCESS,DELAY", false },
		{ "a@b", "SUCCESS,failure", true },
		{ "a@b", "FAILURE", true },
		{ "a@b", "FAILURES", false },
	};

	for (size_t i = 0; i < COUNT(cases); i++)
		ck_assert_int_eq(
		    bounce_is_wanted(cases[i].sender, cases[i].notify), cases[i].wanted);
}
END_TEST

static int
collect(void *arg, const void *data, size_t len, struct err *e)
{
	(void)e;
	return buf_add(arg, data, len);
}

/* The notice, its boundary made "B". */
static char *
notice(const struct message *message, bool whole)
{
	const struct submission_member members[] = {
		{ .address = "ann@x" },
		{ .address = "bob@y",
		    .refusal = { 550, "5.1.1", "550 5.1.1 <bob@y>... who\n--B\n" } },
		{ .address = "\"c d\"@z", .refusal = { 552, "", "552 too much" } },
	};
	struct buf out = BUF_INIT;
	struct bounce bounce;

	bounce_init(&bounce);
	ck_assert_uint_gt(strlen(bounce.boundary), 32);
	strcpy(bounce.boundary, "B");
	bounce.host = "here.example";
	bounce.to = "me@there.example";
	bounce.original = "list@one.example";
	bounce.envid = "Q1";
	bounce.orcpt = "rfc822;list@one.example";
	bounce.members = members;
	bounce.nmembers = COUNT(members);
	bounce.message = message;
	bounce.whole = whole;
	ck_assert_int_eq(bounce_content(&bounce, collect, &out, &err), 0);
	ck_assert_ptr_nonnull(buf_cstr(&out));
	return buf_steal(&out);
}

static const char status_part[] =
    "--B\nContent-Type: message/delivery-status\n"
    "\nOriginal-Envelope-Id: Q1\nReporting-MTA: dns; here.example\n\n"
    "Original-Recipient: rfc822;list@one.example\nFinal-Recipient: rfc822; bob@y\n"
    "Action: failed\nStatus: 5.1.1\n"
    "Diagnostic-Code: smtp; 550 5.1.1 <bob@y>... who\\n--B\\n\n\n"
    "Original-Recipient: rfc822;list@one.example\nFinal-Recipient: rfc822; \"c d\"@z\n"
    "Action: failed\nStatus: 5.0.0\n"
    "Diagnostic-Code: smtp; 552 too much\n\n";

START_TEST(a_notice_has_its_parts)
{
	struct message *message =
	    message_of("Return-Path: <x@y>\nSubject: s\n t\n\nbody\nSubject: not this\n");
	char *text = notice(message, false);

	ck_assert_ptr_nonnull(strstr(text, "\nTo: <me@there.example>\n"));
	ck_assert_ptr_nonnull(strstr(text, "Your message to <list@one.example>\n"));
	ck_assert_ptr_nonnull(strstr(text, status_part));
	ck_assert_ptr_null(strstr(text, "ann@x"));
	ck_assert_ptr_nonnull(
	    strstr(text, "--B\nContent-Type: text/rfc822-headers\n"
	                 "Content-Transfer-Encoding: 8bit\n\nSubject: s\n t\n\n--B--\n"));
	free(text);
	text = notice(message, true);
	ck_assert_ptr_nonnull(
	    strstr(text, "--B\nContent-Type: message/rfc822\nContent-Transfer-Encoding: 8bit\n\n"
	                 "Subject: s\n t\n\nbody\nSubject: not this\n\n--B--\n"));
	free(text);
	message_free(message);
}
END_TEST

START_TEST(no_header_is_a_header_of_nothing)
{
	struct message *message = message_of("just a body\n");
	char *text = notice(message, false);

	ck_assert_ptr_null(strstr(text, "just a body"));
	ck_assert_ptr_nonnull(strstr(text, "\n\n\n--B--\n"));
	free(text);
	message_free(message);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("speech");
	TCase *tcase = tcase_create("speech");

	tcase_add_loop_test(tcase, a_sender_is_one_word, 0, COUNT(paths));
	tcase_add_test(tcase, who_is_told);
	tcase_add_test(tcase, a_notice_has_its_parts);
	tcase_add_test(tcase, no_header_is_a_header_of_nothing);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
