/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * An address as people read it: a line for each thing there is to know, the messages as a table.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "inspect.h"
#include "screen.h"
#include "trace_block.h"

#define FOLDER_WIDTH 12
#define FROM_WIDTH   24
#define INDENT       3

static void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static void
say(const char *fmt, ...)
{
	char *text;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n == -1)
		speech_no_memory();
	screen_line(text, strlen(text));
	putchar('\n');
	free(text);
}

static void
say_verdict(const struct answer *answer)
{
	struct buf line = BUF_INIT;
	const char *text;

	/* It has been through vis(3), which must not be seen twice. */
	if (answer_line(answer, &line) == -1 || (text = buf_cstr(&line)) == NULL)
		speech_no_memory();
	fputs("  verdict  ", stdout);
	screen_vis_line(text);
	putchar('\n');
	buf_free(&line);
}

static void
say_steps(struct buf *steps)
{
	char *line, *rest = buf_cstr(steps);

	if (rest == NULL)
		speech_no_memory();
	while ((line = strsep(&rest, "\n")) != NULL) {
		if (*line == '\0')
			continue;
		fputs("    ", stdout);
		screen_vis_line(line);
		putchar('\n');
	}
}

static void
say_arrival(const struct peek *peek, const struct arrival *arrival)
{
	const size_t size_width = peek->exact ? 10 : 5;
	const size_t taken = INDENT + 2 + 5 + 2 + FOLDER_WIDTH + 2 +
	                     screen_date_width(peek->exact) + 2 + size_width + 2 + FROM_WIDTH + 2;
	const size_t width = screen_width();

	screen_cell(SCREEN_LEFT, INDENT, 0, " ", 1);
	screen_number(5, arrival->number);
	screen_cell(SCREEN_LEFT, FOLDER_WIDTH, 0, arrival->folder.data, arrival->folder.len);
	screen_date(arrival->received, peek->exact);
	screen_size(size_width, arrival->size, peek->exact);
	screen_cell(SCREEN_LEFT, FROM_WIDTH, FROM_WIDTH, arrival->from.data, arrival->from.len);
	screen_cell(SCREEN_LEFT, 0,
	    width > taken + 12 ? width - taken
	    : width > 0        ? 12
	                       : 0,
	    arrival->subject.data, arrival->subject.len);
	screen_end_row();
}

static void
say_health(const struct sight *sight)
{
	const struct found_list *list = &sight->findings.list;

	if (list->n == 0)
		puts(sight->is_missing ? "  health   missing" : "  health   ok");
	for (size_t i = 0; i < list->n; i++) {
		fputs("  health   ", stdout);
		inspect_print(&list->found[i]);
	}
}

static void
say_mailbox(const struct peek *peek, const struct trace_block *block)
{
	const struct account *account = &block->answer.account;
	const struct sight *sight = &block->sight;

	say("  account  %s (uid %lu, gid %lu)", account->name, (unsigned long)account->uid,
	    (unsigned long)account->gid);
	if (block->mailbox.path == NULL) {
		say("  mailbox  %s", block->trouble.text);
		return;
	}
	say("  mailbox  %s:%s", block->mailbox.format == MAILBOX_MBOX ? "mbox" : "maildir",
	    block->mailbox.path);
	if (sight->newest == NULL) {
		say("  health   %s", block->trouble.text);
		return;
	}
	say_health(sight);
	if (block->trouble.text[0] != '\0')
		return;
	say("  came     %llu message%s for this address in the mailbox",
	    (unsigned long long)sight->came, sight->came == 1 ? "" : "s");
	for (size_t i = 0; i < sight->count; i++)
		say_arrival(peek, &sight->newest[i]);
}

void
trace_say(const struct peek *peek, struct trace_block *block, bool is_first)
{
	const struct answer *answer = &block->answer;

	if (!is_first)
		putchar('\n');
	say("%s", block->name);
	say_steps(&block->steps);
	if (answer->match != NULL && answer->rung != NULL)
		say("  match    %s (%s)", answer->match, answer->rung);
	else if (answer->match != NULL)
		say("  setting  %s", answer->match);
	if (answer->target != NULL)
		say("  target   %s", answer->target);
	say_verdict(answer);
	if (answer->warning != NULL)
		say("  warning  %s", answer->warning);
	if (answer->kind == ANSWER_ACCOUNT)
		say_mailbox(peek, block);
}
