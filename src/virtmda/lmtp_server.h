/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * `virtmda -l`: one LMTP session on standard input and output.
 */
#ifndef VIRTMDA_LMTP_SERVER_H
#define VIRTMDA_LMTP_SERVER_H

#include "err.h"
#include "settings.h"

/* Serve it to its end. 0, or -1 with err when there was no session, or a signal or the front's
 * death ended it; the client then has no answer, or one that makes it try again. */
int lmtp_serve(const struct settings *settings, struct err *err);

/* Its parent's part: answer the front that asks over `socket` until it is gone: 0. -1 with err: the
 * front asked for what it must not (EPROTO), could not be heard or answered, or a signal came; it
 * is not to be answered any more. Signals must be held. */
int lmtp_answer_front(const struct settings *settings, int socket, struct err *err);

#endif
