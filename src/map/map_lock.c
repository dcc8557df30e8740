/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One writer of a map at a time. The lock is a file of its own that stays (the text itself is
 * replaced by every edit), and private, since anybody could flock a file that he can read.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "io.h"
#include "map.h"

#define POLL_NSEC 20000000 /* how often the lock is tried */

static struct timespec
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t;
}

static int
is_past(const struct timespec *deadline)
{
	struct timespec t = now();

	return t.tv_sec > deadline->tv_sec ||
	       (t.tv_sec == deadline->tv_sec && t.tv_nsec >= deadline->tv_nsec);
}

/* The holder has written its process id into the file. */
static int
busy(int fd, const char *name, struct err *err)
{
	char holder[32];
	ssize_t n = pread(fd, holder, sizeof(holder) - 1, 0);

	holder[n > 0 ? n : 0] = '\0';
	holder[strspn(holder, "0123456789")] = '\0';
	if (*holder != '\0')
		err_set(err, 0, "%s is locked by process %s", name, holder);
	else
		err_set(err, 0, "%s is locked", name);
	errno = err->num = EWOULDBLOCK;
	return -1;
}

static int
wait_for(int fd, const char *name, unsigned seconds, struct err *err)
{
	const struct timespec pause = { .tv_nsec = POLL_NSEC };
	struct timespec deadline = now();

	deadline.tv_sec += seconds;
	while (flock(fd, LOCK_EX | LOCK_NB) == -1) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return err_set(err, errno, "lock %s", name);
		if (is_past(&deadline))
			return busy(fd, name, err);
		nanosleep(&pause, NULL);
	}
	return 0;
}

int
map_lock(const char *path, unsigned seconds, struct err *err)
{
	char *name, pid[32];
	int fd, failed;

	if (asprintf(&name, "%s.lock", path) == -1)
		return err_set(err, ENOMEM, "lock %s", path);
	fd = open(name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd == -1) {
		failed = err_set(err, errno, "open %s", name);
	} else {
		failed = wait_for(fd, name, seconds, err);
		snprintf(pid, sizeof(pid), "%ld\n", (long)getpid());
		if (failed == 0 &&
		    (ftruncate(fd, 0) == -1 || pwrite(fd, pid, strlen(pid), 0) == -1))
			failed =
			    0; /* who holds it is a courtesy; a full disk must not stop a removal */
	}
	free(name);
	if (failed == -1 && fd != -1) {
		close(fd);
		errno = err->num;
	}
	return failed == -1 ? -1 : fd;
}
