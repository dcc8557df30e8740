/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A short list. One that finds no place in it stays a zombie until this process ends, which is what
 * all of them would be without the list.
 */
#include "leftover.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/wait.h>

#define PLACES 64

static pid_t places[PLACES]; /* 0: free */

static bool
has_ended(pid_t pid)
{
	return waitpid(pid, NULL, WNOHANG) != 0;
}

void
leftover_bury(void)
{
	for (size_t i = 0; i < PLACES; i++)
		if (places[i] != 0 && has_ended(places[i]))
			places[i] = 0;
}

void
leftover_add(pid_t pid)
{
	leftover_bury();
	if (has_ended(pid))
		return;
	for (size_t i = 0; i < PLACES; i++)
		if (places[i] == 0) {
			places[i] = pid;
			return;
		}
}
