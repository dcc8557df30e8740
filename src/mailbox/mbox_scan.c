/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Splits an mbox into messages in one pass with bounded memory, as fast as the bytes come.
 * It reads, never maps: somebody may truncate the file meanwhile, and a mapping would answer
 * with SIGBUS. A From_ line is one that from_line.c accepts, first in the file or behind an
 * empty line (LF or CR LF); other programs' rules are looser, but our writer quotes, and
 * archives hold sentences that begin with "From ". A Content-Length that leads to a From_
 * line or to the end is believed (mboxcl2 does not quote); every other one is ignored.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "scan.h"

#define STEP       ((size_t)128 * 1024) /* bytes a read: it stays in the cache while it is searched */
#define KEEP       4 /* bytes kept behind the search, to see an empty line before it */
#define WINDOW_MAX (SCAN_HEADER_MAX + FROM_LINE_MAX + STEP)

/* A stretch of the file in memory, moving forward. */
struct window {
	const char *path;
	int fd;
	uint64_t base; /* file offset of data[0] */
	size_t len;
	uint64_t end; /* nothing is read from here on */
	unsigned char *data;
};

struct scan {
	struct window window;
	struct mbox_message message;
	unsigned want;
	bool has_status, has_x_status;
	uint64_t text;         /* file offset where the search for the next From_ line begins */
	unsigned char *header; /* copy for the callback */
};

/* ---- window ------------------------------------------------------------------------------- */

static uint64_t
window_end(const struct window *w)
{
	return w->base + w->len;
}

/* Let go of what stands before `from` and read on. 1 there is more, 0 at the end (a file that
 * shrank ends where it ends now), -1 with err. */
static int
window_advance(struct window *w, uint64_t from, struct err *err)
{
	ssize_t n;
	size_t room;

	if (from >= window_end(w)) {
		w->base = from;
		w->len = 0;
	} else {
		w->len -= (size_t)(from - w->base);
		memmove(w->data, w->data + (from - w->base), w->len);
		w->base = from;
	}
	if (window_end(w) >= w->end)
		return 0;
	room = WINDOW_MAX - w->len;
	if (room > STEP)
		room = STEP;
	if (room > w->end - window_end(w))
		room = (size_t)(w->end - window_end(w));
	n = scan_pread(w->fd, w->data + w->len, room, window_end(w));
	if (n == -1)
		return err_set(err, errno, "read %s", w->path);
	if (n == 0)
		w->end = window_end(w);
	w->len += (size_t)n;
	return n > 0;
}

/* Have at least `need` bytes from `from` on, or all there are. *have bytes are. */
static int
window_need(struct window *w, uint64_t from, size_t need, size_t *have, struct err *err)
{
	int rc = 1;

	while (rc == 1 && (from < w->base || from > window_end(w) || window_end(w) - from < need))
		rc = window_advance(w, from, err);
	*have = (size_t)(window_end(w) - from);
	return rc == -1 ? -1 : 0;
}

static const unsigned char *
window_at(const struct window *w, uint64_t offset)
{
	return w->data + (offset - w->base);
}

/* ---- From_ lines -------------------------------------------------------------------------- */

typedef unsigned char block16 __attribute__((vector_size(16)));

/* Does a line that starts with 'F' begin among the 64 bytes behind p? (65 are read.) Compilers
 * turn this into a few vector instructions on every machine that has some. */
static bool
has_newline_F(const unsigned char *p)
{
	block16 seen = { 0 };
	uint64_t half[2];

	for (int i = 0; i < 64; i += 16) {
		block16 here, next;

		memcpy(&here, p + i, 16);
		memcpy(&next, p + i + 1, 16);
		seen |= (block16)((here == '\n') & (next == 'F'));
	}
	memcpy(half, &seen, sizeof(half));
	return (half[0] | half[1]) != 0;
}

/* The first newline in [p, end) with "From " behind it, all within [p, end); or NULL. */
static const unsigned char *
find_newline_from(const unsigned char *p, const unsigned char *end)
{
	for (;;) {
		while (end - p > 64 && !has_newline_F(p))
			p += 64;
		do {
			if (end - p < 6 || (p = memchr(p, '\n', (size_t)(end - p) - 5)) == NULL)
				return NULL;
			p++;
		} while (*p != 'F');
		if (memcmp(p, "From ", 5) == 0)
			return p - 1;
	}
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

/* The next From_ line whose newline before it is not before `from`: *at, or the end of the file.
 * *blank: bytes of the empty line before it. */
static int
find_next(struct window *w, uint64_t from, uint64_t *at, unsigned *blank, struct err *err)
{
	struct from_date date;
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
			*at = window_end(w);
			*blank = w->len > 0 && w->data[w->len - 1] == '\n'
			             ? empty_line(w, w->data + w->len - 1)
			             : 0;
			return 0;
		}
		from = w->base + (uint64_t)(newline - w->data);
		if (window_end(w) - from < FROM_LINE_MAX + 1 && window_end(w) < w->end) {
			if (window_advance(w, from > w->base + KEEP ? from - KEEP : w->base, err) ==
			    -1)
				return -1;
			newline = window_at(w, from);
		}
		*blank = empty_line(w, newline);
		if (*blank != 0 &&
		    from_line_parse(newline + 1, (size_t)(window_end(w) - from - 1), &date) != 0) {
			*at = from + 1;
			return 0;
		}
		from++;
	}
}

