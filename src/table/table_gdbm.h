/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Numbered records in a GDBM file: all that a table wants of GDBM.
 */
#ifndef VIRTMDA_TABLE_GDBM_H
#define VIRTMDA_TABLE_GDBM_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"

#define TABLE_GDBM_HEADER UINT32_MAX /* the number of the header record */

struct table_gdbm;

/* Take over `fd`, an empty file to fill (write nonzero) or one to read. The descriptor is closed by
 * close, or at once when this fails. `name` is for messages. 0 with *out, or -1 with err. */
int table_gdbm_open(struct table_gdbm **out, int fd, const char *name, int write, struct err *err);

/* 0 with the record (malloc'ed, the caller frees), or -1 with err. That a record is not there is an
 * error like others: a table has all of them, so GDBM's "not found" is damage. */
int table_gdbm_fetch(
    struct table_gdbm *gdbm, uint32_t number, unsigned char **data, size_t *len, struct err *err);

/* 0, or -1 with err (EEXIST: the number is taken). */
int table_gdbm_store(
    struct table_gdbm *gdbm, uint32_t number, const void *data, size_t len, struct err *err);

/* Where GDBM's hash puts the record. Stored in this order, each of GDBM's buckets is filled once
 * and left alone. Nothing depends on it but speed. */
uint32_t table_gdbm_order(uint32_t number);

/* The descriptor, still GDBM's. */
int table_gdbm_fd(const struct table_gdbm *gdbm);

/* Write all that GDBM still holds of a file to be filled. 0, or -1 with err. */
int table_gdbm_flush(struct table_gdbm *gdbm, struct err *err);

/* Close, free. 0, or -1 with err; freed in any case. Accepts NULL. */
int table_gdbm_close(struct table_gdbm *gdbm, struct err *err);

#endif
