/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * mailpeek show: a message for people: its main headers, its text, a list of what else is in it.
 * Nothing is written, fetched or run, and nothing reaches the terminal raw. Sizes and counts are
 * bounded (outline.h); where something was left out, that is said.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "column.h"
#include "field.h"
#include "json.h"
#include "mailpeek.h"
#include "outline.h"
#include "screen.h"

#define HEADERS_MAX   1000 /* with -a */
#define SECTION_WIDTH 6
#define TYPE_WIDTH    26

struct show {
	const struct peek *peek;
	size_t number;
	struct outline outline;
	struct err *err;
	bool is_found;
};

/* ---- for people ------------------------------------------------------------------------------ */

static void
print_note(const char *note)
{
	screen_style(SCREEN_NOTE);
	screen_string(SCREEN_LEFT, 0, note);
	screen_end_row();
}

static void
print_field(const void *name, size_t name_len, const struct buf *value, bool is_cut)
{
	struct buf label = BUF_INIT;

	if (buf_add(&label, name, name_len) == -1 || buf_addc(&label, ':') == -1)
		speech_no_memory();
	screen_style(SCREEN_UNREAD);
	screen_cell(SCREEN_LEFT, name_len, 0, label.data, label.len);
	screen_style(SCREEN_PLAIN);
	screen_join();
	screen_cell(SCREEN_LEFT, 0, 0, value->data, value->len);
	screen_end_row();
	if (is_cut)
		print_note("[cut here: this header is longer than 16 KiB]");
	buf_free(&label);
}

/* Every header, as it stands there. */
static void
print_all_headers(const struct outline *o)
{
	const unsigned char *p = o->header.data, *end = field_end(p, o->header.len);
	struct buf value = BUF_INIT;
	struct field field;
	size_t count = 0;

	while (field_next(&p, end, &field) && count++ < HEADERS_MAX) {
		field_value(&field, &value);
		print_field(field.name, field.name_len, &value, field_is_cut(&field));
	}
	if (count > HEADERS_MAX)
		print_note("[more headers are not shown]");
	buf_free(&value);
}

static void
print_headers(const struct outline *o)
{
	static const char *const names[] = { "Delivered-To", "Date", "From", "Sender", "Reply-To",
		"To", "Cc", "Subject" };
	struct buf value = BUF_INIT;
	struct field field;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const unsigned char *p = o->header.data;

		if (!field_find(&p, field_end(p, o->header.len), names[i], &field))
			continue;
		field_value(&field, &value);
		print_field(names[i], strlen(names[i]), &value, field_is_cut(&field));
	}
	buf_free(&value);
}

static void
print_text(const struct outline_part *part)
{
	const unsigned char *p = part->text.data, *end = field_end(p, part->text.len);

	if (part->use == OUTLINE_HTML)
		print_note("[HTML only; this is its text]");
	while (p < end) {
		const unsigned char *newline = memchr(p, '\n', (size_t)(end - p));
		const unsigned char *stop = newline != NULL ? newline : end;
		size_t len = (size_t)(stop - p);

		screen_body_line(p, len > 0 && stop[-1] == '\r' ? len - 1 : len);
		p = newline != NULL ? newline + 1 : end;
	}
}

static bool
is_listed(const struct outline_part *part)
{
	return part->use == OUTLINE_OTHER ||
	       (part->use != OUTLINE_FRAME && (part->name.len > 0 || part->is_attachment));
}

static void
print_parts(const struct show *show)
{
	const struct outline *o = &show->outline;
	bool any = false;

	for (size_t i = 0; i < o->count; i++) {
		const struct outline_part *part = &o->parts[i];

		if (!is_listed(part))
			continue;
		if (!any) {
			screen_end_row();
			print_note("Attachments and other parts:");
		}
		any = true;
		screen_string(SCREEN_LEFT, SECTION_WIDTH, part->section);
		screen_string(
		    SCREEN_LEFT, TYPE_WIDTH, part->type[0] != '\0' ? part->type : "type unknown");
		screen_size(show->peek->exact ? 10 : 5, part->size, show->peek->exact);
		screen_cell(SCREEN_LEFT, 0, 0, part->name.data, part->name.len);
		screen_end_row();
	}
}

