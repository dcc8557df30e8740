/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What `mailpeek trace ADDRESS` tells of one address or target, and its two forms: for people in
 * trace_text.c, as JSON in trace_json.c.
 */
#ifndef MAILPEEK_TRACE_BLOCK_H
#define MAILPEEK_TRACE_BLOCK_H

#include <stdbool.h>

#include "mailpeek.h"
#include "resolve.h"
#include "sight.h"

struct trace_block {
	const char *name; /* as it was asked for */
	struct buf steps; /* a line a step of the ladder */
	struct answer answer;
	struct mailbox mailbox; /* path NULL: there is none to look at */
	struct sight sight;
	struct err trouble; /* text "": the mailbox was looked at, or there is none */
};

/* Print it, made safe for a terminal; steps are taken apart. Not the first: behind an empty line.
 */
void trace_say(const struct peek *peek, struct trace_block *block, bool is_first);

/* Print it as one JSON object. */
void trace_print_json(const struct peek *peek, struct trace_block *block);

#endif
