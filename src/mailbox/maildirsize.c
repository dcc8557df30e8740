/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * maildirsize is written by whoever delivers, reads and expunges, and belongs to the account: it
 * may hold anything. What is not exactly as it should be is worth nothing, since a count can
 * replace it.
 */
#include "maildirsize.h"

#include <stdbool.h>
#include <string.h>

static bool
take_number(const char **p, const char *end, int64_t *out)
{
	bool negative = *p < end && **p == '-';
	const char *start = *p += negative;
	int64_t value = 0;

	for (; *p < end && **p >= '0' && **p <= '9'; (*p)++)
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, **p - '0', &value))
			return false;
	*out = negative ? -value : value;
	return *p > start;
}

/* "1000000S,1000C" in any order; 0 is no limit. */
static bool
take_limits(const char *p, const char *end, struct quota *out)
{
	int64_t value;

	*out = (struct quota){ 0 };
	for (;; p++) {
		if (!take_number(&p, end, &value) || value < 0 || p == end)
			return false;
		if (*p == 'S')
			out->bytes = (uint64_t)value;
		else if (*p == 'C')
			out->messages = (uint64_t)value;
		else
			return false;
		if (++p == end)
			return true;
		if (*p != ',')
			return false;
	}
}

static void
skip_blanks(const char **p, const char *end)
{
	while (*p < end && **p == ' ')
		(*p)++;
}

/* "-2048 -1"; Courier pads with blanks. */
static bool
take_figures(const char *p, const char *end, int64_t *bytes, int64_t *messages)
{
	skip_blanks(&p, end);
	if (!take_number(&p, end, bytes) || p == end || *p != ' ')
		return false;
	skip_blanks(&p, end);
	if (!take_number(&p, end, messages))
		return false;
	skip_blanks(&p, end);
	return p == end;
}

int
maildirsize_parse(const char *text, size_t len, struct maildirsize *out)
{
	const char *end = text + len, *newline = memchr(text, '\n', len);
	int64_t bytes = 0, messages = 0, more_bytes, more_messages;

	*out = (struct maildirsize){ 0 };
	if (len >= MAILDIRSIZE_MAX || newline == NULL || !take_limits(text, newline, &out->limits))
		return 0;
	for (text = newline + 1; text < end; text = newline + 1) {
		newline = memchr(text, '\n', (size_t)(end - text));
		if (newline == NULL || !take_figures(text, newline, &more_bytes, &more_messages) ||
		    __builtin_add_overflow(bytes, more_bytes, &bytes) ||
		    __builtin_add_overflow(messages, more_messages, &messages))
			return 0;
		out->lines++;
	}
	if (out->lines == 0 || bytes < 0 || messages < 0)
		return 0;
	out->used = (struct quota){ .bytes = (uint64_t)bytes, .messages = (uint64_t)messages };
	return 1;
}

int
maildirsize_text(struct buf *out, const struct quota *limits, const struct quota *used)
{
	const char *between = "";

	/* As Dovecot: a zero where there is no limit at all. */
	if (limits->bytes != 0 || limits->messages == 0) {
		if (buf_addf(out, "%lluS", (unsigned long long)limits->bytes) == -1)
			return -1;
		between = ",";
	}
	if (limits->messages != 0 &&
	    buf_addf(out, "%s%lluC", between, (unsigned long long)limits->messages) == -1)
		return -1;
	return buf_addf(out, "\n%llu %llu\n", (unsigned long long)used->bytes,
	    (unsigned long long)used->messages);
}
