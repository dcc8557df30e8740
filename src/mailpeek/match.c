/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A message judged by search terms. Headers and text are decoded before they are compared, bodies
 * stream past and end where the answer is known. What is searched of a body is its text, in
 * whatever part, and the headers of messages within; not what is attached as data.
 */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "decode.h"
#include "field.h"
#include "fold.h"
#include "mailpeek.h"
#include "mime.h"
#include "query.h"

/* ---- headers --------------------------------------------------------------------------------- */

static bool
match_field(const struct query *query, const unsigned char *header, size_t len)
{
	const unsigned char *p = header, *end = field_end(header, len);
	struct buf value = BUF_INIT;
	struct field field;
	bool found = false;

	while (!found && field_find(&p, end, query->name, &field)) {
		field_value(&field, &value);
		found = fold_contains(&query->needle, value.data, value.len);
	}
	buf_free(&value);
	return found;
}

/* All fields, as "Name: value", at once: a needle has no NUL and is in none of two. */
static bool
match_header(const struct buf *needle, const unsigned char *header, size_t len)
{
	const unsigned char *p = header, *end = field_end(header, len);
	struct buf text = BUF_INIT, value = BUF_INIT;
	struct field field;
	bool found;

	if (buf_reserve(&text, len) == -1)
		speech_no_memory();
	while (field_next(&p, end, &field)) {
		field_value(&field, &value);
		peek_add(&text, field.name, field.name_len);
		peek_add(&text, ": ", 2);
		peek_add(&text, value.data, value.len);
		peek_add(&text, "", 1);
	}
	found = fold_contains(needle, text.data, text.len);
	buf_free(&text);
	buf_free(&value);
	return found;
}

static time_t
sent_date(const struct scan_message *message)
{
	struct buf value = BUF_INIT;
	time_t date = (time_t)-1;

	if (field_get(message->header, message->header_len, "Date", &value) == 1)
		date = decode_date(&value);
	buf_free(&value);
	return date;
}

/* ---- bodies ---------------------------------------------------------------------------------- */

struct body {
	const struct buf *needle;
	struct mime *mime;
	struct decoder *decoder; /* of the text that is passing, or NULL */
	struct fold_search search;
	bool is_found;
};

/* Text, or the reports that mail systems write. */
static bool
is_searched(const char *type)
{
	return strncmp(type, "text/", 5) == 0 || strncmp(type, "message/", 8) == 0;
}

static int
begin(void *arg, const struct mime_part *part)
{
	struct body *body = arg;

	if (part->depth > 0 && match_header(body->needle, part->header, part->header_len))
		return 1;
	if (part->has_parts || !is_searched(part->content.type))
		return 0;
	body->decoder = decoder_new(part->encoding, part->content.charset);
	fold_search_begin(&body->search, body->needle);
	return 0;
}

static int
search(void *arg, const void *data, size_t len)
{
	struct body *body = arg;

	return fold_search_feed(&body->search, data, len);
}

static int
feed(void *arg, const struct mime_part *part, const void *data, size_t len)
{
	struct body *body = arg;

	(void)part;
	return body->decoder == NULL ? 0 : decoder_feed(body->decoder, data, len, search, body);
}

static int
end(void *arg, const struct mime_part *part)
{
	struct body *body = arg;
	int found = 0;

	if (!part->has_parts && body->decoder != NULL) {
		found = decoder_end(body->decoder, search, body);
		decoder_free(body->decoder);
		body->decoder = NULL;
		fold_search_free(&body->search);
	}
	return found;
}

static int
sink(void *arg, const void *data, size_t len, struct err *err)
{
	struct body *body = arg;

	if (mime_feed(body->mime, data, len) == 0)
		return 0;
	body->is_found = true;
	err->num = ECANCELED;
	return -1;
}

static int
match_body(const struct buf *needle, const struct scan_message *message, struct err *err)
{
	static const struct mime_events events = { begin, feed, end };
	struct body body = { .needle = needle };
	int rc;

	if (needle->len == 0)
		return 1;
	body.mime = mime_new(&events, &body);
	rc = mailbox_message(message, sink, &body, err);
	if (rc == 1)
		body.is_found = mime_end(body.mime) != 0;
	if (body.decoder != NULL)
		fold_search_free(&body.search);
	decoder_free(body.decoder);
	mime_free(body.mime);
	return body.is_found ? 1 : rc == -1 ? -1 : 0;
}

/* ---------------------------------------------------------------------------------------------- */

static bool
is_within(const struct query *query, int64_t value)
{
	return value >= query->from && value < query->to;
}

static bool
match_when(const struct query *query, time_t when)
{
	return when != (time_t)-1 && is_within(query, when);
}

/* AND and OR: until the answer is known. */
static int
match_group(const struct query *query, const struct scan_message *message, struct err *err)
{
	int known = query->kind == QUERY_OR, rc = !known;

	for (const struct query *one = query->first; one != NULL && rc == !known; one = one->next)
		rc = query_match(one, message, err);
	return rc;
}

int
query_match(const struct query *query, const struct scan_message *message, struct err *err)
{
	int rc;

	switch (query->kind) {
	case QUERY_ALL:
		return 1;
	case QUERY_FLAG:
		return (message->flags & query->flag) != 0;
	case QUERY_NUMBER:
		return is_within(query, (int64_t)message->number);
	case QUERY_SIZE:
		return is_within(query, (int64_t)message->size);
	case QUERY_DELIVERED:
		return match_when(query, message->received);
	case QUERY_SENT:
		return match_when(query, sent_date(message));
	case QUERY_FIELD:
		return match_field(query, message->header, message->header_len);
	case QUERY_NOT:
		rc = query_match(query->first, message, err);
		return rc == -1 ? -1 : !rc;
	case QUERY_AND:
	case QUERY_OR:
		return match_group(query, message, err);
	case QUERY_TEXT:
		if (match_header(&query->needle, message->header, message->header_len))
			return 1;
		return match_body(&query->needle, message, err);
	case QUERY_BODY:
		return match_body(&query->needle, message, err);
	}
	return -1;
}

unsigned
query_wants(const struct query *query)
{
	unsigned wants = 0;

	if (query->kind == QUERY_FIELD || query->kind == QUERY_SENT || query->kind == QUERY_TEXT)
		wants |= SCAN_WANT_HEADER;
	for (const struct query *one = query->first; one != NULL; one = one->next)
		wants |= query_wants(one);
	return wants;
}
