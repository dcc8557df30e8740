/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Quota as Maildir++ keeps it (Courier's README.maildirquota), with Dovecot's sums: every message
 * of every folder counts, Trash and messages marked for deletion too. maildirsize saves counting;
 * it is believed as long as it says that there is room, and says "full" only as a bare count of the
 * last fifteen minutes. No lock: a line that is lost between two writers makes it drift, and a
 * count puts it right before anybody is turned away. Everything is opened with the account's rights
 * and from the Maildir's descriptor.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io.h"
#include "maildir.h"
#include "maildirsize.h"

/* ---- the file ------------------------------------------------------------------------ */

/* A plain file, the account's, with one name; or -1. */
static int
open_file(const struct maildir_place *place, int flags, struct stat *st)
{
	int fd = openat(place->rootfd, MAILDIRSIZE_NAME,
	    flags | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	if (fd == -1)
		return -1;
	if (fstat(fd, st) == 0 && S_ISREG(st->st_mode) && st->st_nlink == 1 &&
	    st->st_uid == place->uid)
		return fd;
	close(fd);
	return -1;
}

/* 1 with *out and when it was last written, or 0: nothing there that can be believed. */
static int
read_file(const struct maildir_place *place, struct maildirsize *out, time_t *written)
{
	char text[MAILDIRSIZE_MAX];
	struct stat st;
	ssize_t n;
	int fd = open_file(place, O_RDONLY, &st);

	if (fd == -1)
		return 0;
	n = st.st_size >= MAILDIRSIZE_MAX ? -1 : io_read(fd, text, sizeof(text));
	close(fd);
	*written = st.st_mtim.tv_sec;
	return n <= 0 ? 0 : maildirsize_parse(text, (size_t)n, out);
}

/* Put a count in its place, whole. It saves the next count and nothing else, so that failing is no
 * harm, and a crash that leaves it empty is none either: no fsync. */
static void
write_file(const struct maildir_place *place, const struct quota *limits, const struct quota *used)
{
	static unsigned sequence;
	struct buf text = BUF_INIT;
	char name[64];
	int fd, failed = -1;

	snprintf(name, sizeof(name), "tmp/%lld.P%ldQ%u." MAILDIRSIZE_NAME, (long long)time(NULL),
	    (long)getpid(), ++sequence);
	fd = openat(place->rootfd, name,
	    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC, 0600);
	if (fd == -1)
		return;
	if (maildirsize_text(&text, limits, used) == 0)
		failed = io_write_all(fd, text.data, text.len);
	if (close(fd) == -1)
		failed = -1;
	if (failed == -1 || renameat(place->rootfd, name, place->rootfd, MAILDIRSIZE_NAME) == -1)
		unlinkat(place->rootfd, name, 0);
	buf_free(&text);
}

void
maildir_add_size(const struct maildir_place *place, uint64_t bytes)
{
	char line[32];
	struct stat st;
	/* By name again: it may have been replaced by a count since it was read. */
	int n, fd = open_file(place, O_WRONLY | O_APPEND, &st);

	if (fd == -1)
		return;
	n = snprintf(line, sizeof(line), "%llu 1\n", (unsigned long long)bytes);
	/* One that has grown too long is counted anew by the next who asks. */
	if (n > 0 && st.st_size < MAILDIRSIZE_MAX && io_write_all(fd, line, (size_t)n) == -1) {
		/* It drifts by one message; the message is there all the same. */
	}
	close(fd);
}

/* ---- counting ------------------------------------------------------------------------ */

struct count {
	const struct maildir_place *place;
	struct quota used;
	struct timespec newest; /* change of any directory looked at */
	bool only_times;
};

static void
note_time(struct count *count, const struct stat *st)
{
	const struct timespec *t = &st->st_mtim;

	if (t->tv_sec > count->newest.tv_sec ||
	    (t->tv_sec == count->newest.tv_sec && t->tv_nsec > count->newest.tv_nsec))
		count->newest = *t;
}

/* ",S=1234" in the name, or what the file's own size is. 0, or -1 with errno. */
static int
add_message(struct count *count, int dirfd, const char *name)
{
	const char *size = strstr(name, ",S=");
	struct stat st;
	char *end;

	if (size != NULL && size[3] >= '0' && size[3] <= '9') {
		unsigned long long bytes;

		errno = 0;
		bytes = strtoull(size + 3, &end, 10);
		if (errno == 0 && bytes <= INT64_MAX && strchr(":,", *end) != NULL) {
			count->used.bytes += bytes;
			count->used.messages++;
			return 0;
		}
	}
	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return errno == ENOENT ? 0 : -1;
	if (S_ISREG(st.st_mode)) {
		count->used.bytes += (uint64_t)st.st_size;
		count->used.messages++;
	}
	return 0;
}

static int
add_entries(struct count *count, DIR *dir)
{
	const struct dirent *entry;

	for (;;) {
		errno = 0;
		entry = readdir(dir);
		if (entry == NULL)
			return errno == 0 ? 0 : -1;
		if (entry->d_name[0] != '.' && add_message(count, dirfd(dir), entry->d_name) == -1)
			return -1;
	}
}

/* Is a directory that cannot be opened none of ours? Missing, no directory, a link, another's. */
static bool
is_not_counted(int num)
{
	return num == ENOENT || num == ENOTDIR || num == ELOOP || num == EACCES;
}

static int
add_directory(struct count *count, int at, const char *name, struct err *err)
{
	int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int failed = 0;
	struct stat st;
	DIR *dir;

	if (fd == -1)
		return is_not_counted(errno)
		           ? 0
		           : err_set(err, errno, "maildir: open %s", count->place->path);
	dir = fdopendir(fd);
	if (dir == NULL || fstat(fd, &st) == -1)
		failed = -1;
	if (failed == 0)
		note_time(count, &st);
	if (failed == 0 && !count->only_times)
		failed = add_entries(count, dir);
	if (failed == -1)
		err_set(err, errno, "maildir: count %s", count->place->path);
	if (dir != NULL)
		closedir(dir);
	else
		close(fd);
	return failed;
}

static int
add_folder(struct count *count, int at, const char *name, struct err *err)
{
	int failed, fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd == -1)
		return is_not_counted(errno)
		           ? 0
		           : err_set(err, errno, "maildir: open %s", count->place->path);
	failed = add_directory(count, fd, "new", err);
	if (failed == 0)
		failed = add_directory(count, fd, "cur", err);
	close(fd);
	return failed;
}

/* The inbox, and every directory with a dot in front. 0, or -1 with err. */
static int
add_all(struct count *count, struct err *err)
{
	int failed = add_folder(count, count->place->rootfd, ".", err);
	int fd = openat(count->place->rootfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd == -1 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	if (dir == NULL) {
		err_set(err, errno, "maildir: read %s", count->place->path);
		if (fd != -1)
			close(fd);
		return -1;
	}
	while (failed == 0) {
		errno = 0;
		entry = readdir(dir);
		if (entry == NULL && errno != 0)
			failed = err_set(err, errno, "maildir: read %s", count->place->path);
		if (entry == NULL)
			break;
		if (entry->d_name[0] == '.' && entry->d_name[1] != '\0' &&
		    strcmp(entry->d_name, "..") != 0 &&
		    (entry->d_type == DT_DIR || entry->d_type == DT_UNKNOWN))
			failed = add_folder(count, count->place->rootfd, entry->d_name, err);
	}
	closedir(dir);
	return failed;
}

/* Count, and keep the count unless somebody delivered or expunged meanwhile: what he adds to the
 * old file would be lost with it. 0, or -1 with err. */
static int
count_anew(const struct maildir_place *place, const struct quota *limits, bool look_only,
    struct quota *used, struct err *err)
{
	struct count count = { .place = place };
	struct count again = { .place = place, .only_times = true };

	if (add_all(&count, err) == -1)
		return -1;
	*used = count.used;
	if (look_only)
		return 0;
	if (add_all(&again, err) == -1)
		return -1;
	if (again.newest.tv_sec == count.newest.tv_sec &&
	    again.newest.tv_nsec == count.newest.tv_nsec)
		write_file(place, limits, used);
	return 0;
}

/* ---- the question -------------------------------------------------------------------- */

static bool
is_fresh(const struct maildirsize *file, time_t written)
{
	time_t now = time(NULL);

	return file->lines == 1 && written <= now && now - written <= MAILDIRSIZE_FRESH;
}

int
maildir_room(const struct maildir_place *place, const struct quota *limits, uint64_t bytes,
    bool look_only, struct quota *used, struct err *err)
{
	struct maildirsize file;
	time_t written = 0;

	if (read_file(place, &file, &written) == 1 && file.limits.bytes == limits->bytes &&
	    file.limits.messages == limits->messages) {
		*used = file.used;
		if (!quota_exceeded(limits, used, bytes, 1))
			return 1;
		if (is_fresh(&file, written))
			return over_quota(limits, bytes, err);
	}
	if (count_anew(place, limits, look_only, used, err) == -1)
		return -1;
	return quota_exceeded(limits, used, bytes, 1) ? over_quota(limits, bytes, err) : 1;
}
