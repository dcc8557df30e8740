/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Who changed what in the map, and when: a file beside it to which is only added.
 *
 * MAP.log holds one JSON object a line. A record is written and flushed before the first file of a
 * change is renamed, as an intent; whether it came to pass is decided later by what the text and
 * the compiled map are. So kill -9 at any moment leaves a record that is true or that is seen to be
 * void, and never a change without a record.
 */
#ifndef VIRTMAP_HISTORY_H
#define VIRTMAP_HISTORY_H

#include <stdbool.h>
#include <stdint.h>

#include "map.h"

#define HISTORY_ROTATE      1048576 /* bytes: a file as large as that becomes MAP.log.1 */
#define HISTORY_FILES       8       /* MAP.log.1 to MAP.log.8 are kept */
#define HISTORY_CHANGES_MAX 100000  /* a record of more keeps their number only */

/* What there is: the digest of the text, and of the text that was compiled. */
struct history_now {
	unsigned char text[MAP_DIGEST_SIZE];
	unsigned char compiled[MAP_DIGEST_SIZE];
	bool is_compiled; /* there is a compiled map that can be read */
};

struct history_record {
	uint64_t number;
	uint64_t undoes; /* verb undo: the record that it took back; else 0 */
	const char *time, *user, *sudo_user,
	    *verb;  /* user: a name or a number; sudo_user or NULL */
	bool known; /* the changes are kept */
	bool cut;   /* the old text had no newline at its end */
	struct map_change *changes;
	size_t nchanges;
	unsigned char before[MAP_DIGEST_SIZE], after[MAP_DIGEST_SIZE];
	void *json; /* the library's; everything above points into it */
};

/* ---- reading ------------------------------------------------------------------------------- */

struct history_list {
	struct history_record *records; /* those that happened, oldest first */
	size_t n, room;
	size_t torn; /* lines that are no record: a writer died, or damage */
};

/* 0, also when there is no history, or -1 with err. */
int history_read(struct history_list *out, const char *map_path, int trusted,
    const struct history_now *now, struct err *err);
void history_free(struct history_list *list); /* accepts a zeroed one */

/* The record on one line as JSON, ASCII only; malloc'ed, NULL without memory. */
char *history_json(const struct history_record *record);

/* ---- writing, under the map's lock ----------------------------------------------------------- */

struct history; /* records to be written */

/* 0 with *out (history_close), or -1 with err. Nothing is written yet. */
int history_open(struct history **out, const char *map_path, int trusted,
    const struct history_now *now, struct err *err);
void history_close(struct history *history); /* accepts NULL */

/* Did the text get to be what it is by hand, as far as map and history know? */
bool history_sees_hand_edit(const struct history *history);

/* A record to be written: begin; each change; end. */
int history_begin(struct history *history, const char *verb, uint64_t undoes, bool cut,
    const unsigned char before[MAP_DIGEST_SIZE], struct err *err);
int history_change(struct history *history, const struct map_change *change, struct err *err);
void history_unknown(struct history *history); /* what changed cannot be told */
int history_end(
    struct history *history, const unsigned char after[MAP_DIGEST_SIZE], struct err *err);

/* Append all that was begun, durably. 0, or -1 with err and the file as it was. */
int history_write(struct history *history, struct err *err);

/* The last record written did not come to pass. Failure is harmless: the next writer sees it. */
void history_void(struct history *history);

#endif
