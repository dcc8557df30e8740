/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One message of an mbox, its quoting taken off: of every line ">From ", ">>From " and so on the
 * first '>' goes (mboxrd), in the header too, where our writer quotes as well. What an mboxo
 * writer quoted comes out right but for lines that were ">From " from the start; which of the two
 * wrote a file cannot be told. Bytes are kept otherwise, whatever they are, and memory is one
 * buffer, whatever the message.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "scan.h"

#define STEP ((size_t)128 * 1024)

struct unquoter {
	enum { LINE_START, QUOTES, WORD, IN_LINE } state;
	uint64_t quotes; /* '>' seen at the start of this line and not passed on yet */
	size_t matched;  /* bytes of "From " seen behind them */
	message_sink *sink;
	void *arg;
	struct err *err;
};

static const char from_word[] = "From ";

static int
pass_on(struct unquoter *u, const void *data, size_t len)
{
	return len == 0 ? 0 : u->sink(u->arg, data, len, u->err);
}

/* What was held back, without the first `less` quotes. The line is decided from here on. */
static int
let_go(struct unquoter *u, unsigned less)
{
	unsigned char quotes[512];
	uint64_t left = u->quotes - less;

	memset(quotes, '>', sizeof(quotes));
	while (left > 0) {
		size_t n = left < sizeof(quotes) ? (size_t)left : sizeof(quotes);

		if (pass_on(u, quotes, n) == -1)
			return -1;
		left -= n;
	}
	if (pass_on(u, from_word, u->matched) == -1)
		return -1;
	u->state = IN_LINE;
	u->quotes = u->matched = 0;
	return 0;
}

/* Bytes from p that need no decision: up to and with the newline before a '>', or all. */
static size_t
undecided(struct unquoter *u, const unsigned char *p, size_t len)
{
	const unsigned char *end = p + len, *newline = bytes_find(p, end, "\n>", 2);

	if (newline == NULL && end[-1] == '\n')
		newline = end - 1;
	if (newline == NULL)
		return len;
	u->state = LINE_START;
	return (size_t)(newline + 1 - p);
}

static int
unquote(struct unquoter *u, const unsigned char *p, size_t len)
{
	const unsigned char *end = p + len;

	while (p < end) {
		size_t n;

		switch (u->state) {
		case LINE_START:
			u->state = *p == '>' ? QUOTES : IN_LINE;
			break;
		case QUOTES:
			if (*p == '>') {
				u->quotes++;
				p++;
			} else {
				u->state = WORD;
			}
			break;
		case WORD:
			if (*p != (unsigned char)from_word[u->matched]) {
				if (let_go(u, 0) == -1)
					return -1;
				break;
			}
			p++;
			if (++u->matched == strlen(from_word) && let_go(u, 1) == -1)
				return -1;
			break;
		case IN_LINE:
			n = undecided(u, p, (size_t)(end - p));
			if (pass_on(u, p, n) == -1)
				return -1;
			p += n;
			break;
		}
	}
	return 0;
}

/* A deliverer only appends, but a reader may have expunged meanwhile. */
static int
check_in_place(const struct mbox_file *file, const struct mbox_message *message, struct err *err)
{
	unsigned char line[FROM_LINE_MAX];
	struct from_date date;
	ssize_t n = scan_pread(file->fd, line, sizeof(line), message->at);

	if (n == -1)
		return err_set(err, errno, "read %s", file->path);
	if (from_line_parse(line, (size_t)n, &date) == message->body - message->at)
		return 0;
	return err_set(err, EAGAIN, "%s was changed while it was read", file->path);
}

static int
give(struct unquoter *u, const struct mbox_message *message, const unsigned char *data, size_t len)
{
	return message->by_length ? pass_on(u, data, len) : unquote(u, data, len);
}

static int
stream(const struct mbox_file *file, const struct mbox_message *message, struct unquoter *u,
    unsigned char *data)
{
	uint64_t at = message->body, end = message->body + message->size;

	while (at < end) {
		size_t want = end - at < STEP ? (size_t)(end - at) : STEP;
		ssize_t n = scan_pread(file->fd, data, want, at);

		if (n == -1)
			return err_set(u->err, errno, "read %s", file->path);
		if (n == 0)
			return err_set(u->err, EAGAIN, "%s shrank while it was read", file->path);
		if (give(u, message, data, (size_t)n) == -1)
			return -1;
		at += (uint64_t)n;
	}
	return 0;
}

int
mbox_raw(const struct mbox_file *file, const struct mbox_message *message, message_sink *sink,
    void *arg, struct err *err)
{
	struct unquoter u = { .state = LINE_START, .sink = sink, .arg = arg, .err = err };
	unsigned char *data;
	int rc;

	if (message->held != NULL) {
		rc = give(&u, message, message->held, (size_t)message->size);
	} else {
		if (check_in_place(file, message, err) == -1)
			return -1;
		if ((data = malloc(STEP)) == NULL)
			return err_set(err, ENOMEM, "read %s", file->path);
		rc = stream(file, message, &u, data);
		free(data);
	}
	return rc == -1 ? -1 : let_go(&u, 0);
}
