/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Outcome -> LMTP reply. The first digit follows from the class alone: whatever is neither
 * delivered nor rejected is 4yz. The other two only tell people and old clients more.
 */
#include "reply.h"

#include <stdlib.h>
#include <string.h>

#include "text.h"

static unsigned
code_of(const struct outcome *outcome)
{
	/* RFC 3463 subject and detail -> the last two digits (RFC 5321 4.2.3). */
	static const struct {
		const char *status; /* without its class */
		unsigned deferred, rejected;
	} codes[] = {
		{ "2.2", 452, 552 }, /* mailbox full */
		{ "2.3", 452, 552 }, /* message too large for this mailbox */
		{ "3.1", 452, 552 }, /* mail system full */
		{ "3.4", 452, 552 }, /* message too large */
		{ "2.1", 450, 550 }, /* mailbox disabled */
		{ "2.0", 450, 550 }, /* mailbox busy */
		{ "5.3", 452, 552 }, /* too many recipients */
		{ "1.3", 451, 553 }, /* bad address */
	};

	if (outcome->class == OUTCOME_DELIVERED)
		return 250;
	if (outcome->reply[0] == outcome->status[0] &&
	    strcmp(outcome->reply, "421") != 0) /* ends the session, for others' mail too */
		return (unsigned)atoi(outcome->reply);
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (strcmp(outcome->status + 2, codes[i].status) == 0)
			return outcome->class == OUTCOME_REJECTED ? codes[i].rejected
			                                          : codes[i].deferred;
	return outcome->class == OUTCOME_REJECTED ? 550 : 451;
}

int
reply_line(struct buf *out, unsigned code, const char *status, const char *text)
{
	size_t start = out->len;

	if (buf_addf(out, "%u %s%s", code, status, *status != '\0' ? " " : "") == -1 ||
	    text_vis(out, text, strlen(text)) == -1)
		return -1;
	if (out->len - start > REPLY_LINE_MAX - 2)
		out->len = start + REPLY_LINE_MAX - 2;
	for (size_t i = start; i < out->len; i++)
		if (out->data[i] >= 127)
			out->data[i] = '?';
	return buf_adds(out, "\r\n");
}

int
reply_add(struct buf *out, const struct outcome *outcome)
{
	return reply_line(out, code_of(outcome), outcome->status, outcome->text);
}
