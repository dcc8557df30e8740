/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * From an answer to a reply at RCPT time. Refused is only what delivery would refuse, with the same
 * status and text; whatever could not be told is "try again later", and so is a verdict that
 * nobody made. The text goes to strangers and through sendmail's prescan: ASCII, one line, without
 * quotes and backslashes, and without our paths.
 */
#include "verdict.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "admission.h"
#include "io.h"
#include "mailbox.h"

#define LATER "temporary trouble here, try again later"

/* ---- text ---------------------------------------------------------------------------------- */

static void
set_text(struct verdict *out, const char *text)
{
	size_t len = 0;

	for (; *text != '\0' && len + 1 < sizeof(out->text); text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '"' || c == '\\')
			c = '\'';
		else if (c < ' ' || c > '~')
			c = '?';
		out->text[len++] = (char)c;
	}
	out->text[len] = '\0';
}

/* The reply code that goes with a status, where the map names none of its own. */
static const char *
reply_for(const char *status)
{
	static const struct {
		const char *status, *reply;
	} replies[] = {
		{ "4.2.2", "452" },                     /* mailbox full */
		{ "4.3.1", "452" },                     /* system full */
		{ "5.1.3", "553" },                     /* no address */
		{ "5.2.2", "552" }, { "5.3.4", "552" }, /* too large */
	};

	for (size_t i = 0; i < sizeof(replies) / sizeof(replies[0]); i++)
		if (strcmp(replies[i].status, status) == 0)
			return replies[i].reply;
	return *status == '4' ? "451" : "550";
}

static void
set(struct verdict *out, enum verdict_class class, const char *reply, const char *status,
    const char *text)
{
	out->class = class;
	out->trouble[0] = '\0';
	strlcpy(out->status, status, sizeof(out->status));
	/* 421 ends the session, and with it the mail for everybody else. */
	if (*reply == '\0' || strcmp(reply, "421") == 0)
		reply = reply_for(status);
	strlcpy(out->reply, reply, sizeof(out->reply));
	set_text(out, text);
}

static void
trouble(struct verdict *out, const char *status, const char *why)
{
	set(out, VERDICT_TEMP, "", status, LATER);
	strlcpy(out->trouble, why, sizeof(out->trouble)); /* for people; may be cut */
}

/* ---- judging ------------------------------------------------------------------------------- */

/* Did the map say it, rather than trouble with the map? */
static int
is_said_by_map(const struct answer *answer)
{
	return answer->target != NULL && strncasecmp(answer->target, "error:", 6) == 0 &&
	       strcmp(answer->status, "4.3.5") != 0;
}

/* What could not be told here, delivery will see. That is nothing to complain of where we are not
 * root and see into no mailbox. */
static void
judge_room(struct verdict *out, const struct settings *settings, const struct account *account)
{
	struct outcome outcome;
	struct err err;
	int room = admission_ask(settings, account, 0, &err);

	if (room == 0) {
		admission_refuse(settings, &err, &outcome);
		set(out, outcome.class == OUTCOME_REJECTED ? VERDICT_REJECT : VERDICT_TEMP, "",
		    outcome.status, outcome.text);
		return;
	}
	*out = (struct verdict){ .class = VERDICT_OK };
	if (room == -1 && io_is_root())
		strlcpy(out->trouble, err.text, sizeof(out->trouble));
}

static void
judge_account(struct verdict *out, const struct settings *settings, const struct account *account)
{
	struct mailbox mailbox;
	struct err err;

	if (mailbox_locate(&mailbox,
	        account->mailbox != NULL ? account->mailbox : settings->mailbox, account->name,
	        account->home, &err) == -1) {
		trouble(out, "4.3.5", err.text);
		return;
	}
	mailbox_free(&mailbox);
	judge_room(out, settings, account);
}

void
verdict_of(struct verdict *out, const struct settings *settings, const struct answer *answer)
{
	const char *text = answer->text != NULL ? answer->text : "out of memory";

	memset(out, 0, sizeof(*out));
	trouble(out, "4.3.0", "no decision was reached");
	switch (answer->kind) {
	case ANSWER_DEFER:
		if (is_said_by_map(answer))
			set(out, VERDICT_TEMP, answer->reply, answer->status, text);
		else
			trouble(out, answer->status, text);
		break;
	case ANSWER_REJECT:
	case ANSWER_NOUSER:
		set(out, VERDICT_REJECT, answer->reply, answer->status, text);
		break;
	case ANSWER_ACCOUNT:
		judge_account(out, settings, &answer->account);
		break;
	case ANSWER_ALIAS:
	case ANSWER_FORWARD:
	case ANSWER_DISCARD:
		*out = (struct verdict){ .class = VERDICT_OK };
		break;
	}
}

void
verdict_ask(struct verdict *out, const struct settings *settings, struct resolver *resolver,
    const char *recipient)
{
	struct answer answer;

	resolver_refresh(resolver);
	resolve(resolver, recipient, &answer, NULL);
	verdict_of(out, settings, &answer);
	answer_free(&answer);
}

/* ---- as others want it --------------------------------------------------------------------- */

int
verdict_word(const struct verdict *verdict, struct buf *out)
{
	if (verdict->class == VERDICT_OK)
		return buf_adds(out, "OK");
	return buf_addf(out, "%s %s \"%s %s\"",
	    verdict->class == VERDICT_REJECT ? "REJECT" : "TEMP", verdict->status, verdict->reply,
	    verdict->text);
}

int
verdict_action(const struct verdict *verdict, struct buf *out)
{
	if (verdict->class == VERDICT_OK)
		return buf_adds(out, "DUNNO");
	return buf_addf(out, "%s %s %s", verdict->reply, verdict->status, verdict->text);
}
