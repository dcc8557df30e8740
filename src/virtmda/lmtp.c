/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The conversation. Commands are lines that end with CRLF, a bare LF is told so. Behind DATA there
 * is exactly one reply for each accepted recipient, in their order. A session that cannot find
 * memory for a reply is over without it: the client then knows nothing, and tries again.
 */
#include "lmtp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lmtp_data.h"
#include "lmtp_path.h"
#include "reply.h"

#define DECODE_STEP 16384 /* bytes of a message decoded in one go */

enum state {
	STATE_START = 0,  /* before LHLO */
	STATE_READY,      /* between transactions */
	STATE_RECIPIENTS, /* behind MAIL */
	STATE_DATA,       /* behind 354 */
	STATE_OVER
};

struct lmtp {
	struct lmtp_limits limits;
	const struct lmtp_host *host;
	char *name;
	enum state state;
	struct buf output;
	unsigned errors;
	size_t accepted; /* recipients */

	char line[LMTP_LINE_MAX + 1];
	size_t line_len; /* beyond LMTP_LINE_MAX: too long, its bytes are not kept */

	struct lmtp_data data;
	uint64_t message_size; /* decoded so far */
	unsigned char decoded[LMTP_DATA_ROOM(DECODE_STEP)];
};

/* ---- replies ----------------------------------------------------------------------------------
 */

static void
say(struct lmtp *lmtp, unsigned code, const char *status, const char *text)
{
	if (reply_line(&lmtp->output, code, status, text) == -1)
		lmtp->state = STATE_OVER;
}

static void
say_outcome(struct lmtp *lmtp, const struct outcome *outcome)
{
	if (reply_add(&lmtp->output, outcome) == -1)
		lmtp->state = STATE_OVER;
}

/* A mistake of the client. Too many of them, and it is somebody who does not speak LMTP. */
static void
complain(struct lmtp *lmtp, unsigned code, const char *status, const char *text)
{
	say(lmtp, code, status, text);
	if (++lmtp->errors > lmtp->limits.errors)
		lmtp_end(lmtp, "4.7.0", "too many errors");
}

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

static bool
is_too_large(const struct lmtp *lmtp, uint64_t size)
{
	return lmtp->limits.message_size > 0 && size > lmtp->limits.message_size;
}

static void
refuse_size(struct outcome *out)
{
	outcome_reject(out, "5.3.4", "message too large for this system");
}

/* ---- commands ----------------------------------------------------------------------------------
 */

static void
on_lhlo(struct lmtp *lmtp, const char *argument)
{
	if (*argument == '\0') {
		complain(lmtp, 501, "5.5.4", "LHLO needs a name");
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
	complain(lmtp, 500, "5.5.1", "this is LMTP: say LHLO");
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
		complain(lmtp, 501, "5.5.2", is_mail ? "MAIL FROM:<address>" : "RCPT TO:<address>");
		return -1;
	}
	if (lmtp_path_read(path, text, &rest, &why) == -1) {
		complain(lmtp, 501, is_mail ? "5.1.7" : "5.1.3", why);
		return -1;
	}
	if (lmtp_parameters_read(parameters, rest, is_mail, &refusal) == -1) {
		complain(lmtp, 555, refusal.status, refusal.text);
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
		complain(lmtp, 503, "5.5.1",
		    lmtp->state == STATE_START ? "say LHLO first" : "there is a sender already");
		return;
	}
	if (read_arguments(lmtp, argument, "FROM:", &path, &parameters) == -1)
		return;
	if (is_too_large(lmtp, parameters.size)) {
		refuse_size(&refusal);
		say_outcome(lmtp, &refusal);
		return;
	}
	lmtp->state = STATE_RECIPIENTS;
	lmtp->host->begin(lmtp->host->arg, path.address, parameters.size, &parameters.notice);
	say(lmtp, 250, "2.1.0", "sender ok");
}

