/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * MAIL, RCPT for everybody, DATA, the final dot: in this order, each reply read before the next
 * command. Nothing is handed over before the reply to the dot is 250, for only then has sendmail
 * queued it on disk. Without that dot sendmail drops what it has, so giving up is closing.
 */
#include "submission.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "ruling.h"
#include "text.h"
#include "wire.h"

#define MINUTES(n) ((n)*60 * 1000)

enum { OFFERS_SIZE = 1, OFFERS_8BITMIME = 2, OFFERS_DSN = 4, OFFERS_SMTPUTF8 = 8 };

/* ---- the session ------------------------------------------------------------------------------
 */

void
submission_init(struct session *session, int in, int out)
{
	*session = (struct session){ .patience = MINUTES(5), .patience_last = MINUTES(60) };
	smtp_init(&session->smtp, in, out);
}

static void
take_offer(void *arg, const char *line)
{
	static const struct {
		const char *word;
		unsigned bit;
	} known[] = {
		{ "SIZE", OFFERS_SIZE },
		{ "8BITMIME", OFFERS_8BITMIME },
		{ "DSN", OFFERS_DSN },
		{ "SMTPUTF8", OFFERS_SMTPUTF8 },
	};
	struct session *session = arg;
	size_t len = strcspn(line, " =");

	/* The first line has its name. */
	if (session->host[0] == '\0')
		snprintf(session->host, sizeof(session->host), "%.*s", (int)len, line);
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (text_is_word(known[i].word, line, len))
			session->offers |= known[i].bit;
}

static int
unwilling(const struct smtp_reply *reply, struct err *err)
{
	return err_set(err, 0, "sendmail: %s", reply->text);
}

int
submission_open(struct session *session, struct err *err)
{
	struct smtp_reply reply;

	session->broken = true;
	if (smtp_read(&session->smtp, &reply, NULL, NULL, session->patience, err) == -1)
		return -1;
	if (reply.code != 220)
		return unwilling(&reply, err);
	if (smtp_is_quiet(&session->smtp, err) == -1 ||
	    smtp_write(&session->smtp, "EHLO localhost\r\n", 16, session->patience, err) == -1 ||
	    smtp_read(&session->smtp, &reply, take_offer, session, session->patience, err) == -1)
		return -1;
	if (reply.code != 250)
		return unwilling(&reply, err);
	session->broken = false;
	return 0;
}

void
submission_close(struct session *session)
{
	struct err err;

	if (!session->broken &&
	    smtp_write(&session->smtp, "QUIT\r\n", 6, session->patience, &err) == -1)
		session->broken = true;
}

/* All of it but the dot. */
static int
write_content(const struct submission *submission, struct wire *wire, struct err *err)
{
	return submission->content(submission->arg, wire_put, wire, err) == -1
	           ? -1
	           : wire_end(wire, err);
}

/* ---- the transaction ---------------------------------------------------------------------------
 */

static bool
is_ascii(const char *s)
{
	for (; *s != '\0'; s++)
		if ((unsigned char)*s >= 0x80)
			return false;
	return true;
}

static bool
wants_utf8(const struct submission *submission)
{
	bool ascii = is_ascii(submission->sender);

	for (size_t i = 0; i < submission->nmembers; i++)
		ascii = ascii && is_ascii(submission->members[i].address);
	return submission->utf8 || !ascii;
}

static int
mail_parameters(const struct session *session, const struct submission *submission,
    const struct wire *measure, struct buf *out)
{
	unsigned offers = session->offers;

	if ((offers & OFFERS_SIZE) != 0 &&
	    buf_addf(out, " SIZE=%llu", (unsigned long long)measure->size) == -1)
		return -1;
	if ((offers & OFFERS_8BITMIME) != 0 && measure->eight_bit &&
	    buf_adds(out, " BODY=8BITMIME") == -1)
		return -1;
	if ((offers & OFFERS_SMTPUTF8) != 0 && wants_utf8(submission) &&
	    buf_adds(out, " SMTPUTF8") == -1)
		return -1;
	if ((offers & OFFERS_DSN) != 0 && submission->ret != NULL &&
	    buf_addf(out, " RET=%s", submission->ret) == -1)
		return -1;
	if ((offers & OFFERS_DSN) != 0 && submission->envid != NULL &&
	    buf_addf(out, " ENVID=%s", submission->envid) == -1)
		return -1;
	return 0;
}

static int
say_mail(struct session *session, const struct submission *submission, struct smtp_reply *reply,
    struct err *err)
{
	struct wire measure = { .smtp = NULL };
	struct buf parameters = BUF_INIT;
	int result = -1;

	if (write_content(submission, &measure, err) == -1)
		return -1;
	if (mail_parameters(session, submission, &measure, &parameters) == -1 ||
	    buf_cstr(&parameters) == NULL)
		err_set(err, ENOMEM, "sendmail: a command");
	else
		result = smtp_command(&session->smtp, reply, session->patience, err,
		    "MAIL FROM:<%s>%s", submission->sender, buf_cstr(&parameters));
	buf_free(&parameters);
	return result;
}

