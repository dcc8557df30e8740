/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Only Delivered-To tells for whom a message came, which virtmda writes (unless delivered_to = no);
 * its first line in a message is the last delivery's, and all of them are looked at.
 */
#include "sight.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "address.h"
#include "field.h"
#include "inspect.h"
#include "mailbox_scan.h"
#include "mailpeek.h"

struct looking {
	const struct address *address;
	struct sight *sight;
	size_t room;              /* for newest messages */
	const struct buf *folder; /* that is read now */
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
	const unsigned char *p = message->header, *end = field_end(p, message->header_len);
	struct buf value = BUF_INIT;
	struct field field;
	bool found = false;

	while (!found && field_next(&p, end, &field)) {
		if (!field_is(&field, "Delivered-To"))
			continue;
		field_plain(&field, &value);
		found = is_same(address, &value);
	}
	buf_free(&value);
	return found;
}

/* ---- the newest ------------------------------------------------------------------------------ */

/* Newest first; of two with the same date the one found later. */
static int
by_date(const void *left, const void *right)
{
	const struct arrival *a = left, *b = right;

	if (a->received != b->received)
		return a->received < b->received ? 1 : -1;
	return (a->order < b->order) - (a->order > b->order);
}

/* Where one may stand: a free place, or the oldest's if it is older. NULL: it is too old. */
static struct arrival *
place_for(struct looking *l, time_t received)
{
	struct sight *sight = l->sight;
	struct arrival *oldest = &sight->newest[0];

	if (sight->count < l->room)
		return &sight->newest[sight->count++];
	for (size_t i = 1; i < sight->count; i++)
		if (by_date(&sight->newest[i], oldest) > 0)
			oldest = &sight->newest[i];
	if (oldest->received > received)
		return NULL;
	arrival_free(oldest);
	return oldest;
}

static int
take(void *arg, const struct scan_message *message)
{
	struct looking *l = arg;
	struct arrival *place;

	if (!is_for(l->address, message))
		return 0;
	l->sight->came++;
	if ((place = place_for(l, message->received)) == NULL)
		return 0;
	*place = (struct arrival){ .number = message->number,
		.order = l->sight->came,
		.received = message->received,
		.size = message->size };
	if (buf_add(&place->folder, l->folder->data, l->folder->len) == -1)
		speech_no_memory();
	field_get(message->header, message->header_len, "From", &place->from);
	field_get(message->header, message->header_len, "Subject", &place->subject);
	return 0;
}

static int
read_folder(void *arg, const struct mailbox *folder, const char *directory)
{
	struct looking *l = arg;
	struct buf name = BUF_INIT;
	int failed;

	if (mailbox_folder_name(directory, &name) == -1)
		speech_no_memory();
	l->folder = &name;
	failed = mailbox_scan(folder, SCAN_WANT_HEADER, take, l, l->err);
	buf_free(&name);
	return failed;
}

static void
look_for(struct sight *out, const struct mailbox *mailbox, const char *address, size_t newest)
{
	struct looking l = { .sight = out, .room = newest, .err = &out->trouble };
	struct address folded;

	if (address_parse(&folded, address, &out->trouble) == -1)
		return;
	l.address = &folded;
	if (mailbox_folders(mailbox, read_folder, &l, &out->trouble) != -1)
		out->trouble.text[0] = '\0';
	if (out->count > 1)
		qsort(out->newest, out->count, sizeof(*out->newest), by_date);
	address_free(&folded);
}

void
sight_look(struct sight *out, const struct mailbox *mailbox, const char *address, size_t newest)
{
	struct err err;

	memset(out, 0, sizeof(*out));
	if ((out->newest = calloc(newest + 1, sizeof(*out->newest))) == NULL)
		speech_no_memory();
	if (inspect(mailbox, geteuid(), &out->findings, &err) == -1)
		findings_add(&out->findings, FINDING_COULD_NOT_TELL, mailbox->path, FAULT_NO_OFFSET,
		    err.text);
	found_sort(&out->findings.list);
	out->is_missing = access(mailbox->path, F_OK) == -1;
	look_for(out, mailbox, address, newest);
}

void
sight_free(struct sight *sight)
{
	findings_free(&sight->findings);
	for (size_t i = 0; i < sight->count; i++)
		arrival_free(&sight->newest[i]);
	free(sight->newest);
	memset(sight, 0, sizeof(*sight));
}

/* ---- through a pipe -------------------------------------------------------------------------- */

/* Findings stand behind it, then arrivals. */
struct head {
	uint64_t came;
	uint32_t is_missing;
	uint32_t findings_len;
	struct err trouble;
};

void
sight_write(const struct sight *sight, struct buf *out)
{
	struct buf findings = BUF_INIT;
	struct head head;

	/* No byte of it undefined. */
	memset(&head, 0, sizeof(head));
	findings_write(&sight->findings, &findings);
	head.came = sight->came;
	head.is_missing = sight->is_missing;
	head.findings_len = (uint32_t)findings.len;
	head.trouble.num = sight->trouble.num;
	strlcpy(head.trouble.text, sight->trouble.text, sizeof(head.trouble.text));
	if (buf_add(out, &head, sizeof(head)) == -1 ||
	    (findings.len > 0 && buf_add(out, findings.data, findings.len) == -1))
		speech_no_memory();
	for (size_t i = 0; i < sight->count; i++)
		arrival_write(&sight->newest[i], out);
	buf_free(&findings);
}

static int
read_arrivals(struct sight *out, const struct buf *in, size_t at)
{
	int rc;

	if ((out->newest = calloc(SIGHT_NEWEST_MAX, sizeof(*out->newest))) == NULL)
		speech_no_memory();
	while (out->count < SIGHT_NEWEST_MAX &&
	       (rc = arrival_read(&out->newest[out->count], in, &at)) == 1)
		out->count++;
	return at == in->len && out->count <= out->came ? 0 : -1;
}

int
sight_read(struct sight *out, const struct buf *in)
{
	struct head head;
	struct buf findings;

	memset(out, 0, sizeof(*out));
	if (in->len < sizeof(head))
		return -1;
	memcpy(&head, in->data, sizeof(head));
	if (head.findings_len > in->len - sizeof(head) || head.came > INT64_MAX)
		return -1;
	out->came = head.came;
	out->is_missing = head.is_missing != 0;
	out->trouble = head.trouble;
	out->trouble.text[sizeof(out->trouble.text) - 1] = '\0';
	findings = (struct buf){ .data = in->data + sizeof(head), .len = head.findings_len };
	if (findings_read(&out->findings, &findings) == 0 &&
	    read_arrivals(out, in, sizeof(head) + head.findings_len) == 0)
		return 0;
	sight_free(out);
	return -1;
}
