/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Is somebody writing to an mbox? A message that is only half there must not be shown, and without
 * a lock there is one sign of it: somebody else holds one, and the file is not older than that.
 * Then an mbox's last message is left out; a moment later it is whole. Takes no lock.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lock.h"
#include "mbox_recover.h"
#include "scan.h"

#define SETTLE_TRIES 5                   /* looks at a locked mbox before its tail counts as open */
#define SETTLE_PAUSE (20L * 1000 * 1000) /* nanoseconds between them */

/* Which locks does somebody hold? *since: when the dotlock was made or last touched. */
static int
locks_of(const char *path, int fd, unsigned *locks, struct timespec *since, struct err *err)
{
	/* Asks whether a read lock would be granted; takes none. */
	struct flock probe = { .l_type = F_RDLCK, .l_whence = SEEK_SET };
	struct stat st;
	char *name;
	int rc;

	*locks = 0;
	if (asprintf(&name, "%s.lock", path) == -1)
		return err_set(err, ENOMEM, "look for locks of %s", path);
	rc = lstat(name, &st);
	free(name);
	if (rc == 0) {
		*locks |= SCAN_LOCK_DOT;
		*since = st.st_mtim;
	}
	/* A file system without locks has no holders. */
	if (fcntl(fd, F_GETLK, &probe) == 0 && probe.l_type != F_UNLCK)
		*locks |= SCAN_LOCK_FCNTL;
	return 0;
}

static bool
is_older(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec != b->tv_sec ? a->tv_sec < b->tv_sec : a->tv_nsec < b->tv_nsec;
}

/* Does the word that a delivery left in its dotlock prove that its message is not all there? 1, 0,
 * -1 with err. */
static int
is_torn(const struct mbox_file *file, const struct stat *st, const struct lock_dot *dot,
    struct err *err)
{
	struct mbox_record records[MBOX_RECORDS_MAX];
	const size_t n = dot->ours ? mbox_record_parse(&dot->rest, records) : 0;
	int torn = 0;

	for (size_t i = 0; torn == 0 && i < n; i++)
		torn = mbox_record_torn(&records[i], file->fd, st, err);
	return torn;
}

/* What the dead have written will not grow. 1 the dotlock's owner is dead and *torn says whether he
 * left a message that is not all there, 0 he is not, -1 with err. */
static int
is_of_the_dead(const struct mbox_file *file, const struct stat *st, int *torn, struct err *err)
{
	struct err ignored; /* what cannot be looked at proves nothing */
	struct lock_dot dot;
	char *path;
	int dead;

	if (asprintf(&path, "%s" LOCK_SUFFIX, file->path) == -1)
		return err_set(err, ENOMEM, "look for locks of %s", file->path);
	dead = lock_dot_look(AT_FDCWD, path, st->st_uid, &dot, &ignored) == 0 &&
	       dot.state == LOCK_DOT_STALE;
	if (dead && (*torn = is_torn(file, st, &dot, err)) == -1)
		dead = -1;
	lock_dot_release(&dot);
	free(path);
	return dead;
}

/* One look. If nobody holds a lock who lives, and the file has the same size before and after that
 * was seen, then what it holds is whole. */
static int
settle_once(struct mbox_file *file, struct stat *st, unsigned *locks, struct err *err)
{
	struct timespec since = { 0 };
	struct stat after;
	int dead = 0, torn = 0;

	if (fstat(file->fd, st) == -1)
		return err_set(err, errno, "stat %s", file->path);
	if (locks_of(file->path, file->fd, locks, &since, err) == -1)
		return -1;
	/* While somebody has the other lock, he may live after all. */
	if (*locks == SCAN_LOCK_DOT && (dead = is_of_the_dead(file, st, &torn, err)) == -1)
		return -1;
	if (fstat(file->fd, &after) == -1)
		return err_set(err, errno, "stat %s", file->path);
	file->end = (uint64_t)st->st_size;
	file->tail_open = torn || (*locks != 0 && !dead) || after.st_size != st->st_size;
	/* A lock that nothing was written under. */
	if (!torn && *locks == SCAN_LOCK_DOT && is_older(&after.st_mtim, &since) &&
	    after.st_size == st->st_size)
		file->tail_open = false;
	if (dead)
		*locks |= SCAN_LOCK_STALE;
	return 0;
}

int
mbox_settle(struct mbox_file *file, struct stat *st, unsigned *locks, struct err *err)
{
	const struct timespec pause = { .tv_nsec = SETTLE_PAUSE };

	for (int tries = 1;; tries++) {
		if (settle_once(file, st, locks, err) == -1)
			return -1;
		if (!file->tail_open || (*locks & SCAN_LOCK_STALE) != 0 || tries == SETTLE_TRIES)
			return 0;
		nanosleep(&pause, NULL);
	}
}
