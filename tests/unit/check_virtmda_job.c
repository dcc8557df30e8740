/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Jobs as bytes, and on their way to a worker: what arrives is what was sent, and nothing that is
 * not whole is taken for a job.
 */
#include "../../src/virtmda/job.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../src/virtmda/parcel.h"
#include "suite.h"

static const struct account joe = {
	.name = (char *)"joe", .uid = 7, .gid = 8, .home = (char *)"/home/joe"
};
static const struct account ann = {
	.name = (char *)"ann@d", .uid = 7, .gid = 8, .quota_rule = (char *)"*:storage=1M"
};
static const char *for_joe[] = { "joe@d.example", "\"j o\"@d.example" };
static const char *for_ann[] = { "ann@d.example" };
static struct copy copies[] = {
	{ .account = &joe,
	    .mailbox = { MAILBOX_MAILDIR, (char *)"/home/joe/Maildir", (char *)".Lists" },
	    .recipients = for_joe,
	    .nrecipients = 2,
	    .final = true },
	{ .account = &ann,
	    .mailbox = { MAILBOX_MAILDIR, (char *)"/mail/ann", NULL },
	    .recipients = for_ann,
	    .nrecipients = 1 },
	{ .account = &ann, .mailbox = { MAILBOX_MBOX, (char *)"/mail/ann.mbox", NULL } },
};
static struct copy *all[] = { &copies[0], &copies[1], &copies[2] };
static struct intake intake = { .fd = -1, .spooled = true };
static const struct settings settings;
static const struct job job = {
	.settings = &settings,
	.sender = "amy@two.example",
	.date = 1700000000,
	.until = 12345678901,
	.intake = &intake,
	.copies = all,
	.ncopies = 3,
};
static struct err err;
static int ends[2];

static void
setup(void)
{
	intake.fd = memfd_create("message", MFD_CLOEXEC);
	ck_assert_int_ne(intake.fd, -1);
	ck_assert_int_eq(write(intake.fd, "hello", 5), 5);
	ck_assert_int_eq(parcel_pair(ends, &err), 0);
}

static void
teardown(void)
{
	close(intake.fd);
	close(ends[0]);
	close(ends[1]);
}

static void
assert_text(const char *a, const char *b)
{
	ck_assert_int_eq(a == NULL, b == NULL);
	if (a != NULL)
		ck_assert_str_eq(a, b);
}

static void
assert_copy(const struct copy *got, const struct copy *sent)
{
	ck_assert_uint_eq(got->account->uid, sent->account->uid);
	ck_assert_uint_eq(got->account->gid, sent->account->gid);
	assert_text(got->account->name, sent->account->name);
	assert_text(got->account->home, sent->account->home);
	assert_text(got->account->quota_rule, sent->account->quota_rule);
	ck_assert_int_eq(got->mailbox.format, sent->mailbox.format);
	assert_text(got->mailbox.path, sent->mailbox.path);
	assert_text(got->mailbox.folder, sent->mailbox.folder);
	ck_assert_int_eq(got->final, sent->final);
	ck_assert_uint_eq(got->nrecipients, sent->nrecipients);
	for (size_t i = 0; i < sent->nrecipients; i++)
		ck_assert_str_eq(got->recipients[i], sent->recipients[i]);
	ck_assert_int_eq(got->report.outcome.class, OUTCOME_DEFERRED);
}

static void
assert_job(const struct job *got)
{
	ck_assert_str_eq(got->sender, job.sender);
	ck_assert_int_eq(got->date, job.date);
	ck_assert_int_eq(got->until, job.until);
	ck_assert(!got->dry_run);
	ck_assert_uint_eq(got->ncopies, job.ncopies);
	for (size_t i = 0; i < job.ncopies; i++)
		assert_copy(got->copies[i], job.copies[i]);
}

/* ---- there and back ----------------------------------------------------------------------------
 */

