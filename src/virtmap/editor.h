/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A change of the map under its lock: read, change, check, publish; or nothing at all.
 */
#ifndef VIRTMAP_EDITOR_H
#define VIRTMAP_EDITOR_H

#include <stdbool.h>
#include <sys/types.h>

#include "account.h"
#include "history.h"
#include "map.h"
#include "virtmap.h"

struct editor {
	const struct virtmap *virtmap;
	struct accounts *accounts; /* where accounts can be addresses, else NULL */
	struct map_source *source;
	int lock;                  /* descriptor, or -1 */
	int created;               /* the source did not exist */
	gid_t gid;                 /* of the compiled map, (gid_t)-1 for any */
	mode_t mode;               /* of the compiled map */
	size_t complaints;         /* lines reported */
	struct map_source *before; /* editor_replace: what was read, else NULL */
	struct history *history;   /* under the lock */
	struct history_now now;    /* what there is */
	uint64_t undoes;           /* for the history: the record that is taken back, or 0 */
	bool recorded;             /* the history has the change, as an intent */
};

/* How to open: change it, waiting for our turn; only read; change it now, or say who does. */
enum editor_mode { EDITOR_CHANGE, EDITOR_READ, EDITOR_AT_ONCE };

/* Lock the map (unless EDITOR_READ) and read it; with `create` a source that is not there is made,
 * empty (EDITOR_READ: only in memory). STATUS_OK, or the status after the reason was said.
 * editor_close in any case. Lines that are wrong were reported and are counted in
 * editor->complaints. */
enum status editor_open(
    struct editor *editor, const struct virtmap *virtmap, enum editor_mode mode, int create);

/* The same for one who finds and edits only these keys (map_source_read_for). */
enum status editor_open_for(struct editor *editor, const struct virtmap *virtmap,
    enum editor_mode mode, int create, const char *const *keys, size_t nkeys);

/* Put another source (map_source_parse) in place of the one that was read. */
void editor_replace(struct editor *editor, struct map_source *source);

/* Everything that has changed since it was read, as map_source_changes tells it. 0 or -1 with err.
 */
int editor_changes(const struct editor *editor, map_change_fn *each, void *arg, struct err *err);

/* Say every change on standard output: "added KEY -> TARGET", "would be removed ...". Their number,
 * or -1 after the reason was said. */
long editor_tell(const struct editor *editor);
void editor_tell_change(const struct map_change *change, const char *in_front);

/* What has happened to the map so far (history_free), without a lock. 0, or -1 with err. */
int editor_history(const struct virtmap *virtmap, struct history_list *out, struct err *err);

/* Publish the edited source, with a record in the history (EDITOR_READ: only check it, for -n); or
 * compile the one that is there; or look for what would be refused.
 * STATUS_OK, or the status after the reason was said: then nothing has changed, unless the
 * reason says that the change is made. */
enum status editor_publish(struct editor *editor);
enum status editor_compile(struct editor *editor);
enum status editor_check(struct editor *editor);

void editor_close(struct editor *editor);

/* Group (gid_t)-1 for any, and mode that a compiled map is to have. 0, or -1 with err: num 0 if
 * there is no such group. */
int editor_map_mode(const struct virtmap *virtmap, gid_t *gid, mode_t *mode, struct err *err);

#endif
