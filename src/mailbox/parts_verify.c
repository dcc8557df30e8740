/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Does a multipart message hold the line that ends its parts (RFC 2046 5.1.1)? One that was cut off
 * at the end of a line shows it nowhere else. Only the message's own parts are asked about: what
 * is within them lies before that line.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "verify.h"

#define STEP         65536
#define BOUNDARY_MAX 70 /* RFC 2046; whoever takes a longer one is not judged */
#define FIELD        "Content-Type:"
#define MULTIPART    "multipart/"
#define PARAMETER    "boundary="

/* "\n--BOUNDARY--" */
struct ending {
	char text[BOUNDARY_MAX + 6];
	size_t len;
};

/* ---- the header ------------------------------------------------------------------------------ */

static bool
begins(const char *p, const char *end, const char *with)
{
	const size_t len = strlen(with);

	return (size_t)(end - p) >= len && strncasecmp(p, with, len) == 0;
}

static const char *
line_end(const char *p, const char *end)
{
	const char *newline = memchr(p, '\n', (size_t)(end - p));

	return newline == NULL ? end : newline;
}

/* The value of Content-Type, folded as it is, to *stop. NULL: there is none. */
static const char *
content_type(const char *header, const char *end, const char **stop)
{
	for (const char *p = header; p < end; p = line_end(p, end) + 1) {
		if (!begins(p, end, FIELD))
			continue;
		*stop = line_end(p, end);
		while (*stop + 1 < end && ((*stop)[1] == ' ' || (*stop)[1] == '\t'))
			*stop = line_end(*stop + 1, end);
		return p + strlen(FIELD);
	}
	return NULL;
}

static const char *
skip_blanks(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r'))
		p++;
	return p;
}

/* Behind the next semicolon that stands in no quotes, or `end`. */
static const char *
next_parameter(const char *p, const char *end)
{
	for (bool quoted = false; p < end; p++) {
		if (*p == '\\' && quoted && p + 1 < end)
			p++;
		else if (*p == '"')
			quoted = !quoted;
		else if (*p == ';' && !quoted)
			return p + 1;
	}
	return end;
}

/* A token, or a quoted string without backslashes, which no boundary has. Its length, 0: none. */
static size_t
value_length(const char **p, const char *end)
{
	size_t len = 0;

	if (*p < end && **p == '"') {
		const char *quote;

		++*p;
		quote = memchr(*p, '"', (size_t)(end - *p));
		return quote == NULL || memchr(*p, '\\', (size_t)(quote - *p)) != NULL
		           ? 0
		           : (size_t)(quote - *p);
	}
	while (*p + len < end && memchr(" \t\r\n;\"", (*p)[len], 6) == NULL)
		len++;
	return len;
}

/* False: it is no multipart, or its boundary is not understood. */
static bool
find_ending(const char *header, size_t header_len, struct ending *out)
{
	const char *end, *p = content_type(header, header + header_len, &end);
	size_t len;

	if (p == NULL || !begins(p = skip_blanks(p, end), end, MULTIPART))
		return false;
	do
		p = skip_blanks(next_parameter(p, end), end);
	while (p < end && !begins(p, end, PARAMETER));
	if (p >= end)
		return false;
	p += strlen(PARAMETER);
	len = value_length(&p, end);
	if (len == 0 || len > BOUNDARY_MAX || memchr(p, '\n', len) != NULL)
		return false;
	out->len = 0;
	memcpy(out->text, "\n--", 3);
	memcpy(out->text + 3, p, len);
	memcpy(out->text + 3 + len, "--", 2);
	out->len = len + 5;
	return true;
}

/* ---- the body -------------------------------------------------------------------------------- */

/* Does it stand in [from, to) of the file, whose begin counts as a line's? 1, 0, -1 with err. */
static int
holds(int fd, const char *path, const struct ending *ending, uint64_t from, uint64_t to,
    unsigned char *step, struct err *err)
{
	while (from < to) {
		const size_t want = to - from < STEP ? (size_t)(to - from) : STEP;
		const ssize_t n = scan_pread(fd, step, want, from);

		if (n == -1)
			return err_set(err, errno, "read %s", path);
		if (memmem(step, (size_t)n, ending->text, ending->len) != NULL)
			return 1;
		if ((size_t)n < want || want < STEP)
			return 0;
		from += STEP - (ending->len - 1);
	}
	return 0;
}

int
verify_parts_open(int fd, const char *path, const unsigned char *header, size_t header_len,
    uint64_t body, uint64_t end, struct err *err)
{
	struct ending ending;
	unsigned char *step;
	int rc;

	if (header_len == 0 || !find_ending((const char *)header, header_len, &ending))
		return 0;
	if ((step = malloc(STEP)) == NULL)
		return err_set(err, ENOMEM, "verify %s", path);
	/* It is nearly always the last line but a few. */
	rc = holds(fd, path, &ending, end - body > STEP ? end - STEP : body, end, step, err);
	if (rc == 0 && end - body > STEP)
		rc = holds(fd, path, &ending, body, end, step, err);
	free(step);
	return rc == -1 ? -1 : !rc;
}

/* What stands before the first empty line. */
static size_t
header_length(const unsigned char *p, size_t len)
{
	const unsigned char *empty = memmem(p, len, "\n\n", 2), *crlf = memmem(p, len, "\n\r\n", 3);

	if (empty == NULL || (crlf != NULL && crlf < empty))
		empty = crlf;
	return empty == NULL ? len : (size_t)(empty + 1 - p);
}

int
verify_file_parts(const struct verify *v, const char *path, int fd, uint64_t size, struct err *err)
{
	unsigned char *begin = malloc(STEP);
	ssize_t n;
	int open = 0;

	if (begin == NULL)
		return err_set(err, ENOMEM, "verify %s", path);
	if ((n = scan_pread(fd, begin, STEP, 0)) == -1)
		open = err_set(err, errno, "read %s", path);
	else if (n > 0)
		open = verify_parts_open(
		    fd, path, begin, header_length(begin, (size_t)n), 0, size, err);
	free(begin);
	if (open == 1)
		verify_tell(v, FAULT_OPEN_PARTS, path, FAULT_NO_OFFSET,
		    "a message of several parts without the line that ends them");
	return open == -1 ? -1 : 0;
}