/* ---- header ------------------------------------------------------------------------------- */

/* The value if this line is header `name` (lower case, with colon), or NULL. */
static const unsigned char *
header_value(const unsigned char *line, size_t len, const char *name, size_t *value_len)
{
	size_t name_len = strlen(name);

	if (len < name_len || strncasecmp((const char *)line, name, name_len) != 0)
		return NULL;
	*value_len = len - name_len;
	return line + name_len;
}

static unsigned
flags_of(const unsigned char *value, size_t len)
{
	static const struct {
		char letter;
		unsigned flag;
	} letters[] = {
		{ 'R', SCAN_SEEN },
		{ 'A', SCAN_ANSWERED },
		{ 'F', SCAN_FLAGGED },
		{ 'D', SCAN_DELETED },
		{ 'T', SCAN_DRAFT },
	};
	unsigned flags = 0;

	for (size_t i = 0; i < len; i++)
		for (size_t l = 0; l < sizeof(letters) / sizeof(letters[0]); l++)
			if (value[i] == letters[l].letter)
				flags |= letters[l].flag;
	return flags;
}

static void
note_length(struct scan *s, const unsigned char *value, size_t len)
{
	uint64_t length = 0;
	size_t i = 0;

	while (i < len && (value[i] == ' ' || value[i] == '\t'))
		i++;
	if (i == len || s->message.has_length)
		return;
	for (; i < len && value[i] >= '0' && value[i] <= '9'; i++)
		if (length < UINT64_MAX / 100)
			length = 10 * length + (uint64_t)(value[i] - '0');
	while (i < len && (value[i] == ' ' || value[i] == '\t' || value[i] == '\r'))
		i++;
	s->message.has_length = i == len;
	s->message.length = length;
}

static void
note_header(struct scan *s, const unsigned char *line, size_t len)
{
	const unsigned char *value;
	size_t value_len;

	switch (line[0]) {
	case 's':
	case 'S':
		value = header_value(line, len, "status:", &value_len);
		if (value == NULL || s->has_status)
			return;
		s->has_status = true;
		s->message.flags |= flags_of(value, value_len) & SCAN_SEEN;
		if (memchr(value, 'O', value_len) != NULL)
			s->message.flags &= ~SCAN_RECENT;
		return;
	case 'x':
	case 'X':
		value = header_value(line, len, "x-status:", &value_len);
		if (value == NULL || s->has_x_status)
			return;
		s->has_x_status = true;
		s->message.flags |= flags_of(value, value_len) & ~SCAN_SEEN;
		return;
	case 'c':
	case 'C':
		value = header_value(line, len, "content-length:", &value_len);
		if (value != NULL)
			note_length(s, value, value_len);
		return;
	}
}

/* Read header lines from `p`. 1: up to the closing empty line, or as many as are looked at; 0: the
 * window ends before. s->text and header_len say how far it came. */
static int
read_lines(struct scan *s, const unsigned char *p)
{
	const struct window *w = &s->window;
	const unsigned char *start = p, *end = w->data + w->len;

	s->message.has_length = s->has_status = s->has_x_status = false;
	s->message.flags = SCAN_RECENT;
	for (;;) {
		const unsigned char *newline = memchr(p, '\n', (size_t)(end - p));
		size_t len = (size_t)((newline != NULL ? newline : end) - p);

		if ((size_t)(p - start) + len >= SCAN_HEADER_MAX) {
			/* What lies beyond is not looked at, its Content-Length neither. */
			s->message.header_len = SCAN_HEADER_MAX;
			s->text = s->message.body + SCAN_HEADER_MAX;
			s->message.has_length = false;
			return 1;
		}
		if (newline == NULL) {
			s->message.header_len = (size_t)(end - start);
			s->text = window_end(w);
			return 0;
		}
		if (len == 0 || (len == 1 && *p == '\r')) {
			s->message.header_len = (size_t)(p - start);
			s->text = w->base + (uint64_t)(newline + 1 - w->data);
			return 1;
		}
		note_header(s, p, len);
		p = newline + 1;
	}
}

