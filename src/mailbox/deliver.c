/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The door to the delivering half: which format writes, and the small questions that both
 * formats ask.
 */
#include "deliver.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void
mailbox_deliver_all(struct mailbox_item *items, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		items[i].receipt = (struct mailbox_receipt){ 0 };
		items[i].failed = 0;
	}
	if (n > 0 && items[0].mailbox->format == MAILBOX_MAILDIR) {
		maildir_deliver(items, n);
		return;
	}
	for (size_t i = 0; i < n; i++)
		items[i].failed = mbox_deliver(
		    items[i].mailbox, &items[i].delivery, &items[i].receipt, &items[i].err);
}

int
mailbox_has_room(const struct mailbox *mailbox, const struct mailbox_delivery *delivery,
    uint64_t bytes, bool look_only, struct err *err)
{
	if (!quota_limited(&delivery->quota))
		return 1;
	/* No table of formats: with it who only asks (virtmap) would link all that delivers. */
	switch (mailbox->format) {
	case MAILBOX_MBOX:
		return mbox_has_room(mailbox, delivery, bytes, err);
	case MAILBOX_MAILDIR:
		return maildir_has_room(mailbox, delivery, bytes, look_only, err);
	}
	return err_set(err, EINVAL, "mailbox %s", mailbox->path);
}

/* The text goes to the sender, who need not know how full it is. */
int
over_quota(const struct quota *limits, uint64_t bytes, struct err *err)
{
	const struct quota nothing = { 0 };

	if (quota_exceeded(limits, &nothing, bytes, 1))
		err_set(err, 0, "the message is too large for the mailbox");
	else
		err_set(err, 0, "the mailbox is full");
	err->num = errno = EDQUOT;
	return 0;
}

static int
count_bytes(void *arg, const void *data, size_t len, struct err *err)
{
	(void)data;
	(void)err;
	*(uint64_t *)arg += len;
	return 0;
}

int
delivery_count(const struct mailbox_delivery *delivery, enum message_format format, uint64_t *bytes,
    struct err *err)
{
	*bytes = 0;
	return message_write(
	    delivery->message, format, &delivery->envelope, count_bytes, bytes, err);
}

int
delivery_wanted(const struct mailbox_delivery *delivery, struct err *err)
{
	const struct mailbox_broker *broker = delivery->broker;

	return broker->still_wanted == NULL ? 0 : broker->still_wanted(broker->arg, err);
}

void
receipt_note(struct mailbox_receipt *receipt, const char *fmt, ...)
{
	size_t len = strlen(receipt->note);
	va_list ap;

	if (len > 0 && len + 2 < sizeof(receipt->note)) {
		memcpy(receipt->note + len, "; ", 3);
		len += 2;
	}
	va_start(ap, fmt);
	vsnprintf(receipt->note + len, sizeof(receipt->note) - len, fmt, ap);
	va_end(ap);
}

char *
path_split(const char *path, const char **base)
{
	const char *slash = strrchr(path, '/');

	if (slash == NULL) {
		errno = EINVAL;
		return NULL;
	}
	*base = slash + 1;
	return strndup(path, slash == path ? 1 : (size_t)(slash - path));
}
