/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The From_ line that begins a message in an mbox. The date is UTC, as RFC 4155 (application/mbox)
 * has it; the sender is one word, since readers find the date by the first blank behind it.
 */
#include "message.h"

#include <stdio.h>

/* Days since 1970-01-01 as a date of the Gregorian calendar. Reckoned here because glibc's gmtime_r
 * reads /etc/localtime first: five system calls a delivery for a zone that is not wanted. Years are
 * counted from March, so that the leap day is a year's last. */
static void
civil(int64_t days, int64_t *year, unsigned *month, unsigned *day)
{
	int64_t era, from_era = days + 719468; /* since 0000-03-01 */
	unsigned doe, yoe, doy, march;

	era = (from_era >= 0 ? from_era : from_era - 146096) / 146097;
	doe = (unsigned)(from_era - era * 146097);
	yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	march = (5 * doy + 2) / 153;
	*day = doy - (153 * march + 2) / 5 + 1;
	*month = march < 10 ? march + 2 : march - 10; /* from 0 */
	*year = (int64_t)yoe + era * 400 + (*month < 2);
}

static int
add_date(struct buf *out, time_t date)
{
	static const char weekdays[][4] = { "Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed" };
	static const char months[][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug",
		"Sep", "Oct", "Nov", "Dec" };
	int64_t days = (int64_t)date / 86400, seconds = (int64_t)date % 86400, year;
	unsigned month, day;

	if (seconds < 0) {
		seconds += 86400;
		days--;
	}
	civil(days, &year, &month, &day);
	return buf_addf(out, "%s %s %2u %02d:%02d:%02d %04lld", weekdays[(days % 7 + 7) % 7],
	    months[month], day, (int)(seconds / 3600), (int)(seconds / 60 % 60),
	    (int)(seconds % 60), (long long)year);
}

int
message_from_line(struct buf *out, const char *sender, time_t date)
{
	size_t start = out->len;

	if (buf_adds(out, "From ") == -1 ||
	    buf_adds(out, sender[0] != '\0' ? sender : "MAILER-DAEMON") == -1)
		goto failed;
	/* Blanks become hyphens, as in qmail's From_ lines. */
	for (size_t i = start + 5; i < out->len; i++) {
		if (out->data[i] <= ' ' || out->data[i] == 127)
			out->data[i] = '-';
	}
	if (buf_addc(out, ' ') == -1 || add_date(out, date) == -1)
		goto failed;
	return 0;
failed:
	out->len = start;
	return -1;
}
