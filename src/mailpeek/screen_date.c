/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Dates as rows show them, in the zone of whoever looks.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "screen.h"

size_t
screen_date_width(bool exact)
{
	return exact ? strlen("1970-01-01T00:00:00+0000") : strlen("1970-01-01 00:00");
}

/* `digits` of them, the number's last ones. */
static char *
put(char *p, int number, int digits, char behind)
{
	for (int i = digits; i-- > 0; number /= 10)
		p[i] = (char)('0' + number % 10);
	p[digits] = behind;
	return p + digits + 1;
}

/* What strftime(3) would make of "%Y-%m-%dT%H:%M:%S%z" or "%Y-%m-%d %H:%M" for a year of four
 * digits, at a tenth of the price: there is a date in every row. */
static void
put_date(char *p, const struct tm *tm, bool exact)
{
	long east = tm->tm_gmtoff / 60;

	p = put(p, tm->tm_year + 1900, 4, '-');
	p = put(p, tm->tm_mon + 1, 2, '-');
	p = put(p, tm->tm_mday, 2, exact ? 'T' : ' ');
	p = put(p, tm->tm_hour, 2, ':');
	p = put(p, tm->tm_min, 2, exact ? ':' : '\0');
	if (!exact)
		return;
	p = put(p, tm->tm_sec, 2, tm->tm_gmtoff < 0 ? '-' : '+');
	put(p, (int)(labs(east) / 60 * 100 + labs(east) % 60), 4, '\0');
}

void
screen_date_text(time_t time, bool exact, char out[SCREEN_DATE_MAX])
{
	struct tm tm;

	if (time == (time_t)-1 || localtime_r(&time, &tm) == NULL)
		strlcpy(out, "-", SCREEN_DATE_MAX);
	else if (tm.tm_year >= 1000 - 1900 && tm.tm_year <= 9999 - 1900)
		put_date(out, &tm, exact);
	else if (strftime(out, SCREEN_DATE_MAX, exact ? "%Y-%m-%dT%H:%M:%S%z" : "%Y-%m-%d %H:%M",
	             &tm) == 0)
		strlcpy(out, "-", SCREEN_DATE_MAX);
}
