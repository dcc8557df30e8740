/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Reading a table: one file, or a layer of pages over the whole table that it names. A key is
 * absent when its page is there, verifies and does not list it; everything else that can go wrong
 * is an error, because mail that is bounced on a disk's word does not come back.
 */
#include "table_read.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io.h"
#include "table_gdbm.h"

/* The pages of one ladder: user, domain, parents, "@". */
#define CACHED_PAGES 8

/* Between opening a layer and its base a writer can have replaced both: how often that is looked at
 * again before it is damage. */
#define TRIES 10

struct cached_page {
	unsigned char *data; /* NULL: free */
	size_t len;
	uint32_t number;
};

struct table {
	struct table_gdbm *gdbm;
	char *path;
	dev_t dev; /* of the open file */
	ino_t ino;
	struct table_header header;
	struct table *base; /* under a layer, else NULL */
	struct cached_page cache[CACHED_PAGES];
	unsigned next; /* the cached page to give up next */
};

static int
open_plain(const char *path, struct stat *st, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd == -1)
		return err_set(err, errno, "open %s", path);
	if (fstat(fd, st) == -1)
		err_set(err, errno, "stat %s", path);
	else if (!S_ISREG(st->st_mode))
		err_set(err, EINVAL, "open %s: not a regular file", path);
	else
		return fd;
	close(fd);
	errno = err->num;
	return -1;
}

bool
table_is_replaced(const struct table *table)
{
	struct stat st;

	/* The open file keeps its inode's number from being another's. */
	return stat(table->path, &st) == -1 || st.st_dev != table->dev || st.st_ino != table->ino;
}

static int
read_header(struct table *table, struct err *err)
{
	unsigned char *data;
	const char *why;
	size_t len;

	if (table_gdbm_fetch(table->gdbm, TABLE_GDBM_HEADER, &data, &len, err) == -1)
		return -1;
	why = table_header_read(&table->header, data, len);
	free(data);
	return why == NULL ? 0 : err_set(err, errno, "read %s: %s", table->path, why);
}

/* This file, without what may be below it. */
static int
open_file(struct table **out, const char *path, int trusted, struct err *err)
{
	struct table *table;
	struct stat st;
	int fd = trusted ? io_open_trusted(path, &st, err) : open_plain(path, &st, err);

	*out = NULL;
	if (fd == -1)
		return -1;
	table = calloc(1, sizeof(*table));
	if (table == NULL || (table->path = strdup(path)) == NULL) {
		free(table);
		close(fd);
		return err_set(err, ENOMEM, "open %s", path);
	}
	table->dev = st.st_dev;
	table->ino = st.st_ino;
	if (table_gdbm_open(&table->gdbm, fd, path, 0, err) == -1 ||
	    read_header(table, err) == -1) {
		table_close(table);
		return -1;
	}
	*out = table;
	return 0;
}

char *
table_base_path(const char *path)
{
	char *name;

	return asprintf(&name, "%s.base", path) == -1 ? NULL : name;
}

/* 1 with the base of a layer opened, 0 when it is not there or another layer's, -1 with err. */
static int
open_base(struct table *table, const char *path, int trusted, struct err *err)
{
	const struct table_header *header = &table->header;
	int failed = open_file(&table->base, path, trusted, err);

	if (failed == -1)
		return err->num == ENOENT ? 0 : -1;
	if (table->base->header.id == header->base && table->base->header.base == 0 &&
	    table->base->header.bits == header->bits)
		return 1;
	table_close(table->base);
	table->base = NULL;
	err_set(err, 0, "open %s: it is not what %s stands on", path, table->path);
	return 0;
}

int
table_open(struct table **out, const char *path, int trusted, struct err *err)
{
	char *base = table_base_path(path);
	int found = 0;

	*out = NULL;
	if (base == NULL)
		return err_set(err, ENOMEM, "open %s", path);
	for (unsigned i = 0; found == 0 && i < TRIES; i++) {
		table_close(*out);
		if (open_file(out, path, trusted, err) == -1)
			found = -1;
		else
			found = (*out)->header.base == 0 ? 1 : open_base(*out, base, trusted, err);
	}
	free(base);
	if (found == 1)
		return 0;
	table_close(*out);
	*out = NULL;
	if (found == 0) {
		err_prefix(err, "%s is incomplete, virtmap build makes it whole", path);
		err->num = EIO; /* ENOENT would say that there is no table */
	}
	return -1;
}

void
table_close(struct table *table)
{
	int saved = errno;
	struct err ignored; /* nothing was written */

	if (table == NULL)
		return;
	table_close(table->base);
	table_gdbm_close(table->gdbm, &ignored);
	table_header_free(&table->header);
	for (size_t i = 0; i < CACHED_PAGES; i++)
		free(table->cache[i].data);
	free(table->path);
	free(table);
	errno = saved;
}

