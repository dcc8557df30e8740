/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Text in columns. virtmap prints UTF-8 whatever the locale is, so it measures UTF-8 too; nothing
 * is ever cut, since half an address is another address.
 */
#ifndef VIRTMAP_COLUMNS_H
#define VIRTMAP_COLUMNS_H

#include <stddef.h>
#include <stdio.h>

enum columns_side { COLUMNS_LEFT, COLUMNS_RIGHT };

/* From here on wcwidth(3) and fnmatch(3) know UTF-8. Costs opening a locale, so it is for commands
 * that print columns. A machine without it measures bytes. */
void columns_begin(void);

/* Columns that the text takes on a terminal; it has passed text_vis. */
size_t columns_of(const char *safe);

/* Print it, padded to `width` columns. */
void columns_put(FILE *to, enum columns_side side, size_t width, const char *safe);

#endif
