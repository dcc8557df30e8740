/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What is said in a hand-over, by a process without rights: the envelope that the message goes in,
 * and what becomes of members that sendmail refuses.
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
#include "moment.h"
#include "process.h"

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
	const struct transaction *transaction;
	const struct handover *handover;
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
	const struct handover *handover = job->handover;

	*speech = (struct speech){
		.transaction = job->transaction, .handover = handover, .message = message
	};
	/* Its random bytes are had now, while nothing is lost if they cannot be. */
	if (handover->nmembers > 1)
		bounce_init(&speech->notice);
	speech->members = calloc(handover->nmembers, sizeof(*speech->members));
	if (speech->members == NULL)
		return err_set(err, ENOMEM, "hand over");
	for (size_t i = 0; i < handover->nmembers; i++)
		speech->members[i].address = handover->members[i];
	/* Of several recipients the first, as what they lead to has one only. */
	speech->orcpt =
	    handover->orcpt != NULL ? strdup(handover->orcpt) : own_orcpt(handover->recipients[0]);
	speech->sender = speech_path(job->transaction->sender, err);
	return speech->sender == NULL ? -1 : 0;
}

static int
write_copy(void *arg, message_sink *sink, void *sink_arg, struct err *err)
{
	const struct speech *speech = arg;
	const struct transaction *t = speech->transaction;
	const struct handover *handover = speech->handover;
	const struct message_envelope envelope = {
		.sender = t->sender,
		.recipients = handover->recipients,
		.nrecipients = t->settings->delivered_to ? handover->nrecipients : 0,
	};

	return message_write(speech->message, MESSAGE_FORWARD, &envelope, sink, sink_arg, err);
}

/* Once it has the dot, sendmail may send the message although nobody waits for its answer any more.
 * So half of the time is kept for that answer. */
static bool
is_too_late(const struct transaction *t)
{
	int most = (int)t->settings->lmtp_reply_timeout * 1000;

	return moment_left(t->until, most) < most / 2;
}

/* From here to the reply a signal must not come between: sendmail may have it already. */
static int
still_wanted(void *arg, struct err *err)
{
	const struct speech *speech = arg;

	if (is_too_late(speech->transaction))
		return err_set(err, ETIMEDOUT, "sendmail: it left no time for its last answer");
	process_hold();
	/* 1, "ask your parent": it asked when the message was whole. */
	return process_still_wanted(err) == -1 ? -1 : 0;
}

static size_t
first_refused(const struct speech *speech)
{
	size_t i = 0;

	while (i < speech->handover->nmembers && speech->members[i].refusal.code == 0)
		i++;
	return i;
}

/* Tell the sender of the members that were refused. */
static void
send_notice(struct session *session, struct speech *speech, struct outcome *outcome)
{
	const struct transaction *t = speech->transaction;
	const struct handover *handover = speech->handover;
	struct submission_member to = { .address = speech->sender };
	struct bounce *bounce = &speech->notice;
	struct submission submission = {
		.sender = "",
		.utf8 = t->utf8,
		.members = &to,
		.nmembers = 1,
		.content = bounce_content,
		.arg = bounce,
	};

	bounce->host = session->host;
	bounce->to = speech->sender;
	bounce->original = handover->recipients[0];
	bounce->envid = t->envid;
	bounce->orcpt = speech->orcpt;
	bounce->members = speech->members;
	bounce->nmembers = handover->nmembers;
	bounce->message = speech->message;
	bounce->whole = t->ret != NULL && strcasecmp(t->ret, "FULL") == 0;
	submission_send(session, &submission, outcome);
}

/* sendmail has the message; some members are refused. */
static void
see_to_refused(struct session *session, struct speech *speech, struct outcome *outcome)
{
	const struct submission_member *member = &speech->members[first_refused(speech)];
	const struct smtp_reply *refusal = &member->refusal;
	struct outcome taken = *outcome, notice;

	if (!bounce_is_wanted(speech->sender, speech->handover->notify)) {
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
	const struct transaction *t = speech->transaction;
	const struct handover *handover = speech->handover;
	struct submission submission = {
		.sender = speech->sender,
		.utf8 = t->utf8,
		.ret = t->ret,
		.envid = t->envid,
		.orcpt = speech->orcpt,
		.notify = handover->notify,
		.members = speech->members,
		.nmembers = handover->nmembers,
		.known = handover->known,
		.content = write_copy,
		.still_wanted = still_wanted,
		.arg = speech,
	};

	if (submission_open(session, err) == -1)
		return -1;
	submission_send(session, &submission, outcome);
	if (outcome->class == OUTCOME_DELIVERED && first_refused(speech) < handover->nmembers)
		see_to_refused(session, speech, outcome);
	submission_close(session);
	return 0;
}

int
speech_give(const struct handover_job *job, struct session *session, const struct message *message,
    struct outcome *outcome, struct err *err)
{
	struct speech speech;
	int failed = speech_prepare(&speech, job, message, err);

	if (failed == 0)
		failed = speak(session, &speech, outcome, err);
	speech_free(&speech);
	return failed;
}
