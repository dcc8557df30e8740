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
