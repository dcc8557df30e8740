/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Limits, in the words of Dovecot's quota rules, since one passwd-file serves both. What is not
 * understood is an error: a limit that is guessed wrong either fills a disk or turns mail away.
 */
#include "quota.h"

#include <errno.h>
#include <libutil.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define SEPARATORS " \t:"

static const struct limit {
	const char *name;
	uint64_t unit; /* of a number without one */
} limits_known[] = {
	{ "storage", 1024 },
	{ "bytes", 1 },
	{ "messages", 1 },
};

/* "k", "kB", "KiB": what it multiplies by, or 0. */
static uint64_t
unit_of(const char *text, size_t len)
{
	static const char units[] = "bkmgt";
	const char *found = strchr(units, *text | 0x20), *more = text + 1;

	if (found == NULL || *found == '\0')
		return 0;
	if (len > 2 && (*more | 0x20) == 'i')
		more++;
	if (len > 1 && (found == units || (*more | 0x20) != 'b' || more + 1 != text + len))
		return 0;
	return UINT64_C(1) << (10 * (found - units));
}

/* Digits and perhaps a unit. Limits are kept below 2^63, as other programs keep them. */
static int
parse_number(uint64_t *out, const char *text, size_t len, uint64_t unit, struct err *err)
{
	uint64_t value = 0;
	size_t digits = 0;

	for (; digits < len && text[digits] >= '0' && text[digits] <= '9'; digits++)
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(text[digits] - '0'), &value))
			return err_set(err, 0, "\"%.*s\" is too large", (int)len, text);
	if (digits < len)
		unit = unit_of(text + digits, len - digits);
	if (digits == 0 || unit == 0)
		return err_set(
		    err, 0, "\"%.*s\" is not a size (100, 100k, 10M, 1G)", (int)len, text);
	if (__builtin_mul_overflow(value, unit, &value) || value > INT64_MAX)
		return err_set(err, 0, "\"%.*s\" is too large", (int)len, text);
	*out = value;
	return 0;
}

static int
parse_limit(struct quota *out, const char *word, size_t len, struct err *err)
{
	const char *equals = memchr(word, '=', len);
	size_t name = equals == NULL ? len : (size_t)(equals - word);

	for (size_t i = 0; equals != NULL && i < sizeof(limits_known) / sizeof(limits_known[0]);
	     i++) {
		const struct limit *limit = &limits_known[i];

		if (strlen(limit->name) == name && memcmp(limit->name, word, name) == 0)
			return parse_number(limit->name[0] == 'm' ? &out->messages : &out->bytes,
			    equals + 1, len - name - 1, limit->unit, err);
	}
	return err_set(
	    err, 0, "\"%.*s\" is no limit (storage=1G, bytes=1G, messages=1000)", (int)len, word);
}

static int
parse_limits(struct quota *out, const char *text, struct err *err)
{
	size_t words = 0, len;

	*out = (struct quota){ 0 };
	for (;; words++, text += len) {
		text += strspn(text, SEPARATORS);
		len = strcspn(text, SEPARATORS);
		if (len == 0)
			break;
		if (parse_limit(out, text, len, err) == -1)
			return -1;
	}
	return words > 0 ? 0 : err_set(err, 0, "says no limit");
}

int
quota_parse(struct quota *out, const char *text, struct err *err)
{
	*out = (struct quota){ 0 };
	return strcmp(text, "none") == 0 ? 0 : parse_limits(out, text, err);
}

int
quota_parse_rule(struct quota *out, const char *rule, struct err *err)
{
	const char *colon = strchr(rule, ':');

	*out = (struct quota){ 0 };
	if (colon == NULL || colon == rule)
		return err_set(err, 0, "\"%s\" is no quota rule (*:storage=1G)", rule);
	if (colon != rule + 1 || (*rule != '*' && *rule != '?'))
		return 0;
	if (strcmp(colon + 1, "ignore") == 0) /* nothing counts, so there is no limit */
		return 1;
	return parse_limits(out, colon + 1, err) == -1 ? -1 : 1;
}

int
quota_parse_size(uint64_t *out, const char *text, struct err *err)
{
	*out = 0;
	return strcmp(text, "unlimited") == 0 ? 0 : parse_number(out, text, strlen(text), 1, err);
}

int
quota_limits(struct quota *out, const char *setting, const char *rule, struct err *err)
{
	int said = rule == NULL ? 0 : quota_parse_rule(out, rule, err);

	return said == 0 ? quota_parse(out, setting, err) : said == 1 ? 0 : -1;
}

bool
quota_limited(const struct quota *limits)
{
	return limits->bytes != 0 || limits->messages != 0;
}

static bool
too_much(uint64_t limit, uint64_t used, uint64_t more)
{
	return limit != 0 && (used > limit || more > limit - used);
}

bool
quota_exceeded(
    const struct quota *limits, const struct quota *used, uint64_t bytes, uint64_t messages)
{
	return too_much(limits->bytes, used->bytes, bytes) ||
	       too_much(limits->messages, used->messages, messages);
}

static unsigned
percent(uint64_t limit, uint64_t used)
{
	if (limit == 0)
		return 0;
	if (used / limit >= UINT_MAX / 100)
		return UINT_MAX;
	/* In two steps, so that nothing overflows: whole limits, then the rest of one. */
	return (
	    unsigned)(used / limit * 100 + (limit > UINT64_MAX / 100 ? used % limit / (limit / 100)
	                                                             : used % limit * 100 / limit));
}

unsigned
quota_percent(const struct quota *limits, const struct quota *used)
{
	unsigned bytes = percent(limits->bytes, used->bytes);
	unsigned messages = percent(limits->messages, used->messages);

	return bytes > messages ? bytes : messages;
}

static void
humanise(char text[8], uint64_t bytes)
{
	if (humanize_number(text, 5, bytes > INT64_MAX ? INT64_MAX : (int64_t)bytes, "",
	        HN_AUTOSCALE, HN_DECIMAL | HN_NOSPACE | HN_B) == -1)
		strlcpy(text, "?", 8);
}

int
quota_describe(struct buf *out, const struct quota *limits, const struct quota *used)
{
	char have[8], may[8];
	const char *between = "";

	if (limits->bytes != 0) {
		humanise(have, used->bytes);
		humanise(may, limits->bytes);
		if (buf_addf(out, "%s of %s", have, may) == -1)
			return -1;
		between = ", ";
	}
	if (limits->messages != 0 &&
	    buf_addf(out, "%s%llu of %llu messages", between, (unsigned long long)used->messages,
	        (unsigned long long)limits->messages) == -1)
		return -1;
	return 0;
}
