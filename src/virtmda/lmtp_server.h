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

#endif
