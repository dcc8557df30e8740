/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The crew: whatever becomes of the process that reads one mailbox, every other account is told of,
 * and that one's reason is.
 */
#include <check.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../../src/mailpeek/crew.h"
#include "suite.h"

#define ACCOUNTS  12
#define TELL_FD   (STDERR_FILENO + 1) /* where a process's reports go */
#define REASON    "the process that read it "
#define SOMEBODY  65534
#define SOME_MORE 65533

struct scene {
	struct account accounts[ACCOUNTS];
	void (*acts[ACCOUNTS])(struct buf *report, struct err *err); /* NULL: reports its number */
	char *told[ACCOUNTS];
	bool failed[ACCOUNTS];
	int errors[ACCOUNTS];
	pid_t boss;
};

/* ---- what a process can do ------------------------------------------------------------------- */

static void
put(const void *data, size_t len)
{
	if (write(TELL_FD, data, len) != (ssize_t)len)
		_exit(9);
}

static void
be_killed(struct buf *report, struct err *err)
{
	(void)report, (void)err;
	raise(SIGKILL);
}

static void
leave(struct buf *report, struct err *err)
{
	(void)report, (void)err;
	_exit(0);
}

static void
leave_in_mid_word(struct buf *report, struct err *err)
{
	const uint32_t head[2] = { 0, 100 };

	(void)report, (void)err;
	put(head, sizeof(head));
	put("abc", 3);
	_exit(0);
}

static void
promise_too_much(struct buf *report, struct err *err)
{
	const uint32_t head[2] = { 0, CREW_REPORT_MAX + 1 };

	(void)report, (void)err;
	put(head, sizeof(head));
	pause();
}

static void
fail_in_other_words(struct buf *report, struct err *err)
{
	const uint32_t head[2] = { 1, 3 };

	(void)report, (void)err;
	put(head, sizeof(head));
	put("abc", 3);
	pause();
}

static void
babble(struct buf *report, struct err *err)
{
	(void)report, (void)err;
	for (;;)
		put("0123456789abcdef", 16);
}

static void
hang(struct buf *report, struct err *err)
{
	(void)report, (void)err;
	pause();
}

static void
hang_up(struct buf *report, struct err *err)
{
	(void)report, (void)err;
	close(TELL_FD);
	pause();
}

/* A byte now and then is no progress. */
static void
drip(struct buf *report, struct err *err)
{
	const uint32_t head[2] = { 0, 1000 };
	const struct timespec nap = { .tv_nsec = 100000000 };

	(void)report, (void)err;
	put(head, sizeof(head));
	for (;;) {
		put("x", 1);
		nanosleep(&nap, NULL);
	}
}

/* No ck_assert here: Check would tell of it through the descriptor that is TELL_FD now. */
static void
fill(struct buf *report, size_t len)
{
	if (buf_reserve(report, len) == -1)
		_exit(9);
	memset(report->data, 'x', len);
	report->len = len;
}

static void
find_too_much(struct buf *report, struct err *err)
{
	(void)err;
	fill(report, CREW_REPORT_MAX + 1);
}

static void
find_much(struct buf *report, struct err *err)
{
	(void)err;
	fill(report, CREW_REPORT_MAX);
}

static void
find_nothing(struct buf *report, struct err *err)
{
	(void)report, (void)err;
}

static void
be_denied(struct buf *report, struct err *err)
{
	(void)report;
	err_set(err, EACCES, "open /x");
}

/* ---- the crew -------------------------------------------------------------------------------- */

static const struct account *
whose(void *arg, size_t i)
{
	struct scene *s = arg;

	return s->accounts[i].name == NULL ? NULL : &s->accounts[i];
}

static int
work(void *arg, size_t i, struct buf *report, struct err *err)
{
	struct scene *s = arg;

	if (getpid() == s->boss || getuid() != s->accounts[i].uid)
		return err_set(err, 0, "not in a process of the account's");
	if (s->acts[i] == NULL)
		return buf_addf(report, "number %zu", i);
	s->acts[i](report, err);
	return err->text[0] == '\0' ? 0 : -1;
}

static void
done(void *arg, size_t i, const struct buf *report, const struct err *err)
{
	struct scene *s = arg;

	ck_assert_uint_lt(i, ACCOUNTS);
	ck_assert_msg(s->told[i] == NULL, "%zu is told of twice", i);
	s->failed[i] = report == NULL;
	if (report == NULL)
		s->errors[i] = err->num;
	s->told[i] = report == NULL ? strdup(err->text)
	             : report->len > 100
	                 ? strdup("much")
	                 : strndup(report->len > 0 ? (const char *)report->data : "", report->len);
	ck_assert_ptr_nonnull(s->told[i]);
}

static void
enter(struct scene *s)
{
	memset(s, 0, sizeof(*s));
	s->boss = getpid();
	for (size_t i = 0; i < ACCOUNTS; i++) {
		s->accounts[i].name = (char *)(uintptr_t) "somebody";
		s->accounts[i].uid =
		    geteuid() == 0 ? (i % 4 == 3 ? SOME_MORE : SOMEBODY) : geteuid();
		s->accounts[i].gid = geteuid() == 0 ? SOMEBODY : getegid();
	}
}

