/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * RFC 2046's structure, found line by line in one pass. What is open stands on a stack of fixed
 * depth: a boundary closes all above the multipart that it belongs to, so a part whose own end is
 * missing costs nothing but itself. The newline before a boundary belongs to the boundary, and is
 * held back until the line behind it is known.
 */
#include "mime.h"

#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "mailpeek.h"
#include "mime_part.h"

#define LINE_HELD (DECODE_BOUNDARY_MAX + 16) /* bytes of a line that may be a boundary */

enum state {
	HEADER,     /* lines of a header block */
	LINE_START, /* of a body */
	CANDIDATE,  /* in a line that may turn out to be a boundary */
	IN_LINE,    /* in a line that is none */
	AFTER_CR    /* the CR that ended the last piece is held back */
};

struct mime {
	const struct mime_events *events;
	void *arg;
	enum state state;
	struct mime_part stack[MIME_DEPTH_MAX]; /* what is open, the message itself first */
	bool is_closed[MIME_DEPTH_MAX];         /* its last boundary was seen */
	uint64_t body_at[MIME_DEPTH_MAX];       /* offset in the message */
	unsigned depth;                         /* parts on the stack */
	size_t count;                           /* parts so far */
	size_t least;                           /* bytes of the shortest boundary there is */
	uint64_t at;                            /* offset of what mime_feed was given */
	struct buf header;
	size_t header_line;            /* offset there of the line that is being read */
	unsigned char line[LINE_HELD]; /* begin of that line, or of a candidate */
	size_t line_len;
	uint64_t line_at; /* offset of the line in the message */
	size_t newline;   /* bytes held back: 1 LF, 2 CR LF */
};

/* ---- events ---------------------------------------------------------------------------------- */

/* Bytes of a body: the innermost part's, if it has no parts of its own. */
static int
emit(struct mime *m, const void *data, size_t len)
{
	const struct mime_part *part = &m->stack[m->depth - 1];

	if (len == 0 || part->has_parts || m->events->data == NULL)
		return 0;
	return m->events->data(m->arg, part, data, len);
}

static int
let_go_newline(struct mime *m)
{
	size_t n = m->newline;

	m->newline = 0;
	return emit(m, &"\r\n"[2 - n], n);
}

/* Close parts until `depth` are open; what they hold ends at `end`. */
static int
close_to(struct mime *m, unsigned depth, uint64_t end)
{
	int rc = 0;

	while (m->depth > depth && rc == 0) {
		unsigned top = m->depth - 1;
		struct mime_part *part = &m->stack[top];

		part->size = end > m->body_at[top] ? end - m->body_at[top] : 0;
		if (m->events->end != NULL)
			rc = m->events->end(m->arg, part);
		buf_free(&part->content.name);
		m->depth = top;
	}
	return rc;
}

/* ---- headers --------------------------------------------------------------------------------- */

static void
begin_header(struct mime *m)
{
	buf_clear(&m->header);
	m->header_line = m->line_len = 0;
	m->state = HEADER;
}

/* A multipart/digest holds messages unless it says otherwise (RFC 2046 5.1.5). */
static const char *
default_type(const struct mime *m)
{
	if (m->depth > 0 && strcmp(m->stack[m->depth - 1].content.type, "multipart/digest") == 0)
		return "message/rfc822";
	return "text/plain";
}

/* The header block is complete: a part begins whose body is at `body_at`. */
static int
begin_part(struct mime *m, uint64_t body_at)
{
	struct mime_part *part = &m->stack[m->depth];
	int rc = 0;

	memset(part, 0, sizeof(*part));
	part->number = m->count++;
	part->parent = m->depth > 0 ? m->stack[m->depth - 1].number : 0;
	part->depth = m->depth;
	part->header = m->header.data;
	part->header_len = m->header.len;
	mime_part_read(part, default_type(m));
	/* One place is kept for a leaf. */
	part->has_parts = m->depth + 1 < MIME_DEPTH_MAX && m->count < MIME_PARTS_MAX &&
	                  (mime_part_is_message(part) || mime_part_is_multipart(part));
	m->is_closed[m->depth] = false;
	m->body_at[m->depth] = body_at;
	m->depth++;
	m->newline = 0;
	m->state = LINE_START;
	if (m->events->begin != NULL)
		rc = m->events->begin(m->arg, part);
	part->header = NULL;
	part->header_len = 0;
	if (part->has_parts && mime_part_is_message(part))
		begin_header(m);
	else if (part->has_parts && part->content.boundary_len < m->least)
		m->least = part->content.boundary_len;
	return rc;
}

