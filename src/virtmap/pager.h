/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What is longer than a screen goes through a pager, as with git: only on a terminal, and only what
 * one reads.
 */
#ifndef VIRTMAP_PAGER_H
#define VIRTMAP_PAGER_H

#include <stdbool.h>

/* Put a pager behind standard output, and behind standard error where that is the terminal too.
 * Does nothing where standard output is no terminal, PAGER is empty or `cat`, or none can be
 * started. */
void pager_begin(void);

/* Has the reader left before the end? Then a write error is none. */
bool pager_is_used(void);

/* Let the pager have the rest, and wait until the reader has done with it. Standard output is
 * closed, standard error the terminal again. */
void pager_end(void);

#endif
