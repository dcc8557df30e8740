/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * An envelope recipient as sendmail hands it over (quotes already stripped, RFC 5321
 * otherwise), folded to the form in which the map's keys are kept. Pure: no I/O. An
 * address is a key, never a path, an option, a format or a shell word.
 */
#ifndef VIRTMDA_ADDRESS_H
#define VIRTMDA_ADDRESS_H

#include <stddef.h>

#include "err.h"

#define ADDRESS_DOMAIN_MAX 255 /* bytes, RFC 5321 4.5.3.1.2 */
/* Bytes in all, a line of RFC 5322. Local parts have no limit of their own: RFC 5321 4.5.3.1 lets
 * nobody count on more than 64 bytes, but wants more accepted, and VERP and SRS write them. */
#define ADDRESS_MAX 998

/* The strings share one allocation: free them with address_free, one and all. */
struct address {
	char
	    *local; /* folded, with the detail: "bob+x"; UTF-8 NFC, or the raw bytes if not UTF-8 */
	char *user; /* folded, before the first plus: "bob" */
	char *detail;          /* folded, behind the first plus, may be ""; NULL without a plus */
	char *domain;          /* folded, A-labels, no trailing dot; NULL for a bare name */
	char *original_detail; /* detail in the spelling received (folders care); NULL without a
	                          plus */
};

/* Parse, fold and split. The last '@' splits local part and domain; the first '+' user and detail
 * (a plus in first place is part of the user: "+x" has no detail, as sendmail's $+ + $* reads it).
 * Returns 0 with *out filled (address_free), or -1 with err->num 0 and the reason for a
 * permanent refusal (5.1.3): empty, over-long (raw bytes count), control characters, an empty local
 * part or domain, a domain that IDNA 2008 refuses; or -1 with err->num ENOMEM, which is temporary.
 */
int address_parse(struct address *out, const char *recipient, struct err *err);

/* Fold a domain alone: lower case, trailing dot off, A-labels. Labels are of letters, digits,
 * '-' and '_'; a domain literal ("[192.0.2.1]") stays as it is, in lower case. A malloc'ed string,
 * the caller frees; NULL with err as above. A leading dot (".parent") is kept. */
char *address_fold_domain(const char *domain, size_t len, struct err *err);

/* Fold a local part alone: Unicode lower case and NFC when it is valid UTF-8, ASCII lower
 * case otherwise. (Full case folding would make one person of strasse@ and straße@.) The bytes hold
 * no NUL. Any content and any length is folded, also what address_parse refuses. A malloc'ed
 * string, the caller frees; NULL with err (only ENOMEM). */
char *address_fold_local(const char *local, size_t len, struct err *err);

/* The local part as RFC 5321 wants it written: as it is if it is a dot-atom (RFC 6531 UTF-8
 * allowed), otherwise quoted with `"` and backslashes. malloc'ed; NULL with errno ENOMEM, or EINVAL
 * when it holds a control character, for which RFC 5321 has no spelling. */
char *address_quote_local(const char *local);

void address_free(struct address *address); /* accepts a zeroed one */

/* The library that folds domains, and its version, for -V: "libidn2 2.3.3". Static. */
const char *address_library(void);

#endif
