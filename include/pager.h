/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Standard output through a pager where a person looks at it, as git does it. One process has one
 * standard output, so the state is the process's.
 */
#ifndef VIRTMDA_PAGER_H
#define VIRTMDA_PAGER_H

#include <stdbool.h>
#include <stddef.h>

#include "err.h"

/* If standard output is a terminal: start $PAGER (or less, or more, where found; "" and "cat" mean
 * none) with the shell, and lead standard output, and standard error if it is a terminal too, into
 * it. LESS is set to FRX where it is not set: what fits on the screen is simply printed; LESSSECURE
 * where root's rights came by sudo(8). To be
 * called before anything was printed, and before rights are given up: the pager is the caller's.
 * Where no pager can be started nothing has changed. */
void pager_start(void);

/* Flush standard output and wait until the person is done. 0, or -1 with err: not everything was
 * written. A pager that was left before the end is no error. Without a pager only the flush; if
 * whoever read it has gone (`| head`) the process ends here, by SIGPIPE and without a word, also
 * where that was ignored until now. */
int pager_end(struct err *err);

/* Is standard output a terminal, or a pager that shows on one? */
bool pager_on_terminal(void);

/* The terminal's columns; 0 where standard output is none. COLUMNS counts where the terminal does
 * not tell. */
size_t pager_columns(void);

/* Its rows; 0 where standard output is none, 24 where the terminal does not tell. */
size_t pager_rows(void);

/* May colours be used: on a terminal that has them, unless NO_COLOR is set and not empty
 * (no-color.org). */
bool pager_may_colour(void);

#endif
