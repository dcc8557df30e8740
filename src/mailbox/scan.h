/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the scanning half of the room shares within itself. Works on descriptors that
 * mailbox_scan.c has opened and checked; `path` is for messages only.
 */
#ifndef VIRTMDA_SCAN_H
#define VIRTMDA_SCAN_H

#include <sys/stat.h>
#include <sys/types.h>

#include "from_line.h"
#include "mailbox_scan.h"

/* What mailbox_message needs to come back to a message: one of both. */
struct scan_source {
	const struct mbox_file *mbox;
	const struct mbox_message *mbox_message;
	struct maildir_reader *maildir;
	size_t index; /* in the reader's list */
};

/* ---- mbox --------------------------------------------------------------------------------- */

struct mbox_file {
	const char *path;
	int fd;
	uint64_t end;   /* bytes of the file that are looked at */
	bool tail_open; /* its last message may still be growing: leave it out */
};

struct mbox_message {
	size_t number; /* from 1 */
	uint64_t at;   /* file offset of the From_ line */
	uint64_t body; /* file offset of what follows the From_ line: the message's first byte */
	uint64_t size; /* bytes from `body` on, the closing empty line left out */
	struct from_date date;
	bool has_length;             /* it has a Content-Length */
	uint64_t length;             /* that is this */
	bool by_length;              /* and leads to its end: nothing in it is quoted */
	unsigned flags;              /* SCAN_ */
	const unsigned char *header; /* NULL unless asked for */
	size_t header_len;
	const unsigned char *held; /* all `size` bytes from `body` on, if they happen to be in
	                              memory; as the header, good during the callback */
};

/* How far may an open mbox be read, and is the end of that a message's end? Fills end and
 * tail_open, *st and *locks (SCAN_LOCK_). May wait a moment for a writer. 0, or -1 with err. */
int mbox_settle(struct mbox_file *file, struct stat *st, unsigned *locks, struct err *err);

typedef int mbox_each(void *arg, const struct mbox_message *message);

/* Every message in file order, until `each` returns other than 0. 0 at the end, the callback's
 * value, or -1 with err. *is_mbox, unless NULL: whether nothing but empty lines stands before the
 * first From_ line (an empty file is an mbox). */
int mbox_scan(const struct mbox_file *file, unsigned want, mbox_each *each, void *arg,
    bool *is_mbox, struct err *err);

/* Stream a message that mbox_scan found, from the file unless it is held; -1 with err->num EAGAIN
 * if it does not stand there any more. */
int mbox_raw(const struct mbox_file *file, const struct mbox_message *message, message_sink *sink,
    void *arg, struct err *err);

/* ---- Maildir ------------------------------------------------------------------------------ */

struct maildir_name {
	size_t base_len; /* bytes before the colon: what stays when flags change */
	time_t time;     /* (time_t)-1: the name tells none */
	uint64_t order;  /* microseconds or the like behind the time, for a finer order */
	bool sized;
	uint64_t size;      /* ",S=" if sized */
	uint64_t wire_size; /* ",W=", 0 if there is none */
	unsigned flags;     /* SCAN_, without SCAN_RECENT */
};

/* Read a file name, whatever bytes it holds. */
void maildir_name_parse(const char *name, struct maildir_name *out);

struct maildir {
	const char *path;
	int new_fd, cur_fd; /* directories; -1 where one is missing */
};

int maildir_scan(const struct maildir *maildir, unsigned want,
    int (*each)(void *arg, const struct scan_message *message), void *arg, struct err *err);
int maildir_raw(
    const struct maildir *maildir, size_t number, message_sink *sink, void *arg, struct err *err);

/* mailbox_message's part. */
int maildir_message(
    const struct scan_source *source, message_sink *sink, void *arg, struct err *err);

/* Fill messages, unread, bytes and newest. */
int maildir_count(const struct maildir *maildir, struct mailbox_summary *out, struct err *err);

/* ---- both --------------------------------------------------------------------------------- */

/* Open `name` in `dirfd` for reading: O_NOFOLLOW, a regular file (a directory if `directory`),
 * O_NOATIME where the file is ours; a FIFO does not hold us up. *st is filled. A descriptor, or -1
 * with errno: ELOOP for a symbolic link, EINVAL for another type. */
int scan_open(int dirfd, const char *name, bool directory, struct stat *st);

/* pread(2), repeated on EINTR. */
ssize_t scan_pread(int fd, void *data, size_t len, uint64_t offset);

#endif
