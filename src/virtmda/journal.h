/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The log: one line a recipient, in the shape of sendmail's own.
 */
#ifndef VIRTMDA_JOURNAL_H
#define VIRTMDA_JOURNAL_H

#include "buf.h"
#include "plan.h"

/* Start the clock of `delay`. */
void journal_start(void);

/* Where to ("syslog", "stderr" or "/path", settings.h), and under which queue id; until these are
 * called it is syslog and NOQUEUE. The strings must stay. Opens nothing yet. */
void journal_destination(const char *log);
void journal_queue_id(const char *queue_id);

/* The line for one recipient. A log that cannot be written goes to syslog; nothing is reported. */
void journal_recipient(const struct recipient *recipient, const char *sender);

/* Something that kept the whole run from working. */
void journal_complaint(const char *text);

/* The line without its queue id: "to=<…>, from=<…>, …, dsn=2.0.0, stat=Delivered". delay in
 * milliseconds. Strings from outside pass through text_vis. 0, or -1 with ENOMEM. */
int journal_line(
    struct buf *out, const struct recipient *recipient, const char *sender, unsigned long delay_ms);

#endif
