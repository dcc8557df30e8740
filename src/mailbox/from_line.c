/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * "From SENDER Thu Jan  1 00:00:00 1970" and what forty years have made of it: no sender, a
 * sender with blanks, no seconds, a zone before or behind the year, "remote from HOST", the
 * date of a header ("Thu, 1 Jan 1970 00:00:00 +0000"). The date is what tells a From_ line from a
 * sentence, so that is strict: weekday, month, day, time, four digits of year, and nothing
 * unknown behind them.
 */
#include "from_line.h"

#include <stdbool.h>
#include <string.h>

struct cursor {
	const unsigned char *p, *end;
};

static bool
is_blank(unsigned char c)
{
	return c == ' ' || c == '\t';
}

static bool
is_digit(unsigned char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_upper(unsigned char c)
{
	return c >= 'A' && c <= 'Z';
}

/* Pass blanks; true if there was one, or the line is at its end. */
static bool
pass_blanks(struct cursor *c)
{
	const unsigned char *start = c->p;

	while (c->p < c->end && is_blank(*c->p))
		c->p++;
	return c->p > start || c->p == c->end;
}

/* One of the three-letter names packed in `names`: its index, or -1. */
static int
pass_name(struct cursor *c, const char *names)
{
	if (c->end - c->p < 3)
		return -1;
	for (int i = 0; names[3 * i] != '\0'; i++)
		if (memcmp(c->p, names + 3 * i, 3) == 0) {
			c->p += 3;
			return i;
		}
	return -1;
}

/* A number of `least` to `most` digits, or -1. */
static int
pass_number(struct cursor *c, int least, int most)
{
	int value = 0, digits = 0;

	while (c->p < c->end && digits < most && is_digit(*c->p)) {
		value = 10 * value + (*c->p++ - '0');
		digits++;
	}
	return digits < least || (c->p < c->end && is_digit(*c->p)) ? -1 : value;
}

static bool
pass_byte(struct cursor *c, unsigned char byte)
{
	if (c->p == c->end || *c->p != byte)
		return false;
	c->p++;
	return true;
}

/* hh:mm or hh:mm:ss, a leap second allowed */
static bool
pass_time(struct cursor *c, struct from_date *date)
{
	date->second = 0;
	if ((date->hour = pass_number(c, 1, 2)) == -1 || !pass_byte(c, ':') ||
	    (date->minute = pass_number(c, 2, 2)) == -1)
		return false;
	if (pass_byte(c, ':') && (date->second = pass_number(c, 2, 2)) == -1)
		return false;
	return date->hour <= 23 && date->minute <= 59 && date->second <= 60;
}

/* RFC 5322 4.3 gives these names a meaning; every other one is heard of but not understood. */
static void
set_named_zone(struct from_date *date, const unsigned char *name, size_t len)
{
	static const struct {
		char name[4];
		int hours;
	} zones[] = {
		{ "UT", 0 },
		{ "GMT", 0 },
		{ "UTC", 0 },
		{ "Z", 0 },
		{ "EST", -5 },
		{ "EDT", -4 },
		{ "CST", -6 },
		{ "CDT", -5 },
		{ "MST", -7 },
		{ "MDT", -6 },
		{ "PST", -8 },
		{ "PDT", -7 },
	};

	for (size_t i = 0; i < sizeof(zones) / sizeof(zones[0]); i++)
		if (strlen(zones[i].name) == len && memcmp(name, zones[i].name, len) == 0) {
			date->zone = 3600 * zones[i].hours;
		}
}

/* "+0100", or one or two words of capitals ("MET DST"). */
static bool
pass_zone(struct cursor *c, struct from_date *date)
{
	const unsigned char *start = c->p;

	if (c->p < c->end && (*c->p == '+' || *c->p == '-')) {
		int sign = *c->p++ == '-' ? -1 : 1, value = pass_number(c, 4, 4);

		if (value == -1 || value > 2359)
			return false;
		date->zone = sign * (value / 100 * 3600 + value % 100 * 60);
		return true;
	}
	while (c->p < c->end && is_upper(*c->p))
		c->p++;
	if (c->p == start || c->p - start > 5)
		return false;
	set_named_zone(date, start, (size_t)(c->p - start));
	return true;
}

/* What may stand behind the year: blanks, a zone, UUCP's "remote from HOST". */
static bool
is_ending(struct cursor c, struct from_date *date)
{
	static const char remote[] = "remote from ";

	if (!pass_blanks(&c))
		return false;
	if (c.p < c.end && (*c.p == '+' || *c.p == '-' || is_upper(*c.p)))
		if (!pass_zone(&c, date) || !pass_blanks(&c))
			return false;
	return c.p == c.end || ((size_t)(c.end - c.p) > sizeof(remote) - 1 &&
	                           memcmp(c.p, remote, sizeof(remote) - 1) == 0);
}

static bool
pass_day(struct cursor *c, struct from_date *date)
{
	return pass_blanks(c) && (date->day = pass_number(c, 1, 2)) >= 1 && date->day <= 31;
}

static bool
pass_month(struct cursor *c, struct from_date *date)
{
	return pass_blanks(c) &&
	       (date->month = pass_name(c, "JanFebMarAprMayJunJulAugSepOctNovDec")) != -1;
}

static bool
pass_year(struct cursor *c, struct from_date *date)
{
	return (date->year = pass_number(c, 4, 4)) >= 1900;
}

/* ", 1 Jan 1970 00:00:00 +0000" to end of line. */
static bool
parse_header_date(struct cursor c, struct from_date *date)
{
	return pass_byte(&c, ',') && pass_day(&c, date) && pass_month(&c, date) &&
	       pass_blanks(&c) && pass_year(&c, date) && pass_blanks(&c) && pass_time(&c, date) &&
	       is_ending(c, date);
}

/* Weekday to end of line. */
static bool
parse_date(struct cursor c, struct from_date *date)
{
	date->zone = 0;
	if (pass_name(&c, "SunMonTueWedThuFriSat") == -1)
		return false;
	if (c.p < c.end && *c.p == ',')
		return parse_header_date(c, date);
	if (!pass_month(&c, date) || !pass_day(&c, date) || !pass_blanks(&c) ||
	    !pass_time(&c, date) || !pass_blanks(&c))
		return false;
	for (int words = 0; words < 2 && c.p < c.end && !is_digit(*c.p); words++)
		if (!pass_zone(&c, date) || !pass_blanks(&c))
			return false;
	return pass_year(&c, date) && is_ending(c, date);
}

size_t
from_line_parse(const unsigned char *data, size_t len, struct from_date *date)
{
	const unsigned char *newline;
	struct cursor line;
	size_t line_len;

	if (len < 5 || memcmp(data, "From ", 5) != 0)
		return 0;
	if (len > FROM_LINE_MAX)
		len = FROM_LINE_MAX;
	newline = memchr(data, '\n', len);
	if (newline == NULL && len == FROM_LINE_MAX)
		return 0;
	line_len = newline != NULL ? (size_t)(newline - data) + 1 : len;
	line.end = newline != NULL ? newline : data + len;
	if (line.end[-1] == '\r')
		line.end--;
	/* The sender may hold anything, blanks and names of days too: try each. */
	for (line.p = data + 5; line.p < line.end; line.p++)
		if (is_upper(*line.p) && is_blank(line.p[-1]) && parse_date(line, date))
			return line_len;
	return 0;
}

/* timegm(3) without its search for what is known here. Days are counted from a March, so that a
 * leap day is a year's last one. */
time_t
from_date_time(const struct from_date *date)
{
	/* of the months before, from March on */
	static const int days_before[] = { 306, 337, 0, 31, 61, 92, 122, 153, 184, 214, 245, 275 };
	int64_t year = date->year - (date->month < 2), days;

	days = 365 * year + year / 4 - year / 100 + year / 400 + days_before[date->month] +
	       date->day - 1 - 719468;
	return ((days * 24 + date->hour) * 60 + date->minute) * 60 + date->second - date->zone;
}
