/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * JSON on standard output, an object a line, in ASCII: what a terminal would obey is escaped with
 * the rest.
 */
#ifndef MAILPEEK_JSON_H
#define MAILPEEK_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

/* Text from outside: bytes that are no UTF-8 become U+FFFD. Out of memory ends the process. */
json_t *json_text(const void *data, size_t len);

/* The number, or null if there is none. */
json_t *json_count(bool there, uint64_t count);

/* "2026-01-02T03:04:05+0100", or null for (time_t)-1. */
json_t *json_date(time_t time);

/* The names of the flags (SCAN_) that are set. */
json_t *json_flags(unsigned flags);

/* Set object[name], taking the value over. */
void json_put(json_t *object, const char *name, json_t *value);

/* One line, ended by NUL instead if so asked; the object is given back. */
void json_print(json_t *object, int nul);

#endif
