/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the delivering half of the mailbox room shares: one entry a format, and the small questions
 * that both ask of the broker. Private to this room.
 */
#ifndef MAILBOX_DELIVER_H
#define MAILBOX_DELIVER_H

#include <stdbool.h>

#include "mailbox.h"

/* Contract of mailbox_deliver_all, for one mbox (0, or -1 with err) and for Maildirs. Receipts come
 * zeroed. */
int mbox_deliver(const struct mailbox *mailbox, const struct mailbox_delivery *delivery,
    struct mailbox_receipt *receipt, struct err *err);
void maildir_deliver(struct mailbox_item *items, size_t n);

/* Contract of mailbox_has_room, for one format, where there is a limit. */
int mbox_has_room(const struct mailbox *mailbox, const struct mailbox_delivery *delivery,
    uint64_t bytes, struct err *err);
int maildir_has_room(const struct mailbox *mailbox, const struct mailbox_delivery *delivery,
    uint64_t bytes, bool look_only, struct err *err);

/* err (EDQUOT) says that there is no room for `bytes` more. Always 0, "no". */
int over_quota(const struct quota *limits, uint64_t bytes, struct err *err);

/* Bytes that message_write will write. 0, or -1 with err. */
int delivery_count(const struct mailbox_delivery *delivery, enum message_format format,
    uint64_t *bytes, struct err *err);

/* Does anybody still wait for this message? 0 yes, -1 with err. */
int delivery_wanted(const struct mailbox_delivery *delivery, struct err *err);

/* ---- warning.c: a message to the account when its mailbox is getting full */

struct warning_way { /* of one mailbox */
	int dirfd; /* where a stamp keeps the time of the last one; only the account writes there */
	const char *dir;   /* its name, for messages */
	const char *stamp; /* its name in there */
	/* Put the message into the inbox of `mailbox`. 0, or -1 with err. */
	int (*put)(const void *mailbox, const struct mailbox_delivery *warning, struct err *err);
	const void *mailbox;
};

/* Is so much used that the account is to be told? */
bool warning_is_due(const struct mailbox_delivery *delivery, const struct quota *used);

/* Tell it, if it was not told in the last 24 hours. `used`: with the message just delivered.
 * Failing is no harm; the receipt notes it. */
void warning_give(const struct mailbox_delivery *delivery, const struct quota *used,
    const struct warning_way *way, struct mailbox_receipt *receipt);

/* The directory part of an absolute path, malloc'ed, and in *base the rest of it (points into
 * `path`). NULL with errno. */
char *path_split(const char *path, const char **base);

#endif
