/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Reading mailboxes without changing them: no lock taken, O_NOATIME where allowed, no flag
 * touched. Shares no code with delivery but the names of things. Must run with the account's
 * rights: what stands in a mailbox, names in it included, is somebody else's.
 */
#ifndef VIRTMDA_MAILBOX_SCAN_H
#define VIRTMDA_MAILBOX_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "buf.h"
#include "err.h"
#include "mailbox.h"

#define SCAN_SEEN     0x01u
#define SCAN_ANSWERED 0x02u
#define SCAN_FLAGGED  0x04u
#define SCAN_DELETED  0x08u
#define SCAN_DRAFT    0x10u
#define SCAN_PASSED   0x20u
#define SCAN_RECENT   0x40u /* Maildir new/, mbox without "O" */

#define SCAN_HEADER_MAX (256 * 1024) /* bytes of one header block that are looked at */

struct scan_message {
	size_t number;   /* from 1, in the mailbox's order (Maildir: by delivery time, then name) */
	unsigned flags;  /* SCAN_ */
	uint64_t size;   /* bytes of the message itself as stored, without mbox's From_ line and its
	                    closing empty line */
	time_t received; /* From_ line's date or the Maildir name's time (the file's, if the name
	                    tells none); (time_t)-1 if unknown */
	const unsigned char
	    *header; /* the header block without the empty line behind it, NUL not
	                added, the first SCAN_HEADER_MAX bytes; NULL unless asked for */
	size_t header_len;
	uint64_t offset;    /* mbox: of the From_ line */
	const char *name;   /* Maildir: file name with its folder ("new/…"); NULL for mbox */
	uint64_t wire_size; /* bytes with CR LF at line ends, if the Maildir name tells it (",W=");
	                       else 0 */
	struct scan_source *source; /* for mailbox_message */
};

#define SCAN_WANT_HEADER 0x01u

/* Every message once, until the callback returns other than 0. A missing mailbox is an empty one:
 * 0. 0 at the end, the callback's value, or -1 with err: EINVAL where something else stands in the
 * mailbox's place. The message's pointers are good only during the callback.
 *
 * mbox: a message begins at a line that starts with "From ", holds a date as asctime(3) writes it,
 * and stands first in the file or behind an empty line. A Content-Length is believed only if it
 * ends where such a line, or the file's end, stands. While somebody who holds a lock may be
 * writing, the last message is left out. Maildir: a file renamed meanwhile is found again; one that
 * is gone leaves a gap in the numbers. */
int mailbox_scan(const struct mailbox *mailbox, unsigned want,
    int (*each)(void *arg, const struct scan_message *message), void *arg, struct err *err);

/* Within a callback of mailbox_scan: the bytes of the message it was called for through `sink`, as
 * mailbox_raw gives them. The sink may end it early: it returns -1 with err->num ECANCELED. 1
 * written, 0 the message is gone (a Maildir's), -1 with err. */
int mailbox_message(
    const struct scan_message *message, message_sink *sink, void *arg, struct err *err);

/* The bytes of message `number` as it stands in the mailbox (mbox: without its From_ line and the
 * closing empty line, mboxrd quoting taken off unless its Content-Length is believed) through
 * `sink`. 1 written, 0 no such message, -1 with err. */
int mailbox_raw(
    const struct mailbox *mailbox, size_t number, message_sink *sink, void *arg, struct err *err);

/* What stands at a mailbox's place. */
enum mailbox_health {
	MAILBOX_SOUND = 0,
	MAILBOX_MISSING,      /* nothing there, or no directory that could hold it */
	MAILBOX_SYMLINK,      /* a symbolic link, never followed */
	MAILBOX_WRONG_TYPE,   /* mbox: no regular file; Maildir: no directory */
	MAILBOX_UNREADABLE,   /* permission denied */
	MAILBOX_OTHER_FORMAT, /* a file that does not begin with a From_ line; a directory that
	                         holds neither new nor cur */
	MAILBOX_FOREIGN,      /* readable, but another uid's: delivery refuses it */
	MAILBOX_HARD_LINKED,  /* readable, but has a second name: delivery refuses it */
	MAILBOX_WRONG_MODE,   /* readable, but everybody may write, or its owner may not */
	MAILBOX_TORN,         /* mbox: nobody writes, and it ends within a line */
	MAILBOX_NULS,         /* mbox: it ends in NULs that no mail holds */
	MAILBOX_HEALTHS
};

#define SCAN_LOCK_DOT   0x01u /* PATH.lock exists */
#define SCAN_LOCK_FCNTL 0x02u /* another process holds a write lock on the file */
#define SCAN_LOCK_STALE 0x04u /* PATH.lock exists, and its owner is dead */

struct mailbox_summary {
	enum mailbox_health health;
	unsigned locks;    /* SCAN_LOCK_ */
	uid_t owner;       /* of what stands there, if it could be opened */
	uint64_t messages; /* as mailbox_scan counts them; 0 unless readable */
	uint64_t unread;   /* without SCAN_SEEN */
	uint64_t bytes;    /* mbox: of the file; Maildir: of the messages, by ",S=" where there */
	time_t newest;     /* latest delivery; (time_t)-1 for none */
};

/* Count a mailbox that should belong to `owner`. Of what may be wrong within it only an mbox's end
 * is looked at; mailbox_verify reads all. 0 with *out, or -1 with err: could not tell. */
int mailbox_summarise(
    const struct mailbox *mailbox, uid_t owner, struct mailbox_summary *out, struct err *err);

/* The inbox, and behind it the Maildir++ folders in the order of their names: directories in the
 * Maildir with a dot in front that hold new or cur (a .ssh does not). `folder` is a mailbox of its
 * own, good during the call, as is `name`, its directory's, "" for the inbox. Until the callback
 * returns other than 0. What stands in the inbox's place is not asked. 0 at the end, the callback's
 * value, or -1 with err. */
int mailbox_folders(const struct mailbox *mailbox,
    int (*each)(void *arg, const struct mailbox *folder, const char *name), void *arg,
    struct err *err);

/* Append a folder's name as people know it: ".Lists.B&APw-ro" is "Lists.Büro" (modified UTF-7, RFC
 * 3501 5.1.3), "" is "INBOX"; a name that is not well-formed stays as it is. 0, or -1 with errno
 * ENOMEM. */
int mailbox_folder_name(const char *directory, struct buf *out);

/* "ok", "missing", "symbolic link", … for people. */
const char *mailbox_health_text(enum mailbox_health health);

/* Could its messages be counted, whatever else is wrong? */
bool mailbox_was_counted(enum mailbox_health health);

#endif
