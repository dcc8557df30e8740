/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Pages of a table as bytes. What is read here comes from a disk that may have lost its
 * mind, so every length is checked against what is there before it is believed, and a page is
 * believed only when its checksum, its number and its table's id are right.
 */
#include "table_page.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define FNV_BASIS UINT64_C(0xcbf29ce484222325)
#define FNV_PRIME UINT64_C(0x100000001b3)

#define CHECKSUM_LEN 8
#define PAGE_COUNT   16  /* offset of the number of entries */
#define PAGE_ENTRIES 20  /* offset of the first entry */
#define ENTRY_HEAD   8   /* bytes in front of an entry's group */
#define HEADER_LEN   112 /* and the pages of a layer behind */
#define HEADER_PAGES 104 /* where those begin; a checksum ends it all */

static const unsigned char page_magic[4] = { 'V', 'm', 'P', '1' };
static const unsigned char header_magic[4] = { 'V', 'm', 'H', '2' };

uint64_t
table_hash(const void *data, size_t len)
{
	const unsigned char *p = data;
	uint64_t hash = FNV_BASIS;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ p[i]) * FNV_PRIME;
	return hash;
}

uint32_t
table_page_of(const char *group, unsigned bits)
{
	uint64_t hash = table_hash(group, strlen(group));

	/* The last byte hardly reaches the low bits of FNV-1a; the high half is well mixed. */
	return (uint32_t)(hash ^ hash >> 32) & ((UINT32_C(1) << bits) - 1);
}

static uint64_t
get(const unsigned char *p, size_t bytes)
{
	uint64_t n = 0;

	while (bytes-- > 0)
		n = n << 8 | p[bytes];
	return n;
}

static void
put(unsigned char *p, uint64_t n, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++, n >>= 8)
		p[i] = (unsigned char)n;
}

static int
add_number(struct buf *out, uint64_t n, size_t bytes)
{
	unsigned char p[8];

	put(p, n, bytes);
	return buf_add(out, p, bytes);
}

static int
checksum_right(const unsigned char *data, size_t len)
{
	return get(data + len - CHECKSUM_LEN, CHECKSUM_LEN) == table_hash(data, len - CHECKSUM_LEN);
}

/* ---- header --------------------------------------------------------------------------------- */

int
table_header_write(struct buf *out, const struct table_header *header)
{
	unsigned char p[HEADER_PAGES];
	size_t start = out->len;

	memset(p, 0, sizeof(p));
	memcpy(p, header_magic, sizeof(header_magic));
	put(p + 4, header->bits, 4);
	put(p + 8, header->id, 8);
	put(p + 16, header->keys, 8);
	put(p + 24, header->source.mappings, 8);
	put(p + 32, header->source.size, 8);
	put(p + 40, (uint64_t)header->source.mtime_sec, 8);
	put(p + 48, (uint32_t)header->source.mtime_nsec, 4);
	memcpy(p + 56, header->source.digest, sizeof(header->source.digest));
	put(p + 88, header->base, 8);
	put(p + 96, header->source.note, 8);
	if (buf_add(out, p, sizeof(p)) == -1 ||
	    (header->base != 0 &&
	        buf_add(out, header->pages, table_header_pages_len(header->bits)) == -1))
		return -1;
	return add_number(out, table_hash(out->data + start, out->len - start), CHECKSUM_LEN);
}

size_t
table_header_pages_len(unsigned bits)
{
	return bits < 3 ? 1 : (size_t)1 << (bits - 3);
}

static size_t
pages_len(const struct table_header *header)
{
	return header->base == 0 ? 0 : table_header_pages_len(header->bits);
}

static int
read_pages(struct table_header *out, const unsigned char *p)
{
	size_t len = pages_len(out);

	if (len == 0)
		return 0;
	if ((out->pages = malloc(len)) == NULL)
		return -1;
	memcpy(out->pages, p, len);
	return 0;
}

const char *
table_header_read(struct table_header *out, const unsigned char *p, size_t len)
{
	if (len < sizeof(header_magic) || memcmp(p, header_magic, sizeof(header_magic) - 1) != 0)
		return "the header record is not a virtmap's";
	if (p[3] != header_magic[3])
		return "it was compiled by another version: run virtmap build";
	errno = 0;
	if (len < HEADER_LEN || !checksum_right(p, len))
		return "the header record is damaged";
	memset(out, 0, sizeof(*out));
	out->bits = (unsigned)get(p + 4, 4);
	out->id = get(p + 8, 8);
	out->keys = get(p + 16, 8);
	out->source.mappings = get(p + 24, 8);
	out->source.size = get(p + 32, 8);
	out->source.mtime_sec = (int64_t)get(p + 40, 8);
	out->source.mtime_nsec = (int32_t)get(p + 48, 4);
	memcpy(out->source.digest, p + 56, sizeof(out->source.digest));
	out->base = get(p + 88, 8);
	out->source.note = get(p + 96, 8);
	if (out->bits > TABLE_BITS_MAX || len != HEADER_LEN + pages_len(out))
		return "the header record is of no table";
	return read_pages(out, p + HEADER_PAGES) == 0 ? NULL : "there is no memory for its header";
}

