/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Any bytes as an mbox that is verified, with a lock beside it: the first byte says how many of the
 * bytes behind it are the lock's, 0 for no lock. What is told is told again, and is there: a
 * fault's offset leads to the very bytes that it is about.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "../../src/mailbox/verify.h"
#include "fuzz.h"
#include "io.h"

static char dir[200], box[250], lock[256];

/* Nobody writes here: what is looked at twice is looked at at once. */
int
nanosleep(const struct timespec *wanted, struct timespec *left)
{
	(void)wanted, (void)left;
	return 0;
}

static void
make_directory(void)
{
	const char *tmp = getenv("TMPDIR");

	snprintf(dir, sizeof(dir), "%s/verify.XXXXXX", tmp != NULL ? tmp : "/tmp");
	FUZZ_CHECK(mkdtemp(dir) != NULL);
	snprintf(box, sizeof(box), "%s/mbox", dir);
	snprintf(lock, sizeof(lock), "%s.lock", box);
}

static void
lay(const char *path, const uint8_t *data, size_t size)
{
	/* Older than the lock, so that it is seen that nothing was written under that. */
	const struct timespec long_ago[2] = { { .tv_sec = 1000 }, { .tv_sec = 1000 } };
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	FUZZ_CHECK(fd != -1 && io_write_all(fd, data, size) == 0);
	FUZZ_CHECK(path == lock || futimens(fd, long_ago) == 0);
	close(fd);
}

struct look {
	const uint8_t *data;
	size_t size;
	unsigned count[FAULT_KINDS];
	uint64_t offsets; /* summed up */
};

static void
check_place(const struct look *look, const struct mailbox_fault *fault)
{
	const uint8_t *at = look->data + fault->offset;
	size_t left = look->size - fault->offset;

	switch (fault->kind) {
	case FAULT_NUL_RUN:
		FUZZ_CHECK(left >= VERIFY_NUL_RUN);
		for (size_t i = 0; i < VERIFY_NUL_RUN; i++)
			FUZZ_CHECK(at[i] == '\0');
		break;
	case FAULT_WRONG_FORMAT:
		FUZZ_CHECK(fault->offset == 0 && (left < 5 || memcmp(at, "From ", 5) != 0));
		break;
	case FAULT_GLUED_MESSAGE:
	case FAULT_BAD_FROM_LINE:
	case FAULT_UNQUOTED_FROM:
	case FAULT_WRONG_LENGTH:
	case FAULT_OPEN_PARTS:
	case FAULT_OPEN_END:
		FUZZ_CHECK(left >= 5 && memcmp(at, "From ", 5) == 0);
		break;
	case FAULT_TORN_TAIL:
		FUZZ_CHECK(left > 0 && memcmp(at, "From ", left < 5 ? left : 5) == 0);
		break;
	default:
		fprintf(stderr, "fault %d\n", (int)fault->kind);
		abort();
	}
}

static void
tell(void *arg, const struct mailbox_fault *fault)
{
	struct look *look = arg;

	FUZZ_CHECK(fault->kind < FAULT_KINDS && fault->text[0] != '\0');
	look->count[fault->kind]++;
	look->offsets += fault->offset;
	if (fault->kind == FAULT_STALE_LOCK || fault->kind == FAULT_OLD_LOCK ||
	    fault->kind == FAULT_LOCKED) {
		FUZZ_CHECK(strcmp(fault->path, lock) == 0);
		return;
	}
	FUZZ_CHECK(strcmp(fault->path, box) == 0 && fault->offset <= look->size);
	check_place(look, fault);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct mailbox mailbox = { .format = MAILBOX_MBOX, .path = box };
	struct look first = { 0 }, second;
	struct err err;
	size_t lock_len;

	if (*dir == '\0')
		make_directory();
	if (size == 0)
		return 0;
	lock_len = data[0] < size ? data[0] : 0;
	first.data = data + 1 + lock_len;
	first.size = size - 1 - lock_len;
	second = first;
	lay(box, first.data, first.size);
	if (lock_len > 0)
		lay(lock, data + 1, lock_len);
	FUZZ_CHECK(mailbox_verify(&mailbox, geteuid(), tell, &first, &err) == 0);
	FUZZ_CHECK(mailbox_verify(&mailbox, geteuid(), tell, &second, &err) == 0);
	FUZZ_CHECK(memcmp(&first, &second, sizeof(first)) == 0);
	FUZZ_CHECK((lock_len > 0) == (first.count[FAULT_STALE_LOCK] + first.count[FAULT_OLD_LOCK] +
	                                     first.count[FAULT_LOCKED] >
	                                 0));
	if (lock_len > 0)
		unlink(lock);
	return 0;
}
