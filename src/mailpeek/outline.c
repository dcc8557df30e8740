/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Two passes over a message as it streams past: one for the tree of its parts and their sizes, then
 * one for the text that was chosen. RFC 2046 puts the plainest alternative first, so of several
 * text/plain wins, and HTML is read only where there is nothing else.
 */
#include "outline.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "field.h"
#include "mailpeek.h"

struct reader {
	struct outline *outline;
	struct mime *mime;
	struct decoder *decoder;
	uint64_t bytes;
	size_t text;     /* bytes taken so far */
	struct buf part; /* the one that is being taken */
	size_t limit;    /* of that part */
	bool is_stopped;
};

/* ---- streaming ------------------------------------------------------------------------------- */

static int
sink(void *arg, const void *data, size_t len, struct err *err)
{
	struct reader *r = arg;
	uint64_t left = OUTLINE_BYTES_MAX - r->bytes;
	size_t n = len < left ? len : (size_t)left;

	r->bytes += n;
	if (mime_feed(r->mime, data, n) == 0 && n == len)
		return 0;
	if (n < len)
		r->outline->has_more = true;
	r->is_stopped = true;
	err->num = ECANCELED;
	return -1;
}

/* 1 read to the end or as far as wanted, 0 gone, -1 with err. */
static int
stream(struct reader *r, const struct mime_events *events, const struct scan_message *message,
    struct err *err)
{
	int rc;

	r->bytes = 0;
	r->is_stopped = false;
	r->mime = mime_new(events, r);
	rc = mailbox_message(message, sink, r, err);
	if (rc == -1 && r->is_stopped)
		rc = 1;
	if (rc == 1)
		(void)mime_end(r->mime);
	mime_free(r->mime);
	decoder_free(r->decoder);
	r->decoder = NULL;
	return rc;
}

/* ---- the tree -------------------------------------------------------------------------------- */

static bool
is_multipart(const struct outline_part *part)
{
	return strncmp(part->type, "multipart/", 10) == 0;
}

/* IMAP's numbers (RFC 3501 6.4.5): a message within has its parts numbered under its own. */
static void
number_part(struct outline *o, struct outline_part *part, bool is_first)
{
	struct outline_part *parent = &o->parts[part->parent];

	if (is_first) {
		strlcpy(part->section, is_multipart(part) ? "" : "1", sizeof(part->section));
		return;
	}
	parent->children++;
	if (!is_multipart(parent) && is_multipart(part))
		strlcpy(part->section, parent->section, sizeof(part->section));
	else if (snprintf(part->section, sizeof(part->section), "%s%s%zu", parent->section,
	             parent->section[0] != '\0' ? "." : "",
	             parent->children) >= (int)sizeof(part->section))
		strlcpy(part->section, "...", sizeof(part->section));
}

/* An enclosed message has a subject for a name. */
static void
name_message(struct outline *o, const struct mime_part *part)
{
	struct outline_part *parent = &o->parts[part->parent];

	if (part->number > 0 && !is_multipart(parent) && parent->name.len == 0)
		(void)field_get(part->header, part->header_len, "Subject", &parent->name);
}

/* What fills the whole room is taken for a part of it. */
static void
note_header(struct outline *o, const struct mime_part *part)
{
	peek_add(&o->header, part->header, part->header_len);
	o->header_is_cut = part->header_len >= MIME_HEADER_MAX;
}

static int
note_part(void *arg, const struct mime_part *from)
{
	struct reader *r = arg;
	struct outline *o = r->outline;
	struct outline_part *part;

	if (from->number >= OUTLINE_PARTS_MAX) {
		o->has_more = true;
		return 1;
	}
	if (from->number == 0)
		note_header(o, from);
	part = &o->parts[o->count++];
	part->parent = from->parent;
	strlcpy(part->type, from->content.type, sizeof(part->type));
	part->is_attachment = from->content.is_attachment;
	part->has_parts = from->has_parts;
	part->use = from->has_parts && is_multipart(part) ? OUTLINE_FRAME : OUTLINE_OTHER;
	peek_add(&part->name, from->content.name.data, from->content.name.len);
	number_part(o, part, from->number == 0);
	name_message(o, from);
	decoder_free(r->decoder);
	r->decoder = from->has_parts ? NULL : decoder_new(from->encoding, NULL);
	return 0;
}

static int
count_bytes(void *arg, const void *data, size_t len)
{
	(void)data;
	*(uint64_t *)arg += len;
	return 0;
}

static int
count_data(void *arg, const struct mime_part *from, const void *data, size_t len)
{
	struct reader *r = arg;

	return decoder_feed(
	    r->decoder, data, len, count_bytes, &r->outline->parts[from->number].size);
}

static int
end_part(void *arg, const struct mime_part *from)
{
	struct reader *r = arg;
	struct outline_part *part;

	if (from->number >= r->outline->count)
		return 0;
	part = &r->outline->parts[from->number];
	if (from->has_parts)
		part->size = from->size;
	else if (r->decoder != NULL)
		(void)decoder_end(r->decoder, count_bytes, &part->size);
	return 0;
}

/* ---- what is to be read ---------------------------------------------------------------------- */

