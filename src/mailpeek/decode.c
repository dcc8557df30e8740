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

/* "=?CHARSET?B?TEXT?=" or with Q, in parts. */
struct word {
	const unsigned char *text; /* behind "B?" */
	size_t len;
	bool is_base64;
};

/* The encoded word that begins at p. */
static bool
word_parse(const unsigned char *p, const unsigned char *end, struct word *out)
{
	const unsigned char *mark = memchr(p + 2, '?', (size_t)(end - p) - 2);

	if (mark == NULL || end - mark < 5 || memchr("BbQq", mark[1], 4) == NULL || mark[2] != '?')
		return false;
	out->is_base64 = (mark[1] | 0x20) == 'b';
	out->text = mark + 3;
	mark = memchr(out->text, '?', (size_t)(end - out->text));
	if (mark == NULL || mark + 1 == end || mark[1] != '=')
		return false;
	out->len = (size_t)(mark - out->text);
	return true;
}

static void
add_escaped(struct buf *out, unsigned byte)
{
	static const char digits[] = "0123456789ABCDEF";
	const char q[] = { '=', digits[byte >> 4 & 0xf], digits[byte & 0xf] };

	peek_add(out, q, sizeof(q));
}

static int
base64_value(unsigned char c)
{
	if (g_ascii_isupper(c))
		return c - 'A';
	if (g_ascii_islower(c))
		return c - 'a' + 26;
	if (g_ascii_isdigit(c))
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Base64 as it is written in headers: padding may be missing, or stand where one text was put
 * behind another; what is no digit is passed over. */
static void
add_base64(struct buf *out, const struct word *word)
{
	unsigned bits = 0, nbits = 0;

	for (size_t i = 0; i < word->len; i++) {
		int value = base64_value(word->text[i]);

		if (word->text[i] == '=')
			nbits = 0;
		if (value == -1)
			continue;
		bits = bits << 6 | (unsigned)value;
		nbits += 6;
		if (nbits < 8)
			continue;
		nbits -= 8;
		add_escaped(out, bits >> nbits);
	}
}

static bool
is_escape(const unsigned char *p, const unsigned char *end)
{
	return end - p > 2 && g_ascii_isxdigit(p[1]) && g_ascii_isxdigit(p[2]);
}

/* A '=' in Q text that no two digits follow stands for itself. */
static void
add_quoted(struct buf *out, const struct word *word)
{
	const unsigned char *p = word->text, *end = p + word->len, *sign;

	while ((sign = memchr(p, '=', (size_t)(end - p))) != NULL) {
		peek_add(out, p, (size_t)(sign - p));
		if (is_escape(sign, end))
			peek_add(out, sign, 1);
		else
			add_escaped(out, '=');
		p = sign + 1;
	}
	peek_add(out, p, (size_t)(end - p));
}

/* Write the text of every encoded word so that GMime reads all of it: in Q, and well-formed. GMime
 * 3.2.8 to 3.2.13 decode words that follow one another as one base64 text, which ends at the first
 * word's padding (jstedfast/gmime issue 133), and drop the end of a word that is not well-formed:
 * the rest of the subject would be lost. Words in Q are joined rightly. */
static void
rewrite_words(struct buf *value)
{
	const unsigned char *p = value->data, *end = p + value->len, *at;
	struct buf out = BUF_INIT;
	struct word word;

	for (at = p; (at = memmem(at, (size_t)(end - at), "=?", 2)) != NULL; at += 2) {
		if (!word_parse(at, end, &word))
			continue;
		peek_add(&out, p, (size_t)(word.text - 2 - p));
		peek_add(&out, "q?", 2);
		if (word.is_base64)
			add_base64(&out, &word);
		else
			add_quoted(&out, &word);
		p = word.text + word.len;
		at = p - 2;
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
	rewrite_words(value);
	if ((p = buf_cstr(value)) == NULL)
		speech_no_memory();
	for (end = p + value->len;; p += strlen(p) + 1) {
		char *piece = g_mime_utils_header_decode_text(NULL, p);

		peek_add(&decoded, piece, strlen(piece));
		g_free(piece);
		if (p + strlen(p) == end)
			break;
		peek_add(&decoded, "", 1);
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

/* "type/subtype", with or without parameters? */
static bool
names_type(const char *text)
{
	text += strspn(text, " \t");
	if (strcspn(text, "/;() \t") == 0)
		return false;
	text += strcspn(text, "/;() \t");
	text += strspn(text, " \t");
	if (*text++ != '/')
		return false;
	text += strspn(text, " \t");
	return *text != '\0' && strchr("/;()", *text) == NULL;
}

static void
take_type(const char *name, struct content *out)
{
	out->type[0] = '\0';
	if (name == NULL || strlen(name) >= sizeof(out->type))
		return;
	for (size_t i = 0; i == 0 || name[i - 1] != '\0'; i++)
		out->type[i] = g_ascii_tolower(name[i]);
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
	out->charset[0] = out->boundary[0] = '\0';
	out->boundary_len = 0;
	if ((type = g_mime_content_type_parse(NULL, text)) == NULL)
		return;
	/* GMime would have it that what names no type is data. */
	if (names_type(text)) {
		name = g_mime_content_type_get_mime_type(type);
		take_type(name, out);
		g_free(name);
	}
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

/* What GMime has no patience with: RFC 5322's leap second, and dots in the time, as some mailers
 * have put there. */
static void
mend_time(struct buf *value)
{
	unsigned char *p = value->data, *end = p + value->len;

	for (; end - p >= 6; p++) {
		if ((p[0] != ':' && p[0] != '.') || p[3] != p[0] || !g_ascii_isdigit(p[1]) ||
		    !g_ascii_isdigit(p[2]) || !g_ascii_isdigit(p[4]) || !g_ascii_isdigit(p[5]))
			continue;
		p[0] = p[3] = ':';
		if (p[4] == '6' && p[5] == '0') {
			p[4] = '5';
			p[5] = '9';
		}
		return;
	}
}

time_t
decode_date(struct buf *value)
{
	const char *text;
	GDateTime *date;
	time_t seconds;

	mend_time(value);
	if ((text = buf_cstr(value)) == NULL)
		speech_no_memory();
	init_gmime();
	if ((date = g_mime_utils_header_decode_date(text)) == NULL)
		return (time_t)-1;
	seconds = (time_t)g_date_time_to_unix(date);
	g_date_time_unref(date);
	return seconds;
}