static void
print_message(const struct show *show)
{
	const struct outline *o = &show->outline;
	bool any = false;

	if (show->peek->all)
		print_all_headers(o);
	else
		print_headers(o);
	if (o->header_is_cut)
		print_note("[of the headers the first 256 KiB were looked at]");
	for (size_t i = 0; i < o->count; i++) {
		if (o->parts[i].use != OUTLINE_TEXT && o->parts[i].use != OUTLINE_HTML)
			continue;
		screen_end_row();
		print_text(&o->parts[i]);
		any = true;
	}
	if (!any) {
		screen_end_row();
		print_note("[no text that can be shown]");
	}
	if (o->text_is_cut)
		print_note("[cut here: the text is longer than 1 MiB]");
	print_parts(show);
	if (o->has_more)
		print_note("[the rest was not looked at: too many parts, or more than 256 MiB]");
}

/* ---- JSON ------------------------------------------------------------------------------------ */

/* *complete: all of them are there, each to its end. */
static json_t *
json_headers(const struct outline *o, bool *complete)
{
	const unsigned char *p = o->header.data, *end = field_end(p, o->header.len);
	json_t *list = json_array();
	struct buf value = BUF_INIT;
	struct field field;

	*complete = !o->header_is_cut;
	for (size_t i = 0; field_next(&p, end, &field); i++) {
		json_t *one;

		if (i == HEADERS_MAX || field_is_cut(&field))
			*complete = false;
		if (i == HEADERS_MAX)
			break;
		one = json_object();
		field_value(&field, &value);
		json_put(one, "name", json_text(field.name, field.name_len));
		json_put(one, "value", json_text(value.data, value.len));
		if (json_array_append_new(list, one) == -1)
			speech_no_memory();
	}
	buf_free(&value);
	return list;
}

static json_t *
json_parts(const struct outline *o)
{
	json_t *list = json_array();

	for (size_t i = 0; i < o->count; i++) {
		const struct outline_part *part = &o->parts[i];
		json_t *one = json_object();

		json_put(one, "section", json_string(part->section));
		json_put(one, "type", json_text(part->type, strlen(part->type)));
		json_put(one, "name", json_text(part->name.data, part->name.len));
		json_put(one, "size", json_integer((json_int_t)part->size));
		json_put(one, "attachment", json_boolean(part->is_attachment));
		if (part->use == OUTLINE_TEXT || part->use == OUTLINE_HTML)
			json_put(one, "text", json_text(part->text.data, part->text.len));
		if (json_array_append_new(list, one) == -1)
			speech_no_memory();
	}
	return list;
}

static void
print_json(const struct show *show, const struct scan_message *message)
{
	const struct outline *o = &show->outline;
	json_t *object = json_object();
	bool headers_complete;

	json_put(object, "number", json_integer((json_int_t)message->number));
	json_put(object, "flags", json_flags(message->flags));
	json_put(object, "date", json_date(message->received));
	json_put(object, "size", json_integer((json_int_t)message->size));
	json_put(object, "headers", json_headers(o, &headers_complete));
	json_put(object, "parts", json_parts(o));
	json_put(
	    object, "complete", json_boolean(headers_complete && !o->has_more && !o->text_is_cut));
	json_print(object, show->peek->nul);
}

/* ---------------------------------------------------------------------------------------------- */

static int
take(void *arg, const struct scan_message *message)
{
	struct show *show = arg;
	int rc;

	if (message->number != show->number)
		return 0;
	rc = outline_read(&show->outline, message, show->err);
	show->is_found = rc == 1;
	if (rc == 1 && show->peek->json)
		print_json(show, message);
	else if (rc == 1)
		print_message(show);
	outline_free(&show->outline);
	return rc == -1 ? -1 : 1;
}

enum status
cmd_show(const struct peek *peek, int argc, char **argv)
{
	struct mailbox mailbox = { 0 };
	struct err err;
	struct show show = { .peek = peek, .err = &err };
	enum status status;

	(void)argc;
	if (peek_number(argv[1], &show.number) == -1)
		return STATUS_USAGE;
	status = peek_enter(peek->settings, argv[0], peek->folder, &mailbox);
	if (status != STATUS_OK)
		return status;
	if (mailbox_scan(&mailbox, 0, take, &show, &err) == -1) {
		status = speech_fail(&err);
	} else if (!show.is_found) {
		speech_complain("no message %zu in the mailbox of %s", show.number, argv[0]);
		status = STATUS_NO_INPUT;
	}
	mailbox_free(&mailbox);
	return status;
}
