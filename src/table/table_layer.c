/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A few keys of a large table changed: not the whole is written anew, but a layer of those pages
 * that are other now. It takes the table's name, and the whole table below it, which is never
 * written to again, keeps a second name, PATH.base. So a change is published by one rename, as a
 * whole table is; the layer names its base by id, and every page says of which of the two files it
 * is: without its base, or over another, a layer is no table.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io.h"
#include "table_build.h"

/* A table of fewer pages is built whole as quickly. */
#define LAYER_LEAST 64
/* Every later change writes the layer again: at this share of all pages it has become too large. */
#define LAYER_SHARE 32

/* ---- is it worth it? ------------------------------------------------------------------------- */

static size_t
pages_here(const struct table_header *header)
{
	size_t n = 0;

	for (uint32_t number = 0; number >> header->bits == 0; number++)
		n += table_header_has(header, number);
	return n;
}

static bool
is_worth_it(const struct table_header *old, size_t nitems)
{
	size_t npages = (size_t)1 << old->bits;

	if (npages < LAYER_LEAST || nitems > npages / 2)
		return false;
	if (old->base != 0 && pages_here(old) > npages / LAYER_SHARE)
		return false;
	/* Pages that have grown long, or hold next to nothing. */
	return (old->keys + nitems) >> old->bits < 2 * KEYS_A_PAGE && old->keys >> old->bits >= 2;
}

/* Who may read the base can read the whole: nothing is gained by a layer that he may not. */
static bool
has_mode(int fd, gid_t gid, mode_t mode, struct stat *st)
{
	return fstat(fd, st) == 0 && (st->st_mode & 07777) == mode &&
	       (gid == (gid_t)-1 || st->st_gid == gid);
}

/* ---- the second name ---------------------------------------------------------------------------
 */

static bool
is_file(const char *path, const struct stat *st)
{
	struct stat there;

	return lstat(path, &there) == 0 && there.st_ino == st->st_ino && there.st_dev == st->st_dev;
}

/* Give the whole table at `path`, which is `st`, its second name, durably. 1 done, 0 that cannot be
 * done here, -1 with err. */
static int
link_base(const char *path, const char *base, const struct stat *st, struct err *err)
{
	/* Left by a writer that was killed, or by a build that was. */
	if (unlink(base) == -1 && errno != ENOENT)
		return 0;
	if (link(path, base) == -1)
		return 0;
	if (!is_file(base, st)) {
		unlink(base);
		return 0;
	}
	if (io_sync_directory_of(base, err) == 0)
		return 1;
	unlink(base);
	return -1;
}

int
table_build_from(struct table_builder **out, const char *path, struct table *old, size_t nchanges,
    gid_t gid, mode_t mode, struct err *err)
{
	const struct table_header *header = table_header_of(old);
	char *base = table_base_path(path);
	struct stat st;
	int rc = 0;

	*out = NULL;
	if (base == NULL)
		return err_set(err, ENOMEM, "build %s", path);
	if (is_worth_it(header, nchanges) && has_mode(table_base_fd(old), gid, mode, &st))
		rc = header->base != 0 ? is_file(base, &st) : link_base(path, base, &st, err);
	if (rc == 1 && table_build_begin(out, path, nchanges, err) == -1) {
		if (header->base == 0)
			unlink(base);
		rc = -1;
	}
	if (rc == 1) {
		(*out)->old = old;
		(*out)->linked = header->base == 0;
	}
	free(base);
	return rc;
}

void
table_layer_settle(struct table_builder *builder, bool published)
{
	char *base;

	/* A whole table has nothing below it. */
	if (published ? builder->old != NULL : !builder->linked)
		return;
	if ((base = table_base_path(builder->path)) == NULL)
		return; /* it is in nobody's way but the disk's */
	unlink(base);
	free(base);
}

/* ---- pages ------------------------------------------------------------------------------------
 */

int
table_build_remove(
    struct table_builder *builder, const char *group, const char *key, struct err *err)
{
	if (table_build_add(builder, group, key, "", 0, err) == -1)
		return -1;
	builder->items[builder->nitems - 1].value = NULL;
	return 0;
}

int
table_layer_plan(struct table_builder *builder, struct table_plan *plan, struct err *err)
{
	const struct table_header *old = table_header_of(builder->old);
	size_t len = table_header_pages_len(old->bits);

	plan->header.bits = old->bits;
	plan->header.keys = old->keys;
	plan->header.base = old->base != 0 ? old->base : old->id;
	if ((plan->header.pages = calloc(1, len)) == NULL)
		return err_set(err, ENOMEM, "build %s", builder->path);
	if (old->base != 0)
		memcpy(plan->header.pages, old->pages, len);
	if (table_plan_items(builder, plan, err) == -1)
		return -1;
	for (uint32_t number = 0; number >> old->bits == 0; number++) {
		if (plan->first[number] < plan->first[number + 1])
			plan->header.pages[number / 8] |= (unsigned char)(1u << number % 8);
		if (table_header_has(&plan->header, number))
			plan->pages[plan->npages++] = number;
	}
	return 0;
}

static int
compare_bytes(const unsigned char *a, size_t a_len, const char *b)
{
	size_t b_len = strlen(b), len = a_len < b_len ? a_len : b_len;
	int order = memcmp(a, b, len);

	return order != 0 ? order : (a_len > b_len) - (a_len < b_len);
}

/* In the order of table_item_compare. */
static int
compare(const struct table_entry *entry, const struct table_item *item)
{
	int order = compare_bytes(entry->key, entry->key_len, item->key);

	return order != 0 ? order : compare_bytes(entry->group, entry->group_len, item->group);
}

/* Enter an item into the page; `there`: its key was in the old one. */
static int
put_item(const struct table_builder *builder, struct table_plan *plan, const uint32_t *order,
    bool there, struct buf *out, struct err *err)
{
	bool stays = builder->items[*order].value != NULL;

	if (!stays && !there)
		return err_set(
		    err, ENOENT, "build %s: %.100s", builder->path, builder->items[*order].key);
	plan->header.keys += (uint64_t)stays - (uint64_t)there;
	return stays ? table_plan_page(builder, order, 1, out, err) : 0;
}

int
table_layer_page(const struct table_builder *builder, struct table_plan *plan, uint32_t number,
    struct buf *out, struct err *err)
{
	const uint32_t *item = plan->order + plan->first[number],
	               *end = plan->order + plan->first[number + 1];
	struct table_entry entry;
	size_t len, at = 0;
	const unsigned char *page = table_page(builder->old, number, &len, err);

	if (page == NULL)
		return -1;
	while (table_page_next(page, len, &at, &entry) == 1) {
		int order = -1;

		while (item < end && (order = compare(&entry, &builder->items[*item])) > 0)
			if (put_item(builder, plan, item++, false, out, err) == -1)
				return -1;
		if (item < end && order == 0) {
			if (put_item(builder, plan, item++, true, out, err) == -1)
				return -1;
		} else if (table_page_put(out, &entry) == -1) {
			return err_set(err, errno, "build %s", builder->path);
		}
	}
	for (; item < end; item++)
		if (put_item(builder, plan, item, false, out, err) == -1)
			return -1;
	return 0;
}
