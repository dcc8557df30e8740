/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The commands of LMTP. A table of words; each function reads its argument, asks the host and says
 * one reply.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lmtp_path.h"
#include "lmtp_session.h"

/* ---- transactions ------------------------------------------------------------------------------
 */

static void
forget_transaction(struct lmtp *lmtp)
{
	if (lmtp->state >= STATE_RECIPIENTS && lmtp->state != STATE_OVER)
		lmtp->host->reset(lmtp->host->arg);
	lmtp->accepted = 0;
	if (lmtp->state != STATE_START && lmtp->state != STATE_OVER)
		lmtp->state = STATE_READY;
}

/* ---- commands ----------------------------------------------------------------------------------
 */

static void
on_lhlo(struct lmtp *lmtp, const char *argument)
{
	if (*argument == '\0') {
		lmtp_complain(lmtp, 501, "5.5.4", "LHLO needs a name");
		return;
	}
	forget_transaction(lmtp);
	lmtp->state = STATE_READY;
	if (buf_addf(&lmtp->output, "250-%s\r\n", lmtp->name) == -1 ||
	    buf_adds(&lmtp->output, "250-PIPELINING\r\n250-ENHANCEDSTATUSCODES\r\n"
	                            "250-8BITMIME\r\n250-SMTPUTF8\r\n") == -1 ||
	    buf_addf(&lmtp->output, "250 SIZE %llu\r\n",
	        (unsigned long long)lmtp->limits.message_size) == -1)
		lmtp->state = STATE_OVER;
}

/* RFC 2033 4.1: not what SMTP says, so that nobody takes this for SMTP. */
static void
on_helo(struct lmtp *lmtp, const char *argument)
{
	(void)argument;
	lmtp_complain(lmtp, 500, "5.5.1", "this is LMTP: say LHLO");
}

/* What stands behind the word and its colon; NULL if it does not begin so. */
static const char *
behind(const char *argument, const char *word)
{
	size_t len = strlen(word);

	if (strncasecmp(argument, word, len) != 0)
		return NULL;
	argument += len;
	return argument + strspn(argument, " ");
}

/* Path and parameters of MAIL and RCPT. 0, or -1 after a reply. */
static int
read_arguments(struct lmtp *lmtp, const char *argument, const char *word, struct lmtp_path *path,
    struct lmtp_parameters *parameters)
{
	bool is_mail = word[0] == 'F';
	const char *text = behind(argument, word), *rest, *why;
	struct outcome refusal;

	if (text == NULL) {
		lmtp_complain(
		    lmtp, 501, "5.5.2", is_mail ? "MAIL FROM:<address>" : "RCPT TO:<address>");
		return -1;
	}
	if (lmtp_path_read(path, text, &rest, &why) == -1) {
		lmtp_complain(lmtp, 501, is_mail ? "5.1.7" : "5.1.3", why);
		return -1;
	}
	if (lmtp_parameters_read(parameters, rest, is_mail, &refusal) == -1) {
		lmtp_complain(lmtp, (unsigned)atoi(refusal.reply), refusal.status, refusal.text);
		return -1;
	}
	return 0;
}

static void
on_mail(struct lmtp *lmtp, const char *argument)
{
	struct lmtp_path path;
	struct lmtp_parameters parameters;
	struct outcome refusal;

	if (lmtp->state != STATE_READY) {
		lmtp_complain(lmtp, 503, "5.5.1",
		    lmtp->state == STATE_START ? "say LHLO first" : "there is a sender already");
		return;
	}
	if (read_arguments(lmtp, argument, "FROM:", &path, &parameters) == -1)
		return;
	if (lmtp_is_too_large(lmtp, parameters.size)) {
		lmtp_refuse_size(&refusal);
		lmtp_say_outcome(lmtp, &refusal);
		return;
	}
	lmtp->state = STATE_RECIPIENTS;
	lmtp->host->begin(lmtp->host->arg, path.address, parameters.size, &parameters.notice);
	lmtp_say(lmtp, 250, "2.1.0", "sender ok");
}

static void
on_rcpt(struct lmtp *lmtp, const char *argument)
{
	struct lmtp_path path;
	struct lmtp_parameters parameters;
	struct outcome outcome;

	if (lmtp->state != STATE_RECIPIENTS) {
		lmtp_complain(lmtp, 503, "5.5.1", "say MAIL first");
		return;
	}
	if (read_arguments(lmtp, argument, "TO:", &path, &parameters) == -1)
		return;
	if (path.address[0] == '\0') {
		lmtp_complain(lmtp, 501, "5.1.3", "nobody is no recipient");
		return;
	}
	outcome_init(&outcome);
	/* RFC 5321 4.5.3.1.10: the client comes again with those. */
	if (lmtp->accepted >= lmtp->limits.recipients)
		outcome_defer(&outcome, "4.5.3", "too many recipients");
	else
		lmtp->host->recipient(lmtp->host->arg, path.address, &parameters.notice, &outcome);
	if (outcome.class == OUTCOME_DELIVERED)
		lmtp->accepted++;
	lmtp_say_outcome(lmtp, &outcome);
}

