/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Taking an envelope recipient apart. sendmail has stripped the quotes, so the local part
 * may hold anything: blanks, quotes, '@', bytes that are no UTF-8, a leading '-' or '/'.
 * Only what can be no address at all is refused; everything else is a key and nothing but a
 * key.
 */
#include "address.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int
holds_control(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)s[i] < 0x20 || s[i] == 0x7f)
			return 1;
	return 0;
}

/* The plus before the detail: the first one behind the first byte. NULL if there is none. */
static const char *
find_plus(const char *local, size_t len)
{
	return len > 1 ? memchr(local + 1, '+', len - 1) : NULL;
}

/* Copy `len` bytes and a NUL to *at, move *at behind them. Returns the copy. */
static char *
place(char **at, const char *bytes, size_t len)
{
	char *copy = *at;

	memcpy(copy, bytes, len);
	copy[len] = '\0';
	*at += len + 1;
	return copy;
}

/* All strings in one allocation that begins with `local`. raw: the local part as received. */
static int
fill(struct address *out, const char *local, const char *domain, const char *raw, size_t raw_len,
    struct err *err)
{
	size_t len = strlen(local), domain_len = domain != NULL ? strlen(domain) : 0;
	const char *plus = find_plus(local, len);
	const char *raw_plus = find_plus(raw, raw_len);
	char *at = malloc(2 * (len + 1) + domain_len + 1 + raw_len + 1);

	if (at == NULL)
		return err_set(err, ENOMEM, "parse an address");
	out->local = place(&at, local, len);
	out->user = place(&at, local, plus != NULL ? (size_t)(plus - local) : len);
	if (plus != NULL)
		out->detail = place(&at, plus + 1, len - (size_t)(plus + 1 - local));
	if (domain != NULL)
		out->domain = place(&at, domain, domain_len);
	if (raw_plus != NULL)
		out->original_detail =
		    place(&at, raw_plus + 1, raw_len - (size_t)(raw_plus + 1 - raw));
	return 0;
}

static const char *
refusal(const char *recipient, size_t len, size_t local_len)
{
	if (len == 0)
		return "the address is empty";
	if (len > ADDRESS_MAX)
		return "the address is longer than 998 bytes";
	if (holds_control(recipient, len))
		return "the address holds a control character";
	if (local_len == 0)
		return "the local part is empty";
	/* A leading dot stands for subdomains, in keys of the map and nowhere else. */
	if (local_len + 1 < len && recipient[local_len + 1] == '.')
		return "the domain has an empty label";
	return NULL;
}

int
address_parse(struct address *out, const char *recipient, struct err *err)
{
	size_t len = strlen(recipient);
	const char *at = strrchr(recipient, '@');
	size_t local_len = at != NULL ? (size_t)(at - recipient) : len;
	const char *why = refusal(recipient, len, local_len);
	char *local = NULL, *domain = NULL;
	int rc = -1;

	memset(out, 0, sizeof(*out));
	if (why != NULL)
		return err_set(err, 0, "%s", why);
	if ((local = address_fold_local(recipient, local_len, err)) == NULL)
		goto out;
	if (at != NULL && (domain = address_fold_domain(at + 1, len - local_len - 1, err)) == NULL)
		goto out;
	rc = fill(out, local, domain, recipient, local_len, err);
out:
	free(local);
	free(domain);
	return rc;
}

void
address_free(struct address *address)
{
	free(address->local);
	memset(address, 0, sizeof(*address));
}
