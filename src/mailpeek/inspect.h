/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One mailbox, verified into a list of findings.
 */
#ifndef MAILPEEK_INSPECT_H
#define MAILPEEK_INSPECT_H

#include "findings.h"
#include "json.h"

/* As the account that should own it. 0, or -1 with err; what was found until then is kept. */
int inspect(const struct mailbox *mailbox, uid_t owner, struct findings *out, struct err *err);

/* A finding as a line: "PATH:OFFSET: SEVERITY: TEXT [NAME]", safe to print. */
void inspect_print(const struct found *found);

/* The same as members of a JSON object. */
void inspect_put(json_t *row, const struct found *found);

#endif
