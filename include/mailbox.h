/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Mailboxes on disk: where an account's mailbox is, and how one message becomes durable in it. Runs
 * with the account's rights; what those do not reach (dotlocks and new mailboxes in a mail
 * directory of 2775 root:mail) is asked of the broker. Neither the map nor account sources are
 * known here.
 */
#ifndef VIRTMDA_MAILBOX_H
#define VIRTMDA_MAILBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "err.h"
#include "message.h"
#include "quota.h"

enum mailbox_format { MAILBOX_MBOX, MAILBOX_MAILDIR };

struct mailbox {
	enum mailbox_format format;
	char *path;   /* absolute */
	char *folder; /* Maildir++: the folder's directory in there (".Lists.abc"), NULL for the
	                 inbox */
};

/* Expand "mbox:PATH" or "maildir:PATH": a leading ~ and %h are `home`, %u the account's name, %n
 * its part before '@', %d the part behind, %% a percent sign. Refused (-1 with err): no such
 * format, a relative result, a name that holds '/' or NUL or is "." or "..", an empty one, ~
 * without a home, results over PATH_MAX. 0 with *out (mailbox_free). */
int mailbox_locate(
    struct mailbox *out, const char *spec, const char *name, const char *home, struct err *err);
void mailbox_free(struct mailbox *mailbox); /* accepts a zeroed one */

/* Choose the folder that an address's detail names: "Lists.abc" is ".Lists.abc", "Büro" is
 * ".B&APw-ro" (modified UTF-7, RFC 3501 5.1.3). Whatever the detail holds, the result is one name
 * with a dot in front that leads nowhere else; what can be no folder's name (not UTF-8, controls,
 * '/', a '~' in front, an empty part between dots, more than 16 parts, over 254 bytes when
 * encoded), "inbox", a NULL or empty detail, and any detail where the mailbox is an mbox, leave the
 * inbox. 0, or -1 with err (ENOMEM). */
int mailbox_choose_folder(struct mailbox *mailbox, const char *detail, struct err *err);

/* What the delivering process asks of somebody with more rights. All names are fixed before the
 * rights are given up: the mailbox, its dotlock, and the file that keeps bytes cut off in a
 * recovery; nothing in a request names a file. Every function: 0 or -1 with err; NULL where there
 * is nobody to ask. */
struct mailbox_broker {
	void *arg;
	/* Create the missing mailbox (O_EXCL, 0660 user:mail) and return a descriptor open for
	 * reading and appending; -1 EEXIST if something is there. */
	int (*create_mailbox)(void *arg, struct err *err);
	/* Link a dotlock with this content into place; -1 EEXIST if there is one. It is removed
	 * when the broker hears what became of the delivery, or before by drop_dotlock. If it never
	 * hears, the deliverer is dead, and the dotlock says so, and what it had begun. */
	int (*create_dotlock)(void *arg, const void *content, size_t len, struct err *err);
	/* Remove that one now. 0 also when it is gone, or there was none. */
	int (*drop_dotlock)(void *arg, struct err *err);
	/* Remove a dead process's dotlock, if it is still inode (dev, ino). 0 also when it is gone.
	 */
	int (*remove_dotlock)(void *arg, dev_t dev, ino_t ino, struct err *err);
	/* A new file for bytes about to be cut off, owned by the account, 0600; a descriptor. */
	int (*create_saved)(void *arg, struct err *err);
	/* Is it still sendmail that waits for us? Asked just before a message becomes visible. 0
	 * yes, -1 no (err set). */
	int (*still_wanted)(void *arg, struct err *err);
};

/* A message to the account when its mailbox is getting full. */
struct mailbox_warning {
	unsigned percent;     /* from this on; 0 never */
	const char *template; /* path of a message, "" for the text built in */
	const char *account;  /* its name, for the text */
	const char *home;     /* its home, where an mbox's stamp is; "" for none */
};

struct mailbox_delivery {
	const struct message *message;
	struct message_envelope envelope;
	uid_t uid;                           /* the account's: owner that a mailbox must have */
	unsigned lock_timeout;               /* seconds for all locks together */
	const struct mailbox_broker *broker; /* never NULL */
	struct quota quota;                  /* the account's limits; zeroed for none */
	bool create_folder;                  /* else one that is missing is the inbox */
	struct mailbox_warning warning;
};

struct mailbox_receipt {
	uint64_t bytes;          /* written */
	unsigned lock_wait_ms;   /* time spent waiting for locks */
	char note[ERR_TEXT_MAX]; /* what was repaired on the way, for the log; "" for nothing */
	char name[256];          /* Maildir: name of the file in new/; "" for mbox */
	char folder[256];        /* the folder it is in; "" for the inbox */
	bool over_quota; /* refused because the quota leaves no room: proven, the mailbox was
	                    counted */
};

/* Add a remark for the log; remarks are parted by "; ". */
void receipt_note(struct mailbox_receipt *receipt, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

struct mailbox_item {
	const struct mailbox *mailbox;
	struct mailbox_delivery delivery;
	struct mailbox_receipt receipt;
	int failed;     /* the result. 0: durable, exactly once; -1: the mailbox is as it was */
	struct err err; /* and why; a temporary failure, unless the receipt says over_quota
	                   (num EDQUOT), which is the administrator's to judge */
};

#define MAILBOX_AT_ONCE 64 /* deliveries whose flushes overlap; each has up to five descriptors */

/* Put messages into n mailboxes of one uid and one format, each another. Maildirs are written to
 * together, MAILBOX_AT_ONCE at a time, so that their flushes overlap, and where messages are the
 * same bytes they are one file with several names. What fails for one does not matter to the
 * others. */
void mailbox_deliver_all(struct mailbox_item *items, size_t n);

/* Would a message of `bytes` be let in? 1 yes; 0 no, err says how full it is (EDQUOT); -1 could not
 * tell. Only uid and quota of the delivery are looked at. Runs with the account's rights, and may
 * count the mailbox anew and write what it counted into maildirsize unless `look_only`. A mailbox
 * that is not there yet is empty. */
int mailbox_has_room(const struct mailbox *mailbox, const struct mailbox_delivery *delivery,
    uint64_t bytes, bool look_only, struct err *err);

#endif
