/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Splits an mbox into messages in one pass with bounded memory, as fast as the bytes come. A From_
 * line is one that from_line.c accepts, first in the file or behind an empty line (LF or CR LF);
 * other programs' rules are looser, but our writer quotes, and archives hold sentences that begin
 * with "From ". A Content-Length that leads to a From_ line or to the end is believed (mboxcl2 does
 * not quote); every other one is ignored.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "mbox_head.h"
#include "scan.h"
#include "scan_window.h"

#define KEEP 4 /* bytes kept behind the search, to see an empty line before it */

/* Where a message begins, or the file ends. */
struct border {
	uint64_t at;           /* file offset of the From_ line, or of the end */
	size_t len;            /* of the From_ line, 0 at the end */
	struct from_date date; /* in it */
	unsigned blank;        /* bytes of the empty line before it, if that was looked for */
};

struct scan {
	struct window window;
	struct mbox_message message;
	unsigned want;
	uint64_t text;         /* file offset where the search for the next From_ line begins */
	unsigned char *header; /* copy for the callback */
};

/* ---- From_ lines -------------------------------------------------------------------------- */

/* The first newline in [p, end) with "From " behind it, all within [p, end); or NULL. */
static const unsigned char *
find_newline_from(const unsigned char *p, const unsigned char *end)
{
	while ((p = bytes_find(p, end, "\nF", 2)) != NULL && end - p >= 6) {
		if (memcmp(p + 1, "From ", 5) == 0)
			return p;
		p++;
	}
	return NULL;
}

/* Bytes of the empty line whose LF stands at `newline`: 1, 2 with CR, 0 if that line is not empty.
 * The file's first line has nothing before it. */
static unsigned
empty_line(const struct window *w, const unsigned char *newline)
{
	const unsigned char *p = newline;
	unsigned len = 1;

	if (p > w->data && p[-1] == '\r') {
		p--;
		len = 2;
	}
	if (p == w->data)
		return w->base == 0 ? len : 0;
	return p[-1] == '\n' ? len : 0;
}

/* The next From_ line whose newline before it is not before `from`, or the end of the file. */
static int
find_next(struct window *w, uint64_t from, struct border *out, struct err *err)
{
	size_t have;

	for (;;) {
		const unsigned char *start, *newline;

		if (from < w->base || from >= window_end(w)) {
			/* Look-behind is only lost where nothing of it matters: a Content-Length
			 * or an endless header line led here. */
			if (window_need(w, from, 1, &have, err) == -1)
				return -1;
		}
		start = window_at(w, from);
		newline = find_newline_from(start, w->data + w->len);
		if (newline == NULL) {
			uint64_t keep = window_end(w) > from + 5 ? window_end(w) - 5 : from;
			int rc =
			    window_advance(w, keep > w->base + KEEP ? keep - KEEP : w->base, err);

			if (rc == -1)
				return -1;
			from = keep;
			if (rc == 1)
				continue;
			*out = (struct border){ .at = window_end(w) };
			if (w->len > 0 && w->data[w->len - 1] == '\n')
				out->blank = empty_line(w, w->data + w->len - 1);
			return 0;
		}
		from = w->base + (uint64_t)(newline - w->data);
		if (window_end(w) - from < FROM_LINE_MAX + 1 && window_end(w) < w->end) {
			if (window_advance(w, from > w->base + KEEP ? from - KEEP : w->base, err) ==
			    -1)
				return -1;
			newline = window_at(w, from);
		}
		out->at = from + 1;
		out->blank = empty_line(w, newline);
		if (out->blank != 0) {
			out->len = from_line_parse(
			    newline + 1, (size_t)(window_end(w) - out->at), &out->date);
			if (out->len != 0)
				return 0;
		}
		from++;
	}
}

/* ---- one message -------------------------------------------------------------------------- */

/* Read the head of the message that begins there. */
static int
read_head(struct scan *s, const struct border *start, struct err *err)
{
	struct window *w = &s->window;
	struct mbox_message *m = &s->message;
	struct mbox_head head;
	size_t have, size, need = start->len + 1;

	m->at = start->at;
	m->date = start->date;
	m->body = start->at + start->len;
	for (;;) {
		if (window_need(w, m->at, need, &have, err) == -1)
			return -1;
		/* Less than the From_ line only if somebody cuts the file under us. */
		size = have > start->len ? have - start->len : 0;
		if (mbox_head_read(window_at(w, m->body), size, &head) == 1 || have < need)
			break;
		need = have + 1;
	}
	m->header_len = head.len;
	m->flags = head.flags;
	m->has_length = head.has_length;
	m->length = head.length;
	s->text = m->body + head.text;
	if (s->want & SCAN_WANT_HEADER) {
		memcpy(s->header, window_at(w, m->body), m->header_len);
		m->header = s->header;
	}
	return 0;
}

