/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The message's way in. Standard input can be read once; a run with several copies reads it into
 * a file that each worker then reads for itself.
 */
#ifndef VIRTMDA_INTAKE_H
#define VIRTMDA_INTAKE_H

#include <stddef.h>

#include "err.h"

struct intake {
	int *readers; /* a descriptor for each copy */
	size_t nreaders;
};

/* One copy: standard input itself, nothing is read here. More: it is read to its end into an
 * unlinked file of spool_dir. As root that is done by a process without rights. 0 with *out
 * (intake_close), or -1 with err. */
int intake_open(struct intake *out, size_t ncopies, const char *spool_dir, struct err *err);
void intake_close(struct intake *intake); /* accepts a zeroed one */

#endif
