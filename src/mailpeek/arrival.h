/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A message in a mailbox, as trace tells of it, and its way from the process that read it.
 */
#ifndef MAILPEEK_ARRIVAL_H
#define MAILPEEK_ARRIVAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "buf.h"
#include "json.h"

struct arrival {
	uint64_t number; /* within its folder */
	uint64_t size;
	time_t received;
	uint64_t order; /* in which it was found; stays behind when it is sent */
	/* bytes of any kind, to be printed as text from outside is: */
	struct buf folder, from, subject;
};

void arrival_free(struct arrival *arrival); /* accepts a zeroed one */

/* Append one to a report. Out of memory ends the process. */
void arrival_write(const struct arrival *arrival, struct buf *out);

/* The one at *at of a report, which moves behind it: 1 with *out (arrival_free), 0 the report ends
 * here, -1 this is none. */
int arrival_read(struct arrival *out, const struct buf *in, size_t *at);

/* Is the report arrivals to its end, and nothing else? */
bool arrival_is_list(const struct buf *report);

/* Its folder, number, date and size as members of a row. */
void arrival_put(json_t *row, const struct arrival *arrival);

#endif