static void
run(struct scene *s, unsigned patience)
{
	const struct crew crew = {
		.min_uid = 1,
		.doing = "testing",
		.patience = patience,
		.count = ACCOUNTS,
		.arg = s,
		.account = whose,
		.work = work,
		.done = done,
	};

	crew_run(&crew);
}

static void
leave_scene(struct scene *s)
{
	for (size_t i = 0; i < ACCOUNTS; i++)
		free(s->told[i]);
}

/* All but number `odd` told their own. */
static void
others_are_told(const struct scene *s, size_t odd)
{
	char want[32];

	for (size_t i = 0; i < ACCOUNTS; i++) {
		if (i == odd)
			continue;
		snprintf(want, sizeof(want), "number %zu", i);
		ck_assert_msg(s->told[i] != NULL, "%zu is not told of", i);
		ck_assert_msg(
		    !s->failed[i] && strcmp(s->told[i], want) == 0, "%zu: %s", i, s->told[i]);
	}
}

/* ---- tests ----------------------------------------------------------------------------------- */

static const struct {
	void (*act)(struct buf *report, struct err *err);
	const char *reason; /* NULL: no failure */
	unsigned patience;
} acts[] = {
	{ be_killed, REASON "ended by signal 9", 0 },
	{ leave, REASON "ended early", 0 },
	{ leave_in_mid_word, REASON "ended early", 0 },
	{ promise_too_much, REASON "told nonsense", 0 },
	{ fail_in_other_words, REASON "told nonsense", 0 },
	{ babble, REASON "told nonsense", 0 },
	{ hang, REASON "did not come to an end", 1 },
	{ drip, REASON "did not come to an end", 1 },
	{ hang_up, REASON "ended by signal 9", 0 },
	{ find_too_much, "more is to be told of it than fits", 0 },
	{ be_denied, "open /x: Permission denied", 0 },
	{ find_much, NULL, 0 },
	{ find_nothing, NULL, 0 },
};

#define NACTS (sizeof(acts) / sizeof(acts[0]))

static void
act_alone(size_t which, size_t at)
{
	struct scene s;

	enter(&s);
	s.acts[at] = acts[which].act;
	run(&s, acts[which].patience);
	others_are_told(&s, at);
	ck_assert_ptr_nonnull(s.told[at]);
	ck_assert_int_eq(s.failed[at], acts[which].reason != NULL);
	if (acts[which].reason != NULL)
		ck_assert_str_eq(s.told[at], acts[which].reason);
	leave_scene(&s);
}

/* At the begin, in the middle and at the end of what a process is given. */
START_TEST(costs_one_account)
{
	act_alone((size_t)_i, 5);
	if (acts[_i].patience > 0) /* a second each */
		return;
	act_alone((size_t)_i, 0);
	act_alone((size_t)_i, ACCOUNTS - 1);
}
END_TEST

START_TEST(all_at_once)
{
	struct scene s;

	enter(&s);
	for (size_t i = 0; i < ACCOUNTS; i++)
		s.acts[i] = acts[i].act;
	run(&s, 1);
	for (size_t i = 0; i < ACCOUNTS; i++) {
		ck_assert_ptr_nonnull(s.told[i]);
		ck_assert_int_eq(s.failed[i], acts[i].reason != NULL);
		if (acts[i].reason != NULL)
			ck_assert_str_eq(s.told[i], acts[i].reason);
	}
	leave_scene(&s);
}
END_TEST

START_TEST(passes_over_nobodys)
{
	struct scene s;

	enter(&s);
	s.accounts[0].name = s.accounts[4].name = s.accounts[ACCOUNTS - 1].name = NULL;
	run(&s, 0);
	for (size_t i = 0; i < ACCOUNTS; i++)
		ck_assert_int_eq(s.told[i] == NULL, s.accounts[i].name == NULL);
	leave_scene(&s);
}
END_TEST

/* Rights that cannot be had are that account's trouble alone, and EPERM. */
START_TEST(cannot_become)
{
	struct scene s;

	enter(&s);
	s.accounts[2].uid = 0;
	run(&s, 0);
	others_are_told(&s, 2);
	ck_assert(s.failed[2]);
	ck_assert_int_eq(s.errors[2], EPERM);
	leave_scene(&s);
}
END_TEST

/* Nobody is left behind. */
static void
no_children(void)
{
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
	ck_assert_int_eq(errno, ECHILD);
}

START_TEST(leaves_no_process)
{
	struct scene s;

	enter(&s);
	s.acts[1] = hang_up;
	s.acts[2] = babble;
	run(&s, 1);
	no_children();
	leave_scene(&s);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("mailpeek_crew");
	TCase *tc = tcase_create("crew");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, costs_one_account, 0, NACTS);
	tcase_add_test(tc, all_at_once);
	tcase_add_test(tc, passes_over_nobodys);
	tcase_add_test(tc, cannot_become);
	tcase_add_test(tc, leaves_no_process);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
