/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Lines of a file by pread(2): the descriptor's own position is left alone, so one descriptor
 * serves lookups by index and readings from the start alike.
 */
#include "lines.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define READ_STEP 16384 /* bytes; with what buf adds still far below what malloc maps */

void
lines_init(struct lines *lines, int fd, const char *path)
{
	memset(lines, 0, sizeof(*lines));
	lines->fd = fd;
	lines->path = path;
}

void
lines_free(struct lines *lines)
{
	buf_free(&lines->held);
}

/* Read on behind what is held. 1 more bytes, 0 the end, -1 with err. */
static int
read_on(struct lines *lines, struct err *err)
{
	size_t rest = lines->held.len - lines->used;
	ssize_t n;

	if (rest > LINES_LONGEST)
		return err_set(err, 0, "%s:%zu: line longer than %d bytes", lines->path,
		    lines->number + 1, LINES_LONGEST);
	if (lines->used > 0) {
		memmove(lines->held.data, lines->held.data + lines->used, rest);
		lines->held.len = rest;
		lines->used = 0;
	}
	/* One byte more than is read, for the NUL behind a last line without newline. */
	if (buf_reserve(&lines->held, READ_STEP + 1) == -1)
		return err_set(err, errno, "read %s", lines->path);
	do
		n = pread(lines->fd, lines->held.data + rest, READ_STEP, lines->next + (off_t)rest);
	while (n == -1 && errno == EINTR);
	if (n == -1)
		return err_set(err, errno, "read %s", lines->path);
	lines->held.len += (size_t)n;
	return n > 0;
}

static void
give_out(struct lines *lines, size_t len, bool ended, struct line *out)
{
	out->text = (char *)lines->held.data + lines->used;
	out->len = len;
	out->offset = lines->next;
	out->number = ++lines->number;
	out->ended = ended;
	out->text[len] = '\0';
	lines->used += len + ended;
	lines->next += (off_t)(len + ended);
}

int
lines_next(struct lines *lines, struct line *out, struct err *err)
{
	size_t searched = 0;

	for (;;) {
		size_t rest = lines->held.len - lines->used;
		const unsigned char *start = rest == 0 ? NULL : lines->held.data + lines->used;
		const unsigned char *end =
		    rest == searched ? NULL : memchr(start + searched, '\n', rest - searched);
		int more;

		if (end != NULL) {
			give_out(lines, (size_t)(end - start), true, out);
			return 1;
		}
		searched = rest;
		if ((more = read_on(lines, err)) == -1)
			return -1;
		if (more)
			continue;
		if (rest == 0)
			return 0;
		give_out(lines, rest, false, out);
		return 1;
	}
}
