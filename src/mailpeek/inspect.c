/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * From the mailbox room's faults to findings. A fault's strings hold what a mailbox's owner chose
 * and go to the terminal as text does.
 */
#include "inspect.h"

#include <inttypes.h>
#include <stdio.h>
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
inspect_print(const struct finding *finding)
{
	struct buf line = BUF_INIT;
	char offset[32] = "";

	if (finding->offset != FAULT_NO_OFFSET)
		snprintf(offset, sizeof(offset), ":%" PRIu64, finding->offset);
	if (buf_addf(&line, "%s%s: %s: %s [%s]", finding->path, offset,
	        findings_severity_name(findings_severity(finding->which)), finding->text,
	        findings_name(finding->which)) == -1)
		speech_no_memory();
	screen_line(line.data, line.len);
	putchar('\n');
	buf_free(&line);
}
