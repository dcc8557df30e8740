/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a mailbox says of mail for one address: is it sound, and which messages came for it last.
 * Only Delivered-To tells that, which virtmda writes (unless delivered_to = no); its first line in
 * a message is the last delivery's, and all of them are looked at.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "address.h"
#include "field.h"
#include "inspect.h"
#include "screen.h"
#include "trace.h"

#define FOLDER_WIDTH 12

struct arrival {
	size_t number, found; /* found: earlier, of two with the same date */
	time_t received;
	uint64_t size;
	char *folder;
	struct buf from, subject;
};

struct arrivals {
	const struct address *address;
	struct arrival *newest; /* `room` of them, `count` used, in no order */
	size_t count, room, found;
	const char *folder; /* that is read now */
	struct err *err;
};

/* ---- is it for the address? ------------------------------------------------------------------ */

static bool
is_same(const struct address *address, struct buf *value)
{
	struct address other;
	struct err err;
	bool same;

	if (buf_cstr(value) == NULL)
		speech_no_memory();
	if (address_parse(&other, (const char *)value->data, &err) == -1)
		return false;
	same = strcmp(address->local, other.local) == 0 &&
	       (address->domain == NULL) == (other.domain == NULL) &&
	       (address->domain == NULL || strcmp(address->domain, other.domain) == 0);
	address_free(&other);
	return same;
}

static bool
is_for(const struct address *address, const struct scan_message *message)
{
	const unsigned char *p = message->header, *end = p + message->header_len;
	struct buf value = BUF_INIT;
	struct field field;
	bool found = false;

	while (!found && field_next(&p, end, &field)) {
		if (!field_is(&field, "Delivered-To"))
			continue;
		buf_clear(&value);
		field_plain(&field, &value);
		found = is_same(address, &value);
	}
	buf_free(&value);
	return found;
}

/* ---- the newest ------------------------------------------------------------------------------ */

static void
arrival_free(struct arrival *arrival)
{
	free(arrival->folder);
	buf_free(&arrival->from);
	buf_free(&arrival->subject);
}

static int
by_date(const void *left, const void *right)
{
	const struct arrival *a = left, *b = right;

	if (a->received != b->received)
		return a->received < b->received ? 1 : -1;
	return a->found < b->found ? 1 : -1;
}

/* Where one may stand: a free place, or the oldest's if it is older. NULL: it is too old. */
static struct arrival *
place_for(struct arrivals *a, time_t received)
{
	struct arrival *oldest;

	if (a->count < a->room)
		return &a->newest[a->count++];
	oldest = &a->newest[0];
	for (size_t i = 1; i < a->count; i++)
		if (by_date(&a->newest[i], oldest) > 0)
			oldest = &a->newest[i];
	if (oldest->received > received)
		return NULL;
	arrival_free(oldest);
	return oldest;
}

static int
take(void *arg, const struct scan_message *message)
{
	struct arrivals *a = arg;
	struct arrival *place;

	if (!is_for(a->address, message))
		return 0;
	a->found++;
	if ((place = place_for(a, message->received)) == NULL)
		return 0;
	*place = (struct arrival){ .number = message->number,
		.found = a->found,
		.received = message->received,
		.size = message->size,
		.folder = strdup(a->folder) };
	if (place->folder == NULL)
		speech_no_memory();
	field_get(message->header, message->header_len, "From", &place->from);
	field_get(message->header, message->header_len, "Subject", &place->subject);
	return 0;
}

static int
read_folder(void *arg, const struct mailbox *folder, const char *directory)
{
	struct arrivals *a = arg;
	struct buf name = BUF_INIT;
	int failed;

	if (mailbox_folder_name(directory, &name) == -1 || (a->folder = buf_cstr(&name)) == NULL)
		speech_no_memory();
	failed = mailbox_scan(folder, SCAN_WANT_HEADER, take, a, a->err);
	buf_free(&name);
	return failed;
}

/* ---- telling --------------------------------------------------------------------------------- */

static void
print_arrival(const struct peek *peek, const struct arrival *arrival)
{
	const size_t width = screen_width(), taken = 4 + 8 + FOLDER_WIDTH + 2 + 7 + 20 + 24 + 8;

	screen_string(SCREEN_LEFT, 0, "   ");
	screen_number(5, arrival->number);
	screen_string(SCREEN_LEFT, FOLDER_WIDTH, arrival->folder);
	screen_date(arrival->received, peek->exact);
	screen_size(peek->exact ? 10 : 5, arrival->size, peek->exact);
	screen_cell(SCREEN_LEFT, 24, 24, arrival->from.data, arrival->from.len);
	screen_cell(SCREEN_LEFT, 0,
	    width > taken ? width - taken
	    : width > 0   ? 12
	                  : 0,
	    arrival->subject.data, arrival->subject.len);
	screen_end_row();
}

static void
print_arrivals(const struct peek *peek, struct arrivals *a)
{
	printf("  came     %zu message%s for this address in the mailbox\n", a->found,
	    a->found == 1 ? "" : "s");
	if (a->count > 1)
		qsort(a->newest, a->count, sizeof(*a->newest), by_date);
	for (size_t i = 0; i < a->count; i++)
		print_arrival(peek, &a->newest[i]);
}

static void
print_health(const struct mailbox *mailbox)
{
	struct findings findings = { 0 };
	struct err err;

	if (inspect(mailbox, geteuid(), &findings, &err) == -1)
		findings_add(
		    &findings, FINDING_COULD_NOT_TELL, mailbox->path, FAULT_NO_OFFSET, err.text);
	found_sort(&findings.list);
	if (findings.list.n == 0)
		puts(access(mailbox->path, F_OK) == 0 ? "  health   ok" : "  health   missing");
	for (size_t i = 0; i < findings.list.n; i++) {
		fputs("  health   ", stdout);
		inspect_print(&findings.list.found[i]);
	}
	findings_free(&findings);
}

enum status
trace_mailbox(
    const struct peek *peek, const struct mailbox *mailbox, const char *address, size_t newest)
{
	struct err err;
	struct address folded;
	struct arrivals a = { .address = &folded, .room = newest, .err = &err };
	enum status status = STATUS_OK;

	print_health(mailbox);
	if (address_parse(&folded, address, &err) == -1)
		return speech_fail(&err);
	if ((a.newest = calloc(newest, sizeof(*a.newest))) == NULL)
		speech_no_memory();
	if (mailbox_folders(mailbox, read_folder, &a, &err) == -1)
		status = speech_fail(&err);
	else
		print_arrivals(peek, &a);
	if (status == STATUS_OK && a.found == 0)
		status = STATUS_NOTHING;
	for (size_t i = 0; i < a.count; i++)
		arrival_free(&a.newest[i]);
	free(a.newest);
	address_free(&folded);
	return status;
}
