/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A window on a spooled message. Deciding about a line ("is it a From_ line?") looks ahead as far
 * as it needs to, whatever the window's edge cuts; a message that lies in memory is never copied.
 */
#include "view.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void
view_open(struct view *view, const struct message *message)
{
	*view = (struct view){ .message = message };
}

void
view_close(struct view *view)
{
	free(view->window);
}

/* Move the window so that it begins at `offset`. */
static int
view_load(struct view *view, uint64_t offset)
{
	const struct message *message = view->message;
	size_t wanted = message->window;

	if (view->window == NULL && (view->window = malloc(message->window)) == NULL)
		return -1;
	if (wanted > message->size - offset)
		wanted = (size_t)(message->size - offset);
	view->start = offset;
	view->len = 0;
	while (view->len < wanted) {
		ssize_t n = pread(message->fd, view->window + view->len, wanted - view->len,
		    (off_t)(offset + view->len));

		if (n == -1 && errno == EINTR)
			continue;
		if (n == 0) /* nobody else can shorten an unlinked file */
			errno = EIO;
		if (n <= 0)
			return -1;
		view->len += (size_t)n;
	}
	return 0;
}

const unsigned char *
view_at(struct view *view, uint64_t offset, size_t want, size_t *avail)
{
	const struct message *message = view->message;
	uint64_t left = message->size - offset;

	if (message->fd == -1) {
		*avail = (size_t)left;
		return message->data + offset;
	}
	if (want > left)
		want = (size_t)left;
	if (offset < view->start || offset + want > view->start + view->len ||
	    offset >= view->start + view->len) {
		if (view_load(view, offset) == -1)
			return NULL;
	}
	*avail = view->len - (size_t)(offset - view->start);
	return view->window + (offset - view->start);
}

static int
begins_with(struct view *view, uint64_t offset, const char *word, size_t len)
{
	size_t avail;
	const unsigned char *p = view_at(view, offset, len, &avail);

	if (p == NULL)
		return -1;
	return avail >= len && memcmp(p, word, len) == 0;
}

int
view_is_empty_line(struct view *view, uint64_t offset)
{
	int empty = begins_with(view, offset, "\n", 1);

	return empty != 0 ? empty : begins_with(view, offset, "\r\n", 2);
}

int
view_is_from_line(struct view *view, uint64_t offset)
{
	return begins_with(view, offset, "From ", 5);
}

int
view_is_quoted_from(struct view *view, uint64_t offset)
{
	for (;;) {
		size_t avail, n = 0;
		const unsigned char *p = view_at(view, offset, 1, &avail);

		if (p == NULL)
			return -1;
		while (n < avail && p[n] == '>')
			n++;
		offset += n;
		if (n < avail)
			return p[n] == 'F' ? view_is_from_line(view, offset) : 0;
		if (offset == view->message->size)
			return 0;
	}
}

int
view_is_continuation(struct view *view, uint64_t offset)
{
	size_t avail;
	const unsigned char *p = view_at(view, offset, 1, &avail);

	if (p == NULL)
		return -1;
	return avail > 0 && (p[0] == ' ' || p[0] == '\t');
}

int
view_next_line(struct view *view, uint64_t offset, uint64_t *next)
{
	while (offset < view->message->size) {
		size_t avail;
		const unsigned char *newline, *p = view_at(view, offset, 1, &avail);

		if (p == NULL)
			return -1;
		newline = memchr(p, '\n', avail);
		if (newline != NULL) {
			*next = offset + (uint64_t)(newline - p) + 1;
			return 0;
		}
		offset += avail;
	}
	*next = offset;
	return 0;
}

enum name_state { NAME, BLANKS, COLON, NO_FIELD };

/* RFC 5322 2.2: a name is printable ASCII without the colon. */
static enum name_state
name_step(enum name_state state, unsigned char c)
{
	if (c == ':')
		return COLON;
	if (c == ' ' || c == '\t')
		return BLANKS;
	return state == NAME && c > ' ' && c < 127 ? NAME : NO_FIELD;
}

int
view_is_field(struct view *view, uint64_t offset, struct field *field)
{
	enum name_state state = NAME;
	uint64_t at = offset;
	size_t len = 0;

	while (at < view->message->size) {
		size_t avail;
		const unsigned char *p = view_at(view, at, 1, &avail);

		if (p == NULL)
			return -1;
		for (size_t i = 0; i < avail; i++, at++) {
			state = name_step(state, p[i]);
			if (state == NAME && len <= FIELD_NAME_MAX)
				field->name[len++] = (char)p[i];
			if (state == NO_FIELD || len == 0)
				return 0;
			if (state == COLON) {
				field->name[len <= FIELD_NAME_MAX ? len : 0] = '\0';
				field->value = at + 1;
				return 1;
			}
		}
	}
	return 0;
}

int
view_header_start(struct view *view, uint64_t *offset)
{
	int from;

	*offset = 0;
	from = view_is_from_line(view, 0);
	return from == 1 ? view_next_line(view, 0, offset) : from;
}
