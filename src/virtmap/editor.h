/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A change of the map under its lock: read, change, check, publish; or nothing at all.
 */
#ifndef VIRTMAP_EDITOR_H
#define VIRTMAP_EDITOR_H

#include <sys/types.h>

#include "account.h"
#include "map.h"
#include "virtmap.h"

struct editor {
	const struct virtmap *virtmap;
	struct accounts *accounts; /* where accounts can be addresses, else NULL */
	struct map_source *source;
	int lock;          /* descriptor, or -1 */
	int created;       /* the source did not exist */
	gid_t gid;         /* of the compiled map, (gid_t)-1 for any */
	mode_t mode;       /* of the compiled map */
	size_t complaints; /* lines reported */
};

/* Lock the map (unless `reading`) and read it; with `create` a source that is not there is made,
 * empty (`reading`: only in memory). STATUS_OK, or the status after the reason was said.
 * editor_close in any case. Lines that are wrong were reported and are counted in
 * editor->complaints. */
enum status editor_open(
    struct editor *editor, const struct virtmap *virtmap, int reading, int create);

/* Publish the edited source; or compile the one that is there; or look for what would be refused.
 * STATUS_OK, or the status after the reason was said: then nothing has changed. */
enum status editor_publish(struct editor *editor);
enum status editor_compile(struct editor *editor);
enum status editor_check(struct editor *editor);

void editor_close(struct editor *editor);

#endif
