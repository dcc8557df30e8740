/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Any bytes as names of files in a Maildir, newlines between them. Names that cannot be parsed
 * still name a message; each is listed once, under a name that it has. Files whose names differ
 * only in flags may be one message.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../src/mailbox/scan.h"
#include "fuzz.h"

#define FILES 8

static char path[4096];
static int cur = -1;

static void
make_maildir(void)
{
	const char *dir = getenv("TMPDIR");
	char name[4200];

	snprintf(path, sizeof(path), "%s/maildir.XXXXXX", dir != NULL ? dir : "/tmp");
	FUZZ_CHECK(mkdtemp(path) != NULL);
	snprintf(name, sizeof(name), "%s/new", path);
	FUZZ_CHECK(mkdir(name, 0700) == 0);
	snprintf(name, sizeof(name), "%s/cur", path);
	FUZZ_CHECK(mkdir(name, 0700) == 0 && (cur = open(name, O_RDONLY | O_DIRECTORY)) != -1);
}

struct walk {
	char names[FILES][300];
	int listed[FILES];
	size_t n, count;
};

static int
look(void *arg, const struct scan_message *message)
{
	struct walk *walk = arg;

	FUZZ_CHECK(strncmp(message->name, "cur/", 4) == 0);
	for (size_t i = 0; i < walk->n; i++)
		if (strcmp(walk->names[i], message->name + 4) == 0) {
			FUZZ_CHECK(walk->listed[i]++ == 0);
			FUZZ_CHECK(message->number == ++walk->count);
			FUZZ_CHECK((message->flags & SCAN_RECENT) == 0);
			return 0;
		}
	fprintf(stderr, "%s: no such file was made\n", message->name);
	abort();
}

static void
parse(const char *name)
{
	struct maildir_name parsed;

	maildir_name_parse(name, &parsed);
	FUZZ_CHECK(parsed.base_len <= strlen(name));
	FUZZ_CHECK((parsed.flags & ~(SCAN_SEEN | SCAN_ANSWERED | SCAN_FLAGGED | SCAN_DELETED |
	                               SCAN_DRAFT | SCAN_PASSED)) == 0);
}

static int
same_message(const char *a, const char *b)
{
	struct maildir_name left, right;

	maildir_name_parse(a, &left);
	maildir_name_parse(b, &right);
	return left.base_len == right.base_len && memcmp(a, b, left.base_len) == 0;
}

static int
is_listed(const struct walk *walk, const char *name)
{
	for (size_t i = 0; i < walk->n; i++)
		if (walk->listed[i] && same_message(walk->names[i], name))
			return 1;
	return 0;
}

/* A file of this name; 0 if there can be none, or a dot hides it. */
static int
create(const char *name)
{
	int fd;

	if (*name == '\0' || *name == '.' || strchr(name, '/') != NULL || strlen(name) > 255)
		return 0;
	fd = openat(cur, name, O_WRONLY | O_CREAT | O_EXCL, 0600);
	return fd != -1 && close(fd) == 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mailbox mailbox = { .format = MAILBOX_MAILDIR, .path = path };
	char *text = malloc(size + 1), *rest = text, *name;
	struct walk walk = { .n = 0 };
	struct err err;

	if (cur == -1)
		make_maildir();
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	while ((name = strsep(&rest, "\n")) != NULL) {
		parse(name);
		if (walk.n < FILES && create(name))
			strcpy(walk.names[walk.n++], name);
	}
	FUZZ_CHECK(mailbox_scan(&mailbox, SCAN_WANT_HEADER, look, &walk, &err) == 0);
	for (size_t i = 0; i < walk.n; i++) {
		FUZZ_CHECK(is_listed(&walk, walk.names[i]));
		FUZZ_CHECK(unlinkat(cur, walk.names[i], 0) == 0);
	}
	free(text);
	return 0;
}
