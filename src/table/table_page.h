/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The bytes of one page and of the header record of a table: written, verified, searched. Pure.
 *
 * Numbers are little-endian. A page is
 *     "VmP1"  u32 number  u64 table id  u32 entries  entry ...  u64 checksum
 * and an entry
 *     u16 group length  u16 key length  u32 value length  group  key  value
 * where a group length of TABLE_GROUP_IS_KEY says that the group is the key itself. The
 * checksum is 64-bit FNV-1a over all bytes in front of it. Each of its steps is a bijection of the
 * state, so damage to any one byte always shows; more damage goes unseen once in 2^64.
 */
#ifndef VIRTMDA_TABLE_PAGE_H
#define VIRTMDA_TABLE_PAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "table.h"

#define TABLE_GROUP_IS_KEY 0xffffu
#define TABLE_KEY_MAX      0xfffeu     /* bytes of a key or a group */
#define TABLE_VALUE_MAX    0x7fffffffu /* bytes of a value, and of a page: GDBM's int */
#define TABLE_BITS_MAX     24          /* 2^24 pages: 200 million keys */

struct table_header {
	uint64_t id; /* random, another for each file: a page of another file is no page of ours */
	unsigned bits; /* 2^bits pages */
	uint64_t keys;
	struct table_source source;
	uint64_t base;        /* a layer: the id of the whole table below it; 0: a whole table */
	unsigned char *pages; /* a layer: a bit for each of 2^bits pages, 1: it stands here */
};

/* One key as it stands in a page. The bytes are not NUL-ended. */
struct table_entry {
	const unsigned char *group, *key, *value;
	size_t group_len, key_len, value_len;
};

uint64_t table_hash(const void *data, size_t len);

/* The page, of 2^bits, that holds `group`. */
uint32_t table_page_of(const char *group, unsigned bits);

/* Append a header record to `out`, or read one. 0, or -1 with errno ENOMEM (write); read: NULL, or
 * why it is none (errno ENOMEM, else 0). What was read holds memory. */
int table_header_write(struct buf *out, const struct table_header *header);
const char *table_header_read(struct table_header *out, const unsigned char *data, size_t len);
void table_header_free(struct table_header *header);

/* Does page `number` stand in this file? All do in a whole table. */
bool table_header_has(const struct table_header *header, uint32_t number);
size_t table_header_pages_len(unsigned bits); /* bytes of `pages` */

/* Make `out` a page: begin, add entries, end. 0, or -1 with errno. */
int table_page_begin(struct buf *out, uint32_t number, uint64_t id);
int table_page_add(
    struct buf *out, const char *group, const char *key, const void *value, size_t value_len);
int table_page_put(struct buf *out, const struct table_entry *entry);
int table_page_end(struct buf *out);

/* Is it page `number` of table `id`, whole and unharmed? NULL, or what is wrong. Nothing below may
 * be called for a page that was not verified. */
const char *table_page_verify(const unsigned char *page, size_t len, uint32_t number, uint64_t id);

/* Step through the entries; *at starts at 0. 1 with *out, 0 behind the last. */
int table_page_next(const unsigned char *page, size_t len, size_t *at, struct table_entry *out);

/* 1 found, 0 not in this page. */
int table_page_find(const unsigned char *page, size_t len, const char *group, const char *key,
    struct table_entry *out);

#endif
