/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Which accounts the map's addresses lead to, domain by domain.
 */
#ifndef MAILPEEK_REACH_H
#define MAILPEEK_REACH_H

#include "survey.h"

struct reach_domain {
	char *name;       /* ".d" for subdomains of d, "@" for every domain */
	size_t addresses; /* lines of the map */
	size_t untold;    /* those among them whose accounts are not known, or not all */
	size_t *accounts; /* entries of the survey, each once, in their order */
	size_t naccounts;
};

struct reach {
	struct reach_domain *domains; /* sorted by name */
	size_t count;
	size_t untold; /* of all domains */
};

/* Ask the map for every line's accounts, by the code that delivers. A line whose target depends on
 * the address (%1), or leaves this host, leads to none. Why lines are untold is told, and that the
 * map was changed and not compiled. A STATUS_ other than STATUS_OK is told, and there is nothing.
 * reach_free in any case. */
enum status reach_read(
    const struct settings *settings, const struct survey *survey, struct reach *out);
void reach_free(struct reach *reach);

#endif
