/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Any bytes as virtmaps. Every complaint is counted, every mapping can be found again under its
 * own key and has a target that parses, the text is kept byte for byte, and an edit that is
 * taken back leaves what was there.
 */
#include "map.h"

#include <errno.h>
#include <string.h>

#include "fuzz.h"

static void
complain(void *arg, const char *path, size_t line, const char *why)
{
	FUZZ_CHECK(strcmp(path, "virtmaps") == 0 && line > 0 && *why != '\0');
	FUZZ_CHECK(strchr(why, '\n') == NULL);
	++*(size_t *)arg;
}

static struct map_source *
parse(const void *text, size_t len)
{
	struct map_source *source;
	struct err err;
	size_t complaints = 0;

	FUZZ_CHECK(
	    map_source_parse(&source, "virtmaps", text, len, complain, &complaints, &err) == 0);
	FUZZ_CHECK(complaints == map_source_errors(source));
	return source;
}

static void
entry_holds(const struct map_source *source, const struct map_entry *entry)
{
	struct target target;
	struct err err;
	char *folded = map_key_fold(entry->key, &err);

	FUZZ_CHECK(folded != NULL && strcmp(folded, entry->folded) == 0);
	if (strpbrk(entry->key, "\"\\") == NULL) {
		char *again = map_key_fold(folded, &err);

		FUZZ_CHECK(again != NULL && strcmp(again, folded) == 0);
		free(again);
	}
	FUZZ_CHECK(map_source_find(source, entry->key, &err) == entry);
	FUZZ_CHECK(target_parse(&target, entry->target, NULL, &err) == 0);
	FUZZ_CHECK(target.kind != TARGET_ADDRESSES || target.naddresses > 0);
	FUZZ_CHECK(target.kind != TARGET_ERROR || (*target.text != '\0' && *target.status != '\0'));
	target_free(&target);
	free(folded);
}

static void
assert_text(const struct map_source *source, const void *text, size_t len)
{
	const struct buf *now = map_source_text(source);

	FUZZ_CHECK(now != NULL && now->len == len);
	FUZZ_CHECK(len == 0 || memcmp(now->data, text, len) == 0);
}

/* A line that was added and removed again leaves at most the newline that the last line lacked. */
static void
add_and_remove(struct map_source *source, const uint8_t *data, size_t size)
{
	static const char key[] = "fuzz-key@fuzz.example";
	struct err err;
	size_t count = map_source_count(source);
	const struct map_entry *entry = map_source_find(source, key, &err);

	FUZZ_CHECK(entry != NULL || err.num == 0);
	if (entry != NULL) {
		FUZZ_CHECK(map_source_add(source, key, "bob", &err) == -1 && err.num == EEXIST);
		return;
	}
	FUZZ_CHECK(map_source_add(source, key, "bob", &err) == 0);
	FUZZ_CHECK(map_source_count(source) == count + 1);
	entry = map_source_find(source, key, &err);
	FUZZ_CHECK(entry != NULL && strcmp(entry->target, "bob") == 0);
	FUZZ_CHECK(map_source_rm(source, key, &err) == 0);
	FUZZ_CHECK(map_source_count(source) == count);
	FUZZ_CHECK(map_source_rm(source, key, &err) == -1 && err.num == ENOENT);
	if (size == 0 || data[size - 1] == '\n' || map_source_text(source)->len == size) {
		assert_text(source, data, size);
	} else {
		FUZZ_CHECK(map_source_text(source)->len == size + 1);
		FUZZ_CHECK(memcmp(map_source_text(source)->data, data, size) == 0);
	}
}

/* The first mapping with another target, in a text that reads back as that. */
static void
replace(struct map_source *source)
{
	const struct map_entry *entry = map_source_entry(source, 0);
	struct map_source *copy;
	struct err err;
	size_t count = map_source_count(source), errors = map_source_errors(source);
	char *key;

	if (entry == NULL)
		return;
	key = strdup(entry->key);
	FUZZ_CHECK(map_source_set(source, key, "error:nouser gone away", &err) == 0);
	copy = parse(map_source_text(source)->data, map_source_text(source)->len);
	FUZZ_CHECK(map_source_count(copy) == count && map_source_errors(copy) == errors);
	entry = map_source_find(copy, key, &err);
	FUZZ_CHECK(entry != NULL && strcmp(entry->target, "error:nouser gone away") == 0);
	map_source_free(copy);
	free(key);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct map_source *source = parse(data, size);

	for (size_t i = 0; i < map_source_count(source); i++) {
		FUZZ_CHECK(map_source_entry(source, i) != NULL);
		entry_holds(source, map_source_entry(source, i));
	}
	FUZZ_CHECK(map_source_entry(source, map_source_count(source)) == NULL);
	assert_text(source, data, size);
	add_and_remove(source, data, size);
	replace(source);
	map_source_free(source);
	return 0;
}
