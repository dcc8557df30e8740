/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Whether a message has been here before: which of its recipients its Delivered-To headers name,
 * and what the process that looks says of it.
 */
#include "../../src/virtmda/loop.h"

#include <check.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "../../src/virtmda/moment.h"
#include "../../src/virtmda/process.h"
#include "io.h"
#include "suite.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const char *const originals[] = { "a@one.example", "b@two.example", "no address@" };
static struct err err;

static int
file_of(const char *text)
{
	int fd = open("/tmp", O_TMPFILE | O_RDWR, 0600);

	ck_assert_int_ne(fd, -1);
	ck_assert_int_eq(io_write_all(fd, text, strlen(text)), 0);
	ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

static const struct {
	const char *header;
	bool a, b;
} headers[] = {
	{ "", false, false },
	{ "Delivered-To: a@one.example\n", true, false },
	{ "delivered-to : A@ONE.example.\n", true, false },
	{ "Delivered-To:\n a@one.example\n", true, false },
	{ "Delivered-To: x@one.example\nDelivered-To: b@two.example\n", false, true },
	{ "Delivered-To: b@two.example\nX: y\nDelivered-To: a@one.example\n", true, true },
	{ "Delivered-To: a+x@one.example\n", false, false },
	{ "Delivered-To: a@one.example.org\n", false, false },
	{ "Delivered-To: a\n", false, false },
	{ "Delivered-To: a@one.example, b\n", false, false },
	{ "Delivered-To: \n", false, false },
	{ "X-Delivered-To: a@one.example\n", false, false },
	{ "Subject: x\n\nDelivered-To: a@one.example\n", false, false },
};

START_TEST(a_loop_is_seen)
{
	int fd = file_of(headers[_i].header);
	bool seen[COUNT(originals)] = { true, true, true };
	struct message *message;

	ck_assert_int_eq(message_read(&message, fd, "/tmp", &err), 0);
	ck_assert_int_eq(loop_find(message, originals, COUNT(originals), seen, &err), 0);
	ck_assert_int_eq(seen[0], headers[_i].a);
	ck_assert_int_eq(seen[1], headers[_i].b);
	ck_assert_int_eq(seen[2], false);
	message_free(message);
	close(fd);
}
END_TEST

/* ---- the process that looks --------------------------------------------------------------------
 */

static char spool[] = "/tmp";
static struct settings settings;

static void
ask(const char *text, bool *seen, struct outcome *outcome)
{
	const struct intake intake = { .fd = file_of(text), .spooled = true };
	const struct loop_question question = { .settings = &settings,
		.intake = &intake,
		.originals = originals,
		.noriginals = COUNT(originals),
		.until = MOMENT_NEVER };

	settings.spool_directory = spool;
	process_forget_starter();
	memset(seen, 0, COUNT(originals) * sizeof(*seen));
	loop_ask(&question, seen, outcome);
	close(intake.fd);
}

START_TEST(who_may_go_on)
{
	struct outcome outcome;
	bool seen[COUNT(originals)];

	settings.delivered_to = true;
	ask("Delivered-To: b@two.example\n\n", seen, &outcome);
	ck_assert_msg(outcome.class == OUTCOME_DELIVERED, "%s", outcome.text);
	ck_assert(!seen[0] && seen[1] && !seen[2]);
	/* Where none is written, one that is there says nothing. */
	settings.delivered_to = false;
	ask("Delivered-To: b@two.example\n\n", seen, &outcome);
	ck_assert_int_eq(outcome.class, OUTCOME_DELIVERED);
	ck_assert(!seen[0] && !seen[1] && !seen[2]);
}
END_TEST

START_TEST(hops)
{
	static char text[3000];
	struct outcome outcome;
	bool seen[COUNT(originals)];

	for (int i = 0; i < LOOP_HOPS_MAX; i++)
		strcat(text, "Received: here\n");
	ask(text, seen, &outcome);
	ck_assert_int_eq(outcome.class, OUTCOME_DELIVERED);
	strcat(text, "Received: there\n");
	ask(text, seen, &outcome);
	ck_assert_int_eq(outcome.class, OUTCOME_REJECTED);
	ck_assert_str_eq(outcome.status, "5.4.6");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("loop");
	TCase *tcase = tcase_create("loop");

	tcase_add_loop_test(tcase, a_loop_is_seen, 0, COUNT(headers));
	tcase_add_test(tcase, who_may_go_on);
	tcase_add_test(tcase, hops);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
