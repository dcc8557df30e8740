/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What is said in a hand-over, by a process without rights: whether the message may go on at all,
 * the envelope it goes in, and what becomes of members that sendmail refuses.
 */
#include "speech.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "address.h"
#include "bounce.h"
#include "process.h"

/* ---- has it been here -------------------------------------------------------------------------
 */

struct been_here {
	const char *const *originals;
	size_t noriginals;
	struct err *err;
};

static bool
is_same(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* 1, 0, or -1 with err. What is no address is nobody's. */
static int
same_recipient(const char *original, const char *value, struct err *err)
{
	struct address ours, theirs;
	int same = 0;

	if (address_parse(&ours, original, err) == -1)
		return err->num == 0 ? 0 : -1;
	if (address_parse(&theirs, value, err) == -1) {
		same = err->num == 0 ? 0 : -1;
	} else {
		same = is_same(ours.local, theirs.local) && is_same(ours.domain, theirs.domain);
		address_free(&theirs);
	}
	address_free(&ours);
	return same;
}

static int
is_one_of_ours(void *arg, const char *value, size_t len)
{
	const struct been_here *been_here = arg;
	int same = 0;

	if (strlen(value) != len)
		return 0;
	for (size_t i = 0; i < been_here->noriginals && same == 0; i++)
		same = same_recipient(been_here->originals[i], value, been_here->err);
	return same;
}

int
speech_is_loop(
    const struct message *message, const char *const *originals, size_t noriginals, struct err *err)
{
	struct been_here been_here = { originals, noriginals, err };
	int found;

	err->num = 0;
	found = message_each_header(
	    message, "Delivered-To", ADDRESS_MAX + 1, is_one_of_ours, &been_here);
	if (found == -1 && err->num == 0)
		err_set(err, errno, "message: read");
	return found;
}

static int
count_hop(void *arg, const char *value, size_t len)
{
	size_t *hops = arg;

	(void)value;
	(void)len;
	return ++*hops > SPEECH_HOPS_MAX;
}

/* May it go on? 1 yes, 0 no (the report says why), -1 with err. */
static int
may_go_on(const struct handover_job *job, const struct message *message, struct report *report,
    struct err *err)
{
	size_t hops = 0;
	int many, loop = 0;

	/* Where we write none, one that is there says nothing. */
	if (job->settings->delivered_to)
		loop = speech_is_loop(message, job->originals, job->noriginals, err);
	if (loop == -1)
		return -1;
	if (loop == 1) {
		report->finding = REPORT_LOOP;
		outcome_reject(&report->outcome, "5.4.6",
		    "mail for this address comes back to it: the message has its Delivered-To");
		return 0;
	}
	many = message_each_header(message, "Received", 0, count_hop, &hops);
	if (many == -1)
		return err_set(err, errno, "message: read");
	if (many == 1)
		outcome_reject(
		    &report->outcome, "5.4.6", "more than %d hops: a mail loop", SPEECH_HOPS_MAX);
	return many == 0;
}

/* ---- addresses --------------------------------------------------------------------------------
 */

/* Is it a quoted-string (RFC 5321 4.1.2) already? */
static bool
is_quoted(const char *local, size_t len)
{
	if (len < 2 || local[0] != '"' || local[len - 1] != '"')
		return false;
	for (size_t i = 1; i < len - 1; i++) {
		if (local[i] == '"')
			return false;
		if (local[i] == '\\' && ++i == len - 1)
			return false;
	}
	return true;
}

char *
speech_path(const char *address, struct err *err)
{
	const char *at = strrchr(address, '@');
	size_t len = at == NULL ? strlen(address) : (size_t)(at - address);
	char *local, *quoted, *path = NULL;

	if (*address == '\0' || is_quoted(address, len)) {
		path = strdup(address);
	} else if ((local = strndup(address, len)) != NULL) {
		quoted = address_quote_local(local);
		free(local);
		if (quoted == NULL && errno == EINVAL) {
			err_set(err, EINVAL, "sender <%s>", address);
			return NULL;
		}
		if (quoted != NULL && asprintf(&path, "%s%s", quoted, at == NULL ? "" : at) == -1)
			path = NULL;
		free(quoted);
	}
	if (path == NULL)
		err_set(err, ENOMEM, "sender <%s>", address);
	return path;
}

/* ORCPT for a recipient that came without (RFC 3461 5.2.7.1 b): so a bounce from far away names the
 * address that its reader knows. Left out where it cannot be written. */
static char *
own_orcpt(const char *original)
{
	char *out = malloc(sizeof("rfc822;") + 3 * strlen(original)), *to = out;

	if (out == NULL)
		return NULL;
	to = stpcpy(to, "rfc822;");
	for (const unsigned char *p = (const unsigned char *)original; *p != '\0'; p++) {
		if (*p <= ' ' || *p >= 127) {
			free(out);
			return NULL;
		}
		if (*p == '+' || *p == '=')
			to += sprintf(to, "+%02X", *p);
		else
			*to++ = (char)*p;
	}
	*to = '\0';
	return out;
}

/* ---- the conversation
 * ------------------------------------------------------------------------------ */

struct speech {
	const struct handover_job *job;
	const struct message *message;
	char *sender; /* as it stands between < and > */
	char *orcpt;  /* or NULL */
	struct submission_member *members;
	struct bounce notice; /* for members that may be refused */
};

static void
speech_free(struct speech *speech)
{
	free(speech->sender);
	free(speech->orcpt);
	free(speech->members);
}

static int
speech_prepare(struct speech *speech, const struct handover_job *job, const struct message *message,
    struct err *err)
{
	*speech = (struct speech){ .job = job, .message = message };
	/* Its random bytes are had now, while nothing is lost if they cannot be. */
	if (job->nmembers > 1)
		bounce_init(&speech->notice);
	speech->members = calloc(job->nmembers, sizeof(*speech->members));
	if (speech->members == NULL)
		return err_set(err, ENOMEM, "hand over");
	for (size_t i = 0; i < job->nmembers; i++)
		speech->members[i].address = job->members[i];
	if (job->orcpt != NULL)
		speech->orcpt = strdup(job->orcpt);
	else if (job->noriginals == 1)
		speech->orcpt = own_orcpt(job->originals[0]);
	speech->sender = speech_path(job->sender, err);
	return speech->sender == NULL ? -1 : 0;
}

static int
write_copy(void *arg, message_sink *sink, void *sink_arg, struct err *err)
{
	const struct speech *speech = arg;
	const struct handover_job *job = speech->job;
	const struct message_envelope envelope = {
		.sender = job->sender,
		.recipients = job->originals,
		.nrecipients = job->settings->delivered_to ? job->noriginals : 0,
	};

	return message_write(speech->message, MESSAGE_FORWARD, &envelope, sink, sink_arg, err);
}

/* From here to the reply a signal must not come between: sendmail may have it already. */
static int
still_wanted(void *arg, struct err *err)
{
	(void)arg;
	process_hold();
	/* 1, "ask your parent": it asked when the message was whole. */
	return process_still_wanted(err) == -1 ? -1 : 0;
}

static size_t
first_refused(const struct speech *speech)
{
	size_t i = 0;

	while (i < speech->job->nmembers && speech->members[i].refusal.code == 0)
		i++;
	return i;
}

/* Tell the sender of the members that were refused. */
static void
send_notice(struct session *session, struct speech *speech, struct outcome *outcome)
{
	const struct handover_job *job = speech->job;
	struct submission_member to = { .address = speech->sender };
	struct bounce *bounce = &speech->notice;
	struct submission submission = {
		.sender = "",
		.utf8 = job->utf8,
		.members = &to,
		.nmembers = 1,
		.content = bounce_content,
		.arg = bounce,
	};

	bounce->host = session->host;
	bounce->to = speech->sender;
	bounce->original = job->originals[0];
	bounce->envid = job->envid;
	bounce->orcpt = speech->orcpt;
	bounce->members = speech->members;
	bounce->nmembers = job->nmembers;
	bounce->message = speech->message;
	bounce->whole = job->ret != NULL && strcasecmp(job->ret, "FULL") == 0;
	submission_send(session, &submission, outcome);
}

/* sendmail has the message; some members are refused. */
static void
see_to_refused(struct session *session, struct speech *speech, struct outcome *outcome)
{
	const struct submission_member *member = &speech->members[first_refused(speech)];
	const struct smtp_reply *refusal = &member->refusal;
	struct outcome taken = *outcome, notice;

	if (!bounce_is_wanted(speech->sender, speech->job->notify)) {
		outcome_deliver(outcome, "2.0.0", "%.100s; refused, and nobody to tell: %s: %s",
		    taken.text, member->address, refusal->text);
		return;
	}
	send_notice(session, speech, &notice);
	if (notice.class == OUTCOME_DELIVERED)
		outcome_deliver(outcome, "2.0.0", "%.100s; refused, and the sender told: %s: %s",
		    taken.text, member->address, refusal->text);
	else
		outcome_reject(outcome, refusal->status[0] == '5' ? refusal->status : "5.0.0",
		    "the other addresses have it, but %s refused: %s", member->address,
		    refusal->text);
}

static int
speak(struct session *session, struct speech *speech, struct outcome *outcome, struct err *err)
{
	const struct handover_job *job = speech->job;
	struct submission submission = {
		.sender = speech->sender,
		.utf8 = job->utf8,
		.ret = job->ret,
		.envid = job->envid,
		.orcpt = speech->orcpt,
		.notify = job->notify,
		.members = speech->members,
		.nmembers = job->nmembers,
		.known = job->known,
		.content = write_copy,
		.still_wanted = still_wanted,
		.arg = speech,
	};

	if (submission_open(session, err) == -1)
		return -1;
	submission_send(session, &submission, outcome);
	if (outcome->class == OUTCOME_DELIVERED && first_refused(speech) < job->nmembers)
		see_to_refused(session, speech, outcome);
	submission_close(session);
	return 0;
}

int
speech_give(const struct handover_job *job, struct session *session, const struct message *message,
    struct report *report, struct err *err)
{
	struct speech speech;
	int result = may_go_on(job, message, report, err);

	if (result != 1)
		return result;
	result = speech_prepare(&speech, job, message, err);
	if (result == 0)
		result = speak(session, &speech, &report->outcome, err);
	speech_free(&speech);
	return result;
}