static void
on_rcpt(struct lmtp *lmtp, const char *argument)
{
	struct lmtp_path path;
	struct lmtp_parameters parameters;
	struct outcome outcome;

	if (lmtp->state != STATE_RECIPIENTS) {
		complain(lmtp, 503, "5.5.1", "say MAIL first");
		return;
	}
	if (read_arguments(lmtp, argument, "TO:", &path, &parameters) == -1)
		return;
	if (path.address[0] == '\0') {
		complain(lmtp, 501, "5.1.3", "nobody is no recipient");
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
	say_outcome(lmtp, &outcome);
}

static void
on_data(struct lmtp *lmtp, const char *argument)
{
	if (*argument != '\0') {
		complain(lmtp, 501, "5.5.4", "DATA has no argument");
		return;
	}
	/* RFC 2033 4.2: with no recipient this must fail. */
	if (lmtp->state != STATE_RECIPIENTS || lmtp->accepted == 0) {
		complain(lmtp, 503, "5.5.1", "no valid recipients");
		return;
	}
	lmtp->state = STATE_DATA;
	lmtp->data = (struct lmtp_data){ 0 };
	lmtp->message_size = 0;
	say(lmtp, 354, "", "end with CRLF.CRLF");
}

/* Its chunk would be read as commands, so there is no going on. */
static void
on_bdat(struct lmtp *lmtp, const char *argument)
{
	(void)argument;
	say(lmtp, 502, "5.5.1", "BDAT is not offered");
	lmtp->state = STATE_OVER;
}

static void
on_rset(struct lmtp *lmtp, const char *argument)
{
	if (*argument != '\0') {
		complain(lmtp, 501, "5.5.4", "RSET has no argument");
		return;
	}
	forget_transaction(lmtp);
	say(lmtp, 250, "2.0.0", "ok");
}

static void
on_noop(struct lmtp *lmtp, const char *argument)
{
	(void)argument;
	say(lmtp, 250, "2.0.0", "ok");
}

static void
on_help(struct lmtp *lmtp, const char *argument)
{
	(void)argument;
	say(lmtp, 214, "2.0.0", "LHLO MAIL RCPT DATA RSET NOOP VRFY QUIT: RFC 2033, virtmda(8)");
}

static void
on_quit(struct lmtp *lmtp, const char *argument)
{
	(void)argument;
	forget_transaction(lmtp);
	say(lmtp, 221, "2.0.0", "bye");
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
		complain(lmtp, 501, "5.1.3", "VRFY needs an address");
		return;
	}
	outcome_init(&outcome);
	lmtp->host->verify(lmtp->host->arg, path.address, &outcome);
	if (outcome.class == OUTCOME_DEFERRED)
		say(lmtp, 252, "2.0.0", "cannot tell now, but will try to deliver");
	else
		say_outcome(lmtp, &outcome);
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

/* A whole line without its end. */
static void
on_command(struct lmtp *lmtp, char *line)
{
	size_t verb = strcspn(line, " ");

	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strlen(commands[i].name) == verb &&
		    strncasecmp(line, commands[i].name, verb) == 0) {
			commands[i].run(lmtp, line + verb + strspn(line + verb, " "));
			return;
		}
	}
	complain(lmtp, 500, "5.5.1", "command not known");
	/* Whoever begins like this (a browser led here by a page) gets no chance to send a line
	 * further down that is a command. */
	if (lmtp->state == STATE_START)
		lmtp->state = STATE_OVER;
}

/* ---- input -------------------------------------------------------------------------------------
 */

static void
on_line(struct lmtp *lmtp)
{
	size_t len = lmtp->line_len;
	char *line = lmtp->line;

	lmtp->line_len = 0;
	if (len > LMTP_LINE_MAX) {
		complain(lmtp, 500, "5.5.2", "line too long");
		return;
	}
	if (len < 2 || line[len - 2] != '\r') {
		complain(lmtp, 500, "5.5.2", "lines end with CRLF");
		return;
	}
	len -= 2;
	if (memchr(line, '\0', len) != NULL || memchr(line, '\r', len) != NULL) {
		complain(lmtp, 500, "5.5.2", "a command may not hold NUL or CR");
		return;
	}
	while (len > 0 && line[len - 1] == ' ')
		len--;
	line[len] = '\0';
	on_command(lmtp, line);
}