/* ---- boundaries ------------------------------------------------------------------------------ */

/* The open multipart whose boundary stands in m->line, innermost first: its place on the stack, or
 * -1. */
static int
find_boundary(const struct mime *m, bool *is_last)
{
	size_t len = m->line_len;

	if (len < m->least + 2 || memcmp(m->line, "--", 2) != 0)
		return -1;
	while (len > 0 && memchr(" \t\r", m->line[len - 1], 3) != NULL)
		len--;
	for (int i = (int)m->depth - 1; i >= 0; i--) {
		const struct content *c = &m->stack[i].content;
		size_t need = c->boundary_len + 2;

		if (!m->stack[i].has_parts || m->is_closed[i] || c->boundary_len == 0 ||
		    len < need || memcmp(m->line + 2, c->boundary, c->boundary_len) != 0)
			continue;
		*is_last = len == need + 2 && memcmp(m->line + need, "--", 2) == 0;
		if (len == need || *is_last)
			return i;
	}
	return -1;
}

static int
pass_boundary(struct mime *m, int index, bool is_last)
{
	int rc = close_to(m, (unsigned)index + 1, m->line_at - m->newline);

	m->newline = m->line_len = 0;
	m->is_closed[index] = is_last;
	m->state = LINE_START;
	if (!is_last && m->count < MIME_PARTS_MAX)
		begin_header(m);
	else
		m->is_closed[index] = true;
	return rc;
}

/* ---- lines ----------------------------------------------------------------------------------- */

static const unsigned char *
find_newline(const unsigned char *p, const unsigned char *end)
{
	const unsigned char *newline = memchr(p, '\n', (size_t)(end - p));

	return newline != NULL ? newline : end;
}

/* Keep the line's begin, as far as a boundary could go. */
static void
hold_line(struct mime *m, const unsigned char *p, size_t len)
{
	size_t room = sizeof(m->line) - m->line_len;

	memcpy(m->line + m->line_len, p, len < room ? len : room);
	m->line_len += len < room ? len : room;
}

/* A line of a header block ends before `next`. */
static int
end_header_line(struct mime *m, uint64_t next)
{
	bool is_last, is_empty = m->line_len == 0 || (m->line_len == 1 && m->line[0] == '\r');
	int index = find_boundary(m, &is_last), rc;

	if (!is_empty && index == -1) {
		m->header_line = m->header.len;
		m->line_len = 0;
		return 0;
	}
	m->header.len = m->header_line;
	/* A part that has not even the end of its header. */
	rc = begin_part(m, is_empty ? next : m->line_at);
	if (rc == 0 && !is_empty)
		rc = pass_boundary(m, index, is_last);
	m->line_len = 0;
	return rc;
}

static int
feed_header(struct mime *m, const unsigned char **p, const unsigned char *end, uint64_t at)
{
	const unsigned char *newline = find_newline(*p, end);
	size_t len = (size_t)(newline - *p);
	size_t keep = len + (newline < end), room = MIME_HEADER_MAX - m->header.len;

	if (m->line_len == 0)
		m->line_at = at;
	hold_line(m, *p, len);
	if (buf_add(&m->header, *p, keep < room ? keep : room) == -1)
		speech_no_memory();
	*p += keep;
	return newline < end ? end_header_line(m, at + keep) : 0;
}

/* A line that is no boundary after all. Its CR may belong to a newline. */
static int
give_up_candidate(struct mime *m)
{
	size_t len = m->line_len;
	bool cr = len > 0 && m->line[len - 1] == '\r';
	int rc = let_go_newline(m);

	m->line_len = 0;
	m->state = cr ? AFTER_CR : IN_LINE;
	return rc != 0 ? rc : emit(m, m->line, len - cr);
}

