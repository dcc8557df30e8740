/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A message on its way into a mailbox: spooled once with bounded memory, then written as often as
 * there are mailboxes, in the form that each format wants. Bytes are kept: NUL, 8-bit, bare CR, no
 * final newline.
 */
#ifndef VIRTMDA_MESSAGE_H
#define VIRTMDA_MESSAGE_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "buf.h"
#include "err.h"

#define MESSAGE_IN_MEMORY (1024 * 1024) /* bytes; what is larger waits in an unlinked file */

struct message;

/* Read everything from `fd` to its end. A read error is an error, not the end. Larger messages go
 * to an unlinked file in `spool_dir`. 0 with *out (message_free), or -1 with err. */
int message_read(struct message **out, int fd, const char *spool_dir, struct err *err);

/* The same for a message that lies in a file already, from its first byte on, wherever the
 * descriptor stands: it is read by position, so that several processes can share it. `fd` stays the
 * caller's, must stay open until message_free, and nobody may write to the file meanwhile. 0 with
 * *out, or -1 with err (EINVAL: not a file). */
int message_open(struct message **out, int fd, struct err *err);
void message_free(struct message *message);           /* accepts NULL */
uint64_t message_size(const struct message *message); /* bytes as read */

/* Copy the first value of header `name` (without colon; compared without case), unfolded and with
 * blanks at both ends off, to `out`. Only the first 256 KiB of the header are looked at. 1 found, 0
 * not there, -1 with ENOMEM or a read error. */
int message_header(const struct message *message, const char *name, struct buf *out);

/* Call `each` for every field of that name, from the top, until it returns other than 0. Here the
 * whole header is looked at, however long it is: what loops must not get past by being long. The
 * value is as message_header's, but cut behind value_max bytes. 0, what `each` returned, or -1 with
 * errno. */
int message_each_header(const struct message *message, const char *name, size_t value_max,
    int (*each)(void *arg, const char *value, size_t len), void *arg);

enum message_format { MESSAGE_MAILDIR, MESSAGE_MBOX, MESSAGE_FORWARD };

struct message_envelope {
	const char *sender; /* "" for the null sender */
	const char *const
	    *recipients; /* one Delivered-To each, original spelling; none: no such header */
	size_t nrecipients;
	time_t date; /* for the From_ line */
};

/* Write the message as it is to stand in a mailbox, or to go on by SMTP, through `sink`, in pieces.
 * Headers: a leading "From " line of the input is dropped, every Return-Path is dropped, one
 * Return-Path and the Delivered-To lines stand first. MESSAGE_MBOX adds the From_ line (from
 * "message_from_line"), drops Content-Length, Status, X-Status, X-Keywords, X-UID, X-IMAP and
 * X-IMAPbase, quotes ">*From " lines (mboxrd) and ends with a newline and an empty line.
 * MESSAGE_FORWARD writes no Return-Path (RFC 5321 4.4: who delivers it will). The same message and
 * envelope always give the same bytes. 0, or -1 with err (what the sink returned: the sink sets
 * err). */
typedef int message_sink(void *arg, const void *data, size_t len, struct err *err);
int message_write(const struct message *message, enum message_format format,
    const struct message_envelope *envelope, message_sink *sink, void *arg, struct err *err);

/* The From_ line without newline: "From SENDER Thu Jan  1 00:00:00 1970", sender made one word;
 * MAILER-DAEMON for the null sender. */
int message_from_line(struct buf *out, const char *sender, time_t date);

#endif
