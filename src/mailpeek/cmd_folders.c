/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * mailpeek folders: a row for the inbox and every Maildir++ folder, under the names that people
 * know, and what they hold together.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "json.h"
#include "mailpeek.h"
#include "screen.h"

#define NAME_WIDTH  24
#define COUNT_WIDTH 8

struct folders {
	const struct peek *peek;
	size_t size_width, rows;
	struct mailbox_summary total;
	struct err *err;
};

static void
print_counts(const struct folders *f, const struct mailbox_summary *sum)
{
	screen_number(COUNT_WIDTH, sum->messages);
	screen_number(COUNT_WIDTH, sum->unread);
	screen_size(f->size_width, sum->bytes, f->peek->exact);
	screen_date(sum->newest, f->peek->exact);
}

static void
print_heading(const struct folders *f)
{
	screen_style(SCREEN_HEADING);
	screen_string(SCREEN_LEFT, NAME_WIDTH, "FOLDER");
	screen_string(SCREEN_RIGHT, COUNT_WIDTH, "MESSAGES");
	screen_string(SCREEN_RIGHT, COUNT_WIDTH, "UNREAD");
	screen_string(SCREEN_RIGHT, f->size_width, "SIZE");
	screen_string(SCREEN_LEFT, 0, "NEWEST");
	screen_end_row();
}

static void
print_json(const struct folders *f, const struct buf *name, const char *directory,
    const struct mailbox_summary *sum)
{
	json_t *row = json_object();

	json_put(row, "folder", json_text(name->data, name->len));
	json_put(row, "directory", json_text(directory, strlen(directory)));
	json_put(row, "messages", json_integer((json_int_t)sum->messages));
	json_put(row, "unread", json_integer((json_int_t)sum->unread));
	json_put(row, "size", json_integer((json_int_t)sum->bytes));
	json_put(row, "newest", json_date(sum->newest));
	json_print(row, f->peek->nul);
}

static void
print_row(struct folders *f, const struct buf *name, const struct mailbox_summary *sum)
{
	if (f->rows == 0 && !f->peek->nul)
		print_heading(f);
	if (sum->unread > 0)
		screen_style(SCREEN_UNREAD);
	screen_cell(SCREEN_LEFT, NAME_WIDTH, 0, name->data, name->len);
	print_counts(f, sum);
	screen_end_row();
}

static int
take(void *arg, const struct mailbox *folder, const char *directory)
{
	struct folders *f = arg;
	struct mailbox_summary sum;
	struct buf name = BUF_INIT;

	if (mailbox_summarise(folder, geteuid(), &sum, f->err) == -1)
		return -1;
	if (sum.health == MAILBOX_OTHER_FORMAT ||
	    (sum.health != MAILBOX_MISSING && !mailbox_was_counted(sum.health))) {
		err_set(f->err, 0, "%s: %s", folder->path, mailbox_health_text(sum.health));
		f->err->num = sum.health == MAILBOX_UNREADABLE ? EACCES : EINVAL;
		return -1;
	}
	if (mailbox_folder_name(directory, &name) == -1)
		speech_no_memory();
	if (f->peek->json)
		print_json(f, &name, directory, &sum);
	else
		print_row(f, &name, &sum);
	buf_free(&name);
	f->rows++;
	f->total.messages += sum.messages;
	f->total.unread += sum.unread;
	f->total.bytes += sum.bytes;
	if (sum.newest > f->total.newest)
		f->total.newest = sum.newest;
	return 0;
}

enum status
cmd_folders(const struct peek *peek, int argc, char **argv)
{
	struct err err;
	struct folders f = { .peek = peek, .total = { .newest = (time_t)-1 }, .err = &err };
	struct mailbox mailbox = { 0 };
	enum status status = peek_enter(peek->settings, argv[0], NULL, &mailbox);

	(void)argc;
	if (status != STATUS_OK)
		return status;
	f.size_width = peek->exact ? 12 : 6;
	if (peek->nul)
		screen_for_programs();
	if (mailbox_folders(&mailbox, take, &f, &err) == -1)
		status = speech_fail(&err);
	if (f.rows > 1 && !peek->json && !peek->nul) {
		screen_string(SCREEN_LEFT, NAME_WIDTH, "total");
		print_counts(&f, &f.total);
		screen_end_row();
	}
	mailbox_free(&mailbox);
	return status;
}
