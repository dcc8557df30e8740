/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A small plot for people: numbers side by side as columns of block characters, with a scale on the
 * left and labels below.
 */
#ifndef MAILPEEK_PLOT_H
#define MAILPEEK_PLOT_H

#include <stddef.h>
#include <stdint.h>

#define PLOT_LABEL_MAX 16

struct plot {
	const uint64_t *values; /* from the left */
	size_t count;           /* at most plot_room() */
	/* What stands under column i, ASCII; "" for nothing. One that has no room is left out. */
	void (*label)(void *arg, size_t i, char out[PLOT_LABEL_MAX]);
	void *arg;
};

/* How many columns the terminal has room for. */
size_t plot_room(void);

/* Print it on standard output, as high as the terminal allows, to an eighth of a row; in ASCII
 * where the locale's charset has no blocks. What is more than nothing is seen. */
void plot_print(const struct plot *plot);

#endif
