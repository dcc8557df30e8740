/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One key for all spellings of an address. Domains become A-labels (IDNA 2008 behind the
 * mapping of UTS #46, non-transitional: straße.example is not strasse.example), local parts
 * lower-case UTF-8 in NFC. Folding what is folded changes nothing. ASCII, that is nearly
 * everything, costs one pass and one allocation and never enters a library.
 */
#include "address.h"

#include <errno.h>
#include <idn2.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unicase.h>
#include <uninorm.h>
#include <unistr.h>

#define LABEL_MAX 63 /* bytes, RFC 1035 2.3.4 */

const char *
address_library(void)
{
	return "libidn2 " IDN2_VERSION;
}

/* Not tolower(3): the caller's locale has no say in what is the same address. */
static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static int
is_ascii(const char *bytes, size_t len)
{
	unsigned char all = 0;

	for (size_t i = 0; i < len; i++)
		all |= (unsigned char)bytes[i];
	return all < 0x80;
}

/* ---- local parts ------------------------------------------------------------------------------
 */

/* NULL with errno. The language is left open: a Turkish locale must not move addresses. */
static char *
fold_utf8(const char *local, size_t len)
{
	size_t folded_len;
	uint8_t *folded =
	    u8_tolower((const uint8_t *)local, len, NULL, UNINORM_NFC, NULL, &folded_len);
	char *string;

	if (folded == NULL)
		return NULL;
	if ((string = realloc(folded, folded_len + 1)) == NULL) {
		free(folded);
		return NULL;
	}
	string[folded_len] = '\0';
	return string;
}

static char *
fold_bytes(const char *local, size_t len)
{
	char *folded = malloc(len + 1);

	if (folded == NULL)
		return NULL;
	for (size_t i = 0; i < len; i++)
		folded[i] = lower(local[i]);
	folded[len] = '\0';
	return folded;
}

char *
address_fold_local(const char *local, size_t len, struct err *err)
{
	int utf8 = !is_ascii(local, len) && u8_check((const uint8_t *)local, len) == NULL;
	char *folded = utf8 ? fold_utf8(local, len) : fold_bytes(local, len);

	if (folded == NULL)
		err_set(err, ENOMEM, "fold a local part");
	return folded;
}

/* ---- domains ----------------------------------------------------------------------------------
 */

/* Underscores are in no host name, and in use all the same. */
static int
is_host_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

/* Lower case into `out` (len + 1 bytes), one trailing dot off. NULL, or why it is no domain. */
static const char *
fold_labels(char *out, const char *domain, size_t len)
{
	size_t label = 0;

	if (len > 0 && domain[len - 1] == '.')
		len--;
	if (len == 0)
		return "the domain is empty";
	for (size_t i = 0; i < len; i++) {
		out[i] = lower(domain[i]);
		if (out[i] == '.' && label == 0)
			return "the domain has an empty label";
		if (out[i] != '.' && !is_host_char(out[i]))
			return "the domain holds a character that no domain has";
		label = out[i] == '.' ? 0 : label + 1;
		if (label > LABEL_MAX)
			return "the domain has a label longer than 63 bytes";
	}
	if (label == 0)
		return "the domain has an empty label";
	out[len] = '\0';
	return NULL;
}

/* "[192.0.2.1]", "[IPv6:2001:db8::1]" (RFC 5321 4.1.3): a key like others, whatever it says. */
static const char *
fold_literal(char *out, const char *domain, size_t len)
{
	if (len < 3 || domain[len - 1] != ']')
		return "the domain literal is not closed, or empty";
	for (size_t i = 0; i < len; i++) {
		out[i] = lower(domain[i]);
		if (i > 0 && i < len - 1 && !is_host_char(out[i]) && out[i] != '.' && out[i] != ':')
			return "the domain literal holds a character that no address has";
	}
	out[len] = '\0';
	return NULL;
}

/* parent: 1 if a leading dot was taken off, which goes back in front. */
static char *
fold_ascii(const char *domain, size_t len, size_t parent, struct err *err)
{
	const char *why;
	char *folded;

	if (parent + len > ADDRESS_DOMAIN_MAX) {
		err_set(err, 0, "the domain is longer than %d bytes", ADDRESS_DOMAIN_MAX);
		return NULL;
	}
	if ((folded = malloc(parent + len + 1)) == NULL) {
		err_set(err, ENOMEM, "fold a domain");
		return NULL;
	}
	if (parent)
		folded[0] = '.';
	if (len > 0 && domain[0] == '[' && !parent)
		why = fold_literal(folded, domain, len);
	else
		why = fold_labels(folded + parent, domain, len);
	if (why == NULL)
		return folded;
	err_set(err, 0, "%s", why);
	free(folded);
	return NULL;
}

static char *
fold_idn(const char *domain, size_t len, size_t parent, struct err *err)
{
	char name[ADDRESS_DOMAIN_MAX + 1], *folded;
	uint8_t *ascii;
	int rc;

	if (len >= sizeof(name)) {
		err_set(err, 0, "the domain is longer than %d bytes", ADDRESS_DOMAIN_MAX);
		return NULL;
	}
	memcpy(name, domain, len);
	name[len] = '\0';
	if (strlen(name) != len || u8_check((const uint8_t *)domain, len) != NULL) {
		err_set(err, 0, "the domain is neither ASCII nor UTF-8");
		return NULL;
	}
	rc = idn2_lookup_u8((const uint8_t *)name, &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
	if (rc != IDN2_OK) {
		err_set(err, rc == IDN2_MALLOC ? ENOMEM : 0,
		    "the domain is not one of IDNA 2008: %s", idn2_strerror(rc));
		return NULL;
	}
	/* The mapping can bring forth any ASCII, '@' and dots at the ends among it. */
	folded = fold_ascii((const char *)ascii, strlen((const char *)ascii), parent, err);
	idn2_free(ascii);
	return folded;
}

char *
address_fold_domain(const char *domain, size_t len, struct err *err)
{
	size_t parent = len > 0 && domain[0] == '.';

	domain += parent;
	len -= parent;
	if (is_ascii(domain, len))
		return fold_ascii(domain, len, parent, err);
	return fold_idn(domain, len, parent, err);
}
