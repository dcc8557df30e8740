/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Copies into mailboxes of one identity (a uid, a gid and no other group), with nothing but its
 * rights.
 */
#ifndef VIRTMDA_WORKER_H
#define VIRTMDA_WORKER_H

#include <stdbool.h>

#include "job.h"

/* A job's copies have one uid and gid, and if they are several they are all Maildirs. */

/* Do it in this process, which becomes the account. Always fills the reports. */
void worker_run(const struct job *job, const struct mailbox_broker *broker);

/* The same for a process of its own, which it ends: it asks over `socket` for what takes more
 * rights, and sends the reports there, in the order of the copies, each as soon as it and all
 * before it are known. If it stays, further jobs for the same uid and gid may be sent to it
 * (job.h) as soon as all is reported, as long as all went well; it ends when the socket does.
 */
_Noreturn void worker_process(const struct job *job, int socket, bool stays);

/* The status of a worker process whose messages are all durable, should its reports not come
 * through. No library ends a process with it. */
#define WORKER_DURABLE 113

#endif
