/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Long work tells how far it has come, and knows nothing of who listens: a terminal, or nobody. One
 * process does one long thing at a time, so the listener is the process's.
 */
#ifndef VIRTMDA_PROGRESS_H
#define VIRTMDA_PROGRESS_H

#include <stddef.h>

/* doing: "reading" and the like, static. done of total; total 0: nobody knows how many. */
typedef void progress_fn(void *arg, const char *doing, size_t done, size_t total);

/* From now on `listener` is called; NULL: nobody. */
void progress_listen(progress_fn *listener, void *arg);

/* To be called when PROGRESS_DUE(done): often enough for a reader, too seldom to cost anything. */
#define PROGRESS_DUE(done) ((done) % 4096 == 0)
void progress_tell(const char *doing, size_t done, size_t total);

#endif
