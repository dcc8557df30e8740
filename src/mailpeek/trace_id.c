/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Which mailboxes hold a message: a crew reads the headers of all of them, folders too. What comes
 * back from there is where, not what: nothing of the message is printed but numbers and a folder.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "arrival.h"
#include "crew.h"
#include "field.h"
#include "json.h"
#include "meter.h"
#include "screen.h"
#include "survey.h"
#include "trace.h"

#define FOLDER_WIDTH 12
#define NUMBER_WIDTH 5

struct search {
	const struct peek *peek;
	const char *id;
	struct survey survey;
	size_t top;       /* rows; 0: all */
	struct buf *hits; /* arrivals, one list for each entry */
};

/* ---- the crew -------------------------------------------------------------------------------- */

struct reading {
	const char *id;
	const struct buf *folder;
	struct buf *report, value;
	struct err *err;
};

static const struct account *
whose(void *arg, size_t i)
{
	const struct search *s = arg;

	return survey_account(&s->survey, i);
}

/* Is this Message-ID's value "<ID>", perhaps with a comment behind it? */
static bool
has_id(struct reading *r, const struct scan_message *message)
{
	const unsigned char *p = message->header, *end = p + message->header_len;
	const size_t len = strlen(r->id);
	struct field field;

	while (field_next(&p, end, &field)) {
		if (!field_is(&field, "Message-ID"))
			continue;
		buf_clear(&r->value);
		field_plain(&field, &r->value);
		if (r->value.len >= len + 2 && r->value.data[0] == '<' &&
		    memcmp(r->value.data + 1, r->id, len) == 0 && r->value.data[len + 1] == '>')
			return true;
	}
	return false;
}

static int
take_message(void *arg, const struct scan_message *message)
{
	struct reading *r = arg;
	const struct arrival hit = { .number = message->number,
		.size = message->size,
		.received = message->received,
		.folder = *r->folder };

	if (has_id(r, message))
		arrival_write(&hit, r->report);
	return 0;
}

static int
read_folder(void *arg, const struct mailbox *folder, const char *directory)
{
	struct reading *r = arg;
	struct buf name = BUF_INIT;
	int failed;

	if (mailbox_folder_name(directory, &name) == -1)
		return err_set(r->err, ENOMEM, "search");
	r->folder = &name;
	failed = mailbox_scan(folder, SCAN_WANT_HEADER, take_message, r, r->err);
	buf_free(&name);
	return failed;
}

static int
work(void *arg, size_t i, struct buf *report, struct err *err)
{
	const struct search *s = arg;
	struct reading r = { .id = s->id, .report = report, .err = err };
	int failed = mailbox_folders(&s->survey.entries[i].mailbox, read_folder, &r, err);

	buf_free(&r.value);
	return failed;
}

static void
done(void *arg, size_t i, const struct buf *report, const struct err *why)
{
	struct search *s = arg;
	struct err err;

	if (report != NULL && arrival_is_list(report)) {
		s->survey.entries[i].state = SURVEY_DONE;
		if (report->len > 0 && buf_add(&s->hits[i], report->data, report->len) == -1)
			speech_no_memory();
		return;
	}
	if (report != NULL) {
		err_set(&err, 0, CREW_NONSENSE);
		why = &err;
	}
	survey_fail(&s->survey.entries[i], why);
}

/* ---- telling --------------------------------------------------------------------------------- */

static void
print_heading(size_t name_width, const struct peek *peek)
{
	screen_style(SCREEN_HEADING);
	screen_string(SCREEN_LEFT, name_width, "ACCOUNT");
	screen_string(SCREEN_LEFT, FOLDER_WIDTH, "FOLDER");
	screen_string(SCREEN_RIGHT, NUMBER_WIDTH, "NR");
	screen_string(SCREEN_LEFT, screen_date_width(peek->exact), "DELIVERED");
	screen_string(SCREEN_RIGHT, peek->exact ? 10 : 5, "SIZE");
	screen_end_row();
}

static void
print_row(const struct peek *peek, const struct survey_entry *entry, size_t name_width,
    const struct arrival *hit)
{
	survey_print_name(name_width, entry);
	screen_cell(SCREEN_LEFT, FOLDER_WIDTH, 0, hit->folder.data, hit->folder.len);
	screen_number(NUMBER_WIDTH, hit->number);
	screen_date(hit->received, peek->exact);
	screen_size(peek->exact ? 10 : 5, hit->size, peek->exact);
	screen_end_row();
}

static void
print_json(const struct peek *peek, const char *account, const struct arrival *hit)
{
	json_t *row = json_object();

	json_put(row, "account", json_text(account, strlen(account)));
	arrival_put(row, hit);
	json_print(row, peek->nul);
}

/* Rows of one account, as many as there is room for; how many. */
static size_t
print_hits(const struct search *s, size_t i, size_t name_width, size_t room)
{
	const struct survey_entry *entry = &s->survey.entries[i];
	struct arrival hit;
	size_t rows = 0, at = 0;

	while (rows < room && arrival_read(&hit, &s->hits[i], &at) == 1) {
		if (s->peek->json)
			print_json(s->peek, entry->account.name, &hit);
		else
			print_row(s->peek, entry, name_width, &hit);
		arrival_free(&hit);
		rows++;
	}
	return rows;
}

static enum status
tell(const struct search *s)
{
	const size_t name_width = survey_name_width(&s->survey, "ACCOUNT");
	size_t rows = 0, found = 0;

	for (size_t i = 0; i < s->survey.count; i++)
		found += s->hits[i].len;
	if (!s->peek->json)
		peek_page(s->peek);
	if (s->peek->nul)
		screen_for_programs();
	else if (found > 0 && !s->peek->json)
		print_heading(name_width, s->peek);
	for (size_t i = 0; i < s->survey.count; i++)
		rows += print_hits(s, i, name_width, s->top > 0 ? s->top - rows : SIZE_MAX);
	if (survey_complain(&s->survey))
		return STATUS_LATER;
	return found > 0 ? STATUS_OK : STATUS_NOTHING;
}

enum status
trace_id(const struct peek *peek, const char *id, size_t top)
{
	struct search s = { .peek = peek, .id = id, .top = top };
	struct crew crew = {
		.min_uid = peek->settings->min_uid,
		.doing = "searching mailboxes",
		.arg = &s,
		.account = whose,
		.work = work,
		.done = done,
	};
	enum status status = survey_accounts(peek->settings, 0, NULL, &s.survey);

	if (status == STATUS_OK) {
		crew.count = s.survey.count;
		s.hits = calloc(crew.count + 1, sizeof(*s.hits));
		if (s.hits == NULL)
			speech_no_memory();
		meter_start("mailpeek");
		crew_run(&crew);
		status = tell(&s);
		for (size_t i = 0; i < crew.count; i++)
			buf_free(&s.hits[i]);
		free(s.hits);
	}
	survey_free(&s.survey);
	return status;
}
