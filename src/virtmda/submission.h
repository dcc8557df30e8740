/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One message handed to a sendmail that speaks SMTP: all of it, once, or not at all. What sendmail
 * answers is judged here, and every doubt is "later".
 */
#ifndef VIRTMDA_SUBMISSION_H
#define VIRTMDA_SUBMISSION_H

#include <stdbool.h>
#include <stddef.h>

#include "err.h"
#include "message.h"
#include "outcome.h"
#include "smtp.h"

struct session {
	struct smtp smtp;
	unsigned offers;   /* what EHLO said; submission.c's */
	char host[256];    /* its name for itself */
	bool broken;       /* no command can be sent any more */
	int patience;      /* milliseconds for a reply, and for data to be taken */
	int patience_last; /* milliseconds for the reply to the final dot */
};

struct submission_member {
	const char *address;       /* as it stands between < and > */
	struct smtp_reply refusal; /* code 0: it was not refused */
};

struct submission {
	const char *sender;         /* as it stands between < and >; "" for the null sender */
	bool utf8;                  /* SMTPUTF8 was asked for */
	const char *ret, *envid;    /* RFC 3461, as they came; NULL where they did not */
	const char *orcpt, *notify; /* the same, for every member */
	struct submission_member *members;
	size_t nmembers;
	/* The members are names that this host has: a sendmail that does not know one is misled,
	 * and so the mail waits. */
	bool known;
	/* Write the content, lines ended by LF, through `sink`; called twice, with the same
	 * bytes each time. 0, or -1 with err. */
	int (*content)(void *arg, message_sink *sink, void *sink_arg, struct err *err);
	/* May it be sent? Asked when all but the final dot is out. 0, or -1 with err. NULL: yes. */
	int (*still_wanted)(void *arg, struct err *err);
	void *arg;
};

/* Hear the greeting and say EHLO. RFC 5321 4.5.3.2 has the patience: five minutes, and for the last
 * reply an hour, as sendmail itself has (it may deliver before it answers); tests set less in
 * between. 0, or -1 with err. */
void submission_init(struct session *session, int in, int out);
int submission_open(struct session *session, struct err *err);

/* Hand it over. *outcome: delivered with sendmail's own words, when it has taken the message for at
 * least one member (the others have a refusal); rejected when it refused all of them for good, or
 * the message; deferred otherwise, and then it has taken nothing that we know of.
 *
 * Refusals that are about this host and not about the mail (a command that it does not know, a
 * session that it does not allow, its own bad configuration) are deferred.
 *
 * Bytes are kept but for line ends: LF and CRLF become CRLF, a last line gets one. A bare CR, which
 * RFC 5321 2.3.8 forbids and sendmail refuses, becomes a blank. Lines may be of any length. */
void submission_send(
    struct session *session, struct submission *submission, struct outcome *outcome);

/* QUIT. The answer is not waited for: sendmail may be delivering. */
void submission_close(struct session *session);

#endif
