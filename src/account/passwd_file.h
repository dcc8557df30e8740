/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the reader of a passwd-file and the writer of its index must agree on. Private to the room.
 *
 * The index is a table whose keys are folded names, each its own group, with the value "OFFSET
 * LENGTH" of the name's line, newline not counted; and one record under PASSWD_FILE_IDENTITY, which
 * can be no name, that says which text it was made from.
 */
#ifndef VIRTMDA_PASSWD_FILE_H
#define VIRTMDA_PASSWD_FILE_H

#include <limits.h>
#include <sys/stat.h>

#include "err.h"

#define PASSWD_FILE_IDENTITY ":"

/* Device, inode, size, time of the last change and of the last change of the inode. ctime is the
 * one that nobody can set back. */
struct passwd_file_identity {
	char text[160];
};

void passwd_file_identify(const struct stat *st, struct passwd_file_identity *out);

/* A descriptor of the regular file `path`, or -1 with err. */
int passwd_file_open_text(const char *path, int trusted, struct stat *st, struct err *err);

/* Is fd still the text that it was? 0, or -1 with err. */
int passwd_file_unchanged(
    int fd, const char *path, const struct passwd_file_identity *was, struct err *err);

/* PATH.gdbm. 0, or -1 with err. */
int passwd_file_index_path(char out[PATH_MAX], const char *path, struct err *err);

#endif
