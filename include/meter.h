/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How far long work is, on a line of the terminal that goes when the work is done.
 */
#ifndef VIRTMDA_METER_H
#define VIRTMDA_METER_H

#include <stddef.h>

/* Listen to progress.h, if standard error is a terminal that can erase a line. `program`, static,
 * stands in front of what is said. Nothing is shown for the first half second. */
void meter_start(const char *program);

/* Off the screen with it: something else is to be printed. It comes back with the next news. */
void meter_hide(void);

/* What it says: "virtmap: reading: 65536 of 1000000 (6%), 131072/s, 7 s left". seconds: since this
 * part of the work began with the entry `from`. As snprintf. */
int meter_text(char *out, size_t size, const char *program, const char *doing, size_t from,
    size_t done, size_t total, double seconds);

#endif
