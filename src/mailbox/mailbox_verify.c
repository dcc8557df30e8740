/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The door to verification: what stands in the mailbox's place, whose it is, who holds its locks.
 * Looks with lstat before it opens, and opens as the scanners do. Delivery refuses what is told
 * here as an error; a lock or a left-over that it will clear away itself is a warning.
 */
#include "mailbox_verify.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lock.h"
#include "mbox_recover.h"
#include "verify.h"

#define STEP          65536
#define TEXT_MAX      1024
#define LOCK_PATIENCE 300 /* seconds after which a lock is worth a word */

void
verify_tell(const struct verify *v, enum mailbox_fault_kind kind, const char *path, uint64_t offset,
    const char *fmt, ...)
{
	char text[TEXT_MAX];
	va_list ap;
	const struct mailbox_fault fault = {
		.kind = kind, .path = path, .offset = offset, .text = text
	};

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	v->tell(v->arg, &fault);
}

/* ---- the place ------------------------------------------------------------------------------- */

void
verify_rights(const struct verify *v, const char *path, const struct stat *st)
{
	const mode_t mode = st->st_mode & 07777;
	const mode_t needed = S_ISDIR(st->st_mode) ? S_IRWXU : S_IRUSR | S_IWUSR;

	if (st->st_uid != v->owner)
		verify_tell(v, FAULT_WRONG_OWNER, path, FAULT_NO_OFFSET,
		    "it belongs to uid %lu instead of %lu", (unsigned long)st->st_uid,
		    (unsigned long)v->owner);
	else if ((mode & needed) != needed)
		verify_tell(v, FAULT_WRONG_MODE, path, FAULT_NO_OFFSET,
		    "its mode %04o keeps its owner out", (unsigned)mode);
	if ((mode & S_IWOTH) != 0)
		verify_tell(v, FAULT_WRONG_MODE, path, FAULT_NO_OFFSET,
		    "its mode %04o lets everybody write", (unsigned)mode);
}

void
verify_exposure(const struct verify *v, const char *path, const struct stat *st)
{
	if ((st->st_mode & (S_IROTH | S_IWOTH)) == S_IROTH)
		verify_tell(v, FAULT_EXPOSED, path, FAULT_NO_OFFSET,
		    "its mode %04o lets everybody read it", (unsigned)(st->st_mode & 07777));
}

