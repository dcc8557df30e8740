/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Dates as rows show them, in the zone of whoever looks.
 */
#include <string.h>
#include <time.h>

#include "screen.h"

size_t
screen_date_width(bool exact)
{
	return exact ? strlen("1970-01-01T00:00:00+0000") : strlen("1970-01-01 00:00");
}

void
screen_date_text(time_t time, bool exact, char out[SCREEN_DATE_MAX])
{
	struct tm tm;

	if (time == (time_t)-1 || localtime_r(&time, &tm) == NULL ||
	    strftime(out, SCREEN_DATE_MAX, exact ? "%Y-%m-%dT%H:%M:%S%z" : "%Y-%m-%d %H:%M", &tm) ==
	        0)
		strlcpy(out, "-", SCREEN_DATE_MAX);
}
