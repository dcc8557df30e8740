/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The root parent as a broker: what a worker with the account's rights may ask of it, and
 * nothing else. Requests and answers are blocks of fixed size over a socket pair; they carry no
 * names. Every name is computed here from the mailbox's path before the worker has its job, and
 * used only relative to a mail directory that belongs to root and that nobody else could have put
 * there.
 */
#ifndef VIRTMDA_BROKER_H
#define VIRTMDA_BROKER_H

#include <sys/types.h>

#include "account.h"
#include "err.h"
#include "mailbox.h"
#include "report.h"

#define BROKER_CONTENT_MAX 4096 /* bytes of a dotlock */

struct broker; /* the parent's side */

/* For one mailbox of one account. 0 with *out (broker_free), or -1 with err. Opens nothing yet. */
int broker_new(struct broker **out, const struct mailbox *mailbox, const struct account *account,
    struct err *err);
void broker_free(struct broker *broker); /* accepts NULL */

/* Take the next block that comes over `socket`. 1: it is a report, *report as it was sent (and what
 * is to be noted of it), and a dotlock that was made for the worker is removed; 0: a request, and
 * it is answered; -1 with err: the other side is gone (ECONNRESET: before it had read all that was
 * sent to it). */
int broker_serve(struct broker *broker, int socket, struct report *report, struct err *err);

/* The worker's side: callbacks that ask over *socket, which must stay where it is. */
void broker_proxy(struct mailbox_broker *out, int *socket);

/* Send the report. 0, or -1 with err. */
int broker_report(int socket, const struct report *report, struct err *err);

/* For a process that runs as the account itself: there is nobody with more rights to ask. */
extern const struct mailbox_broker broker_none;

#endif