/* Read the head of the message whose From_ line stands at s->message.at. */
static int
read_head(struct scan *s, struct err *err)
{
	struct window *w = &s->window;
	struct mbox_message *m = &s->message;
	size_t have, need = FROM_LINE_MAX, line;

	for (;;) {
		if (window_need(w, m->at, need, &have, err) == -1)
			return -1;
		/* 0 only if somebody rewrites the file under us: an empty message, then. */
		line = from_line_parse(window_at(w, m->at), have, &m->date);
		m->body = m->at + line;
		if (read_lines(s, window_at(w, m->body)) == 1 || have < need)
			break;
		need = have + 1;
	}
	if (s->want & SCAN_WANT_HEADER) {
		memcpy(s->header, window_at(w, m->body), m->header_len);
		m->header = s->header;
	}
	return 0;
}

/* ---- one message -------------------------------------------------------------------------- */

/* Does the message end where its Content-Length says? 1 with *next, the following From_ line or the
 * file's end; 0 no; -1 with err. Both forms that writers use are taken: with an empty line behind
 * the message, and without. */
static int
check_length(struct scan *s, uint64_t *next, struct err *err)
{
	unsigned char around[FROM_LINE_MAX + 3];
	const unsigned char *p = around + 1;
	const struct window *w = &s->window;
	const uint64_t length = s->message.length;
	uint64_t target;
	struct from_date date;
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
	*next = target + (uint64_t)(p - (around + 1));
	return *next == w->end || from_line_parse(p, (size_t)n, &date) != 0;
}

/* Find the end of the message whose head was read: its size, and *next. */
static int
find_end(struct scan *s, uint64_t *next, struct err *err)
{
	struct mbox_message *m = &s->message;
	unsigned blank;
	int rc = m->has_length ? check_length(s, next, err) : 0;

	if (rc == -1)
		return -1;
	m->by_length = rc == 1;
	if (m->by_length) {
		m->size = s->text + m->length - m->body;
		return 0;
	}
	/* The header's closing empty line can be the one before the next From_ line. */
	if (find_next(&s->window, s->text > m->at ? s->text - 1 : s->text, next, &blank, err) == -1)
		return -1;
	m->size = *next > m->body ? *next - m->body : 0;
	if (m->size >= blank)
		m->size -= blank;
	return 0;
}

static int
scan_messages(struct scan *s, const struct mbox_file *file, uint64_t at, mbox_each *each, void *arg,
    struct err *err)
{
	uint64_t next = 0;

	for (s->message.at = at; s->message.at < s->window.end; s->message.at = next) {
		int rc;

		s->message.number++;
		if (read_head(s, err) == -1 || find_end(s, &next, err) == -1)
			return -1;
		if (next >= s->window.end && file->tail_open)
			return 0;
		if ((rc = each(arg, &s->message)) != 0)
			return rc;
	}
	return 0;
}

/* Where the first From_ line stands (or the end), and whether anything else stands before it. */
static int
find_first(struct window *w, uint64_t *at, bool *is_mbox, struct err *err)
{
	struct from_date date;
	unsigned blank;
	size_t have, junk = 0;

	*at = 0;
	if (window_need(w, 0, FROM_LINE_MAX, &have, err) == -1)
		return -1;
	*is_mbox = true;
	if (have == 0 || from_line_parse(w->data, have, &date) != 0)
		return 0;
	while (junk < have && (w->data[junk] == '\n' || w->data[junk] == '\r'))
		junk++;
	*is_mbox = junk == have || from_line_parse(w->data + junk, have - junk, &date) != 0;
	return find_next(w, 0, at, &blank, err);
}

int
mbox_scan(const struct mbox_file *file, unsigned want, mbox_each *each, void *arg, bool *is_mbox,
    struct err *err)
{
	struct scan s = { .want = want };
	uint64_t at;
	bool sound;
	int rc = -1;

	s.window = (struct window){ .path = file->path, .fd = file->fd, .end = file->end };
	s.window.data = malloc(WINDOW_MAX);
	s.header = malloc(want & SCAN_WANT_HEADER ? SCAN_HEADER_MAX : 1);
	if (s.window.data == NULL || s.header == NULL)
		err_set(err, ENOMEM, "scan %s", file->path);
	else
		rc = find_first(&s.window, &at, &sound, err);
	if (rc == 0 && is_mbox != NULL)
		*is_mbox = sound;
	if (rc == 0)
		rc = scan_messages(&s, file, at, each, arg, err);
	free(s.window.data);
	free(s.header);
	return rc;
}