/* Does the message end where its Content-Length says? 1 with *next, the following From_ line or the
 * file's end; 0 no; -1 with err. Both forms that writers use are taken: with an empty line behind
 * the message, and without. */
static int
check_length(struct scan *s, struct border *next, struct err *err)
{
	unsigned char around[FROM_LINE_MAX + 3];
	const unsigned char *p = around + 1;
	const struct window *w = &s->window;
	const uint64_t length = s->message.length;
	uint64_t target;
	ssize_t n;

	if (length > w->end || s->text + length > w->end)
		return 0;
	target = s->text + length;
	n = scan_pread(w->fd, around, sizeof(around), target - 1);
	if (n == -1)
		return err_set(err, errno, "read %s", w->path);
	if ((uint64_t)n > w->end - (target - 1))
		n = (ssize_t)(w->end - (target - 1));
	if (n < 1)
		return 0;
	n--;
	if (n > 1 && p[0] == '\r' && p[1] == '\n') {
		p += 2;
		n -= 2;
	} else if (n > 0 && p[0] == '\n') {
		p++;
		n--;
	} else if (around[0] != '\n' && n > 0) {
		return 0;
	}
	next->at = target + (uint64_t)(p - (around + 1));
	next->len = from_line_parse(p, (size_t)n, &next->date);
	return next->len != 0 || next->at == w->end;
}

/* Find the end of the message whose head was read: its size, and *next. */
static int
find_end(struct scan *s, struct border *next, struct err *err)
{
	struct mbox_message *m = &s->message;
	int rc = m->has_length ? check_length(s, next, err) : 0;

	if (rc == -1)
		return -1;
	m->by_length = rc == 1;
	if (m->by_length) {
		m->size = s->text + m->length - m->body;
		return 0;
	}
	/* The header's closing empty line can be the one before the next From_ line. */
	if (find_next(&s->window, s->text - 1, next, err) == -1)
		return -1;
	m->size = next->at > m->body ? next->at - m->body : 0;
	if (m->size >= next->blank)
		m->size -= next->blank;
	return 0;
}

/* Small messages mostly are: the window was not moved since their head was read. */
static void
hold(struct scan *s)
{
	struct mbox_message *m = &s->message;
	const struct window *w = &s->window;

	m->held =
	    m->body >= w->base && m->body + m->size <= window_end(w) ? window_at(w, m->body) : NULL;
}

static int
scan_messages(struct scan *s, const struct mbox_file *file, struct border *next, mbox_each *each,
    void *arg, struct err *err)
{
	while (next->at < s->window.end) {
		int rc;

		s->message.number++;
		if (read_head(s, next, err) == -1 || find_end(s, next, err) == -1)
			return -1;
		if (next->at >= s->window.end && file->tail_open)
			return 0;
		hold(s);
		if ((rc = each(arg, &s->message)) != 0)
			return rc;
	}
	return 0;
}

/* The first From_ line (or the end), and whether anything else stands before it. */
static int
find_first(struct window *w, struct border *out, bool *is_mbox, struct err *err)
{
	struct from_date date;
	size_t have, junk = 0;

	*out = (struct border){ 0 };
	if (window_need(w, 0, FROM_LINE_MAX, &have, err) == -1)
		return -1;
	*is_mbox = true;
	if (have == 0 || (out->len = from_line_parse(w->data, have, &out->date)) != 0)
		return 0;
	while (junk < have && (w->data[junk] == '\n' || w->data[junk] == '\r'))
		junk++;
	*is_mbox = junk == have || from_line_parse(w->data + junk, have - junk, &date) != 0;
	return find_next(w, 0, out, err);
}

int
mbox_scan(const struct mbox_file *file, unsigned want, mbox_each *each, void *arg, bool *is_mbox,
    struct err *err)
{
	struct scan s = { .want = want };
	struct border first;
	bool sound;
	int rc = window_open(
	    &s.window, file->path, file->fd, file->end, SCAN_HEADER_MAX + FROM_LINE_MAX, err);

	if (rc == 0 && (want & SCAN_WANT_HEADER) && (s.header = malloc(SCAN_HEADER_MAX)) == NULL)
		rc = err_set(err, ENOMEM, "scan %s", file->path);
	if (rc == 0)
		rc = find_first(&s.window, &first, &sound, err);
	if (rc == 0 && is_mbox != NULL)
		*is_mbox = sound;
	if (rc == 0)
		rc = scan_messages(&s, file, &first, each, arg, err);
	window_close(&s.window);
	free(s.header);
	return rc;
}
