/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a program found wrong, kept until it can be told in order. The program has the table of what
 * it can find: words in it are for people and may get better; names and severities are for scripts
 * and stay.
 */
#ifndef VIRTMDA_FOUND_H
#define VIRTMDA_FOUND_H

#include <stddef.h>
#include <stdint.h>

enum severity { SEVERITY_ERROR, SEVERITY_WARNING, SEVERITY_NOTE };
#define SEVERITIES 3

/* A row of the table. */
struct found_kind {
	const char *name;
	enum severity severity;
	const char *means;
	const char *hint; /* what to do */
};

#define FOUND_WHOLE UINT64_MAX /* a place: what was found is about all of the file */

struct found {
	unsigned which; /* row of the table */
	uint64_t place; /* in the file: a line, or an offset, or FOUND_WHOLE */
	char *path, *text;
	size_t order; /* in which it was found */
};

struct found_list {
	struct found *found;
	size_t n, room;
};

/* The strings are copied. 0, or -1 without memory and the list as it was. */
int found_add(
    struct found_list *list, unsigned which, const char *path, uint64_t place, const char *text);

void found_sort(struct found_list *list); /* by path, place (FOUND_WHOLE first), and as found */
void found_free(struct found_list *list); /* back to an empty one */

const char *found_severity(enum severity severity); /* "error" */

/* "PATH:PLACE: SEVERITY: TEXT [NAME]", path and text as they are, malloc'ed; the caller frees. NULL
 * without memory. */
char *found_line(const struct found_kind *kinds, const struct found *found);

/* "1 error, 2 warnings", and ", 3 notes" if there are some. */
#define FOUND_COUNTS_MAX 96
void found_counts(char out[FOUND_COUNTS_MAX], const size_t count[SEVERITIES]);

/* The table on standard output: "NAME SEVERITY MEANING HINT" with tabs between them. */
void found_table(const struct found_kind *kinds, size_t n);

#endif
