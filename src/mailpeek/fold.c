/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Folding as RFC 5051 (i;unicode-casemap) has it, which IMAP's SEARCH uses: title case, then
 * decomposed. Lower case is taken here, it is as good for comparing; decomposition is the
 * compatible one. ASCII, most of what there is, needs no table.
 */
#include "fold.h"

#include <glib.h>
#include <string.h>

#include "bytes.h"
#include "mailpeek.h"
#include "text.h"

#define DECOMPOSED_MAX 18 /* code points that one can become (Unicode's longest) */

static void
add_folded(struct buf *out, gunichar c)
{
	gunichar parts[DECOMPOSED_MAX];
	gsize n = g_unichar_fully_decompose(c, TRUE, parts, DECOMPOSED_MAX);

	for (gsize i = 0; i < n && i < DECOMPOSED_MAX; i++) {
		char bytes[6];
		gint len = g_unichar_to_utf8(g_unichar_tolower(g_unichar_toupper(parts[i])), bytes);

		peek_add(out, bytes, (size_t)len);
	}
}

static void
add_ascii(struct buf *out, const unsigned char *p, size_t len)
{
	if (buf_reserve(out, len) == -1)
		speech_no_memory();
	bytes_lower(out->data + out->len, p, len);
	out->len += len;
}

/* Folds up to a character that is not whole: its bytes, 0 if there is none. */
static size_t
fold_whole(struct buf *out, const unsigned char *p, size_t len)
{
	const unsigned char *end = p + len;

	if (buf_reserve(out, len) == -1)
		speech_no_memory();
	while (p < end) {
		size_t n = bytes_ascii(p, (size_t)(end - p));
		unsigned long code;

		if (n > 0)
			add_ascii(out, p, n);
		if ((p += n) == end)
			break;
		if ((n = text_utf8(p, (size_t)(end - p), &code)) > 0) {
			add_folded(out, (gunichar)code);
			p += n;
		} else if (text_utf8_is_begun(p, (size_t)(end - p))) {
			return (size_t)(end - p);
		} else {
			peek_add(out, p++, 1);
		}
	}
	return 0;
}

void
fold_add(struct buf *out, const void *text, size_t len)
{
	size_t rest = len == 0 ? 0 : fold_whole(out, text, len);

	if (rest > 0)
		peek_add(out, (const unsigned char *)text + len - rest, rest);
}

void
fold_search_begin(struct fold_search *s, const struct buf *needle)
{
	memset(s, 0, sizeof(*s));
	s->needle = needle;
	s->is_found = needle->len == 0;
}

/* Look in the window, and keep the end of it in which a needle may have begun. */
static void
look(struct fold_search *s)
{
	size_t keep = s->needle->len - 1;

	if (s->window.len == 0)
		return;
	s->is_found = bytes_find(s->window.data, s->window.data + s->window.len, s->needle->data,
	                  s->needle->len) != NULL;
	if (s->window.len > keep) {
		memmove(s->window.data, s->window.data + s->window.len - keep, keep);
		s->window.len = keep;
	}
}

bool
fold_search_feed(struct fold_search *s, const void *text, size_t len)
{
	const unsigned char *p = text;

	if (s->is_found)
		return true;
	/* A character that was cut is joined byte by byte. */
	while (s->nbegun > 0 && len > 0) {
		s->begun[s->nbegun++] = *p++;
		len--;
		if (!text_utf8_is_begun(s->begun, s->nbegun)) {
			fold_add(&s->window, s->begun, s->nbegun);
			s->nbegun = 0;
		}
	}
	if (len > 0) {
		s->nbegun = fold_whole(&s->window, p, len);
		memcpy(s->begun, p + len - s->nbegun, s->nbegun);
	}
	look(s);
	return s->is_found;
}

void
fold_search_free(struct fold_search *s)
{
	buf_free(&s->window);
}

bool
fold_contains(const struct buf *needle, const void *text, size_t len)
{
	struct fold_search search;
	bool found;

	fold_search_begin(&search, needle);
	found = fold_search_feed(&search, text, len);
	fold_search_free(&search);
	return found;
}
