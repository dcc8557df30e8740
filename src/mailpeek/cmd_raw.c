/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * mailpeek raw: one message, byte for byte as it was delivered. A terminal is the exception: it
 * would obey what a stranger wrote, so there it gets the lines with what it could obey escaped.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "mailpeek.h"
#include "screen.h"

#define LINE_MAX_HELD 65536 /* bytes; a longer line is shown in pieces */

static int
write_bytes(void *arg, const void *data, size_t len, struct err *err)
{
	(void)arg;
	if (fwrite(data, 1, len, stdout) == len)
		return 0;
	return err_set(err, errno, "standard output");
}

/* ---- terminal -------------------------------------------------------------------------------- */

static void
show_line(struct buf *line)
{
	screen_line(line->data, line->len);
	buf_clear(line);
}

static int
show(void *arg, const void *data, size_t len, struct err *err)
{
	struct buf *line = arg;
	const unsigned char *p = data, *end = p + len;

	while (p < end) {
		const unsigned char *newline = memchr(p, '\n', (size_t)(end - p));
		const unsigned char *stop = newline != NULL ? newline : end;

		if (buf_add(line, p, (size_t)(stop - p)) == -1)
			return err_set(err, ENOMEM, "show the message");
		if (newline != NULL || line->len >= LINE_MAX_HELD)
			show_line(line);
		if (newline != NULL)
			putchar('\n');
		p = newline != NULL ? newline + 1 : end;
	}
	return ferror(stdout) ? err_set(err, EIO, "standard output") : 0;
}

/* ---------------------------------------------------------------------------------------------- */

static enum status
print_raw(const struct mailbox *mailbox, const char *account, size_t number)
{
	bool terminal = screen_is_terminal();
	struct buf line = BUF_INIT;
	enum status status = STATUS_OK;
	struct err err;
	int found;

	found = mailbox_raw(mailbox, number, terminal ? show : write_bytes, &line, &err);
	if (line.len > 0)
		show_line(&line);
	if (found == 0) {
		speech_complain("no message %zu in the mailbox of %s", number, account);
		status = STATUS_NO_INPUT;
	} else if (found == -1) {
		status = ferror(stdout) ? STATUS_IO : speech_fail(&err);
	}
	buf_free(&line);
	return status;
}

enum status
cmd_raw(const struct peek *peek, int argc, char **argv)
{
	struct mailbox mailbox = { 0 };
	enum status status;
	size_t number;

	(void)argc;
	if (peek_number(argv[1], &number) == -1)
		return STATUS_USAGE;
	status = peek_enter(peek->settings, argv[0], peek->folder, &mailbox);
	if (status != STATUS_OK)
		return status;
	status = print_raw(&mailbox, argv[0], number);
	mailbox_free(&mailbox);
	return status;
}
