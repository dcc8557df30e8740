/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What `virtmap check` can find: one table of names, severities, meanings and hints, and the list
 * of what was found. Scripts rely on the names; the man page lists them.
 */
#ifndef VIRTMAP_FINDINGS_H
#define VIRTMAP_FINDINGS_H

#include <stdbool.h>
#include <stddef.h>

#include "found.h"

enum finding {
	FINDING_MALFORMED,
	FINDING_DUPLICATE,
	FINDING_CYCLE,
	FINDING_LONG_CHAIN,
	FINDING_DANGLING_TARGET,
	FINDING_UNUSABLE_TARGET,
	FINDING_COULD_NOT_TELL,
	FINDING_DANGLING_POSTMASTER,
	FINDING_REFUSED_POSTMASTER,
	FINDING_REMOTE_CATCHALL,
	FINDING_UNREACHABLE,
	FINDING_REDUNDANT,
	FINDING_OWN_HOST,
	FINDING_BAD_ACCOUNT,
	FINDING_PROCMAILRC,
	FINDING_FORWARD_FILE,
	FINDING_NOT_COMPILED,
	FINDING_STALE_MAP,
	FINDING_DAMAGED_MAP,
	FINDING_DOMAINS_FILE,
	FINDING_UNTRUSTED_FILE,
	FINDING_FILE_MODE,
	FINDING_UNACCEPTED_DOMAIN,
	FINDING_NO_MAILER,
	FINDING_DOMAINS_ELSEWHERE,
	FINDING_NOT_CHECKED,
	FINDINGS
};

/* Error: mail is deferred or misled. Warning: it may be. Note: worth knowing. */
extern const struct found_kind findings_kinds[FINDINGS];

struct findings {
	bool wanted[FINDINGS]; /* the others are not kept */
	size_t count[SEVERITIES];
	struct found_list list; /* places are lines */
	bool no_memory;         /* something was found and could not be kept */
};

void findings_init(struct findings *findings);

/* Keep only what is named; the first name takes all others off. 0, or -1: there is no such name. */
int findings_want(struct findings *findings, const char *name);

/* path is copied; line from 1, 0 for none. */
void findings_add(struct findings *findings, enum finding which, const char *path, size_t line,
    const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/* Was the very same said already? Looks through all of them: for what there are few of. */
bool findings_have(const struct findings *findings, enum finding which, const char *text);

/* On standard output, file by file and line by line: "PATH:LINE: SEVERITY: TEXT [NAME]", below the
 * first of each name its hint, and at the end their numbers. */
void findings_print(struct findings *findings, const char *map, size_t mappings);

/* The same as one JSON object. 0, or -1 without memory. */
int findings_print_json(struct findings *findings, const char *map, size_t mappings);

void findings_free(struct findings *findings);

#endif
