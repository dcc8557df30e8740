/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What is wrong with a mailbox, found by reading all of it and changing nothing. Must run with the
 * account's rights, as all that reads mailboxes.
 */
#ifndef VIRTMDA_MAILBOX_VERIFY_H
#define VIRTMDA_MAILBOX_VERIFY_H

#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "err.h"
#include "mailbox.h"

enum mailbox_fault_kind {
	/* what stands in the place of the mailbox or of a part of it */
	FAULT_SYMBOLIC_LINK,
	FAULT_WRONG_TYPE,
	FAULT_WRONG_FORMAT,
	FAULT_WRONG_OWNER,
	FAULT_WRONG_MODE,
	FAULT_EXPOSED,
	FAULT_HARD_LINKS,
	FAULT_UNREADABLE,
	/* mbox */
	FAULT_TORN_TAIL,
	FAULT_OPEN_END,
	FAULT_GLUED_MESSAGE,
	FAULT_BAD_FROM_LINE,
	FAULT_UNQUOTED_FROM,
	FAULT_WRONG_LENGTH,
	FAULT_STALE_LOCK,
	FAULT_OLD_LOCK,
	FAULT_LOCKED,
	/* both */
	FAULT_NUL_RUN,
	FAULT_OPEN_PARTS,
	/* Maildir */
	FAULT_EMPTY_MESSAGE,
	FAULT_WRONG_SIZE,
	FAULT_DUPLICATE_NAME,
	FAULT_STRANGE_ENTRY,
	FAULT_OLD_TMP,
	FAULT_QUOTA_DRIFT,
	FAULT_BAD_MAILDIRSIZE,
	FAULT_KINDS
};

#define FAULT_NO_OFFSET UINT64_MAX

struct mailbox_fault {
	enum mailbox_fault_kind kind;
	const char *path; /* of the file or directory; may hold any bytes */
	uint64_t offset;  /* in it, from 0; FAULT_NO_OFFSET: it is about the whole */
	const char *text; /* what is wrong, one line; may hold any bytes */
};

typedef void mailbox_fault_fn(void *arg, const struct mailbox_fault *fault);

/* Read a mailbox that should belong to `owner`, a Maildir with its folders, and tell every fault
 * through `tell`, whose strings are good only during the call. A mailbox that is missing has none.
 * What others do meanwhile is no fault: what is being written is left out, and what may have
 * changed is looked at again. 0, or -1 with err: could not be read to its end. */
int mailbox_verify(
    const struct mailbox *mailbox, uid_t owner, mailbox_fault_fn *tell, void *arg, struct err *err);

#endif
