/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Child processes that are not waited for any longer, because a file system or another program
 * holds them: they are buried when they have ended after all.
 */
#ifndef VIRTMDA_LEFTOVER_H
#define VIRTMDA_LEFTOVER_H

#include <sys/types.h>

/* Leave this child behind: the caller has done what can be done to end it. */
void leftover_add(pid_t pid);

/* Bury those that have ended. Waits for nobody; cheap where there are none. */
void leftover_bury(void);

#endif
