/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Any bytes as an alias file. No name makes it stumble; the answer does not depend on case; and an
 * alias in the first line is found, whatever follows.
 */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "../../src/resolve/aliases.h"
#include "fuzz.h"

static char path[4096];

static int
open_file(void)
{
	const char *dir = getenv("TMPDIR");
	int fd;

	snprintf(path, sizeof(path), "%s/aliases.XXXXXX", dir != NULL ? dir : "/tmp");
	fd = mkstemp(path);
	FUZZ_CHECK(fd != -1);
	return fd;
}

static int
ask(const char *user, const char *detail)
{
	struct aliases *aliases;
	char key[ALIASES_KEY_MAX];
	const char *file;
	struct err err;
	int rc;

	FUZZ_CHECK(aliases_open(&aliases, path, &err) == 0);
	rc = aliases_find(aliases, user, detail, &file, key, &err);
	FUZZ_CHECK(rc == 0 || rc == 1);
	FUZZ_CHECK(rc == 0 || strcmp(file, path) == 0);
	FUZZ_CHECK(rc == 0 || strncasecmp(key, user, strlen(user)) == 0);
	aliases_close(aliases);
	return rc;
}

/* A name that the file may hold: its first bytes, up to a colon. */
static void
first_name(const uint8_t *data, size_t size, char *out, size_t max)
{
	size_t len = 0;

	while (len < size && len < max - 1 && data[len] != ':' && data[len] != '\0')
		len++;
	memcpy(out, data, len);
	out[len] = '\0';
}

static void
swap_case(char *name)
{
	for (; *name != '\0'; name++)
		if ((*name >= 'a' && *name <= 'z') || (*name >= 'A' && *name <= 'Z'))
			*name ^= 0x20;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char first[] = "Xyzzy: bob\n";
	static int fd = -1;
	char name[2 * ALIASES_KEY_MAX];
	int plain, detailed;

	if (fd == -1)
		fd = open_file();
	FUZZ_CHECK(ftruncate(fd, 0) == 0 && pwrite(fd, data, size, 0) == (ssize_t)size);
	first_name(data, size, name, sizeof(name));
	plain = ask(name, NULL);
	detailed = ask(name, "x");
	FUZZ_CHECK(detailed >= plain);
	swap_case(name);
	FUZZ_CHECK(ask(name, NULL) == plain && ask(name, "X") == detailed);

	FUZZ_CHECK(ftruncate(fd, 0) == 0);
	FUZZ_CHECK(pwrite(fd, first, sizeof(first) - 1, 0) == (ssize_t)sizeof(first) - 1);
	FUZZ_CHECK(pwrite(fd, data, size, sizeof(first) - 1) == (ssize_t)size);
	FUZZ_CHECK(ask("xYZZY", NULL) == 1 && ask("xyzzy", "detail") == 1);
	return 0;
}
