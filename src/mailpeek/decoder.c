/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A body's bytes through base64 or quoted-printable and from their charset to UTF-8, in pieces of
 * any size with memory of one piece. A byte that its charset has no meaning for must not stop the
 * rest: it comes out as U+FFFD, and the text goes on behind it.
 */
#include <errno.h>
#include <gmime/gmime.h>
#include <iconv.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "decode.h"
#include "mailpeek.h"
#include "text.h"

#define PIECE 16384 /* bytes decoded at a time */
#define HELD  32    /* bytes of a character that may wait for their rest */

enum conversion { AS_IT_IS, GUESS, CONVERT };

struct decoder {
	GMimeEncoding transfer;
	bool is_encoded;
	enum conversion conversion;
	iconv_t converter;
	unsigned char held[HELD]; /* begun, not finished characters */
	size_t nheld;
};

struct outlet {
	decode_sink *sink;
	void *arg;
};

static int
give(const struct outlet *outlet, const void *data, size_t len)
{
	return len == 0 ? 0 : outlet->sink(outlet->arg, data, len);
}

/* ---- charsets -------------------------------------------------------------------------------- */

static void
choose_conversion(struct decoder *d, const char *charset)
{
	static const char *const guessed[] = { "", "utf-8", "utf8", "us-ascii", "ascii",
		"unknown-8bit", "x-unknown" };

	d->conversion = GUESS;
	for (size_t i = 0; i < sizeof(guessed) / sizeof(guessed[0]); i++)
		if (strcasecmp(charset, guessed[i]) == 0)
			return;
	d->converter = iconv_open("UTF-8", g_mime_charset_iconv_name(charset));
	if (d->converter != (iconv_t)-1)
		d->conversion = CONVERT;
}

/* What is UTF-8 stays; another byte is the ISO 8859-1 character of that number. */
static int
guess(const unsigned char *p, size_t len, bool at_end, size_t *used, const struct outlet *outlet)
{
	const unsigned char *start = p, *done = p, *end = p + len;
	int rc = 0;

	while (p < end && rc == 0) {
		unsigned char latin[2];
		unsigned long code;
		size_t n;

		if ((n = bytes_ascii(p, (size_t)(end - p))) > 0) {
			p += n;
			continue;
		}
		if ((n = text_utf8(p, (size_t)(end - p), &code)) > 0) {
			p += n;
			continue;
		}
		if (!at_end && text_utf8_is_begun(p, (size_t)(end - p)))
			break;
		if ((rc = give(outlet, done, (size_t)(p - done))) != 0)
			break;
		latin[0] = (unsigned char)(0xc0 | *p >> 6);
		latin[1] = (unsigned char)(0x80 | (*p & 0x3f));
		rc = give(outlet, latin, 2);
		done = ++p;
	}
	if (rc == 0)
		rc = give(outlet, done, (size_t)(p - done));
	*used = (size_t)(p - start);
	return rc;
}

static int
convert(struct decoder *d, const unsigned char *p, size_t len, bool at_end, size_t *used,
    const struct outlet *outlet)
{
	char out[PIECE], *in = (char *)(uintptr_t)p;
	size_t left = len;
	int rc = 0;

	while (left > 0 && rc == 0) {
		char *o = out;
		size_t room = sizeof(out), n = iconv(d->converter, &in, &left, &o, &room);
		int num = errno;

		if ((rc = give(outlet, out, (size_t)(o - out))) != 0 || n != (size_t)-1)
			continue;
		if (num == EINVAL && !at_end && left < HELD)
			break;
		if (num != E2BIG) {
			/* The state of a stateful charset is kept: what follows may be well. */
			in++;
			left--;
			rc = give(outlet, "\xef\xbf\xbd", 3);
		}
	}
	*used = len - left;
	return rc;
}

static int
translate_some(struct decoder *d, const unsigned char *p, size_t len, bool at_end, size_t *used,
    const struct outlet *outlet)
{
	switch (d->conversion) {
	case GUESS:
		return guess(p, len, at_end, used, outlet);
	case CONVERT:
		return convert(d, p, len, at_end, used, outlet);
	case AS_IT_IS:
		break;
	}
	*used = len;
	return give(outlet, p, len);
}

/* From the charset to UTF-8, the begun character of the piece before in front. */
static int
translate(
    struct decoder *d, const unsigned char *p, size_t len, bool at_end, const struct outlet *outlet)
{
	unsigned char joint[2 * HELD];
	size_t used, taken = len < HELD ? len : HELD, before = d->nheld;
	int rc;

	if (before > 0) {
		memcpy(joint, d->held, before);
		if (taken > 0)
			memcpy(joint + before, p, taken);
		/* Enough for the character's rest, but perhaps not for the one behind it. */
		rc =
		    translate_some(d, joint, before + taken, at_end && taken == len, &used, outlet);
		if (rc != 0)
			return rc;
		if (used < before) { /* still not whole, or the input is at its end */
			d->nheld = before + taken - used;
			memcpy(d->held, joint + used, d->nheld);
			return 0;
		}
		d->nheld = 0;
		p += used - before;
		len -= used - before;
	}
	if (len == 0)
		return 0;
	if ((rc = translate_some(d, p, len, at_end, &used, outlet)) != 0)
		return rc;
	d->nheld = len - used;
	if (d->nheld > 0)
		memcpy(d->held, p + used, d->nheld);
	return 0;
}

/* ---- contracts ------------------------------------------------------------------------------- */

struct decoder *
decoder_new(const char *encoding, const char *charset)
{
	struct decoder *d = calloc(1, sizeof(*d));
	GMimeContentEncoding known;

	if (d == NULL)
		speech_no_memory();
	g_mime_init();
	known = g_mime_content_encoding_from_string(encoding);
	d->is_encoded = known == GMIME_CONTENT_ENCODING_BASE64 ||
	                known == GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE ||
	                known == GMIME_CONTENT_ENCODING_UUENCODE;
	if (d->is_encoded)
		g_mime_encoding_init_decode(&d->transfer, known);
	d->converter = (iconv_t)-1;
	if (charset != NULL)
		choose_conversion(d, charset);
	return d;
}

int
decoder_feed(struct decoder *d, const void *data, size_t len, decode_sink *sink, void *arg)
{
	const struct outlet outlet = { sink, arg };
	const char *p = data;
	char out[PIECE + 64];
	int rc = 0;

	if (!d->is_encoded)
		return translate(d, data, len, false, &outlet);
	/* No decoding gives more bytes than it takes, but for some that waited. */
	while (len > 0 && rc == 0) {
		size_t n = len < PIECE ? len : PIECE;
		size_t got = g_mime_encoding_step(&d->transfer, p, n, out);

		rc = translate(d, (const unsigned char *)out, got, false, &outlet);
		p += n;
		len -= n;
	}
	return rc;
}

int
decoder_end(struct decoder *d, decode_sink *sink, void *arg)
{
	const struct outlet outlet = { sink, arg };
	/* GMime keeps what lacks its padding to itself. */
	const char *padding =
	    d->is_encoded && d->transfer.encoding == GMIME_CONTENT_ENCODING_BASE64 ? "==" : "";
	char out[64];
	size_t n =
	    d->is_encoded ? g_mime_encoding_flush(&d->transfer, padding, strlen(padding), out) : 0;

	return translate(d, (const unsigned char *)out, n, true, &outlet);
}

void
decoder_free(struct decoder *d)
{
	if (d != NULL && d->converter != (iconv_t)-1)
		iconv_close(d->converter);
	free(d);
}
