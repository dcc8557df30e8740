/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Any bytes as virtmda.conf, and as an override. A refusal says why and leaves nothing; what
 * is accepted holds the promises of settings.h.
 */
#include "settings.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "fuzz.h"

static char file[4096];

static int
open_file(void)
{
	const char *dir = getenv("TMPDIR");
	int fd;

	snprintf(file, sizeof(file), "%s/settings.XXXXXX", dir != NULL ? dir : "/tmp");
	fd = mkstemp(file);
	FUZZ_CHECK(fd != -1);
	return fd;
}

static void
load(const char *const *overrides, size_t noverrides, const char *prefix)
{
	static const struct settings empty;
	struct settings s;
	struct err err = { .num = -1 };

	if (settings_load(&s, file, overrides, noverrides, &err) == -1) {
		FUZZ_CHECK(strncmp(err.text, prefix, strlen(prefix)) == 0);
		FUZZ_CHECK(memcmp(&s, &empty, sizeof(s)) == 0);
		return;
	}
	FUZZ_CHECK(*s.map == '/' && *s.domains == '/' && *s.spool_directory == '/');
	FUZZ_CHECK(strncmp(s.mailbox, "mbox:", 5) == 0 || strncmp(s.mailbox, "maildir:", 8) == 0);
	FUZZ_CHECK(*s.aliases != '\0' && *s.postmaster != '\0' && *s.log != '\0');
	FUZZ_CHECK(s.min_uid >= 1 && s.lock_timeout >= 1 && s.lock_timeout <= 3600);
	FUZZ_CHECK(s.unmatched == UNMATCHED_NOUSER || s.unmatched == UNMATCHED_LOCAL);
	FUZZ_CHECK(s.forward_files == FORWARD_HANDOVER || s.forward_files == FORWARD_IGNORE);
	settings_free(&s);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int fd = -1;
	char *override = malloc(size + 1);
	const char *overrides[1] = { override };

	if (fd == -1)
		fd = open_file();
	FUZZ_CHECK(ftruncate(fd, 0) == 0 && pwrite(fd, data, size, 0) == (ssize_t)size);
	load(NULL, 0, file);

	if (size > 0)
		memcpy(override, data, size);
	override[size] = '\0';
	FUZZ_CHECK(ftruncate(fd, 0) == 0);
	load(overrides, 1, "-o: ");
	free(override);
	return 0;
}
