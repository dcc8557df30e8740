/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Looking at a spooled message anywhere, as if it all lay in memory, through a window of bounded
 * size. Since any byte can be looked at, nobody else has to know where one read ended and the next
 * began. Private to the message room.
 */
#ifndef MESSAGE_VIEW_H
#define MESSAGE_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "message.h"

#define VIEW_WINDOW     65536 /* bytes looked at in one go when the message is in a file */
#define VIEW_WINDOW_MIN 8     /* view_at's largest `want` */

struct message {
	unsigned char *data; /* all of it, or NULL when it is in the file */
	int fd;              /* unlinked file, or -1 */
	bool borrowed;       /* it is the caller's to close */
	size_t window;       /* bytes; VIEW_WINDOW but in tests */
	uint64_t size;
};

/* message_read with other limits: tests move the boundaries over every byte of a small message. */
int message_read_limited(struct message **out, int fd, const char *spool_dir, size_t in_memory,
    size_t window, struct err *err);

struct view {
	const struct message *message;
	unsigned char *window; /* NULL until something was read from the file */
	uint64_t start;        /* where in the message the window begins */
	size_t len;
};

void view_open(struct view *view, const struct message *message);
void view_close(struct view *view);

/* The bytes at `offset`: at least `want` of them, or all there are to the message's end; *avail
 * says how many. NULL with errno when they cannot be read. Good until the next call. */
const unsigned char *view_at(struct view *view, uint64_t offset, size_t want, size_t *avail);

/* Questions about the line that begins at `offset`. 1 yes, 0 no, -1 with errno. */
int view_is_empty_line(struct view *view, uint64_t offset);  /* "\n" or "\r\n" */
int view_is_from_line(struct view *view, uint64_t offset);   /* "From " */
int view_is_quoted_from(struct view *view, uint64_t offset); /* ">*From " */
int view_is_continuation(struct view *view, uint64_t offset);

/* Where the next line begins (or the message's end). 0, or -1 with errno. */
int view_next_line(struct view *view, uint64_t offset, uint64_t *next);

#define FIELD_NAME_MAX 127 /* bytes of a name that are kept for comparing */

struct field {
	char name[FIELD_NAME_MAX + 1]; /* as written; "" when it is longer than that */
	uint64_t value;                /* offset behind the colon */
};

/* Is the line at `offset` a header field (RFC 5322 2.2; blanks before the colon, 4.5.8, too)? 1
 * with *field, 0, -1 with errno. */
int view_is_field(struct view *view, uint64_t offset, struct field *field);

/* Where the header block begins: behind a leading From_ line, which is nobody's header. */
int view_header_start(struct view *view, uint64_t *offset);

#endif
