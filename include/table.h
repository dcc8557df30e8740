/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A compiled table of key -> value in one GDBM file, in which absence is provable.
 *
 * GDBM answers "not found" for many kinds of damage. So keys are not GDBM records of their own:
 * they live in a fixed power of two of pages, every one of them always present, each
 * carrying its number, the table's id and a checksum over itself. A key's page is chosen by its
 * *group* (a string that the caller derives from the key, so that related keys share a page). A key
 * is absent only if its page was read, verified, and does not list it; a missing or damaged page is
 * an error. Readers take no lock and use no mapping (GDBM_NOLOCK, GDBM_NOMMAP).
 * A table is built whole beside its name and published by rename, so a reader sees the old or
 * the new one and may finish on the old. A few changes of a large one are published as a layer of
 * the pages that changed: PATH then is the layer, PATH.base the whole table that it stands on.
 *
 * table_gdbm.c is the only file that includes <gdbm.h>. The file is not portable between machines.
 */
#ifndef VIRTMDA_TABLE_H
#define VIRTMDA_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "err.h"

struct table;         /* an open table, read only */
struct table_builder; /* a table being built */

/* What the table was compiled from; recorded in it. */
struct table_source {
	uint64_t size;            /* bytes */
	int64_t mtime_sec;        /* seconds since the Epoch */
	int32_t mtime_nsec;       /* nanoseconds */
	unsigned char digest[32]; /* of the bytes; this and the next two are the caller's own */
	uint64_t mappings;        /* lines that map something: not the number of keys */
	uint64_t note;            /* whatever the caller wants to remember */
};

/* Open a published table. With `trusted` nonzero the file is opened as io_open_trusted does.
 * 0 with *out (table_close), or -1 with err: missing, unreadable, not ours, another
 * version, damaged. Never ends the process, whatever the bytes are. */
int table_open(struct table **out, const char *path, int trusted, struct err *err);
void table_close(struct table *table); /* accepts NULL */

/* Is another file, or none, at its path by now? One stat(2); what is open stays good and as it was.
 */
bool table_is_replaced(const struct table *table);

/* The value of `key` within `group`. 1 found: *value (malloc'ed, NUL kept behind it, the caller
 * frees) and *value_len; 0 proven absent; -1 could not tell, err set. Pages read are
 * remembered (a small number of them), so keys of one group cost one read. */
int table_get(struct table *table, const char *group, const char *key, char **value,
    size_t *value_len, struct err *err);

/* What it was compiled from, and how many keys it holds. The pointer lives as long as the table. */
const struct table_source *table_source_of(const struct table *table);
uint64_t table_count(const struct table *table);

/* Call `each` for every key, in no order, until it returns other than 0. 0 at the end, the
 * callback's value, or -1 with err on damage. Keys are NUL-ended; values may hold any byte. */
int table_each(struct table *table,
    int (*each)(void *arg, const char *group, const char *key, const char *value, size_t value_len),
    void *arg, struct err *err);

/* Build: begin with the number of keys expected (sets the number of pages), add each key once (the
 * builder keeps copies of nothing: group, key and value must stay as they are until finish; the
 * same group and key twice is an error then, EEXIST). finish writes `path`.new.PID beside the
 * name, gives it `gid` (if not (gid_t)-1) and `mode` and fsyncs it: nobody sees it yet, and abort
 * still undoes everything. publish renames it to `path`, fsyncs the directory and frees the
 * builder, also when it fails; abort frees it too. commit is finish and publish, and abort when
 * either fails. 0, or -1 with err and nothing changed. Leftovers of builders that died are removed
 * by finish. */
int table_build_begin(struct table_builder **out, const char *path, size_t nkeys, struct err *err);
int table_build_add(struct table_builder *builder, const char *group, const char *key,
    const char *value, size_t value_len, struct err *err);
int table_build_finish(struct table_builder *builder, const struct table_source *source, gid_t gid,
    mode_t mode, struct err *err);
int table_build_publish(struct table_builder *builder, struct err *err);
int table_build_commit(struct table_builder *builder, const struct table_source *source, gid_t gid,
    mode_t mode, struct err *err);
void table_build_abort(struct table_builder *builder); /* accepts NULL */

/* Build a change of `old`, the table that is open from `path`: add adds a key or replaces it,
 * remove takes away one that is there (else ENOENT at finish), each key named once; finish,
 * publish, commit and abort as above. What is written then is a layer over the old table, in the
 * time that the changes take and not the table's size. 1 with *out; 0 not worth it (a small table,
 * many changes now or before, another mode or group, no hard links here): build it whole; -1 with
 * err. `nchanges` is how many there will be. `old` must stay open until then. */
int table_build_from(struct table_builder **out, const char *path, struct table *old,
    size_t nchanges, gid_t gid, mode_t mode, struct err *err);
int table_build_remove(
    struct table_builder *builder, const char *group, const char *key, struct err *err);

/* The library that tables are kept with, and its version, for -V: "GDBM 1.23". Static. */
const char *table_library(void);

#endif
