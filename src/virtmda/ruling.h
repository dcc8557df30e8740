/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a reply of sendmail's means for the mail, in this one place. Every doubt is "later".
 */
#ifndef VIRTMDA_RULING_H
#define VIRTMDA_RULING_H

#include "outcome.h"
#include "smtp.h"

/* Refusals that are about this host and not about the mail (a command that it does not know, a
 * session that it does not allow, its own bad configuration) are "later". */
enum ruling { RULING_LATER, RULING_TAKEN, RULING_REFUSED };

enum ruling ruling_of(const struct smtp_reply *reply);

/* The reply as an outcome: delivered, in sendmail's words behind code and status (its queue id);
 * deferred; rejected; or, of one that is no "taken", whichever of the two last it is. */
void ruling_accept(struct outcome *outcome, const struct smtp_reply *reply);
void ruling_defer(struct outcome *outcome, const struct smtp_reply *reply);
void ruling_reject(struct outcome *outcome, const struct smtp_reply *reply);
void ruling_refuse(struct outcome *outcome, const struct smtp_reply *reply);

#endif
