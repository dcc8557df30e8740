/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The mail directory (/var/mail, 2775 root:mail) as root handles it for an account that may not
 * write there: a missing mailbox, its dotlock, a file for bytes cut off in a recovery. All
 * names are made from the mailbox's path once, before anybody can ask for anything.
 */
#ifndef VIRTMDA_MAIL_DIRECTORY_H
#define VIRTMDA_MAIL_DIRECTORY_H

#include <stddef.h>
#include <sys/types.h>

#include "err.h"

struct mail_directory;

/* path: the mailbox's, absolute. uid, gid: the account's. Opens nothing yet. 0 with *out
 * (mail_directory_free), or -1 with err. */
int mail_directory_new(
    struct mail_directory **out, const char *path, uid_t uid, gid_t gid, struct err *err);
void mail_directory_free(struct mail_directory *md); /* accepts NULL */

/* The first of these opens the directory: it and every directory above it must be root's and
 * not replaceable by others, else EPERM.
 *
 * Files appear under their names whole, with owner and mode, or not at all; -1 with EEXIST if
 * something is there. A mailbox and a file for saved bytes: a descriptor open for reading and
 * appending (O_CLOEXEC, the caller closes). A dotlock: 0, and its descriptor stays here until it is
 * dropped, so that no other file can get its inode number. create_mailbox: user:group of the
 * directory, 0660, the name made durable; the others are the account's, 0600. */
int mail_directory_create_mailbox(struct mail_directory *md, struct err *err);
int mail_directory_create_dotlock(
    struct mail_directory *md, const void *content, size_t len, struct err *err);
int mail_directory_create_saved(struct mail_directory *md, struct err *err);

/* Remove the dotlock that was created here, or one by its number. 0 removed, or gone, or another
 * one by now (and for drop: there was none); -1 with err. */
int mail_directory_drop_dotlock(struct mail_directory *md, struct err *err);
int mail_directory_remove_dotlock(struct mail_directory *md, dev_t dev, ino_t ino, struct err *err);

#endif
