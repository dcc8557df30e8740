/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The machine's time since it was started.
 */
#include "moment.h"

#include <limits.h>
#include <time.h>

long long
moment_now(void)
{
	struct timespec now;

	/* Cannot fail with this clock. */
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000 + 1;
}

int
moment_left(long long until, int most)
{
	long long left = until == MOMENT_NEVER ? most : until - moment_now();

	return left < 0 ? 0 : left > most ? most : (int)left;
}

int
moment_patience(long long until)
{
	return until == MOMENT_NEVER ? -1 : moment_left(until + MOMENT_GRACE, INT_MAX);
}
