/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * mbox's From_ line, read: is this one, and what date does it give? Pure, no I/O.
 */
#ifndef VIRTMDA_FROM_LINE_H
#define VIRTMDA_FROM_LINE_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#define FROM_LINE_MAX 1024 /* bytes, newline included; a longer line is none */

struct from_date {
	int year, month, day; /* month from 0 */
	int hour, minute, second;
	int zone; /* seconds east of UTC; 0 if the line names none: RFC 4155 and Dovecot take it for
	             UTC, and virtmda writes it so */
};

/* Does a From_ line stand at `data`? The line ends with LF (or CR LF) within `len`, or at `len`
 * itself: the caller sees to it that `len` is FROM_LINE_MAX or reaches the file's end. Its length
 * with the newline and *date, or 0. */
size_t from_line_parse(const unsigned char *data, size_t len, struct from_date *date);

/* Seconds since the Epoch. A day that its month does not have counts on into the next one. */
time_t from_date_time(const struct from_date *date);

#endif