START_TEST(arrives_as_it_was_sent)
{
	struct sent_job sent;
	char text[8] = "";

	ck_assert_msg(job_send(&job, ends[0], &err) == 0, "%s", err.text);
	ck_assert_msg(job_receive(&sent, &settings, ends[1], &err) == 1, "%s", err.text);
	assert_job(&sent.job);
	ck_assert_ptr_eq(sent.job.settings, &settings);
	ck_assert(sent.job.intake->spooled);
	ck_assert_int_ne(sent.job.intake->fd, intake.fd);
	ck_assert_int_eq(pread(sent.job.intake->fd, text, sizeof(text), 0), 5);
	ck_assert_str_eq(text, "hello");
	ck_assert_int_eq(fcntl(sent.job.intake->fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	job_free(&sent);
}
END_TEST

START_TEST(the_end_is_an_end)
{
	struct sent_job sent;

	close(ends[0]);
	ends[0] = -1;
	ck_assert_int_eq(job_receive(&sent, &settings, ends[1], &err), 0);
}
END_TEST

/* ---- what cannot be sent
 * -------------------------------------------------------------------------
 */

START_TEST(a_stream_is_not_sent)
{
	const struct intake stream = { .fd = STDIN_FILENO };
	struct job other = job;

	other.intake = &stream;
	ck_assert_int_eq(job_send(&other, ends[0], &err), -1);
	other = job;
	other.dry_run = true;
	ck_assert_int_eq(job_send(&other, ends[0], &err), -1);
}
END_TEST

START_TEST(too_much_is_not_sent)
{
	struct job other = job;
	char *sender = calloc(1, JOB_SENT_MAX);
	char byte;

	ck_assert_ptr_nonnull(sender);
	memset(sender, 'x', JOB_SENT_MAX - 1);
	other.sender = sender;
	ck_assert_int_eq(job_send(&other, ends[0], &err), -1);
	ck_assert_int_eq(err.num, EMSGSIZE);
	ck_assert_int_eq(recv(ends[1], &byte, 1, MSG_DONTWAIT), -1);
	free(sender);
}
END_TEST

/* ---- what is no job -----------------------------------------------------------------------------
 */

START_TEST(half_a_job_is_none)
{
	struct buf bytes = BUF_INIT;
	struct sent_job sent;

	ck_assert_int_eq(job_pack(&bytes, &job), 0);
	for (size_t len = 0; len <= bytes.len; len++) {
		/* Of that size exactly, so that a sanitizer sees who looks behind its end. */
		unsigned char *part = malloc(len + (len == 0));

		ck_assert_ptr_nonnull(part);
		if (len > 0)
			memcpy(part, bytes.data, len);
		if (len == bytes.len) {
			ck_assert_int_eq(job_unpack(&sent, part, len, &err), 0);
			job_free(&sent);
		} else {
			ck_assert_int_eq(job_unpack(&sent, part, len, &err), -1);
			ck_assert_int_eq(err.num, EPROTO);
		}
		free(part);
	}
	ck_assert_int_eq(buf_addc(&bytes, 0), 0);
	ck_assert_int_eq(job_unpack(&sent, bytes.data, bytes.len, &err), -1);
	buf_free(&bytes);
}
END_TEST

START_TEST(damage_is_harmless)
{
	static const unsigned char values[] = { 0, 1, 0x7f, 0x80, 0xff };
	struct buf bytes = BUF_INIT;

	ck_assert_int_eq(job_pack(&bytes, &job), 0);
	for (size_t i = 0; i < bytes.len; i++)
		for (size_t v = 0; v < sizeof(values); v++) {
			unsigned char *other = malloc(bytes.len);
			struct sent_job sent;

			ck_assert_ptr_nonnull(other);
			memcpy(other, bytes.data, bytes.len);
			other[i] = values[v];
			if (job_unpack(&sent, other, bytes.len, &err) == 0)
				job_free(&sent);
			free(other);
		}
	buf_free(&bytes);
}
END_TEST

START_TEST(a_job_has_copies)
{
	struct job none = job;
	struct buf bytes = BUF_INIT;
	struct sent_job sent;

	none.ncopies = 0;
	ck_assert_int_eq(job_pack(&bytes, &none), 0);
	ck_assert_int_eq(job_unpack(&sent, bytes.data, bytes.len, &err), -1);
	buf_free(&bytes);
}
END_TEST

START_TEST(a_job_has_a_message)
{
	struct buf bytes = BUF_INIT;
	struct sent_job sent;

	ck_assert_int_eq(job_pack(&bytes, &job), 0);
	ck_assert_int_eq(parcel_send(ends[0], bytes.data, bytes.len, -1, &err), 0);
	ck_assert_int_eq(job_receive(&sent, &settings, ends[1], &err), -1);
	buf_free(&bytes);
}
END_TEST

START_TEST(what_comes_with_nonsense_is_closed)
{
	struct sent_job sent;
	int next = dup(STDIN_FILENO), after;

	close(next);
	ck_assert_int_eq(parcel_send(ends[0], "nonsense", 8, intake.fd, &err), 0);
	ck_assert_int_eq(job_receive(&sent, &settings, ends[1], &err), -1);
	after = dup(STDIN_FILENO);
	ck_assert_int_eq(after, next);
	close(after);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("virtmda job");
	TCase *tests = tcase_create("job");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, arrives_as_it_was_sent);
	tcase_add_test(tests, the_end_is_an_end);
	tcase_add_test(tests, a_stream_is_not_sent);
	tcase_add_test(tests, too_much_is_not_sent);
	tcase_add_test(tests, half_a_job_is_none);
	tcase_add_test(tests, damage_is_harmless);
	tcase_add_test(tests, a_job_has_copies);
	tcase_add_test(tests, a_job_has_a_message);
	tcase_add_test(tests, what_comes_with_nonsense_is_closed);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
