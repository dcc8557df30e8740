/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What readers and writers of the history make of its lines.
 */
#ifndef VIRTMAP_HISTORY_READ_H
#define VIRTMAP_HISTORY_READ_H

#include "history.h"

/* The numbers of records that did not come to pass; `numbers` is malloc'ed. */
struct history_numbers {
	uint64_t *numbers;
	size_t n;
};

/* 0, or -1 without memory. */
int history_numbers_add(struct history_numbers *numbers, uint64_t number);
bool history_numbers_have(const struct history_numbers *numbers, uint64_t number);

/* Judge the newest record that nobody has declared void. */
bool history_has_happened(const struct history_record *record, const struct history_now *now);

/* One line of a file, added to `list` or to `voids`. 0, or -1 without memory. */
int history_read_line(
    struct history_list *list, struct history_numbers *voids, const char *line, size_t len);

#endif