static const char *
type_name(mode_t mode)
{
	static const struct {
		mode_t type;
		const char *name;
	} names[] = {
		{ S_IFREG, "a file" },
		{ S_IFDIR, "a directory" },
		{ S_IFIFO, "a FIFO" },
		{ S_IFSOCK, "a socket" },
		{ S_IFCHR, "a device" },
		{ S_IFBLK, "a device" },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if ((mode & S_IFMT) == names[i].type)
			return names[i].name;
	return "something unknown";
}

bool
verify_type(const struct verify *v, const char *path, const struct stat *st, bool directory)
{
	if (directory ? S_ISDIR(st->st_mode) : S_ISREG(st->st_mode))
		return false;
	if (S_ISLNK(st->st_mode))
		verify_tell(v, FAULT_SYMBOLIC_LINK, path, FAULT_NO_OFFSET,
		    "a symbolic link stands in the place of %s",
		    directory ? "a directory" : "a file");
	else
		verify_tell(v, FAULT_WRONG_TYPE, path, FAULT_NO_OFFSET,
		    "%s stands in the place of %s", type_name(st->st_mode),
		    directory ? "a directory" : "a file");
	return true;
}

/* May everybody search all directories above? */
static bool
is_reached(const char *path)
{
	char above[PATH_MAX];
	struct stat st;

	if (strlcpy(above, path, sizeof(above)) >= sizeof(above))
		return true;
	for (char *slash; (slash = strrchr(above, '/')) != NULL && slash > above;) {
		*slash = '\0';
		if (stat(above, &st) == 0 && (st.st_mode & S_IXOTH) == 0)
			return false;
	}
	return true;
}

int
verify_nuls(
    const struct verify *v, const char *path, int fd, uint64_t from, uint64_t to, struct err *err)
{
	unsigned char data[STEP];
	uint64_t run = 0;
	ssize_t n = 1;

	for (uint64_t at = from; at < to && n > 0; at += (uint64_t)n) {
		n = scan_pread(fd, data, to - at < STEP ? (size_t)(to - at) : STEP, at);
		if (n == -1)
			return err_set(err, errno, "read %s", path);
		for (size_t i = 0; i < (size_t)n; i++) {
			const unsigned char *nul;

			if (data[i] == '\0') {
				run++;
				continue;
			}
			if (run >= VERIFY_NUL_RUN)
				verify_tell(v, FAULT_NUL_RUN, path, at + i - run,
				    "%llu NULs side by side", (unsigned long long)run);
			run = 0;
			nul = memchr(data + i, '\0', (size_t)n - i);
			i = nul == NULL ? (size_t)n : (size_t)(nul - data) - 1;
		}
	}
	if (run >= VERIFY_NUL_RUN)
		verify_tell(v, FAULT_NUL_RUN, path, to - run, "%llu NULs side by side",
		    (unsigned long long)run);
	return 0;
}

/* ---- locks ----------------------------------------------------------------------------------- */

static void
tell_lock(const struct verify *v, const char *path, const struct lock_dot *dot)
{
	const time_t age = time(NULL) - dot->mtime;
	char who[48] = "nobody knows whom";

	if (dot->pid != 0)
		snprintf(who, sizeof(who), "process %ld", (long)dot->pid);
	if (dot->state == LOCK_DOT_STALE)
		verify_tell(v, FAULT_STALE_LOCK, path, FAULT_NO_OFFSET,
		    "a lock file left behind by %s, which is dead",
		    dot->pid != 0 ? who : "a process from before the boot");
	else if (age >= LOCK_PATIENCE)
		verify_tell(v, FAULT_OLD_LOCK, path, FAULT_NO_OFFSET,
		    "a lock file of %s, %lld minutes old", who, (long long)age / 60);
	else
		verify_tell(v, FAULT_LOCKED, path, FAULT_NO_OFFSET, "locked by %s", who);
}

/* Does a dead delivery's word of what it was writing prove that it is not all there? 1, told; 0; -1
 * with err. */
static int
verify_record(const struct verify *v, const struct mbox_file *file, const struct lock_dot *dot,
    const struct stat *st, struct err *err)
{
	struct mbox_record records[MBOX_RECORDS_MAX];
	size_t n = dot->ours ? mbox_record_parse(&dot->rest, records) : 0;
	int torn = 0;

	for (size_t i = 0; torn == 0 && i < n; i++) {
		torn = mbox_record_torn(&records[i], file->fd, st, err);
		if (torn == 1)
			verify_tell(v, FAULT_TORN_TAIL, file->path, (uint64_t)records[i].length,
			    "of the last message %llu of %llu bytes are there, as its delivery's "
			    "lock file says",
			    (unsigned long long)(st->st_size - records[i].length),
			    (unsigned long long)records[i].bytes);
	}
	return torn;
}

/* What a dotlock says. held: somebody has the fcntl lock, so that its owner may live after all. 1
 * the last message is torn, told; 0; -1 with err. */
static int
verify_dotlock(const struct verify *v, struct mbox_file *file, const struct stat *st, bool held,
    struct err *err)
{
	struct lock_dot dot;
	char *path;
	int rc;

	if (asprintf(&path, "%s" LOCK_SUFFIX, file->path) == -1)
		return err_set(err, ENOMEM, "verify %s", file->path);
	rc = lock_dot_look(AT_FDCWD, path, v->owner, &dot, err);
	if (rc == 0 && held && dot.state == LOCK_DOT_STALE)
		dot.state = LOCK_DOT_HELD;
	if (rc == 0 && dot.state != LOCK_DOT_GONE)
		tell_lock(v, path, &dot);
	if (rc == 0 && dot.state == LOCK_DOT_STALE) {
		/* What the dead have written will not grow. */
		file->tail_open = false;
		rc = verify_record(v, file, &dot, st, err);
	}
	lock_dot_release(&dot);
	free(path);
	return rc;
}

/* ---------------------------------------------------------------------------------------------- */

static int
verify_open_mbox(const struct verify *v, const char *path, int fd, struct err *err)
{
	struct mbox_file file = { .path = path, .fd = fd };
	struct stat st;
	unsigned locks;
	int torn;

	if (mbox_settle(&file, &st, &locks, err) == -1)
		return -1;
	if (st.st_nlink > 1)
		verify_tell(v, FAULT_HARD_LINKS, path, FAULT_NO_OFFSET,
		    "it has %lu names instead of one", (unsigned long)st.st_nlink);
	torn = verify_dotlock(v, &file, &st, (locks & SCAN_LOCK_FCNTL) != 0, err);
	return torn == -1 ? -1 : verify_mbox(v, &file, torn == 1, err);
}

static int
verify_open(const struct verify *v, const struct mailbox *mailbox, int fd, struct err *err)
{
	return mailbox->format == MAILBOX_MBOX ? verify_open_mbox(v, mailbox->path, fd, err)
	                                       : verify_maildir(v, mailbox->path, fd, err);
}

int
mailbox_verify(
    const struct mailbox *mailbox, uid_t owner, mailbox_fault_fn *tell, void *arg, struct err *err)
{
	const bool directory = mailbox->format == MAILBOX_MAILDIR;
	const char *path = mailbox->path;
	struct verify v = { .owner = owner, .tell = tell, .arg = arg };
	struct stat st;
	int fd, failed;

	if (lstat(path, &st) == -1) {
		if (errno == ENOENT || errno == ENOTDIR)
			return 0;
		if (errno != EACCES)
			return err_set(err, errno, "stat %s", path);
		verify_tell(&v, FAULT_UNREADABLE, path, FAULT_NO_OFFSET,
		    "its account may not come as far as it");
		return 0;
	}
	if (verify_type(&v, path, &st, directory))
		return 0;
	v.is_reached = is_reached(path);
	verify_rights(&v, path, &st);
	if (!directory && v.is_reached)
		verify_exposure(&v, path, &st);
	fd = scan_open(AT_FDCWD, path, directory, &st);
	if (fd == -1 && errno == EACCES) {
		verify_tell(
		    &v, FAULT_UNREADABLE, path, FAULT_NO_OFFSET, "its account may not read it");
		return 0;
	}
	if (fd == -1)
		return errno == ENOENT ? 0 : err_set(err, errno, "open %s", path);
	failed = verify_open(&v, mailbox, fd, err);
	close(fd);
	return failed;
}
