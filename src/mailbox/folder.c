/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * From an address's detail, which anybody on the net may choose, to the name of a Maildir++ folder:
 * a dot, and what IMAP servers would call that mailbox in modified UTF-7. Only what such a server
 * lists and opens again is taken. What remains cannot leave the Maildir: no slash, no second dot
 * beside the first, nothing that is not printable ASCII.
 */
#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "buf.h"
#include "mailbox.h"
#include "text.h"

#define PARTS_MAX 16 /* as deep as Dovecot goes */

/* ---- characters ---------------------------------------------------------------------- */

/* The next character: its length in bytes, or 0 for bytes that are none. */
static size_t
take_character(const unsigned char *p, size_t len, unsigned long *character)
{
	*character = *p;
	return *p < 0x80 ? 1 : text_utf8(p, len, character);
}

/* Controls of ASCII and Latin-1, line and paragraph separators, and no characters at all. */
static bool
is_unfit(unsigned long c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029 ||
	       (c & 0xfffe) == 0xfffe || (c >= 0xfdd0 && c <= 0xfdef);
}

/* ---- modified UTF-7 (RFC 3501 5.1.3) --------------------------------------------------- */

struct utf7 {
	struct buf out;
	uint32_t bits; /* not yet written, the lowest `nbits` of it */
	unsigned nbits;
	bool shifted;
};

static int
add_sextet(struct utf7 *u, uint32_t value)
{
	static const char digits[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";

	return buf_addc(&u->out, (unsigned char)digits[value & 0x3f]);
}

static int
add_unit(struct utf7 *u, uint32_t unit)
{
	u->bits = u->bits << 16 | unit;
	u->nbits += 16;
	while (u->nbits >= 6) {
		u->nbits -= 6;
		if (add_sextet(u, u->bits >> u->nbits) == -1)
			return -1;
	}
	return 0;
}

static int
shift_back(struct utf7 *u)
{
	if (!u->shifted)
		return 0;
	if (u->nbits > 0 && add_sextet(u, u->bits << (6 - u->nbits)) == -1)
		return -1;
	u->shifted = false;
	u->bits = u->nbits = 0;
	return buf_addc(&u->out, '-');
}

static int
add_character(struct utf7 *u, uint32_t c)
{
	if (c < 0x80) {
		if (shift_back(u) == -1 || buf_addc(&u->out, (unsigned char)c) == -1)
			return -1;
		return c == '&' ? buf_addc(&u->out, '-') : 0;
	}
	if (!u->shifted && buf_addc(&u->out, '&') == -1)
		return -1;
	u->shifted = true;
	if (c < 0x10000)
		return add_unit(u, c);
	c -= 0x10000;
	return add_unit(u, 0xd800 | c >> 10) == -1 ? -1 : add_unit(u, 0xdc00 | (c & 0x3ff));
}

/* ---- the name ------------------------------------------------------------------------ */

/* 1 encoded, 0 it can be no name, -1 with errno. */
static int
encode(struct utf7 *u, const char *detail)
{
	const unsigned char *p = (const unsigned char *)detail;
	size_t left = strlen(detail), taken, parts = 1;
	unsigned long c, before = '.';

	for (; left > 0; p += taken, left -= taken) {
		taken = take_character(p, left, &c);
		if (taken == 0 || is_unfit(c) || c == '/' || (c == '.' && before == '.'))
			return 0;
		parts += c == '.';
		before = c;
		if (add_character(u, (uint32_t)c) == -1)
			return -1;
	}
	if (before == '.' || parts > PARTS_MAX)
		return 0;
	return shift_back(u) == -1 ? -1 : u->out.len <= NAME_MAX;
}

int
mailbox_choose_folder(struct mailbox *mailbox, const char *detail, struct err *err)
{
	struct utf7 u = { .out = BUF_INIT };
	int named;

	if (mailbox->format != MAILBOX_MAILDIR || detail == NULL || *detail == '~' ||
	    strcasecmp(detail, "inbox") == 0)
		return 0;
	named = buf_addc(&u.out, '.') == -1 ? -1 : encode(&u, detail);
	if (named == 1) {
		/* IMAP's one name without case (RFC 3501 5.1), and what is below it. */
		if (strncasecmp(detail, "inbox.", 6) == 0)
			memcpy(u.out.data + 1, "INBOX", 5);
		free(mailbox->folder);
		mailbox->folder = buf_steal(&u.out);
		named = mailbox->folder == NULL ? -1 : 1;
	}
	buf_free(&u.out);
	return named == -1 ? err_set(err, ENOMEM, "folder of %s", mailbox->path) : 0;
}
