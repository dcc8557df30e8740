/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * vis(3) over bytes from outside, one line out. Valid UTF-8 stays readable whatever the
 * locale is: the agent never calls setlocale. C1 controls, line separators, bidirectional
 * overrides and zero-width characters are escaped with the rest: a terminal obeys them.
 */
#include "text.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <vis.h>

#define VIS_STYLE (VIS_CSTYLE | VIS_TAB | VIS_NL)

size_t
text_utf8(const unsigned char *p, size_t len, unsigned long *code)
{
	static const struct {
		unsigned char mask, lead;
		unsigned char len;
		unsigned long least;
	} forms[] = {
		{ 0xe0, 0xc0, 2, 0x80 },
		{ 0xf0, 0xe0, 3, 0x800 },
		{ 0xf8, 0xf0, 4, 0x10000 },
	};

	for (size_t f = 0; f < sizeof(forms) / sizeof(forms[0]); f++) {
		if ((p[0] & forms[f].mask) != forms[f].lead || len < forms[f].len)
			continue;
		*code = p[0] & ~(unsigned)forms[f].mask & 0xff;
		for (size_t i = 1; i < forms[f].len; i++) {
			if ((p[i] & 0xc0) != 0x80)
				return 0;
			*code = *code << 6 | (p[i] & 0x3f);
		}
		if (*code < forms[f].least || *code > 0x10ffff ||
		    (*code >= 0xd800 && *code <= 0xdfff))
			return 0;
		return forms[f].len;
	}
	return 0;
}

bool
text_utf8_is_begun(const unsigned char *p, size_t len)
{
	size_t need = p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : p[0] < 0xf5 ? 4 : 0;

	for (size_t i = 1; i < len; i++)
		if ((p[i] & 0xc0) != 0x80)
			return false;
	return len < need;
}

/* Code points that move the cursor, turn the writing around or hide: Unicode's Cc above ASCII,
 * line separators, bidirectional controls (UAX #9), zero-width and tag characters. */
static int
is_obeyed(unsigned long code)
{
	static const struct {
		unsigned long first, last;
	} ranges[] = {
		{ 0x80, 0x9f },
		{ 0xad, 0xad },
		{ 0x61c, 0x61c },
		{ 0x200b, 0x200f },
		{ 0x2028, 0x202e },
		{ 0x2060, 0x206f },
		{ 0xfeff, 0xfeff },
		{ 0xfff0, 0xfffb },
		{ 0xe0000, 0xe0fff },
	};

	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
		if (code >= ranges[i].first && code <= ranges[i].last)
			return 1;
	return 0;
}

static int
add_escaped(struct buf *out, unsigned char byte, unsigned char next)
{
	char escaped[8];

	/* vis(3) reads single bytes by the locale: a caller that has set one must not change the
	 * answer. */
	if (byte >= 0x80)
		return buf_addf(out, "\\%03o", byte);
	vis(escaped, byte, VIS_STYLE, next);
	return buf_adds(out, escaped);
}

#define EACH_BYTE UINT64_C(0x0101010101010101)
#define EACH_HIGH (EACH_BYTE << 7)

static uint64_t
has_zero(uint64_t word)
{
	return (word - EACH_BYTE) & ~word & EACH_HIGH;
}

/* Is one of eight bytes below a blank, above a tilde, or a backslash? */
static bool
is_odd(uint64_t word)
{
	return ((word | ((word - EACH_BYTE * 0x20) & ~word)) & EACH_HIGH) != 0 ||
	       has_zero(word ^ EACH_BYTE * 0x7f) != 0 || has_zero(word ^ EACH_BYTE * '\\') != 0;
}

size_t
text_plain(const void *data, size_t len)
{
	const unsigned char *p = data;
	size_t i = 0;
	uint64_t word;

	for (; len - i >= sizeof(word); i += sizeof(word)) {
		memcpy(&word, p + i, sizeof(word));
		if (is_odd(word))
			break;
	}
	while (i < len && p[i] >= 0x20 && p[i] < 0x7f && p[i] != '\\')
		i++;
	return i;
}

int
text_vis(struct buf *out, const void *data, size_t len)
{
	const unsigned char *p = data;
	unsigned long code = 0;
	size_t n;
	int rc = 0;

	for (; len > 0 && rc == 0; p += n, len -= n) {
		if ((n = text_plain(p, len)) > 0 ||
		    ((n = text_utf8(p, len, &code)) > 0 && !is_obeyed(code))) {
			rc = buf_add(out, p, n);
		} else {
			rc = add_escaped(out, p[0], len > 1 ? p[1] : 0);
			n = 1;
		}
	}
	return rc;
}

int
text_vis_between(struct buf *out, const char *before, const char *string, const char *behind)
{
	return buf_adds(out, before) == -1 || text_vis(out, string, strlen(string)) == -1 ||
	               buf_adds(out, behind) == -1
	           ? -1
	           : 0;
}

char *
text_vis_dup(const char *string)
{
	struct buf out = BUF_INIT;
	char *dup = NULL;

	if (text_vis(&out, string, strlen(string)) == 0)
		dup = buf_steal(&out);
	buf_free(&out);
	return dup;
}

bool
text_is_word(const char *word, const char *text, size_t len)
{
	return strlen(word) == len && strncasecmp(word, text, len) == 0;
}
