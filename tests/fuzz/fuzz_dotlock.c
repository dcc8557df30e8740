/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Any bytes as a dotlock that somebody laid beside a mailbox, and as the mailbox. Beyond not
 * crashing: a lock of a process that lives is never stale, what is read of a record is what was
 * written, and nothing is called torn that holds the start of another message.
 */
#include "lock.h"

#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../src/mailbox/mbox_recover.h"
#include "fuzz.h"
#include "io.h"

#define NAME "box.lock"

static int at = -1; /* a directory for the lock */

static void
open_dir(void)
{
	static char dir[256];
	const char *tmp = getenv("TMPDIR");

	if (at != -1)
		return;
	snprintf(dir, sizeof(dir), "%s/dotlock.XXXXXX", tmp != NULL ? tmp : "/tmp");
	FUZZ_CHECK(mkdtemp(dir) != NULL && (at = open(dir, O_RDONLY | O_DIRECTORY)) != -1);
}

static void
lay(const void *head, size_t head_len, const uint8_t *data, size_t size)
{
	int fd = openat(at, NAME, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	FUZZ_CHECK(fd != -1 && io_write_all(fd, head, head_len) == 0);
	FUZZ_CHECK(io_write_all(fd, data, size) == 0);
	close(fd);
}

static void
records(const struct buf *text)
{
	struct mbox_record once[MBOX_RECORDS_MAX], twice[MBOX_RECORDS_MAX];
	size_t n = mbox_record_parse(text, once);
	struct buf again = BUF_INIT;

	FUZZ_CHECK(n <= MBOX_RECORDS_MAX);
	for (size_t i = 0; i < n; i++)
		FUZZ_CHECK(mbox_record_add(&again, &once[i]) == 0);
	FUZZ_CHECK(mbox_record_parse(&again, twice) == n);
	for (size_t i = 0; i < n; i++) {
		FUZZ_CHECK(once[i].dev == twice[i].dev && once[i].ino == twice[i].ino);
		FUZZ_CHECK(once[i].length == twice[i].length && once[i].length >= 0);
		FUZZ_CHECK(once[i].bytes == twice[i].bytes);
		FUZZ_CHECK(strcmp(once[i].from, twice[i].from) == 0);
	}
	buf_free(&again);
}

/* Once as it is, once behind our own identity. */
static void
look(const uint8_t *data, size_t size)
{
	struct buf identity = BUF_INIT;
	struct lock_dot dot;
	struct err err;

	FUZZ_CHECK(lock_dot_identity(&identity, &err) == 0);
	for (int ours = 0; ours < 2; ours++) {
		lay(identity.data, ours ? identity.len : 0, data, size);
		FUZZ_CHECK(lock_dot_look(at, NAME, geteuid(), &dot, &err) == 0);
		FUZZ_CHECK(dot.state != LOCK_DOT_GONE);
		if (ours && identity.len + size <= LOCK_CONTENT_MAX) {
			FUZZ_CHECK(dot.ours && dot.pid == getpid());
			FUZZ_CHECK(dot.state == LOCK_DOT_HELD && dot.rest.len == size);
			FUZZ_CHECK(size == 0 || memcmp(dot.rest.data, data, size) == 0);
		}
		records(&dot.rest);
		lock_dot_release(&dot);
	}
	buf_free(&identity);
}

static void
torn(const uint8_t *data, size_t size)
{
	struct mbox_record record = { .length = 3, .bytes = size + 100, .from = "From x y" };
	int is_torn, fd = memfd_create("mbox", 0);
	struct err err;
	struct stat st;

	FUZZ_CHECK(io_write_all(fd, "x\n\n", 3) == 0 && io_write_all(fd, data, size) == 0);
	FUZZ_CHECK(fstat(fd, &st) == 0);
	record.dev = st.st_dev;
	record.ino = st.st_ino;
	is_torn = mbox_record_torn(&record, fd, &st, &err);
	FUZZ_CHECK(is_torn == 0 || is_torn == 1);
	if (is_torn == 1) {
		size_t len = strlen(record.from);

		FUZZ_CHECK(size > 0 && memcmp(data, record.from, size < len ? size : len) == 0);
		FUZZ_CHECK(memmem(data, size, "\nFrom ", 6) == NULL);
	}
	close(fd);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf text = BUF_INIT;

	open_dir();
	look(data, size);
	FUZZ_CHECK(buf_add(&text, data, size) == 0);
	records(&text);
	buf_free(&text);
	torn(data, size);
	return 0;
}
