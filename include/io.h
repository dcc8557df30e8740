/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * System calls as they are meant: whole writes, reads that tell an error from
 * the end, files that nobody else could have written. EINTR is retried.
 */
#ifndef VIRTMDA_IO_H
#define VIRTMDA_IO_H

#include <stdbool.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "buf.h"
#include "err.h"

/* read(2), repeated on EINTR. Bytes read, 0 at the end, -1 with errno. */
ssize_t io_read(int fd, void *data, size_t len);

/* Write all of it. 0, or -1 with errno (a write of 0 bytes is EIO). */
int io_write_all(int fd, const void *data, size_t len);

/* Append everything from the descriptor's position to its end to `out`.
 * 0, or -1 with errno; EFBIG when more than `max` bytes would be added. */
int io_read_all(int fd, size_t max, struct buf *out);

/* Append the file, as large as it was when it was opened, to `out`. Trusted: by io_open_trusted,
 * else whatever can be opened and read without waiting. 0, or -1 with err (ENOENT, and so on, from
 * open; EFBIG: over `max` bytes). */
int io_read_file(const char *path, bool trusted, size_t max, struct buf *out, struct err *err);

/* fsync(2) all of these (files and directories), at the same time as far as that can be had. */
struct io_flush {
	int fd;
	int num; /* the result: 0 or errno */
};
void io_fsync_all(struct io_flush *list, size_t n);

/* fsync(2) a directory by descriptor. 0, or -1 with errno. A file system that
 * cannot (EINVAL, on some network file systems) has nothing to flush: 0. */
int io_fsync_dir(int dirfd);

/* Did this program start as root? That stays true after rights were given up: for what is trusted
 * that is the strict side. */
bool io_is_root(void);

/* Open for reading a file from which we take orders (settings, map, accounts).
 * When io_is_root(), every directory on the way and the file itself must be
 * owned by root and not writable by group or others (a directory may be if it is
 * sticky, since names in it are then safe); otherwise EPERM. When not root only a
 * regular file is required. Symbolic links are followed only where root owns them.
 * Fills *st from fstat when st is not NULL. Directories already found good are
 * remembered for the life of the process. A descriptor (O_CLOEXEC, the caller closes),
 * or -1 with err set and err->num from the failing call. */
int io_open_trusted(const char *path, struct stat *st, struct err *err);

/* For a file about to be made: the same demands on every directory on the way to it, and none on
 * the file. 0, or -1 with err. */
int io_check_way(const char *path, struct err *err);

/* Make `path` hold exactly these bytes, or leave it as it was: a new file beside it
 * (O_EXCL), owner, group and mode of the old file if there is one, else `mode`;
 * fsync; rename; fsync of the directory. 0, or -1 with err set; the new
 * file is then gone. */
int io_replace(const char *path, const void *data, size_t len, mode_t mode, struct err *err);

/* The same in two steps, so that several files can be ready before the first is shown. io_stage
 * writes and fsyncs; *st (if not NULL) is the new file's, and stays so. Then either publish (0, or
 * -1 with err; freed in any case) or discard, which also accepts a zeroed one. */
struct io_stage {
	char *path;   /* to be replaced */
	char *beside; /* the new file until then */
};
/* io_stage for one who writes the bytes himself: to *fd, between begin and end, which fsyncs and
 * closes it. When either fails nothing is left to be discarded. */
int io_stage_begin(struct io_stage *out, const char *path, mode_t mode, int *fd, struct err *err);
int io_stage_end(struct io_stage *stage, int fd, struct stat *st, struct err *err);
int io_stage(struct io_stage *out, const char *path, const void *data, size_t len, mode_t mode,
    struct stat *st, struct err *err);
int io_stage_publish(struct io_stage *stage, struct err *err);
void io_stage_discard(struct io_stage *stage);

/* For those who write the new file themselves: its name, "PATH.new.PID" (malloc'ed; NULL with
 * errno), to be created with O_EXCL. Files of that kind whose process is gone are removed. */
char *io_beside(const char *path);

/* A new file that appears under its name whole or not at all, by directory descriptor. Nothing that
 * stands there is opened, followed or replaced: -1 with EEXIST. Its name is not yet durable. A
 * descriptor open for reading and appending (O_CLOEXEC), or -1 with err. */
struct io_new {
	const char *name; /* in the directory */
	uid_t uid;        /* (uid_t)-1: whoever makes it */
	gid_t gid;
	mode_t mode;         /* exactly so where an owner is given, else as the umask has it */
	const void *content; /* len bytes; 0 for an empty file */
	size_t len;
};
int io_new_file(int dirfd, const struct io_new *new, struct err *err);

/* rename(2), then fsync of the directory of `to`. 0, or -1 with err. */
int io_rename(const char *from, const char *to, struct err *err);

/* fsync(2) the directory that `path` is in. 0, or -1 with err. */
int io_sync_directory_of(const char *path, struct err *err);

#endif