/* A leaf that people read; reports of mail systems are written for them too. */
static enum outline_use
use_of(const struct outline_part *part)
{
	static const char *const plain[] = { "text/plain", "text/markdown", "text/rfc822-headers",
		"message/delivery-status", "message/disposition-notification" };

	if (part->has_parts)
		return OUTLINE_FRAME;
	for (size_t i = 0; !part->is_attachment && i < sizeof(plain) / sizeof(plain[0]); i++)
		if (strcmp(part->type, plain[i]) == 0)
			return OUTLINE_TEXT;
	return !part->is_attachment && strcmp(part->type, "text/html") == 0 ? OUTLINE_HTML
	                                                                    : OUTLINE_OTHER;
}

/* The next part of `parent` behind `i`; the count if there is none. */
static size_t
next_child(const struct outline *o, size_t parent, size_t i)
{
	for (i++; i < o->count; i++)
		if (o->parts[i].parent == parent)
			return i;
	return o->count;
}

/* Is there a part of that use in it, its own parts included? */
static bool
holds(const struct outline *o, size_t i, enum outline_use use)
{
	if (!o->parts[i].has_parts)
		return use_of(&o->parts[i]) == use;
	for (size_t child = next_child(o, i, i); child < o->count; child = next_child(o, i, child))
		if (is_multipart(&o->parts[i]) && holds(o, child, use))
			return true;
	return false;
}

static size_t
best_alternative(const struct outline *o, size_t i)
{
	for (enum outline_use use = OUTLINE_TEXT; use <= OUTLINE_HTML; use++)
		for (size_t child = next_child(o, i, i); child < o->count;
		     child = next_child(o, i, child))
			if (holds(o, child, use))
				return child;
	return o->count;
}

static void
choose(struct outline *o, size_t i)
{
	struct outline_part *part = &o->parts[i];
	size_t child = next_child(o, i, i);

	if (!part->has_parts) {
		part->use = use_of(part);
		if (part->use == OUTLINE_HTML && part->size > OUTLINE_HTML_MAX)
			part->use = OUTLINE_OTHER;
		return;
	}
	/* What is enclosed is listed, unless it is all there is. */
	if (!is_multipart(part) && i > 0)
		return;
	if (strcmp(part->type, "multipart/alternative") == 0) {
		if ((child = best_alternative(o, i)) < o->count)
			choose(o, child);
	} else if (strcmp(part->type, "multipart/related") == 0) {
		if (child < o->count)
			choose(o, child);
	} else {
		for (; child < o->count; child = next_child(o, i, child))
			choose(o, child);
	}
}

/* ---- the text -------------------------------------------------------------------------------- */

static int
begin_text(void *arg, const struct mime_part *from)
{
	struct reader *r = arg;
	const struct outline_part *part;

	decoder_free(r->decoder);
	r->decoder = NULL;
	if (from->number >= r->outline->count)
		return 1;
	part = &r->outline->parts[from->number];
	if (part->use == OUTLINE_TEXT || part->use == OUTLINE_HTML)
		r->decoder = decoder_new(from->encoding, from->content.charset);
	buf_clear(&r->part);
	r->limit = OUTLINE_TEXT_MAX - r->text;
	return 0;
}

static int
take(void *arg, const void *data, size_t len)
{
	struct reader *r = arg;
	size_t room = r->limit - r->part.len;

	peek_add(&r->part, data, len < room ? len : room);
	if (len > room)
		r->outline->text_is_cut = true;
	return len > room;
}

static int
take_data(void *arg, const struct mime_part *from, const void *data, size_t len)
{
	struct reader *r = arg;

	(void)from;
	/* What is beyond the limit ends this part only: its end is still to be seen. */
	if (r->decoder != NULL && decoder_feed(r->decoder, data, len, take, r) != 0) {
		decoder_free(r->decoder);
		r->decoder = NULL;
	}
	return 0;
}

static int
end_text(void *arg, const struct mime_part *from)
{
	struct reader *r = arg;
	struct outline_part *part;

	if (from->has_parts || from->number >= r->outline->count)
		return 0;
	part = &r->outline->parts[from->number];
	if (r->decoder != NULL)
		(void)decoder_end(r->decoder, take, r);
	if (part->use == OUTLINE_HTML)
		html_text(&part->text, r->part.data, r->part.len);
	else if (part->use == OUTLINE_TEXT)
		peek_add(&part->text, r->part.data, r->part.len);
	r->text += r->part.len;
	buf_clear(&r->part);
	return 0;
}

/* ---- contracts ------------------------------------------------------------------------------- */

int
outline_read(struct outline *out, const struct scan_message *message, struct err *err)
{
	static const struct mime_events tree = { note_part, count_data, end_part };
	static const struct mime_events texts = { begin_text, take_data, end_text };
	struct reader r = { .outline = out };
	int rc;

	memset(out, 0, sizeof(*out));
	out->parts = calloc(OUTLINE_PARTS_MAX, sizeof(*out->parts));
	if (out->parts == NULL)
		speech_no_memory();
	rc = stream(&r, &tree, message, err);
	if (rc == 1) {
		choose(out, 0);
		rc = stream(&r, &texts, message, err);
	}
	buf_free(&r.part);
	return rc;
}

void
outline_free(struct outline *outline)
{
	for (size_t i = 0; i < outline->count; i++) {
		buf_free(&outline->parts[i].name);
		buf_free(&outline->parts[i].text);
	}
	free(outline->parts);
	buf_free(&outline->header);
	memset(outline, 0, sizeof(*outline));
}
