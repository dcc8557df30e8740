/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The message's way in. Root itself reads none of it: where it must be kept for several workers,
 * a process that has become nobody copies it. What the workers share is open for reading
 * only, and they read by position, so that none can change or move what the next one reads.
 */
#include "intake.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io.h"
#include "process.h"
#include "rights.h"

/* 0 or an errno: what a process can say with its exit status. */
static int
copy_input(int out)
{
	char data[65536];

	for (;;) {
		ssize_t n = io_read(STDIN_FILENO, data, sizeof(data));

		if (n == 0)
			return 0;
		if (n == -1 || io_write_all(out, data, (size_t)n) == -1)
			return errno;
	}
}

static int
copy_input_as_nobody(int out)
{
	const pid_t parent = getpid();
	struct err err;
	int status;
	pid_t pid;

	process_hold();
	pid = fork();
	if (pid == -1)
		return errno;
	if (pid == 0) {
		process_release();
		_exit(rights_drop(parent, &err) == -1 ? EPERM : copy_input(out));
	}
	process_child(pid);
	while (waitpid(pid, &status, 0) == -1)
		if (errno != EINTR)
			return errno;
	process_child_gone(pid);
	return WIFEXITED(status) && !process_stopped() ? WEXITSTATUS(status) : EINTR;
}

/* A name for as long as it takes to open it twice. */
int
intake_spool(const char *spool_dir, int *reader, struct err *err)
{
	char path[PATH_MAX];
	int n = snprintf(path, sizeof(path), "%s/virtmda.XXXXXX", spool_dir);
	int writer;

	*reader = -1;
	if (n < 0 || (size_t)n >= sizeof(path))
		return err_set(err, ENAMETOOLONG, "spool in %s", spool_dir);
	writer = mkostemp(path, O_CLOEXEC);
	if (writer == -1)
		return err_set(err, errno, "spool in %s", spool_dir);
	*reader = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (*reader == -1) {
		err_set(err, errno, "open %s", path);
		close(writer);
		writer = -1;
	}
	unlink(path);
	return writer;
}

static int
fill_spool(struct intake *intake, const char *spool_dir, struct err *err)
{
	int writer = intake_spool(spool_dir, &intake->fd, err);
	int num;

	if (writer == -1)
		return -1;
	num = process_is_root() ? copy_input_as_nobody(writer) : copy_input(writer);
	close(writer);
	return num == 0 ? 0 : err_set(err, num, "read the message into %s", spool_dir);
}

int
intake_open(struct intake *out, size_t nreaders, const char *spool_dir, struct err *err)
{
	*out = (struct intake){ .fd = nreaders == 1 ? STDIN_FILENO : -1 };
	if (nreaders <= 1)
		return 0;
	out->spooled = true;
	if (fill_spool(out, spool_dir, err) == 0)
		return 0;
	intake_close(out);
	errno = err->num;
	return -1;
}

void
intake_close(struct intake *intake)
{
	if (intake->fd > STDERR_FILENO)
		close(intake->fd);
	intake->fd = -1;
}

int
intake_message(
    const struct intake *intake, const char *spool_dir, struct message **out, struct err *err)
{
	return intake->spooled ? message_open(out, intake->fd, err)
	                       : message_read(out, intake->fd, spool_dir, err);
}
