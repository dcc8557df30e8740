/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Building a table: sort the keys into pages, write the pages in GDBM's own order (three
 * times faster than in the order given), finish the file beside its name, publish it
 * by rename. Until then nobody sees it, and a builder that is killed leaves only a file
 * whose name says so; the next one removes it.
 */
#include "table_build.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io.h"
#include "progress.h"

/* ---- life -------------------------------------------------------------------------------------
 */

int
table_build_begin(struct table_builder **out, const char *path, size_t nkeys, struct err *err)
{
	struct table_builder *builder = calloc(1, sizeof(*builder));

	*out = NULL;
	if (builder == NULL)
		return err_set(err, ENOMEM, "build %s", path);
	builder->room = nkeys > 0 ? nkeys : 1;
	builder->items = reallocarray(NULL, builder->room, sizeof(*builder->items));
	builder->path = strdup(path);
	if (builder->items == NULL || builder->path == NULL) {
		table_build_abort(builder);
		return err_set(err, ENOMEM, "build %s", path);
	}
	*out = builder;
	return 0;
}

void
table_build_abort(struct table_builder *builder)
{
	int saved = errno;

	if (builder == NULL)
		return;
	if (builder->beside != NULL)
		unlink(builder->beside);
	table_layer_settle(builder, false);
	free(builder->items);
	free(builder->path);
	free(builder->beside);
	free(builder);
	errno = saved;
}

int
table_build_add(struct table_builder *builder, const char *group, const char *key,
    const char *value, size_t value_len, struct err *err)
{
	if (value_len > TABLE_VALUE_MAX || builder->nitems == UINT32_MAX)
		return err_set(err, EFBIG, "build %s: %.100s", builder->path, key);
	if (builder->nitems == builder->room) {
		size_t room = builder->room + builder->room / 2 + 1;
		struct table_item *items = reallocarray(builder->items, room, sizeof(*items));

		if (items == NULL)
			return err_set(err, ENOMEM, "build %s", builder->path);
		builder->items = items;
		builder->room = room;
	}
	builder->items[builder->nitems++] = (struct table_item){
		.group = group, .key = key, .value = value, .value_len = (uint32_t)value_len
	};
	return 0;
}

/* ---- pages ------------------------------------------------------------------------------------
 */

static void
plan_free(struct table_plan *plan)
{
	free(plan->first);
	free(plan->order);
	free(plan->pages);
	table_header_free(&plan->header);
}

static int
compare_u64(const void *a, const void *b)
{
	uint64_t x, y;

	memcpy(&x, a, sizeof(x));
	memcpy(&y, b, sizeof(y));
	return (x > y) - (x < y);
}

/* Counting sort of the items by page. */
static void
sort_by_page(struct table_builder *builder, struct table_plan *plan, size_t npages)
{
	for (size_t i = 0; i < builder->nitems; i++) {
		struct table_item *item = &builder->items[i];

		item->page = table_page_of(item->group, plan->header.bits);
		plan->first[item->page + 1]++;
	}
	for (size_t i = 0; i < npages; i++)
		plan->first[i + 1] += plan->first[i];
	for (size_t i = builder->nitems; i-- > 0;)
		plan->order[--plan->first[builder->items[i].page + 1]] = (uint32_t)i;
	/* Each first[page + 1] has come down to where `page` begins. */
	memmove(plan->first, plan->first + 1, npages * sizeof(*plan->first));
	plan->first[npages] = (uint32_t)builder->nitems;
}

int
table_item_compare(const struct table_item *x, const struct table_item *y)
{
	int order = strcmp(x->key, y->key);

	return order != 0 ? order : strcmp(x->group, y->group);
}

static int
compare_items(const void *a, const void *b, void *arg)
{
	const struct table_item *items = arg;

	return table_item_compare(&items[*(const uint32_t *)a], &items[*(const uint32_t *)b]);
}

int
table_plan_items(struct table_builder *builder, struct table_plan *plan, struct err *err)
{
	size_t npages = (size_t)1 << plan->header.bits;

	plan->first = calloc(npages + 1, sizeof(*plan->first));
	plan->order = calloc(builder->nitems + 1, sizeof(*plan->order));
	plan->pages = calloc(npages, sizeof(*plan->pages));
	if (plan->first == NULL || plan->order == NULL || plan->pages == NULL)
		return err_set(err, ENOMEM, "build %s", builder->path);
	sort_by_page(builder, plan, npages);
	for (size_t i = 0; i < npages; i++) {
		uint32_t *order = plan->order + plan->first[i];
		size_t n = plan->first[i + 1] - plan->first[i];

		qsort_r(order, n, sizeof(*order), compare_items, builder->items);
		for (size_t k = 1; k < n; k++)
			if (compare_items(&order[k - 1], &order[k], builder->items) == 0)
				return err_set(err, EEXIST, "build %s: %.100s", builder->path,
				    builder->items[order[k]].key);
	}
	return 0;
}

/* All pages of a whole table. */
static int
whole_plan(struct table_builder *builder, struct table_plan *plan, struct err *err)
{
	while (plan->header.bits < TABLE_BITS_MAX &&
	       builder->nitems >> plan->header.bits >= KEYS_A_PAGE)
		plan->header.bits++;
	plan->header.keys = builder->nitems;
	if (table_plan_items(builder, plan, err) == -1)
		return -1;
	plan->npages = (size_t)1 << plan->header.bits;
	for (uint32_t number = 0; number < plan->npages; number++)
		plan->pages[number] = number;
	return 0;
}

