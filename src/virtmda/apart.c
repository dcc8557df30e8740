/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Fork, one block over a pipe, end. What the block says is the caller's to doubt.
 */
#include "apart.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/wait.h>
#include <unistd.h>

#include "leftover.h"
#include "moment.h"
#include "process.h"

int
apart_start(struct apart *apart, int keep, int (*body)(void *arg, int out, pid_t parent), void *arg,
    struct err *err)
{
	const pid_t parent = getpid();
	int ends[2];

	*apart = (struct apart){ .fd = -1 };
	if (pipe2(ends, O_CLOEXEC) == -1)
		return err_set(err, errno, "pipe");
	process_hold();
	apart->pid = fork();
	if (apart->pid == 0) {
		/* Under LMTP there are more: whoever takes over this process must not find the
		 * front's. */
		process_close_others((const int[]){ keep, ends[1] }, 2);
		process_forked();
		_exit(body(arg, ends[1], parent));
	}
	close(ends[1]);
	if (apart->pid > 0) {
		apart->fd = ends[0];
		process_child(apart->pid);
		return 0;
	}
	err_set(err, errno, "fork");
	apart->pid = 0;
	close(ends[0]);
	return -1;
}

/* 1 something can be read, 0 it is too late. */
static int
wait_for(int fd, long long until)
{
	for (;;) {
		struct pollfd poller = { .fd = fd, .events = POLLIN };
		int left = moment_left(until, INT_MAX);
		int n = poll(&poller, 1, until == MOMENT_NEVER ? -1 : left);

		/* A poll that fails is no reason to give up: reading waits, too. */
		if (n > 0 || (n == -1 && errno != EINTR))
			return 1;
		if (n == 0 && left == 0)
			return 0;
	}
}

/* How much it said, of `size`, and in *ended whether it has closed its end: with its own. */
static size_t
read_block(int fd, unsigned char *block, size_t size, long long until, bool *ended)
{
	unsigned char beyond;
	size_t len = 0;

	*ended = false;
	while (wait_for(fd, until) == 1) {
		ssize_t n = len < size ? read(fd, block + len, size - len) : read(fd, &beyond, 1);

		if (n == -1 && errno == EINTR)
			continue;
		*ended = n <= 0;
		if (n <= 0 || len == size)
			break;
		len += (size_t)n;
	}
	return len;
}

/* One that was taken over may have closed its end and go on; one that is ending, which closes it,
 * has its status already. */
static int
bury(pid_t pid)
{
	int status;
	pid_t waited;

	kill(pid, SIGKILL);
	do
		waited = waitpid(pid, &status, 0);
	while (waited == -1 && errno == EINTR);
	return waited == -1 ? APART_KILLED : status;
}

int
apart_hear(struct apart *apart, void *block, size_t size, long long until, int *status)
{
	bool ended;
	size_t len = read_block(apart->fd, block, size, until, &ended);

	close(apart->fd);
	*status = APART_KILLED;
	if (ended) {
		*status = bury(apart->pid);
	} else {
		kill(apart->pid, SIGKILL);
		leftover_add(apart->pid);
	}
	process_child_gone(apart->pid);
	*apart = (struct apart){ .fd = -1 };
	return len == size;
}
