/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Findings of any program: a list, its order, and how a finding reads.
 */
#include "found.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const severities[SEVERITIES] = {
	[SEVERITY_ERROR] = "error",
	[SEVERITY_WARNING] = "warning",
	[SEVERITY_NOTE] = "note",
};

int
found_add(
    struct found_list *list, unsigned which, const char *path, uint64_t place, const char *text)
{
	struct found found = { .which = which, .place = place, .order = list->n };

	if (list->n == list->room) {
		size_t room = list->room * 2 + 16;
		struct found *more = reallocarray(list->found, room, sizeof(*more));

		if (more == NULL)
			return -1;
		list->found = more;
		list->room = room;
	}
	found.path = strdup(path);
	found.text = strdup(text);
	if (found.path == NULL || found.text == NULL) {
		free(found.path);
		free(found.text);
		return -1;
	}
	list->found[list->n++] = found;
	return 0;
}

static int
by_place(const void *a, const void *b)
{
	const struct found *left = a, *right = b;
	int order = strcmp(left->path, right->path);

	/* FOUND_WHOLE wraps to 0. */
	if (order == 0)
		order = (left->place + 1 > right->place + 1) - (left->place + 1 < right->place + 1);
	return order != 0 ? order : (left->order > right->order) - (left->order < right->order);
}

void
found_sort(struct found_list *list)
{
	if (list->n > 1)
		qsort(list->found, list->n, sizeof(*list->found), by_place);
}

void
found_free(struct found_list *list)
{
	for (size_t i = 0; i < list->n; i++) {
		free(list->found[i].path);
		free(list->found[i].text);
	}
	free(list->found);
	*list = (struct found_list){ 0 };
}

const char *
found_severity(enum severity severity)
{
	return severities[severity];
}

char *
found_line(const struct found_kind *kinds, const struct found *found)
{
	const struct found_kind *kind = &kinds[found->which];
	char place[32] = "", *line;

	if (found->place != FOUND_WHOLE)
		snprintf(place, sizeof(place), ":%" PRIu64, found->place);
	if (asprintf(&line, "%s%s: %s: %s [%s]", found->path, place, severities[kind->severity],
	        found->text, kind->name) == -1)
		return NULL;
	return line;
}

void
found_counts(char out[FOUND_COUNTS_MAX], const size_t count[SEVERITIES])
{
	char notes[40] = "";

	if (count[SEVERITY_NOTE] > 0)
		snprintf(notes, sizeof(notes), ", %zu note%s", count[SEVERITY_NOTE],
		    count[SEVERITY_NOTE] == 1 ? "" : "s");
	snprintf(out, FOUND_COUNTS_MAX, "%zu error%s, %zu warning%s%s", count[SEVERITY_ERROR],
	    count[SEVERITY_ERROR] == 1 ? "" : "s", count[SEVERITY_WARNING],
	    count[SEVERITY_WARNING] == 1 ? "" : "s", notes);
}

void
found_table(const struct found_kind *kinds, size_t n)
{
	for (size_t i = 0; i < n; i++)
		printf("%s\t%s\t%s\t%s\n", kinds[i].name, severities[kinds[i].severity],
		    kinds[i].means, kinds[i].hint);
}
