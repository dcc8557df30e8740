/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Any bytes as a passwd-file with its index. A file that has one answers from it what it answers
 * without it; a file with a fault gets none, and then never says "no" of a name that it lists.
 */
#include "account.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "address.h"
#include "fuzz.h"
#include "io.h"

static const char absent[] = "nobody-has-this-name";

static char path[4096], spec[4200], index_path[4200];
static int fd = -1;

static void
write_file(const uint8_t *data, size_t size)
{
	if (fd == -1) {
		const char *dir = getenv("TMPDIR");

		snprintf(path, sizeof(path), "%s/accounts.XXXXXX", dir != NULL ? dir : "/tmp");
		FUZZ_CHECK((fd = mkstemp(path)) != -1);
		snprintf(spec, sizeof(spec), "passwd-file:%s", path);
		snprintf(index_path, sizeof(index_path), "%s.gdbm", path);
	}
	unlink(index_path);
	FUZZ_CHECK(ftruncate(fd, 0) == 0 && lseek(fd, 0, SEEK_SET) == 0);
	FUZZ_CHECK(io_write_all(fd, data, size) == 0);
}

static int
find(const char *name, uid_t *uid)
{
	struct accounts *accounts;
	struct account account;
	struct err err = { .num = -1 };
	int rc = accounts_open(&accounts, spec, "", 0, &err);

	if (rc == 0)
		rc = accounts_find(accounts, name, &account, &err);
	else
		accounts = NULL;
	FUZZ_CHECK(rc != -1 || err.text[0] != '\0');
	if (rc == 1) {
		FUZZ_CHECK(*account.name != '\0' && account.home != NULL);
		*uid = account.uid;
		account_free(&account);
	}
	accounts_close(accounts);
	return rc;
}

struct walk {
	char names[16][128];
	uid_t uids[16];
	size_t n;
};

static int
note(void *arg, const struct account *account)
{
	struct walk *walk = arg;

	FUZZ_CHECK(*account->name != '\0' && strcmp(account->name, absent) != 0);
	if (walk->n < 16 && strlen(account->name) < sizeof(walk->names[0])) {
		strcpy(walk->names[walk->n], account->name);
		walk->uids[walk->n++] = account->uid;
	}
	return 0;
}

static int
list(struct walk *walk)
{
	struct accounts *accounts;
	struct err err;
	int rc;

	if (accounts_open(&accounts, spec, "", 0, &err) == -1)
		return -1;
	rc = accounts_each(accounts, note, walk, &err);
	accounts_close(accounts);
	return rc;
}

/* Can anybody be asked for by this name? */
static int
is_name(const char *name)
{
	const char *at = strrchr(name, '@');
	struct err err;
	char *folded;

	if (at == NULL)
		return 1;
	folded = address_fold_domain(at + 1, strlen(at + 1), &err);
	free(folded);
	return folded != NULL && at != name;
}

/* Whatever was listed is found; who is not there is not, unless it cannot be told. strict: every
 * line is sound and every name stands once, so that it can be told. */
static void
ask(const struct walk *walk, int readable, int strict)
{
	uid_t uid;
	int rc;

	for (size_t i = 0; i < walk->n; i++) {
		rc = find(walk->names[i], &uid);
		FUZZ_CHECK(rc == 1 || (!strict && (rc == -1 || !is_name(walk->names[i]))));
		FUZZ_CHECK(!strict || uid == walk->uids[i]);
	}
	rc = find(absent, &uid);
	FUZZ_CHECK(strict ? rc == 0 : rc == -1 || (rc == 0 && readable));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct walk walk = { .n = 0 };
	struct err err;
	int readable, strict;

	if (memmem(data, size, absent, sizeof(absent) - 1) != NULL)
		return 0;
	write_file(data, size);
	readable = list(&walk) == 0;
	strict = accounts_index(spec, 0, &err) == 0;
	FUZZ_CHECK(strict == (access(index_path, F_OK) == 0));
	FUZZ_CHECK(strict ? readable : err.text[0] != '\0');
	ask(&walk, readable, strict);
	unlink(index_path);
	ask(&walk, readable, strict);
	return 0;
}
