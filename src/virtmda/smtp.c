/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Lines, replies and deadlines. A reply is good only if it is one by RFC 5321 4.2, with the same
 * code in every line; a deadline is for the whole reply, so that one that drips does not last
 * for ever.
 */
#include "smtp.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "moment.h"

#define LINE_MAX_BYTES  2050 /* sendmail's MAXLINE and a line end */
#define REPLY_MAX_LINES 100
#define LAST_WORDS_MS   500 /* what there is to hear was said before */

void
smtp_init(struct smtp *smtp, int in, int out)
{
	*smtp = (struct smtp){ .in = in, .out = out };
	/* If it cannot be, a read that blocks ends when the other side does. */
	if (fcntl(in, F_SETFL, O_NONBLOCK) == -1 || fcntl(out, F_SETFL, O_NONBLOCK) == -1)
		return;
}

/* ---- time ------------------------------------------------------------------------------------ */

static long long
end_of(const struct smtp *smtp, int patience)
{
	return moment_now() + moment_left(smtp->until, patience);
}

/* Until there is something to read (or, with `out`, room to write). 0, or -1 with err. */
static int
wait_for(const struct smtp *smtp, bool out, long long until, const char *what, struct err *err)
{
	for (;;) {
		struct pollfd pollers[] = { { .fd = smtp->in, .events = POLLIN },
			{ .fd = smtp->out, .events = POLLOUT } };
		int n, left = moment_left(until, 60000);

		if (left == 0)
			return err_set(err, ETIMEDOUT, "sendmail: %s", what);
		n = poll(pollers, out ? 2 : 1, left);
		if (n > 0 && out && pollers[1].revents == 0)
			return err_set(err, EPROTO, "sendmail: it answers before it was asked");
		if (n > 0)
			return 0;
		if (n == -1 && errno != EINTR)
			return err_set(err, errno, "sendmail: poll");
	}
}

/* ---- lines in -------------------------------------------------------------------------------- */

static int
fill(struct smtp *smtp, long long until, struct err *err)
{
	for (;;) {
		ssize_t n;

		if (wait_for(smtp, false, until, "wait for its reply", err) == -1)
			return -1;
		n = read(smtp->in, smtp->data, sizeof(smtp->data));
		if (n > 0) {
			smtp->at = 0;
			smtp->len = (size_t)n;
			return 0;
		}
		if (n == 0)
			return err_set(err, EPIPE, "sendmail: it ended without a reply");
		if (errno != EINTR && errno != EAGAIN)
			return err_set(err, errno, "sendmail: read its reply");
	}
}

/* One line without its end, made a printable string. */
static int
read_line(struct smtp *smtp, char line[LINE_MAX_BYTES], long long until, struct err *err)
{
	size_t len = 0;

	for (;;) {
		unsigned char c;

		if (smtp->at == smtp->len && fill(smtp, until, err) == -1)
			return -1;
		c = smtp->data[smtp->at++];
		if (c == '\n')
			break;
		if (len == LINE_MAX_BYTES - 1)
			return err_set(err, EPROTO, "sendmail: its reply has no end");
		line[len++] = (char)c;
	}
	if (len > 0 && line[len - 1] == '\r')
		len--;
	line[len] = '\0';
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)line[i] < ' ' || line[i] == 127)
			line[i] = '?';
	return 0;
}

/* ---- replies --------------------------------------------------------------------------------- */

