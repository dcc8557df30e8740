/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The conversation: bytes become lines and messages. Commands are lines that end with CRLF, a bare
 * LF is told so. Behind DATA there is exactly one reply for each accepted recipient, in their
 * order. A session that cannot find memory for a reply is over without it: the client then knows
 * nothing, and tries again.
 */
#include "lmtp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lmtp_session.h"
#include "reply.h"

/* ---- replies ----------------------------------------------------------------------------------
 */

void
lmtp_say(struct lmtp *lmtp, unsigned code, const char *status, const char *text)
{
	if (reply_line(&lmtp->output, code, status, text) == -1)
		lmtp->state = STATE_OVER;
}

void
lmtp_say_outcome(struct lmtp *lmtp, const struct outcome *outcome)
{
	if (reply_add(&lmtp->output, outcome) == -1)
		lmtp->state = STATE_OVER;
}

void
lmtp_complain(struct lmtp *lmtp, unsigned code, const char *status, const char *text)
{
	lmtp_say(lmtp, code, status, text);
	if (++lmtp->errors > lmtp->limits.errors)
		lmtp_end(lmtp, "4.7.0", "too many errors");
}

bool
lmtp_is_too_large(const struct lmtp *lmtp, uint64_t size)
{
	return lmtp->limits.message_size > 0 && size > lmtp->limits.message_size;
}

void
lmtp_refuse_size(struct outcome *out)
{
	outcome_reject(out, "5.3.4", "message too large for this system");
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
		lmtp_complain(lmtp, 500, "5.5.2", "line too long");
		return;
	}
	if (len < 2 || line[len - 2] != '\r') {
		lmtp_complain(lmtp, 500, "5.5.2", "lines end with CRLF");
		return;
	}
	len -= 2;
	if (memchr(line, '\0', len) != NULL || memchr(line, '\r', len) != NULL) {
		lmtp_complain(lmtp, 500, "5.5.2", "a command may not hold NUL or CR");
		return;
	}
	while (len > 0 && line[len - 1] == ' ')
		len--;
	line[len] = '\0';
	lmtp_command(lmtp, line);
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
	bool too_large = lmtp_is_too_large(lmtp, lmtp->message_size);
	struct outcome outcome;

	if (too_large)
		lmtp->host->reset(lmtp->host->arg);
	else
		lmtp->host->deliver(lmtp->host->arg);
	for (size_t i = 0; i < lmtp->accepted; i++) {
		outcome_init(&outcome);
		if (too_large)
			lmtp_refuse_size(&outcome);
		else
			lmtp->host->outcome(lmtp->host->arg, &outcome);
		lmtp_say_outcome(lmtp, &outcome);
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
	if (n > 0 && !lmtp_is_too_large(lmtp, lmtp->message_size))
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
	lmtp_say(lmtp, 421, status, text);
	lmtp->state = STATE_OVER;
}
