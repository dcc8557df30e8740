/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Is there room for mail to an account? Asked while the sender can still be told (RCPT, a map that
 * sendmail asks), by somebody who holds no message. Looked up by a process that becomes the
 * account, since the mailbox and its maildirsize are the account's.
 */
#ifndef VIRTMDA_ADMISSION_H
#define VIRTMDA_ADMISSION_H

#include <stdint.h>
#include <sys/types.h>

#include "account.h"
#include "err.h"
#include "outcome.h"
#include "settings.h"

#define ADMISSION_SECONDS 10 /* that admission_ask waits for a file system that does not answer */

struct admission { /* a question under way */
	pid_t pid;
	int fd; /* poll(2) it for reading: the answer has come */
};

/* Is there room for the message in the account's mailbox? announced: its size as SIZE= (RFC 1870)
 * counts it, 0 unknown. There line ends are two bytes that become one in the mailbox, so only half
 * of that is sure to need room, and only that is asked for: what would fit is never refused here,
 * and what does not is refused by the delivery. 1 yes, also where there is no quota, which costs
 * nothing, or a .forward that is honoured; 0 no, proven: err is the text for the sender; -1 could
 * not tell, with err: let the recipient pass, the delivery will see. A process that is neither root
 * nor the account can tell only where there is no quota. */
int admission_ask(const struct settings *settings, const struct account *account,
    uint64_t announced, struct err *err);

/* The same for a process that has others to serve meanwhile. 1 yes, nothing was started; 0 asked:
 * *out must be finished or abandoned; -1 with err. */
int admission_start(struct admission *out, const struct settings *settings,
    const struct account *account, uint64_t announced, struct err *err);
int admission_finish(struct admission *admission, struct err *err); /* as admission_ask */
void admission_abandon(struct admission *admission);

/* "No" as an outcome, as the setting over_quota has it: 4.2.2 or 5.2.2. */
void admission_refuse(
    const struct settings *settings, const struct err *why, struct outcome *outcome);

#endif
