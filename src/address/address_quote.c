/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A local part as SMTP wants it written. sendmail hands local parts over without their
 * quotes; before one goes out again it must be one word for every parser on the way, or
 * `root,x` becomes two recipients. Control characters cannot be written at all (RFC 5321
 * has no quoted form for them) and are refused, line ends above all.
 */
#include "address.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistr.h>

/* RFC 5322 3.2.3 atext, and RFC 6531 3.3: any UTF-8 beyond ASCII. */
static int
is_atext(unsigned char c)
{
	return c >= 0x80 || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
	       (c >= 'a' && c <= 'z') || (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

static int
is_dot_atom(const char *local)
{
	char before = '.';

	for (const char *p = local; *p != '\0'; before = *p++)
		if (*p == '.' ? before == '.' : !is_atext((unsigned char)*p))
			return 0;
	return before != '.' && u8_check((const uint8_t *)local, strlen(local)) == NULL;
}

static int
is_control(unsigned char c)
{
	return c < 0x20 || c == 0x7f;
}

char *
address_quote_local(const char *local)
{
	char *quoted, *to;

	if (is_dot_atom(local))
		return strdup(local);
	if ((quoted = malloc(2 * strlen(local) + 3)) == NULL)
		return NULL;
	to = quoted;
	*to++ = '"';
	for (const char *p = local; *p != '\0'; p++) {
		if (is_control((unsigned char)*p)) {
			free(quoted);
			errno = EINVAL;
			return NULL;
		}
		if (*p == '"' || *p == '\\')
			*to++ = '\\';
		*to++ = *p;
	}
	*to++ = '"';
	*to = '\0';
	return quoted;
}