static int
make_plan(struct table_builder *builder, struct table_plan *plan, struct err *err)
{
	uint64_t *id = &plan->header.id;

	while (*id == 0) /* which says that there is none */
		if (getrandom(id, sizeof(*id), 0) != sizeof(*id))
			return err_set(err, errno, "build %s: getrandom", builder->path);
	if ((builder->old != NULL ? table_layer_plan : whole_plan)(builder, plan, err) == -1)
		return -1;
	for (size_t i = 0; i < plan->npages; i++)
		plan->pages[i] |= (uint64_t)table_gdbm_order((uint32_t)plan->pages[i]) << 32;
	qsort(plan->pages, plan->npages, sizeof(*plan->pages), compare_u64);
	return 0;
}

int
table_plan_page(const struct table_builder *builder, const uint32_t *order, size_t n,
    struct buf *out, struct err *err)
{
	for (size_t i = 0; i < n; i++) {
		const struct table_item *item = &builder->items[order[i]];

		if (table_page_add(out, item->group, item->key, item->value, item->value_len) == -1)
			return err_set(err, errno, "build %s: %.100s", builder->path, item->key);
	}
	return 0;
}

/* What is to stand in page `number`. */
static int
fill_page(const struct table_builder *builder, struct table_plan *plan, uint32_t number,
    struct buf *out, struct err *err)
{
	if (builder->old != NULL)
		return table_layer_page(builder, plan, number, out, err);
	return table_plan_page(builder, plan->order + plan->first[number],
	    plan->first[number + 1] - plan->first[number], out, err);
}

/* The header comes last: in a layer its number of keys is known only then. */
static int
write_records(struct table_builder *builder, struct table_plan *plan, struct table_gdbm *gdbm,
    struct buf *record, struct err *err)
{
	for (size_t i = 0; i < plan->npages; i++) {
		uint32_t number = (uint32_t)plan->pages[i];

		if (PROGRESS_DUE(i))
			progress_tell(
			    "writing", i * builder->nitems / plan->npages, builder->nitems);
		if (table_page_begin(record, number, plan->header.id) == -1)
			return err_set(err, errno, "build %s", builder->path);
		if (fill_page(builder, plan, number, record, err) == -1)
			return -1;
		if (table_page_end(record) == -1)
			return err_set(err, errno, "build %s: page %u", builder->path, number);
		if (table_gdbm_store(gdbm, number, record->data, record->len, err) == -1)
			return -1;
	}
	buf_clear(record);
	if (table_header_write(record, &plan->header) == -1)
		return err_set(err, ENOMEM, "build %s", builder->path);
	return table_gdbm_store(gdbm, TABLE_GDBM_HEADER, record->data, record->len, err);
}

/* ---- the file ---------------------------------------------------------------------------------
 */

/* The last steps on a file that GDBM has closed. */
static int
seal(const char *name, gid_t gid, mode_t mode, struct err *err)
{
	int fd = open(name, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	int failed = 0;

	if (fd == -1)
		return err_set(err, errno, "open %s", name);
	if (gid != (gid_t)-1 && fchown(fd, (uid_t)-1, gid) == -1)
		failed = err_set(err, errno, "chown %s", name);
	else if (fchmod(fd, mode) == -1)
		failed = err_set(err, errno, "chmod %s", name);
	else if (fsync(fd) == -1)
		failed = err_set(err, errno, "fsync %s", name);
	if (close(fd) == -1 && failed == 0)
		failed = err_set(err, errno, "close %s", name);
	return failed;
}

/* Create the file beside; a descriptor, or -1 with err. */
static int
create(struct table_builder *builder, struct err *err)
{
	char *beside = io_beside(builder->path);
	int fd;

	if (beside == NULL)
		return err_set(err, ENOMEM, "build %s", builder->path);
	fd = open(beside, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd == -1) {
		err_set(err, errno, "create %s", beside);
		free(beside);
		errno = err->num;
		return -1;
	}
	builder->beside = beside;
	return fd;
}

static int
write_file(struct table_builder *builder, struct table_plan *plan, struct err *err)
{
	struct buf record = BUF_INIT;
	struct table_gdbm *gdbm;
	int fd = create(builder, err), failed;

	if (fd == -1 || table_gdbm_open(&gdbm, fd, builder->beside, 1, err) == -1)
		return -1;
	failed = write_records(builder, plan, gdbm, &record, err);
	buf_free(&record);
	if (failed == 0)
		failed = table_gdbm_flush(gdbm, err);
	if (failed == -1) {
		struct err ignored; /* the first reason is the one to tell */

		table_gdbm_close(gdbm, &ignored);
		return -1;
	}
	return table_gdbm_close(gdbm, err);
}

int
table_build_finish(struct table_builder *builder, const struct table_source *source, gid_t gid,
    mode_t mode, struct err *err)
{
	struct table_plan plan = { .header.source = *source };
	int failed;

	failed = make_plan(builder, &plan, err);
	if (failed == 0)
		failed = write_file(builder, &plan, err);
	if (failed == 0)
		failed = seal(builder->beside, gid, mode, err);
	if (failed == 0)
		failed = table_prove(builder->beside, err);
	plan_free(&plan);
	return failed;
}

int
table_build_publish(struct table_builder *builder, struct err *err)
{
	int failed;

	/* From here on the base's second name stays, or a layer that is shown might have lost it.
	 */
	builder->linked = false;
	failed = io_rename(builder->beside, builder->path, err);
	if (failed == 0)
		table_layer_settle(builder, true);
	table_build_abort(builder); /* after the rename there is no such file beside */
	return failed;
}

int
table_build_commit(struct table_builder *builder, const struct table_source *source, gid_t gid,
    mode_t mode, struct err *err)
{
	if (table_build_finish(builder, source, gid, mode, err) == 0)
		return table_build_publish(builder, err);
	table_build_abort(builder);
	return -1;
}
