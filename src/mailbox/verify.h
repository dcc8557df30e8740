/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the parts of mailbox_verify share. `path`s are for messages only; everything is opened by
 * descriptor.
 */
#ifndef VIRTMDA_VERIFY_H
#define VIRTMDA_VERIFY_H

#include <stdbool.h>

#include "mailbox_verify.h"
#include "scan.h"

#define VERIFY_NUL_RUN                                                                             \
	256 /* NULs side by side that no mail holds; a block lost in a crash does                  \
	     */

struct verify {
	uid_t owner;
	mailbox_fault_fn *tell;
	void *arg;
	bool is_reached; /* may everybody come as far as the mailbox's place? */
};

/* Tell one fault; the text is formatted, cut where it is very long. */
void verify_tell(const struct verify *v, enum mailbox_fault_kind kind, const char *path,
    uint64_t offset, const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/* Owner and rights of a file or directory that delivery writes to. */
void verify_rights(const struct verify *v, const char *path, const struct stat *st);

/* A file that everybody may come as far as: may everybody read it? */
void verify_exposure(const struct verify *v, const char *path, const struct stat *st);

/* A symbolic link or anything else that is not what it should be (`directory`, or a file). True if
 * it was told. */
bool verify_type(const struct verify *v, const char *path, const struct stat *st, bool directory);

/* Runs of NULs in [from, to) of a file. 0, or -1 with err. */
int verify_nuls(
    const struct verify *v, const char *path, int fd, uint64_t from, uint64_t to, struct err *err);

/* Is it a multipart message without the line that ends its parts, from `body`, where its header
 * begins, to `end` of a file? 1, 0, -1 with err. */
int verify_parts_open(int fd, const char *path, const unsigned char *header, size_t header_len,
    uint64_t body, uint64_t end, struct err *err);

/* The same of a file that is a message, told. 0, or -1 with err. */
int verify_file_parts(
    const struct verify *v, const char *path, int fd, uint64_t size, struct err *err);

/* The messages of an open mbox. is_torn: the last one was told to be. */
int verify_mbox(
    const struct verify *v, const struct mbox_file *file, bool is_torn, struct err *err);

/* A Maildir, its folders and its maildirsize. `root`: of the opened directory. */
int verify_maildir(const struct verify *v, const char *path, int root, struct err *err);

#endif
