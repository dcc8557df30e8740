/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * `virtmda -V`. Locking is named because a mailer whose locks differ from those of the readers
 * corrupts mailboxes: it is the first thing to compare.
 */
#include "version.h"

#include "address.h"
#include "table.h"

int
version_text(struct buf *out)
{
	return buf_addf(out,
	    "virtmda " VIRTMDA_VERSION "\n"
	    "mbox locks: fcntl, then dotlock (MAILBOX.lock)\n"
	    "Maildir locks: none, messages are renamed into new/\n"
	    "%s\n%s\n",
	    table_library(), address_library());
}
