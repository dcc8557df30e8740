/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A table being built, whole or as a layer: what the two ways have in common.
 */
#ifndef VIRTMDA_TABLE_BUILD_H
#define VIRTMDA_TABLE_BUILD_H

#include "table_gdbm.h"
#include "table_read.h"

#define KEYS_A_PAGE 16 /* at most, on average: half of it at least */

struct table_item {
	const char *group, *key, *value; /* value NULL: take the key away */
	uint32_t value_len;
	uint32_t page;
};

struct table_builder {
	struct table_item *items;
	size_t nitems, room;
	char *path;
	char *beside;      /* the file being written, NULL while there is none */
	struct table *old; /* the table that a layer changes; NULL: a whole one. The caller's */
	bool linked;       /* its base has got its second name from us */
};

/* The items of each of 2^bits pages. */
struct table_plan {
	struct table_header header;
	uint32_t *first; /* of each page, and behind the last: index into order */
	uint32_t *order; /* items sorted by page, and by key and group within each */
	uint64_t *pages; /* npages numbers (low half) in GDBM's order (high half) */
	size_t npages;   /* to be written */
};

/* Sort the items into the plan's pages; header.bits is set. */
int table_plan_items(struct table_builder *builder, struct table_plan *plan, struct err *err);
/* By key, then by group. */
int table_item_compare(const struct table_item *x, const struct table_item *y);
/* Append the items order[0..n) to a page. */
int table_plan_page(const struct table_builder *builder, const uint32_t *order, size_t n,
    struct buf *out, struct err *err);

/* What of the old page and the items is to stand in page `number`. 0, or -1 with err. */
int table_layer_page(const struct table_builder *builder, struct table_plan *plan, uint32_t number,
    struct buf *out, struct err *err);
/* Choose the pages of a layer. */
int table_layer_plan(struct table_builder *builder, struct table_plan *plan, struct err *err);
/* The last steps of a publication: what is below the new file must be there, or goes. */
void table_layer_settle(struct table_builder *builder, bool published);

#endif
