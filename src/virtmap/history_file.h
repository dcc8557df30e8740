/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The files of the history as bytes.
 */
#ifndef VIRTMAP_HISTORY_FILE_H
#define VIRTMAP_HISTORY_FILE_H

#include <stdbool.h>

#include "buf.h"
#include "err.h"

/* MAP.log for number 0, MAP.log.N. 1 with its bytes in `out`, 0 there is no such file, -1 with err.
 */
int history_file_read(
    struct buf *out, const char *map_path, int number, int trusted, struct err *err);

/* Add lines to MAP.log, durably, and make room first where it is large. torn: it ends within a
 * line, which is closed. 0, or -1 with err and the file as long as it was. */
int history_file_append(const char *map_path, const struct buf *lines, bool torn, struct err *err);

#endif
