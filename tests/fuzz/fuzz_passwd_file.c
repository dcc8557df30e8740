/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Any bytes as a passwd-file. What is listed is found, as it is listed, unless it stands there
 * twice; an absence is told only of a text without a malformed line; check and lookups agree.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "account.h"
#include "fuzz.h"

#define ABSENT "nobody-has-this-name" /* but the fuzzer finds it out */

static char path[4096], spec[4112];

static int
open_file(void)
{
	const char *dir = getenv("TMPDIR");
	int fd;

	snprintf(path, sizeof(path), "%s/accounts.XXXXXX", dir != NULL ? dir : "/tmp");
	fd = mkstemp(path);
	FUZZ_CHECK(fd != -1);
	snprintf(spec, sizeof(spec), "passwd-file:%s", path);
	return fd;
}

struct listing {
	struct accounts *accounts;
	int faults;
	bool has_absent;
};

static int
same(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* Each listed account is found, or is in doubt because the text has faults. */
static int
look(void *arg, const struct account *listed)
{
	struct listing *listing = arg;
	struct account found;
	struct err err;
	int rc = accounts_find(listing->accounts, listed->name, &found, &err);

	FUZZ_CHECK(*listed->name != '\0' && (*listed->home == '\0' || *listed->home == '/'));
	listing->has_absent |= strcasecmp(listed->name, ABSENT) == 0;
	if (listing->faults == 0) {
		FUZZ_CHECK(rc == 1);
		FUZZ_CHECK(found.uid == listed->uid && found.gid == listed->gid);
		FUZZ_CHECK(same(found.name, listed->name) && same(found.home, listed->home));
		FUZZ_CHECK(same(found.mailbox, listed->mailbox));
		FUZZ_CHECK(same(found.quota_rule, listed->quota_rule));
	}
	if (rc == 1)
		account_free(&found);
	return 0;
}

static void
count(void *arg, const char *where, size_t line, const char *why)
{
	FUZZ_CHECK(strcmp(where, path) == 0 && line > 0 && *why != '\0');
	++*(int *)arg;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int fd = -1;
	struct listing listing = { 0 };
	struct account account;
	struct err err;
	int counted = 0, rc;

	if (fd == -1)
		fd = open_file();
	FUZZ_CHECK(ftruncate(fd, 0) == 0 && pwrite(fd, data, size, 0) == (ssize_t)size);
	listing.faults = accounts_check(spec, 0, count, &counted, &err);
	FUZZ_CHECK(listing.faults == -1 || listing.faults == counted);
	FUZZ_CHECK(accounts_open(&listing.accounts, spec, "", 0, &err) == 0);
	rc = accounts_each(listing.accounts, look, &listing, &err);
	FUZZ_CHECK(rc == 0 || listing.faults != 0);
	/* Only a text without faults proves that somebody is not there. */
	rc = accounts_find(listing.accounts, ABSENT, &account, &err);
	FUZZ_CHECK(listing.faults != 0 || rc == listing.has_absent);
	FUZZ_CHECK(rc != 0 || !listing.has_absent);
	if (rc == 1)
		account_free(&account);
	accounts_close(listing.accounts);
	return 0;
}
