/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What is wrong inside an mbox. The scanner says where messages begin; here each message is read
 * once more for what it should not hold: another message's From_ line, a line that only a careless
 * reader takes for one, blocks of NULs that a crash left. A line that begins with "From " is
 * judged by what follows: only a header field makes it the begin of a message.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "verify.h"

#define STEP      ((size_t)128 * 1024)
#define BEFORE    160 /* bytes looked at before a "From " */
#define FIELD_MAX 80  /* bytes of a header field's name */
#define FROM      "From "
#define FROM_LEN  5

struct checker {
	const struct verify *v;
	const struct mbox_file *file;
	unsigned char *step;
	uint64_t last_at;     /* From_ line of the message seen last */
	bool last_in_header;  /* it has nothing behind its header */
	bool last_by_length;  /* its length leads to its end */
	bool last_parts_open; /* the line that ends its parts is not there */
	size_t count;
	struct err *err;
};

/* ---- a "From " that is no message's first line ------------------------------------------------
 */

/* What stands around one. */
struct place {
	uint64_t at;
	bool line_start;   /* behind a newline */
	bool behind_empty; /* behind an empty line */
	bool is_quoted;    /* behind nothing but '>' on its line */
	bool is_value;     /* behind "Name: " */
	bool has_date;     /* it would do as a From_ line */
	bool has_header;   /* a header field follows on the next line */
};

static bool
is_field(const unsigned char *p, const unsigned char *end)
{
	const unsigned char *start = p;

	while (p<end && * p> ' ' && *p < 0x7f && *p != ':' && p - start < FIELD_MAX)
		p++;
	return p > start && p < end && *p == ':';
}

/* line: from its begin, or as much of it as was looked at, to `from`. */
static void
look_before(struct place *place, const unsigned char *begin, const unsigned char *from)
{
	const unsigned char *line = from, *p;

	while (line > begin && line[-1] != '\n')
		line--;
	place->line_start = line == from;
	if (place->line_start) {
		p = from - 1;
		if (p > begin && p[-1] == '\r')
			p--;
		place->behind_empty = p > begin && p[-1] == '\n';
		return;
	}
	for (p = line; p < from && *p == '>';)
		p++;
	place->is_quoted = p == from;
	if (is_field(line, from)) {
		p = (const unsigned char *)memchr(line, ':', (size_t)(from - line)) + 1;
		while (p < from && (*p == ' ' || *p == '\t'))
			p++;
		place->is_value = p == from;
	}
}

/* 0 with *place, or -1 with err. */
static int
look_around(const struct checker *c, uint64_t at, struct place *place)
{
	unsigned char around[BEFORE + FROM_LINE_MAX + FIELD_MAX + 1];
	size_t before = at < BEFORE ? (size_t)at : BEFORE, len;
	const unsigned char *from = around + before, *end;
	struct from_date date;
	ssize_t n = scan_pread(c->file->fd, around, sizeof(around) - 1, at - before);

	if (n == -1)
		return err_set(c->err, errno, "read %s", c->file->path);
	*place = (struct place){ .at = at };
	if ((size_t)n < before + FROM_LEN)
		return 0;
	around[n] = '\0';
	end = around + n;
	if ((uint64_t)n > c->file->end - (at - before))
		end = around + (c->file->end - (at - before));
	look_before(place, around, from);
	len = from_line_parse(from, (size_t)(end - from), &date);
	place->has_date = len > 0;
	if (len == 0) {
		const unsigned char *newline = memchr(from, '\n', (size_t)(end - from));

		len = newline == NULL ? (size_t)(end - from) : (size_t)(newline + 1 - from);
	}
	place->has_header = is_field(from + len, end);
	return 0;
}

static void
judge(const struct checker *c, const struct place *place)
{
	const char *path = c->file->path;

	if (place->has_date && place->has_header && !place->is_quoted && !place->is_value)
		verify_tell(c->v, FAULT_GLUED_MESSAGE, path, place->at,
		    place->line_start ? "a message begins here without an empty line before it"
		                      : "a message begins here in the middle of another's line");
	else if (place->line_start && place->behind_empty && place->has_header)
		verify_tell(c->v, FAULT_BAD_FROM_LINE, path, place->at,
		    "a message seems to begin here, but its From_ line has no date that can be "
		    "read");
	else if (place->line_start)
		verify_tell(c->v, FAULT_UNQUOTED_FROM, path, place->at,
		    "a line of a message begins with \"From \" and is not quoted");
}

static int
check_froms(const struct checker *c, const unsigned char *data, size_t len, uint64_t base)
{
	const unsigned char *p = data, *end = data + len;
	struct place place;

	while ((p = memmem(p, (size_t)(end - p), FROM, FROM_LEN)) != NULL) {
		if (look_around(c, base + (uint64_t)(p - data), &place) == -1)
			return -1;
		judge(c, &place);
		p += FROM_LEN;
	}
	return 0;
}