static void
on_data(struct lmtp *lmtp, const char *argument)
{
	if (*argument != '\0') {
		lmtp_complain(lmtp, 501, "5.5.4", "DATA has no argument");
		return;
	}
	/* RFC 2033 4.2: with no recipient this must fail. */
	if (lmtp->state != STATE_RECIPIENTS || lmtp->accepted == 0) {
		lmtp_complain(lmtp, 503, "5.5.1", "no valid recipients");
		return;
	}
	lmtp->state = STATE_DATA;
	lmtp->data = (struct lmtp_data){ 0 };
	lmtp->message_size = 0;
	lmtp_say(lmtp, 354, "", "end with CRLF.CRLF");
}

/* Its chunk would be read as commands, so there is no going on. */
static void
on_bdat(struct lmtp *lmtp, const char *argument)
{
	(void)argument;
	lmtp_say(lmtp, 502, "5.5.1", "BDAT is not offered");
	lmtp->state = STATE_OVER;
}

static void
on_rset(struct lmtp *lmtp, const char *argument)
{
	if (*argument != '\0') {
		lmtp_complain(lmtp, 501, "5.5.4", "RSET has no argument");
		return;
	}
	forget_transaction(lmtp);
	lmtp_say(lmtp, 250, "2.0.0", "ok");
}

static void
on_noop(struct lmtp *lmtp, const char *argument)
{
	(void)argument;
	lmtp_say(lmtp, 250, "2.0.0", "ok");
}

static void
on_help(struct lmtp *lmtp, const char *argument)
{
	(void)argument;
	lmtp_say(
	    lmtp, 214, "2.0.0", "LHLO MAIL RCPT DATA RSET NOOP VRFY QUIT: RFC 2033, virtmda(8)");
}

static void
on_quit(struct lmtp *lmtp, const char *argument)
{
	(void)argument;
	forget_transaction(lmtp);
	lmtp_say(lmtp, 221, "2.0.0", "bye");
	lmtp->state = STATE_OVER;
}

static void
on_vrfy(struct lmtp *lmtp, const char *argument)
{
	char text[LMTP_LINE_MAX + 3];
	struct lmtp_path path;
	const char *rest, *why;
	struct outcome outcome;

	/* RFC 5321 3.5.1: an address, with brackets or without. */
	strcpy(text, "<");
	strlcat(text, argument + (*argument == '<'), sizeof(text));
	if (*argument != '<')
		strlcat(text, ">", sizeof(text));
	if (lmtp_path_read(&path, text, &rest, &why) == -1 || path.address[0] == '\0' ||
	    *rest != '\0') {
		lmtp_complain(lmtp, 501, "5.1.3", "VRFY needs an address");
		return;
	}
	outcome_init(&outcome);
	lmtp->host->verify(lmtp->host->arg, path.address, &outcome);
	if (outcome.class == OUTCOME_DEFERRED)
		lmtp_say(lmtp, 252, "2.0.0", "cannot tell now, but will try to deliver");
	else
		lmtp_say_outcome(lmtp, &outcome);
}

static const struct {
	const char *name;
	void (*run)(struct lmtp *lmtp, const char *argument);
} commands[] = {
	{ "LHLO", on_lhlo },
	{ "MAIL", on_mail },
	{ "RCPT", on_rcpt },
	{ "DATA", on_data },
	{ "RSET", on_rset },
	{ "NOOP", on_noop },
	{ "QUIT", on_quit },
	{ "VRFY", on_vrfy },
	{ "HELP", on_help },
	{ "HELO", on_helo },
	{ "EHLO", on_helo },
	{ "BDAT", on_bdat },
};

void
lmtp_command(struct lmtp *lmtp, const char *line)
{
	size_t verb = strcspn(line, " ");

	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strlen(commands[i].name) == verb &&
		    strncasecmp(line, commands[i].name, verb) == 0) {
			commands[i].run(lmtp, line + verb + strspn(line + verb, " "));
			return;
		}
	}
	lmtp_complain(lmtp, 500, "5.5.1", "command not known");
	/* Whoever begins like this (a browser led here by a page) gets no chance to send a line
	 * further down that is a command. */
	if (lmtp->state == STATE_START)
		lmtp->state = STATE_OVER;
}
