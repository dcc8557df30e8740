/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The history's files: MAP.log, to whose end lines are added, and the older ones that it became
 * when it was large. A line that was torn by a crash is closed by the next writer and passed over
 * by readers: its change had not begun, since nothing is renamed before the record is on the disk.
 */
#include "history_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "history.h"
#include "io.h"

#define FILE_MAX 0x7fffffff /* bytes of one file that are read */

/* MAP.log, or MAP.log.N; malloc'ed, NULL without memory. */
static char *
file_name(const char *map_path, int number)
{
	char *name;
	int n = number == 0 ? asprintf(&name, "%s.log", map_path)
	                    : asprintf(&name, "%s.log.%d", map_path, number);

	return n == -1 ? NULL : name;
}

/* ---- reading -----------------------------------------------------------------------------------
 */

int
history_file_read(struct buf *out, const char *map_path, int number, int trusted, struct err *err)
{
	char *name = file_name(map_path, number);
	int rc = 1;

	buf_clear(out);
	if (name == NULL)
		return err_set(err, ENOMEM, "read the history of %s", map_path);
	if (io_read_file(name, trusted, FILE_MAX, out, err) == -1)
		rc = err->num == ENOENT ? 0 : -1;
	free(name);
	return rc;
}

/* ---- writing -----------------------------------------------------------------------------------
 */

/* A file that is large enough becomes MAP.log.1, and each older one the next. The oldest goes. A
 * crash in between leaves a gap in the numbers, which nobody minds. */
static int
rotate(const char *map_path, struct err *err)
{
	int failed = 0;

	for (int number = HISTORY_FILES - 1; failed == 0 && number >= 0; number--) {
		char *from = file_name(map_path, number);
		char *to = file_name(map_path, number + 1);

		if (from == NULL || to == NULL)
			failed = err_set(err, ENOMEM, "write the history of %s", map_path);
		else if (rename(from, to) == -1 && errno != ENOENT)
			failed = err_set(err, errno, "rename %s to %s", from, to);
		free(from);
		free(to);
	}
	return failed;
}

/* Private to those who change the map: it says who did what. */
static int
open_file(const char *name, bool *created, struct err *err)
{
	struct stat st;
	int fd = open(name, O_WRONLY | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	*created = fd == -1 && errno == ENOENT;
	if (*created)
		/* cppcheck-suppress resourceLeak ; it is returned */
		fd = open(
		    name, O_WRONLY | O_APPEND | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd == -1)
		return err_set(err, errno, "open %s", name);
	if (fstat(fd, &st) == -1)
		err_set(err, errno, "stat %s", name);
	else if (!S_ISREG(st.st_mode))
		err_set(err, EINVAL, "open %s: not a regular file", name);
	else
		return fd;
	close(fd);
	return -1;
}

/* All of it on the disk, or the file as long as it was. */
static int
append(int fd, const struct buf *lines, bool torn, const char *name, struct err *err)
{
	struct stat st;
	int failed = 0;

	if (fstat(fd, &st) == -1)
		return err_set(err, errno, "stat %s", name);
	if ((torn && st.st_size > 0 && io_write_all(fd, "\n", 1) == -1) ||
	    io_write_all(fd, lines->data, lines->len) == -1)
		failed = err_set(err, errno, "write %s", name);
	else if (fsync(fd) == -1)
		failed = err_set(err, errno, "fsync %s", name);
	/* If that fails too a torn line stays, which the next writer closes; and a whole one is
	 * seen to be void. */
	if (failed == -1 && ftruncate(fd, st.st_size) == -1)
		err_prefix(err, "the record may stay");
	return failed;
}

static int
write_lines(
    const char *map_path, const struct buf *lines, bool torn, const char *name, struct err *err)
{
	struct stat st;
	bool created, is_large = lstat(name, &st) == 0 && st.st_size >= HISTORY_ROTATE;
	int fd, failed;

	if (is_large && rotate(map_path, err) == -1)
		return -1;
	if ((fd = open_file(name, &created, err)) == -1)
		return -1;
	failed = append(fd, lines, torn, name, err);
	if (close(fd) == -1 && failed == 0)
		failed = err_set(err, errno, "close %s", name);
	if (failed == 0 && created)
		failed = io_sync_directory_of(name, err);
	return failed;
}

int
history_file_append(const char *map_path, const struct buf *lines, bool torn, struct err *err)
{
	char *name = file_name(map_path, 0);
	int failed;

	if (name == NULL)
		return err_set(err, ENOMEM, "write the history of %s", map_path);
	failed = write_lines(map_path, lines, torn, name, err);
	free(name);
	return failed;
}
