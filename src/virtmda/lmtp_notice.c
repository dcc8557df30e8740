/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The values are copied into commands for sendmail later, which refuses a malformed one with 5yz:
 * then the mail could never go on. So they are read as strictly as sendmail reads them.
 */
#include "lmtp_notice.h"

#include <string.h>

#include "text.h"

/* ---- values ---------------------------------------------------------------------------------- */

static bool
is_upper_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F');
}

/* RFC 3461 4: printable ASCII, with '+' and two digits for the rest. */
static bool
is_xtext(const char *value, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (value[i] < '!' || value[i] > '~' || value[i] == '=')
			return false;
		if (value[i] != '+')
			continue;
		if (len - i < 3 || !is_upper_hex(value[i + 1]) || !is_upper_hex(value[i + 2]))
			return false;
	}
	return len > 0;
}

static bool
is_ret(const char *value, size_t len)
{
	return text_is_word("FULL", value, len) || text_is_word("HDRS", value, len);
}

/* NEVER alone, or each of the others at most once. */
static bool
is_notify(const char *value, size_t len)
{
	static const char *const words[] = { "SUCCESS", "FAILURE", "DELAY" };
	unsigned seen = 0;

	if (text_is_word("NEVER", value, len))
		return true;
	for (size_t at = 0, end; at <= len; at = end + 1) {
		const char *comma = memchr(value + at, ',', len - at);
		unsigned word = 0;

		end = comma == NULL ? len : (size_t)(comma - value);
		while (word < 3 && !text_is_word(words[word], value + at, end - at))
			word++;
		if (word == 3 || (seen & 1U << word) != 0)
			return false;
		seen |= 1U << word;
	}
	return true;
}

/* "type;xtext": the type is an atom. */
static bool
is_orcpt(const char *value, size_t len)
{
	const char *semicolon = memchr(value, ';', len);
	size_t type;

	if (semicolon == NULL || semicolon == value)
		return false;
	type = (size_t)(semicolon - value);
	for (size_t i = 0; i < type; i++)
		if (strchr("()<>@,;:\\\".[]+", value[i]) != NULL)
			return false;
	return is_xtext(value, type) && is_xtext(semicolon + 1, len - type - 1);
}

/* ---- taking them ----------------------------------------------------------------------------- */

static void
take(char *out, size_t size, const char *value, size_t len, bool sound)
{
	out[0] = '\0';
	if (!sound || len >= size)
		return;
	memcpy(out, value, len);
	out[len] = '\0';
}

void
lmtp_notice_ret(struct lmtp_notice *notice, const char *value, size_t len)
{
	take(notice->ret, sizeof(notice->ret), value, len, is_ret(value, len));
}

void
lmtp_notice_envid(struct lmtp_notice *notice, const char *value, size_t len)
{
	take(notice->envid, sizeof(notice->envid), value, len, is_xtext(value, len));
}

void
lmtp_notice_notify(struct lmtp_notice *notice, const char *value, size_t len)
{
	take(notice->notify, sizeof(notice->notify), value, len, is_notify(value, len));
}

void
lmtp_notice_orcpt(struct lmtp_notice *notice, const char *value, size_t len)
{
	take(notice->orcpt, sizeof(notice->orcpt), value, len, is_orcpt(value, len));
}

static bool
is_sound(const char *value, size_t size, bool (*is)(const char *value, size_t len))
{
	size_t len = strnlen(value, size);

	return len == 0 || (len < size && is(value, len));
}

bool
lmtp_notice_is_sound(const struct lmtp_notice *notice)
{
	return notice->utf8 <= 1 && is_sound(notice->ret, sizeof(notice->ret), is_ret) &&
	       is_sound(notice->envid, sizeof(notice->envid), is_xtext) &&
	       is_sound(notice->notify, sizeof(notice->notify), is_notify) &&
	       is_sound(notice->orcpt, sizeof(notice->orcpt), is_orcpt);
}