static int
feed_candidate(struct mime *m, const unsigned char **p, const unsigned char *end)
{
	const unsigned char *newline = find_newline(*p, end);
	size_t len = (size_t)(newline - *p);
	bool is_last;
	int index;

	if (m->line_len + len >= sizeof(m->line))
		return give_up_candidate(m);
	hold_line(m, *p, len);
	*p = newline;
	if (m->line_len >= 2 && m->line[1] != '-')
		return give_up_candidate(m);
	if (newline == end)
		return 0;
	if ((index = find_boundary(m, &is_last)) == -1)
		return give_up_candidate(m);
	*p = newline + 1;
	return pass_boundary(m, index, is_last);
}

/* The rest of this line and all lines behind it that cannot be boundaries. */
static int
feed_line(struct mime *m, const unsigned char **p, const unsigned char *end)
{
	const unsigned char *start = *p, *newline = bytes_find(start, end, "\n-", 2);

	if (newline == NULL && end[-1] == '\n')
		newline = end - 1;
	if (newline == NULL) {
		bool cr = end[-1] == '\r';

		*p = end;
		m->state = cr ? AFTER_CR : IN_LINE;
		return emit(m, start, (size_t)(end - start) - cr);
	}
	*p = newline + 1;
	m->newline = newline > start && newline[-1] == '\r' ? 2 : 1;
	m->state = LINE_START;
	return emit(m, start, (size_t)(newline + 1 - start) - m->newline);
}

static int
feed_after_cr(struct mime *m, const unsigned char **p)
{
	if (**p == '\n') {
		m->newline = 2;
		m->state = LINE_START;
		++*p;
		return 0;
	}
	m->state = IN_LINE;
	return emit(m, "\r", 1);
}

static int
feed_some(struct mime *m, const unsigned char **p, const unsigned char *end, uint64_t at)
{
	switch (m->state) {
	case HEADER:
		return feed_header(m, p, end, at);
	case LINE_START:
		m->line_len = 0;
		m->line_at = at;
		m->state = **p == '-' ? CANDIDATE : IN_LINE;
		return m->state == IN_LINE ? let_go_newline(m) : 0;
	case CANDIDATE:
		return feed_candidate(m, p, end);
	case IN_LINE:
		return feed_line(m, p, end);
	case AFTER_CR:
		return feed_after_cr(m, p);
	}
	return 0;
}

/* ---- contracts ------------------------------------------------------------------------------- */

struct mime *
mime_new(const struct mime_events *events, void *arg)
{
	struct mime *m = malloc(sizeof(*m));

	if (m == NULL)
		speech_no_memory();
	/* Not the stack, which is much larger than most messages need it to be. */
	m->events = events;
	m->arg = arg;
	m->depth = 0;
	m->count = m->newline = 0;
	m->at = 0;
	m->header = (struct buf)BUF_INIT;
	m->least = DECODE_BOUNDARY_MAX;
	begin_header(m);
	return m;
}

int
mime_feed(struct mime *m, const void *data, size_t len)
{
	const unsigned char *start = data, *p = start, *end = start + len;
	int rc = 0;

	while (p < end && rc == 0)
		rc = feed_some(m, &p, end, m->at + (uint64_t)(p - start));
	m->at += len;
	return rc;
}

/* The last line has no newline. */
static int
end_line(struct mime *m)
{
	bool is_last;
	int index, rc;

	switch (m->state) {
	case HEADER:
		index = find_boundary(m, &is_last);
		if (index != -1)
			m->header.len = m->header_line;
		return begin_part(m, m->at);
	case CANDIDATE:
		index = find_boundary(m, &is_last);
		if (index != -1)
			return pass_boundary(m, index, is_last);
		rc = give_up_candidate(m);
		return rc != 0 || m->state != AFTER_CR ? rc : emit(m, "\r", 1);
	case AFTER_CR:
		return emit(m, "\r", 1);
	case LINE_START:
		return let_go_newline(m);
	case IN_LINE:
		break;
	}
	return 0;
}

int
mime_end(struct mime *m)
{
	int rc = end_line(m);

	return rc != 0 ? rc : close_to(m, 0, m->at);
}

void
mime_free(struct mime *m)
{
	if (m == NULL)
		return;
	for (unsigned i = 0; i < m->depth; i++)
		buf_free(&m->stack[i].content.name);
	buf_free(&m->header);
	free(m);
}