/* Read and verify a page; malloc'ed. */
static int
read_page(struct table *table, uint32_t number, struct cached_page *out, struct err *err)
{
	const char *why;

	if (table_gdbm_fetch(table->gdbm, number, &out->data, &out->len, err) == -1)
		return -1;
	out->number = number;
	why = table_page_verify(out->data, out->len, number, table->header.id);
	if (why == NULL)
		return 0;
	free(out->data);
	out->data = NULL;
	return err_set(err, 0, "read %s: page %u %s", table->path, number, why);
}

static struct table *
holder_of(struct table *table, uint32_t number)
{
	return table_header_has(&table->header, number) ? table : table->base;
}

static const struct cached_page *
page(struct table *table, uint32_t number, struct err *err)
{
	struct cached_page fresh, *slot;

	table = holder_of(table, number);
	for (slot = table->cache; slot < table->cache + CACHED_PAGES; slot++)
		if (slot->data != NULL && slot->number == number)
			return slot;
	if (read_page(table, number, &fresh, err) == -1)
		return NULL;
	slot = &table->cache[table->next++ % CACHED_PAGES];
	free(slot->data);
	*slot = fresh;
	return slot;
}

int
table_get(struct table *table, const char *group, const char *key, char **value, size_t *value_len,
    struct err *err)
{
	const struct cached_page *in = page(table, table_page_of(group, table->header.bits), err);
	struct table_entry entry;

	if (in == NULL)
		return -1;
	if (table_page_find(in->data, in->len, group, key, &entry) == 0)
		return 0;
	if ((*value = malloc(entry.value_len + 1)) == NULL)
		return err_set(err, ENOMEM, "read %s", table->path);
	memcpy(*value, entry.value, entry.value_len);
	(*value)[entry.value_len] = '\0';
	*value_len = entry.value_len;
	return 1;
}

const struct table_source *
table_source_of(const struct table *table)
{
	return &table->header.source;
}

uint64_t
table_count(const struct table *table)
{
	return table->header.keys;
}

/* Hand one entry to the caller, its strings NUL-ended in `strings`. */
static int
hand_over(const struct table_entry *entry, struct buf *strings,
    int (*each)(void *arg, const char *group, const char *key, const char *value, size_t value_len),
    void *arg, struct err *err)
{
	const char *group;

	buf_clear(strings);
	if (buf_add(strings, entry->group, entry->group_len) == -1 || buf_addc(strings, 0) == -1 ||
	    buf_add(strings, entry->key, entry->key_len) == -1 || buf_addc(strings, 0) == -1)
		return err_set(err, ENOMEM, "read an entry");
	group = (const char *)strings->data;
	return each(
	    arg, group, group + entry->group_len + 1, (const char *)entry->value, entry->value_len);
}

int
table_each(struct table *table,
    int (*each)(void *arg, const char *group, const char *key, const char *value, size_t value_len),
    void *arg, struct err *err)
{
	struct buf strings = BUF_INIT;
	uint64_t seen = 0;
	int rc = 0;

	for (uint32_t number = 0; rc == 0 && number >> table->header.bits == 0; number++) {
		struct cached_page in;
		struct table_entry entry;
		size_t at = 0;

		if ((rc = read_page(holder_of(table, number), number, &in, err)) == -1)
			break;
		for (; rc == 0 && table_page_next(in.data, in.len, &at, &entry) == 1; seen++)
			rc = hand_over(&entry, &strings, each, arg, err);
		free(in.data);
	}
	if (rc == 0 && seen != table->header.keys)
		rc = err_set(err, 0, "read %s: its pages hold other than all keys", table->path);
	buf_free(&strings);
	return rc;
}

/* ---- for those who write ----------------------------------------------------------------------
 */

const struct table_header *
table_header_of(const struct table *table)
{
	return &table->header;
}

int
table_base_fd(const struct table *table)
{
	return table_gdbm_fd(table->base != NULL ? table->base->gdbm : table->gdbm);
}

const unsigned char *
table_page(struct table *table, uint32_t number, size_t *len, struct err *err)
{
	const struct cached_page *found = page(table, number, err);

	if (found == NULL)
		return NULL;
	*len = found->len;
	return found->data;
}

static int
seen(void *arg, const char *group, const char *key, const char *value, size_t value_len)
{
	(void)arg, (void)group, (void)key, (void)value, (void)value_len;
	return 0;
}

/* Only the pages of a layer: what is below was proven when it was built. */
static int
prove_layer(struct table *table, struct err *err)
{
	struct cached_page in;

	for (uint32_t number = 0; number >> table->header.bits == 0; number++) {
		if (!table_header_has(&table->header, number))
			continue;
		if (read_page(table, number, &in, err) == -1)
			return -1;
		free(in.data);
	}
	return 0;
}

int
table_prove(const char *path, struct err *err)
{
	struct table *table;
	int failed = open_file(&table, path, 0, err);

	if (failed == 0)
		failed = table->header.base == 0 ? table_each(table, seen, NULL, err)
		                                 : prove_layer(table, err);
	table_close(table);
	return failed;
}