void
table_header_free(struct table_header *header)
{
	free(header->pages);
	header->pages = NULL;
}

bool
table_header_has(const struct table_header *header, uint32_t number)
{
	return header->base == 0 || (header->pages[number / 8] >> number % 8 & 1) != 0;
}

/* ---- writing a page ---------------------------------------------------------------------------
 */

int
table_page_begin(struct buf *out, uint32_t number, uint64_t id)
{
	buf_clear(out);
	if (buf_add(out, page_magic, sizeof(page_magic)) == -1 ||
	    add_number(out, number, 4) == -1 || add_number(out, id, 8) == -1)
		return -1;
	return add_number(out, 0, 4);
}

int
table_page_add(
    struct buf *out, const char *group, const char *key, const void *value, size_t value_len)
{
	struct table_entry entry = { .group = (const unsigned char *)group,
		.key = (const unsigned char *)key,
		.value = value,
		.group_len = strlen(group),
		.key_len = strlen(key),
		.value_len = value_len };

	return table_page_put(out, &entry);
}

int
table_page_put(struct buf *out, const struct table_entry *entry)
{
	size_t key_len = entry->key_len, group_len = entry->group_len, value_len = entry->value_len;
	int same = group_len == key_len && memcmp(entry->group, entry->key, key_len) == 0;

	if (key_len > TABLE_KEY_MAX || group_len > TABLE_KEY_MAX || value_len > TABLE_VALUE_MAX) {
		errno = EMSGSIZE;
		return -1;
	}
	if (same)
		group_len = 0;
	if (buf_reserve(out, ENTRY_HEAD + group_len + key_len + value_len) == -1 ||
	    add_number(out, same ? TABLE_GROUP_IS_KEY : group_len, 2) == -1 ||
	    add_number(out, key_len, 2) == -1 || add_number(out, value_len, 4) == -1 ||
	    buf_add(out, entry->group, group_len) == -1 ||
	    buf_add(out, entry->key, key_len) == -1 || buf_add(out, entry->value, value_len) == -1)
		return -1;
	put(out->data + PAGE_COUNT, get(out->data + PAGE_COUNT, 4) + 1, 4);
	return 0;
}

int
table_page_end(struct buf *out)
{
	if (out->len > TABLE_VALUE_MAX - CHECKSUM_LEN) {
		errno = EFBIG;
		return -1;
	}
	return add_number(out, table_hash(out->data, out->len), CHECKSUM_LEN);
}

/* ---- reading a page ---------------------------------------------------------------------------
 */

int
table_page_next(const unsigned char *page, size_t len, size_t *at, struct table_entry *out)
{
	size_t end = len - CHECKSUM_LEN, group_len;
	const unsigned char *p;

	if (*at == 0)
		*at = PAGE_ENTRIES;
	if (end - *at < ENTRY_HEAD)
		return 0;
	p = page + *at;
	group_len = get(p, 2);
	out->key_len = get(p + 2, 2);
	out->value_len = get(p + 4, 4);
	out->group_len = group_len == TABLE_GROUP_IS_KEY ? out->key_len : group_len;
	if (group_len == TABLE_GROUP_IS_KEY)
		group_len = 0;
	if (end - *at - ENTRY_HEAD < group_len + out->key_len + out->value_len)
		return 0;
	out->key = p + ENTRY_HEAD + group_len;
	out->group = group_len == 0 && out->group_len > 0 ? out->key : p + ENTRY_HEAD;
	out->value = out->key + out->key_len;
	*at += ENTRY_HEAD + group_len + out->key_len + out->value_len;
	return 1;
}

const char *
table_page_verify(const unsigned char *page, size_t len, uint32_t number, uint64_t id)
{
	struct table_entry entry;
	size_t at = 0;
	uint64_t left;

	if (len < PAGE_ENTRIES + CHECKSUM_LEN || memcmp(page, page_magic, sizeof(page_magic)) != 0)
		return "is no page";
	if (!checksum_right(page, len))
		return "is damaged";
	if (get(page + 4, 4) != number)
		return "is another page";
	if (get(page + 8, 8) != id)
		return "is a page of another table";
	left = get(page + PAGE_COUNT, 4);
	while (left > 0 && table_page_next(page, len, &at, &entry) == 1)
		left--;
	if (left > 0 || (at == 0 ? PAGE_ENTRIES : at) != len - CHECKSUM_LEN)
		return "does not hold what it says";
	return NULL;
}

static int
is(const unsigned char *bytes, size_t len, const char *string, size_t string_len)
{
	return len == string_len && memcmp(bytes, string, len) == 0;
}

int
table_page_find(const unsigned char *page, size_t len, const char *group, const char *key,
    struct table_entry *out)
{
	size_t at = 0, group_len = strlen(group), key_len = strlen(key);

	while (table_page_next(page, len, &at, out) == 1)
		if (is(out->key, out->key_len, key, key_len) &&
		    is(out->group, out->group_len, group, group_len))
			return 1;
	return 0;
}
