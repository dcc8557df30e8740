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

/* Hand `message` over in a session that submission_init has prepared. 0 with *outcome as
 * handover_finish has it, or -1 with err: then nothing was taken. From the moment at which sendmail
 * may have taken it signals are held. */
int speech_give(const struct handover_job *job, struct session *session,
    const struct message *message, struct outcome *outcome, struct err *err);

/* The sender as it must stand between < and >: its local part in quotes where it needs them, and
 * has none. malloc'ed; NULL with err (EINVAL: a control character). */
char *speech_path(const char *address, struct err *err);

#endif
