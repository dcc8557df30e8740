/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Rows of columns on standard output: made safe for the terminal, in its charset, aligned by
 * the width that characters have there.
 */
#ifndef MAILPEEK_SCREEN_H
#define MAILPEEK_SCREEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "buf.h"

/* Is standard output a terminal, or a pager on one? */
bool screen_is_terminal(void);

/* Columns that a row may take, on a terminal; 0 for no limit. */
size_t screen_width(void);

/* Rows of the terminal; 0 where there is none. */
size_t screen_rows(void);

/* Append text from outside to `out` as it may be printed: through text_vis, in the locale's
 * charset ("?" for what that lacks), cut to `limit` columns with a mark (0: not cut). The columns
 * it takes. */
size_t screen_text(struct buf *out, const void *data, size_t len, size_t limit);

/* From here on rows are for a program: a TAB between cells, nothing padded or cut, NUL at the end.
 */
void screen_for_programs(void);

/* What the following cells of this row look like, where colours may be used. Ends with the row. */
enum screen_style { SCREEN_PLAIN, SCREEN_HEADING, SCREEN_UNREAD, SCREEN_FLAGGED, SCREEN_NOTE };
void screen_style(enum screen_style style);

/* One cell behind another; blanks between them, none at a row's end. `limit` as above. */
enum screen_side { SCREEN_LEFT, SCREEN_RIGHT };
void screen_cell(enum screen_side side, size_t width, size_t limit, const void *data, size_t len);
void screen_string(enum screen_side side, size_t width, const char *string);
void screen_number(size_t width, uint64_t number);
void screen_size(size_t width, uint64_t bytes, bool exact); /* "1234", or "1.2K" */
void screen_date(time_t time, bool exact);                  /* "-" for (time_t)-1 */
void screen_end_row(void);

/* Only one blank before the next cell. */
void screen_join(void);

/* Text of its own, safe, that is no row: a line without its newline. */
void screen_line(const void *data, size_t len);

/* The same for a string that has been through text_vis before, and must not be escaped twice. */
void screen_vis_line(const char *safe);

/* A line of running text, with its newline: tabs take one to the next eighth column, and a
 * backslash is one. */
void screen_body_line(const void *data, size_t len);

/* The size as screen_size prints it, as a string. */
#define SCREEN_SIZE_MAX 32
void screen_size_text(uint64_t bytes, bool exact, char out[SCREEN_SIZE_MAX]);

/* The date as screen_date prints it, as a string; "-" for (time_t)-1. */
#define SCREEN_DATE_MAX 40
void screen_date_text(time_t time, bool exact, char out[SCREEN_DATE_MAX]);

size_t screen_date_width(bool exact);

#endif
