/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A job on its way to a worker that is there already: one packet with the message's descriptor.
 * It goes from the process with more rights to the one with less, and names nothing but what is
 * that identity's: the other recipients of a message are none of this worker's business.
 */
#include "job.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "parcel.h"

bool
job_is_delivered(const struct job *job)
{
	for (size_t i = 0; i < job->ncopies; i++)
		if (job->copies[i]->report.outcome.class != OUTCOME_DELIVERED)
			return false;
	return true;
}

bool
job_went_well(const struct job *job)
{
	for (size_t i = 0; i < job->ncopies; i++)
		if (job->copies[i]->report.receipt.note[0] != '\0')
			return false;
	return job_is_delivered(job);
}

/* ---- packing -----------------------------------------------------------------------------------
 */

static int
put_number(struct buf *out, uint64_t number)
{
	return buf_add(out, &number, sizeof(number));
}

/* NULL is another thing than "". */
static int
put_text(struct buf *out, const char *text)
{
	if (text == NULL)
		return buf_addc(out, 0);
	return buf_addc(out, 1) == -1 ? -1 : buf_add(out, text, strlen(text) + 1);
}

static int
put_copy(struct buf *out, const struct copy *copy)
{
	const struct account *account = copy->account;
	const uint64_t numbers[] = { account->uid, account->gid, copy->mailbox.format, copy->final,
		copy->nrecipients };
	const char *const texts[] = { account->name, account->home, account->quota_rule,
		copy->mailbox.path, copy->mailbox.folder };

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (put_number(out, numbers[i]) == -1)
			return -1;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (put_text(out, texts[i]) == -1)
			return -1;
	for (size_t i = 0; i < copy->nrecipients; i++)
		if (put_text(out, copy->recipients[i]) == -1)
			return -1;
	return 0;
}

int
job_pack(struct buf *out, const struct job *job)
{
	size_t nrecipients = 0;

	for (size_t i = 0; i < job->ncopies; i++)
		nrecipients += job->copies[i]->nrecipients;
	if (put_number(out, (uint64_t)job->date) == -1 ||
	    put_number(out, (uint64_t)job->until) == -1 || put_number(out, job->ncopies) == -1 ||
	    put_number(out, nrecipients) == -1 || put_text(out, job->sender) == -1)
		return -1;
	for (size_t i = 0; i < job->ncopies; i++)
		if (put_copy(out, job->copies[i]) == -1)
			return -1;
	return 0;
}

int
job_send(const struct job *job, int socket, struct err *err)
{
	struct buf bytes = BUF_INIT;
	int failed;

	if (job->dry_run || !job->intake->spooled)
		return err_set(err, EINVAL, "send a job");
	if (job_pack(&bytes, job) == -1)
		failed = err_set(err, errno, "send a job");
	else if (bytes.len > JOB_SENT_MAX)
		failed = err_set(err, EMSGSIZE, "send a job");
	else
		failed = parcel_send(socket, bytes.data, bytes.len, job->intake->fd, err);
	buf_free(&bytes);
	return failed;
}

/* ---- unpacking ---------------------------------------------------------------------------------
 */

struct reader {
	unsigned char *at;
	size_t left;
	bool failed; /* it ended too early: what is taken from now on is 0 and NULL */
};

static uint64_t
take_number(struct reader *reader)
{
	uint64_t number = 0;

	if (reader->left < sizeof(number)) {
		reader->failed = true;
		return 0;
	}
	memcpy(&number, reader->at, sizeof(number));
	reader->at += sizeof(number);
	reader->left -= sizeof(number);
	return number;
}

/* Stays where it is. */
static char *
take_text(struct reader *reader)
{
	const unsigned char *end;
	char *text;

	if (reader->left > 0 && reader->at[0] == 0) {
		reader->at++;
		reader->left--;
		return NULL;
	}
	end = reader->left < 2 ? NULL : memchr(reader->at + 1, '\0', reader->left - 1);
	if (end == NULL) {
		reader->failed = true;
		return NULL;
	}
	text = (char *)reader->at + 1;
	reader->left -= (size_t)(end + 1 - reader->at);
	reader->at += end + 1 - reader->at;
	return text;
}

/* Of what cannot be missing. */
static char *
take_value(struct reader *reader)
{
	char *text = take_text(reader);

	if (text == NULL)
		reader->failed = true;
	return text;
}

