/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A message as it is to stand in a mailbox or to go on: our lines first, headers that are ours to
 * set taken out, everything else byte for byte. A pure filter in bounded memory: the same message
 * and envelope give the same bytes, so that a delivery can count them before it writes any.
 *
 * mbox is written as mboxrd, whose quoting can be undone exactly; qmail's mbox(5) describes it.
 * Lines of the header block are quoted like those of the body: readers split at every "From " that
 * begins a line, wherever it stands.
 */
#include "message.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "view.h"

#define BATCH 65536 /* bytes; what is smaller reaches the sink in one piece */

struct writer {
	struct view view;
	enum message_format format;
	bool mbox;
	unsigned char *batch;
	size_t len;
	unsigned char last; /* byte written */
	message_sink *sink;
	void *arg;
	struct err *err;
};

static int
flush(struct writer *w)
{
	size_t len = w->len;

	w->len = 0;
	return len == 0 ? 0 : w->sink(w->arg, w->batch, len, w->err);
}

static int
put(struct writer *w, const void *data, size_t len)
{
	if (len == 0)
		return 0;
	w->last = ((const unsigned char *)data)[len - 1];
	if (len > BATCH - w->len && flush(w) == -1)
		return -1;
	if (len > BATCH)
		return w->sink(w->arg, data, len, w->err);
	memcpy(w->batch + w->len, data, len);
	w->len += len;
	return 0;
}

static int
puts_(struct writer *w, const char *string)
{
	return put(w, string, strlen(string));
}

/* An envelope address on a line of its own: whatever would end the line is not let through. */
static int
put_address(struct writer *w, const char *address)
{
	for (const char *p = address; *p != '\0'; p++) {
		unsigned char c = (unsigned char)*p;

		if (c < ' ' || c == 127)
			c = '?';
		if (put(w, &c, 1) == -1)
			return -1;
	}
	return 0;
}

static int
put_our_lines(struct writer *w, const struct message_envelope *envelope)
{
	if (w->mbox) {
		struct buf from = BUF_INIT;
		int failed = message_from_line(&from, envelope->sender, envelope->date);

		if (failed == -1)
			err_set(w->err, errno, "message: From_ line");
		else
			failed = put(w, from.data, from.len);
		buf_free(&from);
		if (failed == -1 || puts_(w, "\n") == -1)
			return -1;
	}
	if (w->format != MESSAGE_FORWARD &&
	    (puts_(w, "Return-Path: <") == -1 || put_address(w, envelope->sender) == -1 ||
	        puts_(w, ">\n") == -1))
		return -1;
	for (size_t i = 0; i < envelope->nrecipients; i++) {
		if (puts_(w, "Delivered-To: ") == -1 ||
		    put_address(w, envelope->recipients[i]) == -1 || puts_(w, "\n") == -1)
			return -1;
	}
	return 0;
}

static int
read_failed(struct writer *w)
{
	return err_set(w->err, errno, "message: read spooled message");
}

/* The bytes up to `end`, unchanged. */
static int
put_range(struct writer *w, uint64_t offset, uint64_t end)
{
	while (offset < end) {
		size_t avail;
		const unsigned char *p = view_at(&w->view, offset, 1, &avail);

		if (p == NULL)
			return read_failed(w);
		if (avail > end - offset)
			avail = (size_t)(end - offset);
		if (put(w, p, avail) == -1)
			return -1;
		offset += avail;
	}
	return 0;
}

/* One line with its newline, quoted if this is an mbox and the line needs it; read forward only, so
 * that a message in a file is read once. */
static int
put_line(struct writer *w, uint64_t *offset)
{
	const unsigned char *newline = NULL;
	int quoted = w->mbox ? view_is_quoted_from(&w->view, *offset) : 0;

	if (quoted == -1)
		return read_failed(w);
	if (quoted == 1 && puts_(w, ">") == -1)
		return -1;
	while (newline == NULL && *offset < w->view.message->size) {
		size_t len;
		const unsigned char *p = view_at(&w->view, *offset, 1, &len);

		if (p == NULL)
			return read_failed(w);
		newline = memchr(p, '\n', len);
		if (newline != NULL)
			len = (size_t)(newline - p) + 1;
		if (put(w, p, len) == -1)
			return -1;
		*offset += len;
	}
	return 0;
}

/* Ours to set (RFC 5321 4.4), and those that readers of an mbox obey: a sender must not be able to
 * say where the message ends or that it has been read. */
static const struct {
	const char *name;
	bool mbox_only;
} dropped[] = {
	{ "Return-Path", false },
	{ "Content-Length", true },
	{ "Status", true },
	{ "X-Status", true },
	{ "X-Keywords", true },
	{ "X-UID", true },
	{ "X-IMAP", true },
	{ "X-IMAPbase", true },
};

static bool
is_dropped(const struct writer *w, const char *name)
{
	for (size_t i = 0; i < sizeof(dropped) / sizeof(dropped[0]); i++) {
		if (strcasecmp(name, dropped[i].name) == 0)
			return w->mbox || !dropped[i].mbox_only;
	}
	return false;
}

/* The header block, up to the empty line that ends it or the end of the message. */
static int
put_header(struct writer *w, uint64_t *offset)
{
	bool dropping = false;
	struct field field;

	while (*offset < w->view.message->size) {
		int empty = view_is_empty_line(&w->view, *offset);
		int more = view_is_continuation(&w->view, *offset);

		if (empty == -1 || more == -1)
			return read_failed(w);
		if (empty == 1)
			return 0;
		if (more == 0) {
			int is_field = view_is_field(&w->view, *offset, &field);

			if (is_field == -1)
				return read_failed(w);
			dropping = is_field == 1 && is_dropped(w, field.name);
		}
		if (!dropping) {
			if (put_line(w, offset) == -1)
				return -1;
		} else if (view_next_line(&w->view, *offset, offset) == -1) {
			return read_failed(w);
		}
	}
	return 0;
}

static int
put_body(struct writer *w, uint64_t offset)
{
	uint64_t size = w->view.message->size;

	if (!w->mbox)
		return put_range(w, offset, size);
	while (offset < size) {
		if (put_line(w, &offset) == -1)
			return -1;
	}
	if (w->last != '\n' && puts_(w, "\n") == -1)
		return -1;
	return puts_(w, "\n");
}

static int
write_message(struct writer *w, const struct message_envelope *envelope)
{
	struct field field;
	uint64_t offset;
	int is_field, empty;

	if (put_our_lines(w, envelope) == -1)
		return -1;
	if (view_header_start(&w->view, &offset) == -1)
		return read_failed(w);
	is_field = view_is_field(&w->view, offset, &field);
	empty = view_is_empty_line(&w->view, offset);
	if (is_field == -1 || empty == -1)
		return read_failed(w);
	if (is_field == 1 && put_header(w, &offset) == -1)
		return -1;
	if (is_field == 0 && empty == 0 && puts_(w, "\n") == -1) /* a body from its first line on */
		return -1;
	if (put_body(w, offset) == -1)
		return -1;
	return flush(w);
}

int
message_write(const struct message *message, enum message_format format,
    const struct message_envelope *envelope, message_sink *sink, void *arg, struct err *err)
{
	struct writer w = { .format = format,
		.mbox = format == MESSAGE_MBOX,
		.sink = sink,
		.arg = arg,
		.err = err };
	int failed;

	w.batch = malloc(BATCH);
	if (w.batch == NULL)
		return err_set(err, errno, "message: write");
	view_open(&w.view, message);
	failed = write_message(&w, envelope);
	view_close(&w.view);
	free(w.batch);
	return failed;
}
