/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Headers decoded by GMime, which is asked only about values that need it. It reads C strings and
 * allocates as it likes: what is put in is bounded (FIELD_MAX), and so is what comes out.
 */
#include "decode.h"

#include <gmime/gmime.h>
#include <string.h>

#include "mailpeek.h"
#include "text.h"

static bool
has_encoded_word(const unsigned char *p, size_t len)
{
	const unsigned char *start = p, *end = p + len;

	while ((p = memchr(p, '?', (size_t)(end - p))) != NULL)
		if (p++ > start && p[-2] == '=')
			return true;
	return false;
}

bool
decode_is_needed(const struct buf *value)
{
	if (value->len == 0)
		return false;
	return has_encoded_word(value->data, value->len) ||
	       (text_plain(value->data, value->len) < value->len &&
	           !g_utf8_validate_len((const char *)value->data, value->len, NULL));
}

static void
init_gmime(void)
{
	static bool done;

	if (!done)
		g_mime_init();
	done = true;
}

/* The encoded word "=?CHARSET?B?TEXT?=" at p: its TEXT, or NULL. */
static const unsigned char *
base64_text(const unsigned char *p, const unsigned char *end, size_t *len)
{
	const unsigned char *mark = memchr(p + 2, '?', (size_t)(end - p) - 2), *text;

	if (mark == NULL || end - mark < 5 || (mark[1] != 'B' && mark[1] != 'b') || mark[2] != '?')
		return NULL;
	text = mark + 3;
	mark = memchr(text, '?', (size_t)(end - text));
	if (mark == NULL || mark + 1 == end || mark[1] != '=')
		return NULL;
	*len = (size_t)(mark - text);
	return text;
}

static void
add_q(struct buf *out, const unsigned char *text, size_t len)
{
	static const char digits[] = "0123456789ABCDEF";
	gsize n;
	char *copy = g_strndup((const char *)text, len);
	guchar *bytes = g_base64_decode(copy, &n);

	for (gsize i = 0; i < n; i++) {
		const char q[] = { '=', digits[bytes[i] >> 4], digits[bytes[i] & 0xf] };

		peek_add(out, q, sizeof(q));
	}
	g_free(bytes);
	g_free(copy);
}

/* Write words in B encoding as Q. GMime 3.2.8 to 3.2.13 decode words that follow one another as one
 * base64 text, which ends at the first word's padding (jstedfast/gmime issue 133): the rest of the
 * subject would be lost. Words in Q are joined rightly. */
static void
avoid_base64(struct buf *value)
{
	const unsigned char *p = value->data, *end = p + value->len, *word, *text;
	struct buf out = BUF_INIT;
	size_t len;

	for (word = p; (word = memmem(word, (size_t)(end - word), "=?", 2)) != NULL; word += 2) {
		if ((text = base64_text(word, end, &len)) == NULL)
			continue;
		peek_add(&out, p, (size_t)(text - 2 - p));
		peek_add(&out, "q?", 2);
		add_q(&out, text, len);
		p = text + len;
		word = p - 2;
	}
	if (p == value->data)
		return;
	peek_add(&out, p, (size_t)(end - p));
	buf_free(value);
	*value = out;
}

/* What stands between NULs is decoded piece by piece. */
void
decode_header(struct buf *value)
{
	struct buf decoded = BUF_INIT;
	const char *p, *end;

	init_gmime();
	avoid_base64(value);
	if ((p = buf_cstr(value)) == NULL)
		speech_no_memory();
	for (end = p + value->len; p < end; p += strlen(p) + 1) {
		char *piece = g_mime_utils_header_decode_text(NULL, p);

		if (decoded.len > 0)
			peek_add(&decoded, "", 1);
		peek_add(&decoded, piece, strlen(piece));
		g_free(piece);
	}
	buf_free(value);
	*value = decoded;
}

/* ---- parameters ----------------------------------------------------------------------------- */

/* A charset's name is given to the C library, which looks for a converter of that name. */
static bool
is_charset(const char *name)
{
	static const char allowed[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.:+";

	return strlen(name) < DECODE_CHARSET_MAX && strspn(name, allowed) == strlen(name);
}

static void
take_name(const char *name, struct content *out)
{
	buf_clear(&out->name);
	if (name != NULL)
		peek_add(&out->name, name, strlen(name));
}

void
decode_content_type(struct buf *value, struct content *out)
{
	GMimeContentType *type;
	const char *text = buf_cstr(value), *charset, *boundary;
	char *name;

	if (text == NULL)
		speech_no_memory();
	init_gmime();
	out->type[0] = out->charset[0] = out->boundary[0] = '\0';
	out->boundary_len = 0;
	if ((type = g_mime_content_type_parse(NULL, text)) == NULL)
		return;
	name = g_mime_content_type_get_mime_type(type);
	if (name != NULL && strlen(name) < sizeof(out->type))
		for (size_t i = 0; i == 0 || name[i - 1] != '\0'; i++)
			out->type[i] = g_ascii_tolower(name[i]);
	g_free(name);
	charset = g_mime_content_type_get_parameter(type, "charset");
	if (charset != NULL && is_charset(charset))
		strlcpy(out->charset, charset, sizeof(out->charset));
	boundary = g_mime_content_type_get_parameter(type, "boundary");
	if (boundary != NULL && strlen(boundary) <= DECODE_BOUNDARY_MAX) {
		out->boundary_len = strlen(boundary);
		memcpy(out->boundary, boundary, out->boundary_len + 1);
	}
	take_name(g_mime_content_type_get_parameter(type, "name"), out);
	g_object_unref(type);
}

void
decode_disposition(struct buf *value, struct content *out)
{
	GMimeContentDisposition *disposition;
	const char *text = buf_cstr(value), *kind, *name;

	if (text == NULL)
		speech_no_memory();
	init_gmime();
	if ((disposition = g_mime_content_disposition_parse(NULL, text)) == NULL)
		return;
	kind = g_mime_content_disposition_get_disposition(disposition);
	out->is_attachment = kind != NULL && g_ascii_strcasecmp(kind, "attachment") == 0;
	name = g_mime_content_disposition_get_parameter(disposition, "filename");
	if (name != NULL)
		take_name(name, out);
	g_object_unref(disposition);
}

time_t
decode_date(struct buf *value)
{
	const char *text = buf_cstr(value);
	GDateTime *date;
	time_t seconds;

	if (text == NULL)
		speech_no_memory();
	init_gmime();
	if ((date = g_mime_utils_header_decode_date(text)) == NULL)
		return (time_t)-1;
	seconds = (time_t)g_date_time_to_unix(date);
	g_date_time_unref(date);
	return seconds;
}
