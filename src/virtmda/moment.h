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

#endif