static void
take_copy(
    struct reader *reader, struct copy *copy, struct account *account, const char **recipients)
{
	uint64_t format;

	account->uid = (uid_t)take_number(reader);
	account->gid = (gid_t)take_number(reader);
	format = take_number(reader);
	copy->account = account;
	copy->mailbox.format = format == MAILBOX_MBOX ? MAILBOX_MBOX : MAILBOX_MAILDIR;
	copy->final = take_number(reader) != 0;
	copy->nrecipients = take_number(reader);
	account->name = take_value(reader);
	account->home = take_text(reader);
	account->quota_rule = take_text(reader);
	copy->mailbox.path = take_value(reader);
	copy->mailbox.folder = take_text(reader);
	copy->recipients = recipients;
	report_init(&copy->report);
}

/* The room was made for `left` recipients. */
static void
take_recipients(struct reader *reader, struct copy *copy, size_t *left)
{
	if (copy->nrecipients > *left)
		reader->failed = true;
	for (size_t i = 0; i < copy->nrecipients && !reader->failed; i++)
		copy->recipients[i] = take_value(reader);
	*left -= reader->failed ? 0 : copy->nrecipients;
}

/* Everything takes at least a byte, which bounds what is allocated. */
static int
make_room(struct sent_job *out, size_t ncopies, size_t nrecipients, size_t len)
{
	struct job *job = &out->job;

	if (ncopies == 0 || ncopies > len || nrecipients > len) {
		errno = EPROTO;
		return -1;
	}
	job->copies = calloc(ncopies, sizeof(struct copy *));
	out->copies = calloc(ncopies, sizeof(*out->copies));
	out->accounts = calloc(ncopies, sizeof(*out->accounts));
	out->recipients = calloc(nrecipients + 1, sizeof(*out->recipients));
	if (job->copies == NULL || out->copies == NULL || out->accounts == NULL ||
	    out->recipients == NULL) {
		errno = ENOMEM;
		return -1;
	}
	job->ncopies = ncopies;
	return 0;
}

static int
unpack(struct sent_job *out, struct reader *reader)
{
	struct job *job = &out->job;
	const char **recipients;
	size_t ncopies, left;

	job->date = (time_t)take_number(reader);
	job->until = (long long)take_number(reader);
	ncopies = take_number(reader);
	left = take_number(reader);
	job->sender = take_value(reader);
	if (make_room(out, ncopies, left, reader->left) == -1)
		return -1;
	recipients = out->recipients;
	for (size_t i = 0; i < ncopies && !reader->failed; i++) {
		job->copies[i] = &out->copies[i];
		take_copy(reader, &out->copies[i], &out->accounts[i], recipients);
		take_recipients(reader, &out->copies[i], &left);
		if (!reader->failed)
			recipients += out->copies[i].nrecipients;
	}
	if (!reader->failed && reader->left == 0)
		return 0;
	errno = EPROTO;
	return -1;
}

int
job_unpack(struct sent_job *out, unsigned char *bytes, size_t len, struct err *err)
{
	struct reader reader = { .at = bytes, .left = len };

	*out = (struct sent_job){ .intake = { .fd = -1, .spooled = true } };
	out->job.intake = &out->intake;
	if (unpack(out, &reader) == 0)
		return 0;
	err_set(err, errno, "receive a job");
	job_free(out);
	return -1;
}

int
job_receive(struct sent_job *out, const struct settings *settings, int socket, struct err *err)
{
	static unsigned char bytes[JOB_SENT_MAX]; /* one job at a time */
	int descriptor;
	size_t len;
	int got = parcel_receive_some(socket, bytes, sizeof(bytes), &len, &descriptor, err);

	if (got != 1)
		return got;
	if (descriptor == -1)
		return err_set(err, EPROTO, "receive a job");
	if (job_unpack(out, bytes, len, err) == -1) {
		close(descriptor);
		return -1;
	}
	out->job.settings = settings;
	out->intake.fd = descriptor;
	return 1;
}

void
job_free(struct sent_job *sent)
{
	if (sent->intake.fd != -1)
		close(sent->intake.fd);
	free(sent->job.copies);
	free(sent->copies);
	free(sent->accounts);
	free(sent->recipients);
	*sent = (struct sent_job){ .intake = { .fd = -1 } };
}
