/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A compiled table with damage: the input is a list of places and bytes put over a sound file,
 * and where to cut it off. A key that is there must be found with its value, a key that is not
 * must not be found, or the answer is "could not tell". Nothing else, whatever the damage.
 */
#include "table.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "fuzz.h"
#include "io.h"

#define KEYS 64

static char file[4096];
static struct buf sound = BUF_INIT;

struct pair {
	char group[32], key[40], value[48];
};

static void
name_pair(struct pair *pair, unsigned i)
{
	snprintf(pair->group, sizeof(pair->group), "user%u@d%u.example", i, i % 7);
	snprintf(pair->key, sizeof(pair->key), "user%u@d%u.example", i, i % 7);
	snprintf(pair->value, sizeof(pair->value), "account-of-%u", i * i);
}

static void
build(void)
{
	static struct pair pairs[KEYS];
	const char *dir = getenv("TMPDIR");
	struct table_source source = { .size = 1 };
	struct table_builder *builder;
	struct err err;
	int fd;

	snprintf(file, sizeof(file), "%s/table.%ld", dir != NULL ? dir : "/tmp", (long)getpid());
	FUZZ_CHECK(table_build_begin(&builder, file, KEYS, &err) == 0);
	for (unsigned i = 0; i < KEYS; i++) {
		name_pair(&pairs[i], i);
		FUZZ_CHECK(table_build_add(builder, pairs[i].group, pairs[i].key, pairs[i].value,
		               strlen(pairs[i].value), &err) == 0);
	}
	FUZZ_CHECK(table_build_commit(builder, &source, (gid_t)-1, 0600, &err) == 0);
	fd = open(file, O_RDONLY);
	FUZZ_CHECK(fd != -1 && io_read_all(fd, SIZE_MAX / 4, &sound) == 0);
	close(fd);
}

/* Four bytes a wound: three for the place, one for the byte. The first two say where the file
 * ends, counted from its end. */
static void
wound(const uint8_t *data, size_t size)
{
	struct buf bytes = BUF_INIT;
	size_t cut;
	int fd = open(file, O_WRONLY | O_TRUNC);

	FUZZ_CHECK(fd != -1 && buf_add(&bytes, sound.data, sound.len) == 0);
	for (size_t i = 2; i + 4 <= size; i += 4) {
		size_t at =
		    ((size_t)data[i] << 16 | (size_t)data[i + 1] << 8 | data[i + 2]) % bytes.len;

		bytes.data[at] ^= data[i + 3];
	}
	cut = size < 2 ? 0 : ((size_t)data[0] << 8 | data[1]) % bytes.len;
	FUZZ_CHECK(io_write_all(fd, bytes.data, bytes.len - cut) == 0 && close(fd) == 0);
	buf_free(&bytes);
}

static void
ask(struct table *table, unsigned i, int is_there)
{
	struct pair pair;
	struct err err = { .num = -1 };
	char *value;
	size_t len;
	int rc;

	name_pair(&pair, i);
	rc = table_get(table, pair.group, pair.key, &value, &len, &err);
	FUZZ_CHECK(rc == is_there || rc == -1);
	if (rc == -1)
		FUZZ_CHECK(err.text[0] != '\0');
	if (rc != 1)
		return;
	FUZZ_CHECK(len == strlen(pair.value) && strcmp(value, pair.value) == 0);
	free(value);
}

static int
count(void *arg, const char *group, const char *key, const char *value, size_t value_len)
{
	(void)group, (void)key, (void)value, (void)value_len;
	++*(unsigned *)arg;
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct table *table;
	struct err err;
	unsigned seen = 0;

	if (sound.len == 0)
		build();
	wound(data, size);
	if (table_open(&table, file, 0, &err) == -1) {
		FUZZ_CHECK(size > 0 && table == NULL && err.text[0] != '\0');
		return 0;
	}
	for (unsigned i = 0; i < 2 * KEYS; i++)
		ask(table, i, i < KEYS);
	FUZZ_CHECK(table_each(table, count, &seen, &err) == -1 || seen == KEYS);
	FUZZ_CHECK(table_count(table) == KEYS);
	table_close(table);
	return 0;
}