static int
say_rcpt(struct session *session, const struct submission *submission, const char *address,
    struct smtp_reply *reply, struct err *err)
{
	bool dsn = (session->offers & OFFERS_DSN) != 0;
	const char *notify = dsn ? submission->notify : NULL,
	           *orcpt = dsn ? submission->orcpt : NULL;

	return smtp_command(&session->smtp, reply, session->patience, err, "RCPT TO:<%s>%s%s%s%s",
	    address, notify != NULL ? " NOTIFY=" : "", notify != NULL ? notify : "",
	    orcpt != NULL ? " ORCPT=" : "", orcpt != NULL ? orcpt : "");
}

/* Unknown, although we found the name. */
static bool
is_contradiction(const struct submission *submission, const struct smtp_reply *reply)
{
	return submission->known && reply->code / 100 == 5 &&
	       (reply->status[0] == '\0' || strncmp(reply->status, "5.1.", 4) == 0);
}

/* Everybody. 1 somebody is taken, 0 nobody is (the outcome is set), -1 with err. */
static int
say_rcpts(struct session *session, struct submission *submission, struct outcome *outcome,
    struct err *err)
{
	size_t taken = 0;

	for (size_t i = 0; i < submission->nmembers; i++) {
		struct submission_member *member = &submission->members[i];
		struct smtp_reply reply;

		if (say_rcpt(session, submission, member->address, &reply, err) == -1)
			return -1;
		if (is_contradiction(submission, &reply)) {
			outcome_defer(outcome, "4.3.5",
			    "sendmail does not know %s (newaliases?): %s", member->address,
			    reply.text);
			return 0;
		}
		switch (ruling_of(&reply)) {
		case RULING_TAKEN:
			taken++;
			break;
		case RULING_REFUSED:
			member->refusal = reply;
			break;
		case RULING_LATER:
			ruling_defer(outcome, &reply);
			return 0;
		}
	}
	if (taken == 0)
		ruling_reject(outcome, &submission->members[0].refusal);
	return taken > 0;
}

/* From DATA's 354 to the reply to the dot. A connection that ends in here has no more use. */
static int
say_content(struct session *session, const struct submission *submission, struct smtp_reply *reply,
    struct err *err)
{
	struct wire wire = { .smtp = &session->smtp, .patience = session->patience };

	session->broken = true;
	if (write_content(submission, &wire, err) == -1)
		return smtp_last_words(&session->smtp, reply, err);
	if (submission->still_wanted != NULL &&
	    submission->still_wanted(submission->arg, err) == -1)
		return -1;
	if (smtp_is_quiet(&session->smtp, err) == -1 ||
	    smtp_write(&session->smtp, ".\r\n", 3, session->patience, err) == -1)
		return smtp_last_words(&session->smtp, reply, err);
	/* RFC 1047: nobody can tell what it has done with it. */
	if (smtp_read(&session->smtp, reply, NULL, NULL, session->patience_last, err) == -1)
		return err_prefix(err, "it has the message and may send it");
	session->broken = false;
	return 0;
}

static int
transact(struct session *session, struct submission *submission, struct outcome *outcome,
    struct err *err)
{
	struct smtp_reply reply;
	int taken;

	if (say_mail(session, submission, &reply, err) == -1)
		return -1;
	if (ruling_of(&reply) != RULING_TAKEN) {
		ruling_refuse(outcome, &reply);
		return 0;
	}
	taken = say_rcpts(session, submission, outcome, err);
	if (taken != 1)
		return taken;
	if (smtp_command(&session->smtp, &reply, session->patience, err, "DATA") == -1)
		return -1;
	if (reply.code != 354) {
		ruling_refuse(outcome, &reply);
		return 0;
	}
	if (say_content(session, submission, &reply, err) == -1)
		return -1;
	if (reply.code == 250)
		ruling_accept(outcome, &reply);
	else
		ruling_refuse(outcome, &reply);
	return 0;
}

/* So that nothing of it is left when the session goes on. */
static void
forget(struct session *session)
{
	struct smtp_reply reply;
	struct err err;

	if (smtp_command(&session->smtp, &reply, session->patience, &err, "RSET") == -1 ||
	    reply.code != 250)
		session->broken = true;
}

void
submission_send(struct session *session, struct submission *submission, struct outcome *outcome)
{
	struct err err;

	outcome_init(outcome);
	for (size_t i = 0; i < submission->nmembers; i++)
		submission->members[i].refusal.code = 0;
	if (transact(session, submission, outcome, &err) == -1) {
		session->broken = true;
		outcome_from_err(outcome, &err);
	}
	if (outcome->class != OUTCOME_DELIVERED && !session->broken)
		forget(session);
}
