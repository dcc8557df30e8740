/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * sendmail's replies judged. A permanent one counts as that only where it is about the mail.
 */
#include "ruling.h"

#include <stdbool.h>
#include <string.h>

/* Refused for good, but for a reason that lies with this host: the commands (RFC 5321 4.2.2), the
 * right to speak at all, the system's state (not X.3.4, a message too large, nor X.3.0, which is
 * said of anything). */
static bool
is_about_us(const struct smtp_reply *reply)
{
	static const int codes[] = { 500, 501, 502, 503, 504, 521, 530, 534, 535, 538 };

	if (strncmp(reply->status, "5.5.", 4) == 0)
		return true;
	if (strncmp(reply->status, "5.3.", 4) == 0)
		return strcmp(reply->status, "5.3.4") != 0 && strcmp(reply->status, "5.3.0") != 0;
	for (size_t i = 0; reply->status[0] == '\0' && i < sizeof(codes) / sizeof(codes[0]); i++)
		if (reply->code == codes[i])
			return true;
	return false;
}

enum ruling
ruling_of(const struct smtp_reply *reply)
{
	if (reply->code / 100 == 2)
		return RULING_TAKEN;
	return reply->code / 100 == 5 && !is_about_us(reply) ? RULING_REFUSED : RULING_LATER;
}

void
ruling_defer(struct outcome *outcome, const struct smtp_reply *reply)
{
	outcome_defer(outcome, reply->status[0] == '4' ? reply->status : "4.3.0", "sendmail: %s",
	    reply->text);
}

void
ruling_reject(struct outcome *outcome, const struct smtp_reply *reply)
{
	outcome_reject(
	    outcome, reply->status[0] == '5' ? reply->status : "5.0.0", "%s", reply->text);
}

void
ruling_accept(struct outcome *outcome, const struct smtp_reply *reply)
{
	const char *words = reply->text + strlen("250");

	if (reply->status[0] != '\0')
		words += 1 + strlen(reply->status);
	outcome_deliver(outcome, "2.0.0", "%s", words + strspn(words, " "));
}

void
ruling_refuse(struct outcome *outcome, const struct smtp_reply *reply)
{
	if (ruling_of(reply) == RULING_REFUSED)
		ruling_reject(outcome, reply);
	else
		ruling_defer(outcome, reply);
}
