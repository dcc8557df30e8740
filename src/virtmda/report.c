/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A worker's report. Worker and parent are one program, so its layout is the same on both sides;
 * its contents are the account's word and no more.
 */
#include "report.h"

#include <string.h>

void
report_init(struct report *report)
{
	memset(report, 0, sizeof(*report)); /* padding too: it crosses a socket */
	outcome_init(&report->outcome);
}

void
report_note(struct report *report, const struct message *message)
{
	struct buf id = BUF_INIT;

	report->size = message_size(message);
	/* Without one, or without memory for it, it stays empty. */
	if (message_header(message, "Message-Id", &id) == 1 && buf_cstr(&id) != NULL)
		strlcpy(report->message_id, buf_cstr(&id), sizeof(report->message_id));
	buf_free(&id);
}

void
report_check(struct report *report)
{
	struct outcome *outcome = &report->outcome;
	struct outcome claimed = *outcome;

	claimed.status[sizeof(claimed.status) - 1] = '\0';
	claimed.text[sizeof(claimed.text) - 1] = '\0';
	/* Setting it anew checks that status and class agree. "No such user" is the map's to say,
	 * never the account's. */
	if (claimed.class == OUTCOME_DELIVERED)
		outcome_deliver(outcome, claimed.status, "%s", claimed.text);
	else if (claimed.class == OUTCOME_REJECTED)
		outcome_reject(outcome, claimed.status, "%s", claimed.text);
	else
		outcome_defer(outcome, claimed.status, "%s", claimed.text);
	if (report->finding > REPORT_FORWARD || outcome->class == OUTCOME_DELIVERED)
		report->finding = REPORT_NOTHING;
	report->receipt.note[sizeof(report->receipt.note) - 1] = '\0';
	report->receipt.name[sizeof(report->receipt.name) - 1] = '\0';
	report->receipt.folder[sizeof(report->receipt.folder) - 1] = '\0';
	report->message_id[sizeof(report->message_id) - 1] = '\0';
}
