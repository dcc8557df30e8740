/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * From the mailbox room's faults to findings. A fault's strings hold what a mailbox's owner chose
 * and go to the terminal as text does.
 */
#include "inspect.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mailpeek.h"
#include "screen.h"

static void
take(void *arg, const struct mailbox_fault *fault)
{
	findings_add(arg, fault->kind, fault->path, fault->offset, fault->text);
}

int
inspect(const struct mailbox *mailbox, uid_t owner, struct findings *out, struct err *err)
{
	int failed = mailbox_verify(mailbox, owner, take, out, err);

	findings_close(out, mailbox->path);
	return failed;
}

void
inspect_print(const struct found *found)
{
	char *line = found_line(findings_kinds, found);

	if (line == NULL)
		speech_no_memory();
	screen_line(line, strlen(line));
	putchar('\n');
	free(line);
}

void
inspect_put(json_t *row, const struct found *found)
{
	const struct found_kind *kind = &findings_kinds[found->which];

	json_put(row, "name", json_string(kind->name));
	json_put(row, "severity", json_string(found_severity(kind->severity)));
	json_put(row, "file", json_text(found->path, strlen(found->path)));
	json_put(row, "offset",
	    found->place == FOUND_WHOLE ? json_null() : json_integer((json_int_t)found->place));
	json_put(row, "text", json_text(found->text, strlen(found->text)));
	json_put(row, "hint", json_string(kind->hint));
}
