/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A hand-over's conversation with sendmail, from the message's header to QUIT.
 */
#ifndef VIRTMDA_SPEECH_H
#define VIRTMDA_SPEECH_H

#include "err.h"
#include "handover.h"
#include "message.h"
#include "submission.h"

#define SPEECH_HOPS_MAX 100 /* Received headers (RFC 5321 6.3: at least that) */

/* Hand `message` over in a session that submission_init has prepared. 0 with *report as
 * handover_run has it, or -1 with err: then nothing was taken. From the moment at which sendmail
 * may have taken it signals are held. */
int speech_give(const struct handover_job *job, struct session *session,
    const struct message *message, struct report *report, struct err *err);

/* The sender as it must stand between < and >: its local part in quotes where it needs them, and
 * has none. malloc'ed; NULL with err (EINVAL: a control character). */
char *speech_path(const char *address, struct err *err);

/* Is one of the message's Delivered-To headers one of `originals`? 1, 0, or -1 with err. */
int speech_is_loop(const struct message *message, const char *const *originals, size_t noriginals,
    struct err *err);

#endif
