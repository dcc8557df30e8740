/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the parts of `virtmap check` share. Each looks at one thing and adds what it finds; none
 * stops at the first.
 */
#ifndef VIRTMAP_CHECK_H
#define VIRTMAP_CHECK_H

#include <stdbool.h>
#include <sys/types.h>

#include "findings.h"
#include "map.h"
#include "resolve.h"
#include "string_index.h"
#include "virtmap.h"

/* A domain that left sides name. */
struct check_domain {
	const char *name; /* folded; ".parent" with its dot */
	size_t line;      /* the first that names it */
};

struct check {
	const struct virtmap *virtmap;
	struct findings findings;
	struct map_source *source;
	struct resolver *resolver;
	gid_t gid; /* that the compiled map should have: group, (gid_t)-1 for any, and mode */
	mode_t mode;
	bool is_current;              /* there is a compiled map of this very text */
	struct check_domain *domains; /* ndomains of them, in the order of the text */
	size_t ndomains;
	struct string_index domain_index;
};

/* ---- the parts, in this order ---------------------------------------------------------------- */

/* check_source.c: malformed lines, two for one address, chains. 0 with check->source, or -1 with
 * err when the text could not be read. */
int check_source_read(struct check *check, struct err *err);
void check_source_chains(struct check *check);

/* check_files.c: compiled map, list of domains, owners and modes. */
void check_files(struct check *check);

/* check_targets.c: where targets lead. */
void check_targets(struct check *check);

/* check_reach.c: what no address reaches. */
void check_reach(struct check *check);

/* check_sendmail.c: what sendmail takes mail for. */
void check_sendmail(struct check *check);

/* ---- check_domains.c ------------------------------------------------------------------------- */

int check_domains_collect(struct check *check); /* 0, or -1 without memory */
void check_domains_free(struct check *check);

/* The domain by its own name, or NULL. */
const struct check_domain *check_domains_find(const struct check *check, const char *name);

/* Is it, or a ".parent" of it, named by a left side? */
bool check_domains_cover(const struct check *check, const char *domain);

/* The next ".parent" of a domain or ".parent", NULL at the top; points into it. */
const char *check_domains_parent(const char *domain);

/* On which rung of the ladder a folded key stands: RUNG_EXACT, RUNG_USER_DETAIL, RUNG_USER_ANY,
 * RUNG_ANY_DETAIL, RUNG_ANY_MAYBE, RUNG_CATCHALL, RUNG_PARENT, RUNG_EVERYTHING. */
enum map_rung check_rung(const char *folded);

#endif
