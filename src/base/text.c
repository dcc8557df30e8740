/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * vis(3) over bytes from outside, one line out. Valid UTF-8 stays readable whatever the
 * locale is: the agent never calls setlocale. C1 controls, line separators, bidirectional
 * overrides and zero-width characters are escaped with the rest: a terminal obeys them.
 */
#include "text.h"

#include <stdlib.h>
#include <string.h>
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

int
text_vis(struct buf *out, const void *data, size_t len)
{
	const unsigned char *p = data;
	unsigned long code = 0;

	for (size_t i = 0; i < len; i++) {
		size_t sequence;

		if (p[i] >= 0x20 && p[i] < 0x7f && p[i] != '\\') {
			if (buf_addc(out, p[i]) == -1)
				return -1;
			continue;
		}
		sequence = text_utf8(p + i, len - i, &code);
		if (sequence != 0 && !is_obeyed(code)) {
			if (buf_add(out, p + i, sequence) == -1)
				return -1;
			i += sequence - 1;
		} else if (add_escaped(out, p[i], i + 1 < len ? p[i + 1] : 0) == -1) {
			return -1;
		}
	}
	return 0;
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
