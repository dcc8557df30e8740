/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a message is made of: its header, its parts, and which of them are the text that a person
 * reads. However large and whatever it says of itself, this stays small.
 */
#ifndef MAILPEEK_OUTLINE_H
#define MAILPEEK_OUTLINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "decode.h"
#include "mailbox_scan.h"
#include "mime.h"

#define OUTLINE_PARTS_MAX   1000
#define OUTLINE_BYTES_MAX   (256ULL * 1024 * 1024) /* of a message that are looked at */
#define OUTLINE_TEXT_MAX    ((size_t)1024 * 1024)  /* bytes of text in all */
#define OUTLINE_HTML_MAX    ((size_t)256 * 1024)   /* a larger HTML part is not shown as text */
#define OUTLINE_SECTION_MAX 64

enum outline_use {
	OUTLINE_OTHER, /* to be listed */
	OUTLINE_TEXT,  /* to be read */
	OUTLINE_HTML,  /* to be read, without its tags */
	OUTLINE_FRAME  /* a multipart: only its parts count */
};

struct outline_part {
	size_t parent;
	char section[OUTLINE_SECTION_MAX]; /* as IMAP numbers it: "1.2" */
	char type[DECODE_TYPE_MAX];
	bool is_attachment, has_parts;
	size_t children;
	struct buf name; /* the file's, or the subject of an enclosed message */
	uint64_t size;   /* decoded; of what has parts, as it stands there */
	enum outline_use use;
	struct buf text; /* of what is to be read: UTF-8, without tags, not yet safe to print */
};

struct outline {
	struct buf header; /* the message's own, or its begin: */
	bool header_is_cut;
	struct outline_part *parts;
	size_t count;
	bool has_more;    /* parts or bytes behind those that were looked at */
	bool text_is_cut; /* there is more text than OUTLINE_TEXT_MAX */
};

/* Read the message within a callback of mailbox_scan. 1 with *out, 0 the message is gone, -1 with
 * err. outline_free in any case. */
int outline_read(struct outline *out, const struct scan_message *message, struct err *err);
void outline_free(struct outline *outline);

/* ---- html.c --------------------------------------------------------------------------------- */

/* The text of a piece of HTML: tags, comments, scripts and styles left out, entities replaced. */
void html_text(struct buf *out, const void *html, size_t len);

#endif
