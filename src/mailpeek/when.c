/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Points in time as people type them, in local time; days are the calendar's, so one may last
 * 23 or 25 hours.
 */
#include <stdlib.h>
#include <string.h>

#include "query.h"

#define AGO_MAX 1000000000LL /* of whatever unit */

static bool
read_ago(const char *text, time_t now, time_t *begin, time_t *end)
{
	static const struct {
		const char *name;
		long long seconds;
	} units[] = {
		{ "s", 1 },
		{ "sec", 1 },
		{ "secs", 1 },
		{ "min", 60 },
		{ "mins", 60 },
		{ "h", 3600 },
		{ "hour", 3600 },
		{ "hours", 3600 },
		{ "d", 86400 },
		{ "day", 86400 },
		{ "days", 86400 },
		{ "w", 604800 },
		{ "week", 604800 },
		{ "weeks", 604800 },
	};
	char *unit;
	long long n;

	if (text[0] < '0' || text[0] > '9')
		return false;
	n = strtoll(text, &unit, 10);
	for (size_t i = 0; n <= AGO_MAX && i < sizeof(units) / sizeof(units[0]); i++)
		if (strcasecmp(unit, units[i].name) == 0) {
			*begin = now - n * units[i].seconds;
			*end = *begin + 1;
			return true;
		}
	return false;
}

/* Midnight of the day that many days after the one of `tm`. */
static time_t
midnight(const struct tm *tm, int days)
{
	struct tm day = { .tm_year = tm->tm_year,
		.tm_mon = tm->tm_mon,
		.tm_mday = tm->tm_mday + days,
		.tm_isdst = -1 };

	return mktime(&day);
}

static bool
read_word(const char *text, time_t now, time_t *begin, time_t *end)
{
	struct tm tm;
	int back = strcasecmp(text, "yesterday") == 0 ? 1 : strcasecmp(text, "today") == 0 ? 0 : -1;

	if (back == -1 || localtime_r(&now, &tm) == NULL)
		return false;
	*begin = midnight(&tm, -back);
	*end = midnight(&tm, 1 - back);
	return true;
}

static bool
read_seconds(const char *text, time_t *begin, time_t *end)
{
	const char *why;
	long long n;

	if (text[0] != '@' || text[1] < '0' || text[1] > '9')
		return false;
	n = strtonum(text + 1, 0, INT64_MAX / 2, &why);
	*begin = (time_t)n;
	*end = *begin + 1;
	return why == NULL;
}

static bool
read_date(const char *text, time_t *begin, time_t *end)
{
	static const struct {
		const char *format;
		int seconds; /* 0: a day */
	} forms[] = {
		{ "%Y-%m-%d", 0 },
		{ "%d-%b-%Y", 0 },
		{ "%Y-%m-%dT%H:%M", 60 },
		{ "%Y-%m-%d %H:%M", 60 },
		{ "%Y-%m-%dT%H:%M:%S", 1 },
		{ "%Y-%m-%d %H:%M:%S", 1 },
	};

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		struct tm tm = { 0 }, back;
		const char *rest = strptime(text, forms[i].format, &tm);
		int day = tm.tm_mday;

		if (rest == NULL || *rest != '\0')
			continue;
		tm.tm_isdst = -1;
		*begin = mktime(&tm);
		*end = forms[i].seconds == 0 ? midnight(&tm, 1) : *begin + forms[i].seconds;
		/* The 30th of February is none. */
		return localtime_r(begin, &back) != NULL && back.tm_mday == day;
	}
	return false;
}

bool
when_parse(const char *text, time_t now, time_t *begin, time_t *end)
{
	return read_word(text, now, begin, end) || read_seconds(text, begin, end) ||
	       read_date(text, begin, end) || read_ago(text, now, begin, end);
}
