/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Any bytes as what lies in a Maildir that is verified. NULs part them: what stands in maildirsize,
 * in dovecot-uidlist, and then a name and a content in turn, the name behind a letter for its
 * place. What is told is told again, and is so.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "../../src/mailbox/maildirsize.h"
#include "../../src/mailbox/verify.h"
#include "fuzz.h"
#include "io.h"

#define FILES 8

static char root[200];
static int root_fd = -1;

/* Nobody writes here: what is looked at twice is looked at at once. */
int
nanosleep(const struct timespec *wanted, struct timespec *left)
{
	(void)wanted, (void)left;
	return 0;
}

static void
make_maildir(void)
{
	static const char *const parts[] = { "new", "cur", "tmp", ".Sub", ".Sub/new", ".Sub/cur" };
	const char *tmp = getenv("TMPDIR");

	snprintf(root, sizeof(root), "%s/verify.XXXXXX", tmp != NULL ? tmp : "/tmp");
	FUZZ_CHECK(mkdtemp(root) != NULL);
	root_fd = open(root, O_RDONLY | O_DIRECTORY);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		FUZZ_CHECK(mkdirat(root_fd, parts[i], 0700) == 0);
}

struct look {
	const struct maildirsize *said; /* NULL: none that would be believed */
	unsigned count[FAULT_KINDS];
};

static void
tell(void *arg, const struct mailbox_fault *fault)
{
	struct look *look = arg;
	const char *path = fault->path + strlen(root) + 1;
	struct stat st;
	bool is_there = fstatat(root_fd, path, &st, AT_SYMLINK_NOFOLLOW) == 0;

	FUZZ_CHECK(fault->kind < FAULT_KINDS && fault->text[0] != '\0');
	FUZZ_CHECK(strncmp(fault->path, root, strlen(root)) == 0 && is_there);
	look->count[fault->kind]++;
	switch (fault->kind) {
	case FAULT_EMPTY_MESSAGE:
		FUZZ_CHECK(st.st_size == 0);
		break;
	case FAULT_NUL_RUN:
		FUZZ_CHECK(fault->offset + VERIFY_NUL_RUN <= (uint64_t)st.st_size);
		break;
	case FAULT_WRONG_SIZE:
		FUZZ_CHECK(strstr(path, ",S=") != NULL);
		break;
	case FAULT_DUPLICATE_NAME:
	case FAULT_OPEN_PARTS:
		break;
	case FAULT_QUOTA_DRIFT:
		FUZZ_CHECK(look->said != NULL);
		break;
	case FAULT_BAD_MAILDIRSIZE:
		FUZZ_CHECK(look->said == NULL);
		break;
	default:
		fprintf(stderr, "fault %d\n", (int)fault->kind);
		abort();
	}
}

/* One piece, its end moved behind its NUL. */
static const uint8_t *
piece(const uint8_t **data, size_t *size, size_t *len)
{
	const uint8_t *start = *data, *end = *size > 0 ? memchr(start, '\0', *size) : NULL;

	*len = end != NULL ? (size_t)(end - start) : *size;
	*data += end != NULL ? *len + 1 : *len;
	*size -= (size_t)(*data - start);
	return start;
}

static bool
lay(const char *name, const uint8_t *data, size_t len)
{
	int fd = openat(root_fd, name, O_WRONLY | O_CREAT | O_EXCL, 0600);

	if (fd == -1)
		return false;
	FUZZ_CHECK(io_write_all(fd, data, len) == 0);
	close(fd);
	return true;
}

/* The path of a message from a letter and a name; false if there can be none of that name. */
static bool
name_message(const uint8_t *data, size_t len, char path[300])
{
	static const char *const places[] = { "new", "cur", "tmp", ".Sub/new", ".Sub/cur" };

	if (len < 2 || len > 200 || data[1] == '.' || memchr(data + 1, '/', len - 1) != NULL)
		return false;
	snprintf(path, 300, "%s/%.*s", places[data[0] % 5], (int)(len - 1), (const char *)data + 1);
	return true;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct mailbox mailbox = { .format = MAILBOX_MAILDIR, .path = root };
	char made[FILES][300];
	struct maildirsize said;
	struct look first = { 0 }, second = { 0 };
	size_t len, n = 0;
	const uint8_t *sum, *one;
	struct err err;

	if (root_fd == -1)
		make_maildir();
	sum = piece(&data, &size, &len);
	FUZZ_CHECK(lay(MAILDIRSIZE_NAME, sum, len));
	if (len > 0 && len < MAILDIRSIZE_MAX &&
	    maildirsize_parse((const char *)sum, len, &said) == 1)
		first.said = second.said = &said;
	one = piece(&data, &size, &len);
	FUZZ_CHECK(lay("dovecot-uidlist", one, len));
	while (size > 0 && n < FILES) {
		const uint8_t *name = piece(&data, &size, &len);
		bool good = name_message(name, len, made[n]);

		one = piece(&data, &size, &len);
		n += good && lay(made[n], one, len);
	}
	FUZZ_CHECK(mailbox_verify(&mailbox, geteuid(), tell, &first, &err) == 0);
	FUZZ_CHECK(mailbox_verify(&mailbox, geteuid(), tell, &second, &err) == 0);
	FUZZ_CHECK(memcmp(first.count, second.count, sizeof(first.count)) == 0);
	while (n > 0)
		FUZZ_CHECK(unlinkat(root_fd, made[--n], 0) == 0);
	FUZZ_CHECK(unlinkat(root_fd, MAILDIRSIZE_NAME, 0) == 0);
	FUZZ_CHECK(unlinkat(root_fd, "dovecot-uidlist", 0) == 0);
	return 0;
}