/* Everything between two offsets, in steps that overlap by what a "From " cut in two needs. */
static int
search_froms(const struct checker *c, uint64_t from, uint64_t to)
{
	while (from < to) {
		size_t want = to - from < STEP ? (size_t)(to - from) : STEP;
		ssize_t n = scan_pread(c->file->fd, c->step, want, from);

		if (n == -1)
			return err_set(c->err, errno, "read %s", c->file->path);
		if (check_froms(c, c->step, (size_t)n, from) == -1)
			return -1;
		if ((size_t)n < want || want < STEP)
			return 0;
		from += STEP - (FROM_LEN - 1);
	}
	return 0;
}

/* ---- a message --------------------------------------------------------------------------------
 */

static void
check_length(const struct checker *c, const struct mbox_message *m)
{
	if (m->has_length && !m->by_length)
		verify_tell(c->v, FAULT_WRONG_LENGTH, c->file->path, m->at,
		    "its Content-Length of %llu does not lead to its end; it has about %llu bytes",
		    (unsigned long long)m->length,
		    (unsigned long long)(m->size > m->header_len ? m->size - m->header_len : 0));
}

static int
check_parts(struct checker *c, const struct mbox_message *m)
{
	const uint64_t end = m->body + m->size;
	int open = verify_parts_open(
	    c->file->fd, c->file->path, m->header, m->header_len, m->body, end, c->err);

	if (open != 1)
		return open;
	c->last_parts_open = true;
	verify_tell(c->v, FAULT_OPEN_PARTS, c->file->path, m->at,
	    "a message of several parts without the line that ends them");
	return 0;
}

/* mbox_each: 1 with err for an error. */
static int
check_message(void *arg, const struct mbox_message *m)
{
	struct checker *c = arg;

	c->count++;
	c->last_at = m->at;
	c->last_in_header = m->size <= m->header_len && m->header_len < SCAN_HEADER_MAX;
	c->last_by_length = m->by_length;
	c->last_parts_open = false;
	check_length(c, m);
	if (verify_nuls(c->v, c->file->path, c->file->fd, m->body, m->body + m->size, c->err) == -1)
		return 1;
	if (m->by_length) /* nothing in it is quoted, and it ends where it should */
		return 0;
	if (check_parts(c, m) == -1)
		return 1;
	return search_froms(c, m->body, m->body + m->size) == -1;
}

/* ---- both ends --------------------------------------------------------------------------------
 */

/* What the file begins with, if that is no From_ line. */
static int
check_begin(const struct checker *c)
{
	unsigned char begin[FROM_LINE_MAX];
	ssize_t n = scan_pread(c->file->fd, begin, sizeof(begin), 0);
	size_t blank = 0;

	if (n == -1)
		return err_set(c->err, errno, "read %s", c->file->path);
	while (blank < (size_t)n && (begin[blank] == '\n' || begin[blank] == '\r'))
		blank++;
	if ((size_t)n - blank >= FROM_LEN && memcmp(begin + blank, FROM, FROM_LEN) == 0)
		verify_tell(c->v, FAULT_BAD_FROM_LINE, c->file->path, blank,
		    "the first From_ line has no date that can be read");
	else
		verify_tell(c->v, FAULT_WRONG_FORMAT, c->file->path, 0,
		    "it does not begin with a From_ line");
	return verify_nuls(c->v, c->file->path, c->file->fd, 0, c->file->end, c->err);
}

static void
tell_torn(const struct checker *c, const char *where)
{
	verify_tell(c->v, FAULT_TORN_TAIL, c->file->path, c->last_at,
	    "the last message ends within %s, at byte %llu", where,
	    (unsigned long long)c->file->end);
}

/* Does the file end where a message may: at an empty line, or where a length says so? */
static int
check_tail(const struct checker *c)
{
	unsigned char tail[3] = { 0 };
	size_t len = c->file->end < sizeof(tail) ? (size_t)c->file->end : sizeof(tail);
	ssize_t n = scan_pread(c->file->fd, tail + sizeof(tail) - len, len, c->file->end - len);
	const bool is_empty_line = tail[1] == '\n' || (tail[1] == '\r' && tail[0] == '\n');

	if (n == -1)
		return err_set(c->err, errno, "read %s", c->file->path);
	if ((size_t)n < len) /* somebody expunged */
		return 0;
	if (tail[2] != '\n')
		tell_torn(c, "a line");
	else if (is_empty_line || c->last_by_length)
		return 0;
	else if (c->last_in_header)
		tell_torn(c, "its header");
	else if (c->last_parts_open)
		tell_torn(c, "its parts");
	else
		verify_tell(c->v, FAULT_OPEN_END, c->file->path, c->last_at,
		    "the last message ends without an empty line, at byte %llu",
		    (unsigned long long)c->file->end);
	return 0;
}

int
verify_mbox(const struct verify *v, const struct mbox_file *file, bool is_torn, struct err *err)
{
	struct checker c = { .v = v, .file = file, .step = malloc(STEP), .err = err };
	bool is_mbox = true;
	int rc;

	if (c.step == NULL)
		return err_set(err, ENOMEM, "verify %s", file->path);
	rc = mbox_scan(file, SCAN_WANT_HEADER, check_message, &c, &is_mbox, err);
	if (rc == 0 && !is_mbox)
		rc = check_begin(&c);
	if (rc == 0 && c.count > 0 && !file->tail_open && !is_torn)
		rc = check_tail(&c);
	free(c.step);
	return rc == 0 ? 0 : -1;
}