/* Bytes taken, at most to the end of the line. */
static size_t
take_line(struct lmtp *lmtp, const char *bytes, size_t len)
{
	const char *newline = memchr(bytes, '\n', len);
	size_t take = newline == NULL ? len : (size_t)(newline - bytes) + 1;

	if (take <= LMTP_LINE_MAX - lmtp->line_len && lmtp->line_len <= LMTP_LINE_MAX) {
		memcpy(lmtp->line + lmtp->line_len, bytes, take);
		lmtp->line_len += take;
	} else {
		lmtp->line_len = LMTP_LINE_MAX + 1;
	}
	if (newline != NULL)
		on_line(lmtp);
	return take;
}

static void
on_message(struct lmtp *lmtp)
{
	bool too_large = is_too_large(lmtp, lmtp->message_size);
	struct outcome outcome;

	if (too_large)
		lmtp->host->reset(lmtp->host->arg);
	else
		lmtp->host->deliver(lmtp->host->arg);
	for (size_t i = 0; i < lmtp->accepted; i++) {
		outcome_init(&outcome);
		if (too_large)
			refuse_size(&outcome);
		else
			lmtp->host->outcome(lmtp->host->arg, &outcome);
		say_outcome(lmtp, &outcome);
	}
	lmtp->accepted = 0;
	if (lmtp->state == STATE_DATA)
		lmtp->state = STATE_READY;
}

static size_t
take_data(struct lmtp *lmtp, const unsigned char *bytes, size_t len)
{
	size_t used, n;
	bool end;

	if (len > DECODE_STEP)
		len = DECODE_STEP;
	end = lmtp_data_decode(&lmtp->data, bytes, len, lmtp->decoded, &n, &used);
	lmtp->message_size += n;
	if (n > 0 && !is_too_large(lmtp, lmtp->message_size))
		lmtp->host->data(lmtp->host->arg, lmtp->decoded, n);
	if (end)
		on_message(lmtp);
	return used;
}

void
lmtp_input(struct lmtp *lmtp, const void *bytes, size_t len)
{
	const unsigned char *p = bytes;

	while (len > 0 && lmtp->state != STATE_OVER) {
		size_t used = lmtp->state == STATE_DATA ? take_data(lmtp, p, len)
		                                        : take_line(lmtp, (const char *)p, len);

		p += used;
		len -= used;
	}
}

/* ---- the session -------------------------------------------------------------------------------
 */

int
lmtp_new(struct lmtp **out, const char *name, const struct lmtp_limits *limits,
    const struct lmtp_host *host, struct err *err)
{
	struct lmtp *lmtp = calloc(1, sizeof(*lmtp));

	*out = NULL;
	if (lmtp == NULL || (lmtp->name = strdup(name)) == NULL ||
	    buf_addf(&lmtp->output, "220 %s LMTP virtmda\r\n", name) == -1) {
		lmtp_free(lmtp);
		return err_set(err, ENOMEM, "lmtp");
	}
	lmtp->limits = *limits;
	lmtp->host = host;
	*out = lmtp;
	return 0;
}

void
lmtp_free(struct lmtp *lmtp)
{
	if (lmtp == NULL)
		return;
	buf_free(&lmtp->output);
	free(lmtp->name);
	free(lmtp);
}

struct buf *
lmtp_output(struct lmtp *lmtp)
{
	return &lmtp->output;
}

bool
lmtp_is_over(const struct lmtp *lmtp)
{
	return lmtp->state == STATE_OVER;
}

void
lmtp_end(struct lmtp *lmtp, const char *status, const char *text)
{
	if (lmtp->state == STATE_OVER)
		return;
	say(lmtp, 421, status, text);
	lmtp->state = STATE_OVER;
}
