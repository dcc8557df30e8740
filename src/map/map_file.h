/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the writer and the reader of a compiled map must agree on.
 */
#ifndef VIRTMDA_MAP_FILE_H
#define VIRTMDA_MAP_FILE_H

#include "map.h"

/* What the map is kept in. */
struct table *map_file_table(const struct map *map);

/* Name of the compiled map of this source; malloc'ed, NULL with errno ENOMEM. */
char *map_file_path(const char *source_path);

#endif
