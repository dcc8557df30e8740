/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Texts that are to be looked at once: lists of the map may name the same member many times over.
 */
#ifndef MAILPEEK_ONCE_H
#define MAILPEEK_ONCE_H

#include <stdbool.h>

struct once {
	void *tree; /* NULL: empty */
};

/* Remember the text: was it new? Out of memory ends the process. */
bool once_is_new(struct once *once, const char *text);

void once_free(struct once *once); /* back to an empty one */

#endif
