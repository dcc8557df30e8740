/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The form of a record, shared by those who read and those who write the history.
 */
#ifndef VIRTMAP_HISTORY_RECORD_H
#define VIRTMAP_HISTORY_RECORD_H

#include <jansson.h>

#include "history.h"

#define HISTORY_DIGEST_HEX (2 * MAP_DIGEST_SIZE + 1)

/* `len` bytes as hex, NUL-ended: 2 * len + 1. */
void history_hex(char *out, const unsigned char *bytes, size_t len);

/* A string, or {"hex": "..."} for bytes that are no UTF-8, which JSON cannot hold; null for NULL.
 * NULL without memory. */
json_t *history_string(const char *string);

/* What a line says: 1 a record (history_record_free), 0 that the record *number is void, -1
 * neither.
 */
int history_record_parse(
    struct history_record *out, uint64_t *number, const char *line, size_t len);
void history_record_free(struct history_record *record);

#endif
