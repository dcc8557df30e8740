/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Moments at which waiting ends: milliseconds of a clock that nobody sets.
 */
#ifndef VIRTMDA_MOMENT_H
#define VIRTMDA_MOMENT_H

#define MOMENT_NEVER 0 /* no end is set */

long long moment_now(void); /* never MOMENT_NEVER */

/* Milliseconds until then: at least 0, and `most` at most (also for MOMENT_NEVER). */
int moment_left(long long until, int most);

/* Whoever waits for another process to end by then gives it so many milliseconds more: a disk may
 * hold it. */
#define MOMENT_GRACE 5000

/* Milliseconds until it has had those too, for poll(2). */
int moment_patience(long long until);

#endif
