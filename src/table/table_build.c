/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Building a table: sort the keys into pages, write the pages in GDBM's own order (three
 * times faster than in the order given), finish the file beside its name, publish it
 * by rename. Until then nobody sees it, and a builder that is killed leaves only a file
 * whose name says so; the next one removes it.
 */
#include "table.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io.h"
#include "progress.h"
#include "table_gdbm.h"
#include "table_page.h"

#define KEYS_A_PAGE 16 /* at most, on average: half of it at least */

struct item {
	const char *group, *key, *value;
	uint32_t value_len;
	uint32_t page;
};

struct table_builder {
	struct item *items;
	size_t nitems, room;
	char *path;
	char *beside; /* the file being written, NULL while there is none */
};

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
		struct item *items = reallocarray(builder->items, room, sizeof(*items));

		if (items == NULL)
			return err_set(err, ENOMEM, "build %s", builder->path);
		builder->items = items;
		builder->room = room;
	}
	builder->items[builder->nitems++] = (struct item){
		.group = group, .key = key, .value = value, .value_len = (uint32_t)value_len
	};
	return 0;
}

/* ---- pages ------------------------------------------------------------------------------------
 */

struct plan {
	struct table_header header;
	uint32_t *first; /* of each page, and behind the last: index into order */
	uint32_t *order; /* items sorted by page */
	uint64_t *pages; /* page numbers (low half) in GDBM's order (high half) */
};

static void
plan_free(struct plan *plan)
{
	free(plan->first);
	free(plan->order);
	free(plan->pages);
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
sort_items(struct table_builder *builder, struct plan *plan, size_t npages)
{
	for (size_t i = 0; i < builder->nitems; i++) {
		struct item *item = &builder->items[i];

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

static int
make_plan(struct table_builder *builder, struct plan *plan, struct err *err)
{
	size_t npages;

	while (plan->header.bits < TABLE_BITS_MAX &&
	       builder->nitems >> plan->header.bits >= KEYS_A_PAGE)
		plan->header.bits++;
	npages = (size_t)1 << plan->header.bits;
	plan->header.keys = builder->nitems;
	if (getrandom(&plan->header.id, sizeof(plan->header.id), 0) != sizeof(plan->header.id))
		return err_set(err, errno, "build %s: getrandom", builder->path);
	plan->first = calloc(npages + 1, sizeof(*plan->first));
	plan->order = calloc(builder->nitems + 1, sizeof(*plan->order));
	plan->pages = calloc(npages, sizeof(*plan->pages));
	if (plan->first == NULL || plan->order == NULL || plan->pages == NULL)
		return err_set(err, ENOMEM, "build %s", builder->path);
	sort_items(builder, plan, npages);
	for (uint32_t number = 0; number < npages; number++)
		plan->pages[number] = (uint64_t)table_gdbm_order(number) << 32 | number;
	qsort(plan->pages, npages, sizeof(*plan->pages), compare_u64);
	return 0;
}

static int
compare_items(const void *a, const void *b, void *arg)
{
	const struct item *items = arg;
	const struct item *x = &items[*(const uint32_t *)a], *y = &items[*(const uint32_t *)b];
	int order = strcmp(x->key, y->key);

	return order != 0 ? order : strcmp(x->group, y->group);
}

/* Fill `out` with the page whose items are order[0..n). */
static int
fill_page(const struct table_builder *builder, uint32_t *order, size_t n, struct buf *out,
    struct err *err)
{
	qsort_r(order, n, sizeof(*order), compare_items, builder->items);
	for (size_t i = 0; i < n; i++) {
		const struct item *item = &builder->items[order[i]];

		if (i > 0 && compare_items(&order[i - 1], &order[i], builder->items) == 0)
			return err_set(err, EEXIST, "build %s: %.100s", builder->path, item->key);
		if (table_page_add(out, item->group, item->key, item->value, item->value_len) == -1)
			return err_set(err, errno, "build %s: %.100s", builder->path, item->key);
	}
	return 0;
}

static int
write_records(struct table_builder *builder, struct plan *plan, struct table_gdbm *gdbm,
    struct buf *record, struct err *err)
{
	size_t npages = (size_t)1 << plan->header.bits;

	if (table_header_write(record, &plan->header) == -1)
		return err_set(err, ENOMEM, "build %s", builder->path);
	if (table_gdbm_store(gdbm, TABLE_GDBM_HEADER, record->data, record->len, err) == -1)
		return -1;
	for (size_t i = 0; i < npages; i++) {
		uint32_t number = (uint32_t)plan->pages[i];
		uint32_t *order = plan->order + plan->first[number];
		size_t n = plan->first[number + 1] - plan->first[number];

		if (PROGRESS_DUE(i))
			progress_tell("writing", i * builder->nitems / npages, builder->nitems);
		if (table_page_begin(record, number, plan->header.id) == -1)
			return err_set(err, errno, "build %s", builder->path);
		if (fill_page(builder, order, n, record, err) == -1)
			return -1;
		if (table_page_end(record) == -1)
			return err_set(err, errno, "build %s: page %u", builder->path, number);
		if (table_gdbm_store(gdbm, number, record->data, record->len, err) == -1)
			return -1;
	}
	return 0;
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
write_file(struct table_builder *builder, struct plan *plan, struct err *err)
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

static int
seen(void *arg, const char *group, const char *key, const char *value, size_t value_len)
{
	(void)arg, (void)group, (void)key, (void)value, (void)value_len;
	return 0;
}

/* Read it as a reader will, every page and its checksum. GDBM goes on when some of its calls fail
 * (a full disk met while it fills a file's first blocks), and only what is sound may be published.
 */
static int
prove(const char *name, struct err *err)
{
	struct table *table;
	int failed = table_open(&table, name, 0, err);

	if (failed == 0)
		failed = table_each(table, seen, NULL, err);
	table_close(table);
	return failed;
}

int
table_build_finish(struct table_builder *builder, const struct table_source *source, gid_t gid,
    mode_t mode, struct err *err)
{
	struct plan plan = { .header.source = *source };
	int failed;

	failed = make_plan(builder, &plan, err);
	if (failed == 0)
		failed = write_file(builder, &plan, err);
	if (failed == 0)
		failed = seal(builder->beside, gid, mode, err);
	if (failed == 0)
		failed = prove(builder->beside, err);
	plan_free(&plan);
	return failed;
}

int
table_build_publish(struct table_builder *builder, struct err *err)
{
	int failed = io_rename(builder->beside, builder->path, err);

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
