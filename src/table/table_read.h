/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a writer of tables asks of a reader.
 */
#ifndef VIRTMDA_TABLE_READ_H
#define VIRTMDA_TABLE_READ_H

#include "table.h"
#include "table_page.h"

/* Name of the whole table under the layer `path`; malloc'ed, NULL with errno ENOMEM. */
char *table_base_path(const char *path);

const struct table_header *table_header_of(const struct table *table);
int table_base_fd(const struct table *table); /* of the whole table, under a layer or without */

/* The page as it now is, verified: the layer's, else the base's. It lives until CACHED_PAGES others
 * were asked for. NULL with err. */
const unsigned char *table_page(struct table *table, uint32_t number, size_t *len, struct err *err);

/* Read the file `path` as a reader will, every page that stands in it, but nothing below it. GDBM
 * goes on when some of its calls fail, and only what is sound may be published. 0, or -1 with err.
 */
int table_prove(const char *path, struct err *err);

#endif
