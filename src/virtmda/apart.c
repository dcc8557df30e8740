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

/* How much it said, of `size`; -1 when it is too late. */
static ssize_t
read_block(int fd, unsigned char *block, size_t size, long long until)
{
	size_t len = 0;

	while (len < size) {
		ssize_t n;

		if (wait_for(fd, until) == 0)
			return -1;
		n = read(fd, block + len, size - len);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		len += (size_t)n;
	}
	return (ssize_t)len;
}

int
apart_hear(struct apart *apart, void *block, size_t size, long long until, int *status)
{
	ssize_t n = read_block(apart->fd, block, size, until);
	pid_t waited;

	close(apart->fd);
	*status = APART_KILLED;
	if (n == -1) {
		kill(apart->pid, SIGKILL);
		leftover_add(apart->pid);
	} else {
		do
			waited = waitpid(apart->pid, status, 0);
		while (waited == -1 && errno == EINTR);
		if (waited == -1)
			*status = APART_KILLED;
	}
	process_child_gone(apart->pid);
	*apart = (struct apart){ .fd = -1 };
	return n == (ssize_t)size;
}
