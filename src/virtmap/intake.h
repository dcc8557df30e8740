/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What an import brings, before the map is touched: every mapping checked as a line of the map
 * would be, with the place where it stood.
 */
#ifndef VIRTMAP_INTAKE_H
#define VIRTMAP_INTAKE_H

#include "format.h"

struct intake_place {
	const char *file; /* NULL: of no line */
	size_t line;
};

struct intake {
	struct map_source *staged; /* the mappings, as a map of their own */
	size_t refused;            /* lines that were not carried over, told on standard error */
	/* private */
	struct buf text;
	struct intake_row *rows;
	size_t nrows, rows_room;
	struct intake_domain *domains;
	size_t ndomains, domains_room;
	struct buf faults; /* struct intake_fault each */
	char **names;      /* of the parts of a directory */
	size_t nnames;
};

/* Read `path` ("-": standard input; a directory where the format has parts) to its end and say on
 * standard error what cannot be carried over. 0, or -1 with err. intake_free in any case. */
int intake_read(struct intake *out, const struct format *format, const char *path, struct err *err);
void intake_free(struct intake *intake);

/* Where an entry of `staged` came from. */
struct intake_place intake_place_of(const struct intake *intake, const struct map_entry *entry);

#endif
