/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What `mailpeek verify` can find: one table of names, severities, meanings and hints, and the
 * list of what was found in a mailbox. Scripts rely on the names; the man page lists them.
 */
#ifndef MAILPEEK_FINDINGS_H
#define MAILPEEK_FINDINGS_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "found.h"
#include "mailbox_verify.h"

/* Behind the faults that the mailbox room knows. */
enum { FINDING_COULD_NOT_TELL = FAULT_KINDS, FINDINGS };

/* Error: mail waits, is misread or is damaged. Warning: it may be. Note: worth knowing. */
extern const struct found_kind findings_kinds[FINDINGS];

#define FINDINGS_MAX 25 /* of one name in one mailbox; the others are counted */

struct findings {
	struct found_list list; /* places are offsets */
	size_t told[FINDINGS];  /* how often each was found, kept or not */
};

/* Keep one, or count it. Out of memory ends the process. */
void findings_add(
    struct findings *findings, unsigned which, const char *path, uint64_t offset, const char *text);

/* For those that were only counted a finding that says how many, of the mailbox. */
void findings_close(struct findings *findings, const char *path);

/* For the way through a pipe. read, into an empty one: 0, or -1: this is no list, or one that
 * findings_add and findings_close do not make; nothing of it is kept. */
void findings_write(const struct findings *findings, struct buf *out);
int findings_read(struct findings *findings, const struct buf *in);

void findings_free(struct findings *findings);

#endif
