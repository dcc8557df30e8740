/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A text in one of the formats of virtmap import; its first byte says which. Whatever it holds,
 * what was taken over is a map; and an export of that, imported and exported again, is the same
 * text.
 */
#include "../../src/virtmap/intake.h"

#include <string.h>
#include <unistd.h>

#include "fuzz.h"

static const char *const names[] = { "virtmaps", "virtusertable", "postfix-virtual", "vpopmail",
	"csv", "json" };

static char path[4096];
static size_t refused;

int LLVMFuzzerInitialize(int *argc, char ***argv);

/* Every refused line is told on standard error. */
int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	const char *dir = getenv("TMPDIR");
	int fd;

	(void)argc;
	(void)argv;
	snprintf(path, sizeof(path), "%s/import.XXXXXX", dir != NULL ? dir : "/tmp");
	fd = mkstemp(path);
	FUZZ_CHECK(fd != -1 && close(fd) == 0);
	stderr = fopen("/dev/null", "w");
	return 0;
}

static void
write_file(const void *data, size_t size)
{
	FILE *file = fopen(path, "w");

	FUZZ_CHECK(file != NULL);
	FUZZ_CHECK(size == 0 || fwrite(data, 1, size, file) == size);
	FUZZ_CHECK(fclose(file) == 0);
}

static void
refuse(void *arg, const struct map_entry *entry, const char *why)
{
	(void)arg;
	FUZZ_CHECK(entry != NULL && why != NULL);
	refused++;
}

/* malloc'ed. */
static char *export(const struct format *format, const struct map_source *source, size_t *size)
{
	size_t count = map_source_count(source);
	const struct map_entry **entries = calloc(count + 1, sizeof(const void *));
	struct format_sheet sheet = { entries, count, NULL, refuse };
	struct err err;
	char *text;
	FILE *to = open_memstream(&text, size);

	FUZZ_CHECK(entries != NULL && to != NULL);
	for (size_t i = 0; i < count; i++)
		FUZZ_CHECK((entries[i] = map_source_entry(source, i)) != NULL);
	qsort(entries, count, sizeof(const void *), format_compare);
	FUZZ_CHECK(format->write(&sheet, to, &err) == 0);
	FUZZ_CHECK(fclose(to) == 0);
	free(entries);
	return text;
}

static void
there_and_back(const struct format *format, const struct map_source *source)
{
	struct intake intake;
	struct err err = { .num = 0 };
	size_t size, again_size, before;
	char *text, *again;

	refused = 0;
	text = export(format, source, &size);
	before = map_source_count(source) - refused;
	write_file(text, size);
	FUZZ_CHECK(intake_read(&intake, format, path, &err) == 0);
	FUZZ_CHECK(intake.refused == 0);
	FUZZ_CHECK(map_source_count(intake.staged) == before);
	refused = 0;
	again = export(format, intake.staged, &again_size);
	FUZZ_CHECK(refused == 0);
	FUZZ_CHECK(size == again_size && memcmp(text, again, size) == 0);
	intake_free(&intake);
	free(again);
	free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const size_t n = sizeof(names) / sizeof(names[0]);
	struct intake intake;
	struct err err = { .num = 0, .text = "" };

	if (size == 0)
		return 0;
	write_file(data + 1, size - 1);
	if (intake_read(&intake, format_find(names[data[0] % n]), path, &err) == -1) {
		FUZZ_CHECK(err.num == 0 && err.text[0] != '\0');
	} else {
		FUZZ_CHECK(map_source_errors(intake.staged) <= intake.nrows);
		/* What leads in circles becomes no map, and some formats leave it out. */
		for (size_t i = 0; i < n && map_check(intake.staged, NULL, NULL, NULL, &err) == 0;
		     i++)
			there_and_back(format_find(names[i]), intake.staged);
	}
	intake_free(&intake);
	return 0;
}