static int
code_of(const char *line)
{
	if (line[0] < '2' || line[0] > '5' || !isdigit((unsigned char)line[1]) ||
	    !isdigit((unsigned char)line[2]) ||
	    (line[3] != ' ' && line[3] != '-' && line[3] != '\0'))
		return 0;
	return (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
}

/* RFC 2034: the status stands in front of the text, and is of the code's class. */
static void
take_status(struct smtp_reply *reply, const char *text)
{
	size_t len = strspn(text, "0123456789.");

	if (text[0] != '0' + reply->code / 100 || text[1] != '.' ||
	    (text[len] != ' ' && text[len] != '\0') || len >= sizeof(reply->status))
		return;
	memcpy(reply->status, text, len);
	reply->status[len] = '\0';
	if (!outcome_status_fits(reply->status, text[0]))
		reply->status[0] = '\0';
}

/* The next line's text behind those before; what has no room is for people, and left out. */
static void
add_text(struct smtp_reply *reply, const char *text)
{
	size_t len = strlen(reply->status);

	/* It is in front already. */
	if (len > 0 && strncmp(text, reply->status, len) == 0)
		text += len + (text[len] == ' ');
	strlcat(reply->text, " ", sizeof(reply->text));
	strlcat(reply->text, text, sizeof(reply->text));
}

static void
begin_reply(struct smtp_reply *reply, int code, const char *text)
{
	*reply = (struct smtp_reply){ .code = code };
	take_status(reply, text);
	snprintf(reply->text, sizeof(reply->text), "%d%s%s", code,
	    reply->status[0] == '\0' ? "" : " ", reply->status);
}

int
smtp_read(struct smtp *smtp, struct smtp_reply *reply, smtp_line_fn *each, void *arg, int patience,
    struct err *err)
{
	long long until = end_of(smtp, patience);
	char line[LINE_MAX_BYTES];

	for (int n = 0; n < REPLY_MAX_LINES; n++) {
		int code;

		if (read_line(smtp, line, until, err) == -1)
			return -1;
		code = code_of(line);
		if (code == 0 || (n > 0 && code != reply->code))
			return err_set(err, EPROTO, "sendmail: \"%.100s\" is no reply", line);
		if (n == 0)
			begin_reply(reply, code, line[3] == '\0' ? "" : line + 4);
		if (line[3] != '\0') {
			add_text(reply, line + 4);
			if (each != NULL)
				each(arg, line + 4);
		}
		if (line[3] != '-')
			return 0;
	}
	return err_set(err, EPROTO, "sendmail: its reply has no end");
}

/* ---- out ------------------------------------------------------------------------------------- */

int
smtp_write(struct smtp *smtp, const void *data, size_t len, int patience, struct err *err)
{
	const unsigned char *p = data;
	long long until = end_of(smtp, patience);

	while (len > 0) {
		ssize_t n = write(smtp->out, p, len);

		if (n > 0) {
			p += n;
			len -= (size_t)n;
		} else if (n == 0 || (errno != EINTR && errno != EAGAIN)) {
			return err_set(err, n == 0 ? EIO : errno, "sendmail: write to it");
		} else if (wait_for(smtp, true, until, "wait for it to read", err) == -1) {
			return -1;
		}
	}
	return 0;
}

int
smtp_last_words(struct smtp *smtp, struct smtp_reply *reply, struct err *err)
{
	struct err why;

	if (smtp_read(smtp, reply, NULL, NULL, LAST_WORDS_MS, &why) == 0 && reply->code >= 400)
		return 0;
	errno = err->num;
	return -1;
}

int
smtp_is_quiet(struct smtp *smtp, struct err *err)
{
	struct pollfd poller = { .fd = smtp->in, .events = POLLIN };

	if (smtp->at == smtp->len && poll(&poller, 1, 0) == 0)
		return 0;
	return err_set(err, EPROTO, "sendmail: it ended, or answers before it was asked");
}

static int
is_clean(const char *line, struct err *err)
{
	for (; *line != '\0'; line++)
		if ((unsigned char)*line < ' ' || *line == 127)
			return err_set(err, EINVAL, "sendmail: a control character in an address");
	return 0;
}

int
smtp_command(struct smtp *smtp, struct smtp_reply *reply, int patience, struct err *err,
    const char *fmt, ...)
{
	char *line;
	int result = -1;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&line, fmt, ap) == -1)
		line = NULL;
	va_end(ap);
	if (line == NULL)
		return err_set(err, ENOMEM, "sendmail: a command");
	if (is_clean(line, err) == -1)
		goto out;
	if (smtp_is_quiet(smtp, err) == 0 &&
	    smtp_write(smtp, line, strlen(line), patience, err) == 0 &&
	    smtp_write(smtp, "\r\n", 2, patience, err) == 0)
		result = smtp_read(smtp, reply, NULL, NULL, patience, err);
	else
		result = smtp_last_words(smtp, reply, err);
out:
	free(line);
	return result;
}
