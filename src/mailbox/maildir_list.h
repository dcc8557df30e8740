/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The messages of a Maildir by their names, in the order of their numbers.
 */
#ifndef VIRTMDA_MAILDIR_LIST_H
#define VIRTMDA_MAILDIR_LIST_H

#include "buf.h"
#include "scan.h"

struct maildir_entry {
	const char *name; /* in names */
	size_t name_at;   /* its offset there; the pointer is set when all are taken down */
	size_t base_len;
	time_t time;
	uint64_t order;
	uint64_t size, wire_size;
	unsigned flags;
	bool in_new, sized;
};

struct maildir_list {
	const struct maildir *maildir;
	struct buf names; /* NUL-ended, one behind the other */
	struct maildir_entry *entries;
	size_t count, room;
};

/* Take down all names, sorted, each message once, in place of what was there. The list begins as
 * zeroes and `maildir`. 0, or -1 with err. */
int maildir_list_read(struct maildir_list *list, struct err *err);
void maildir_list_free(struct maildir_list *list);

/* The entry of the message that `key` is of, whatever its flags and its directory are now; NULL: it
 * is not in the list. */
const struct maildir_entry *maildir_list_find(
    const struct maildir_list *list, const struct maildir_entry *key);

/* When both directories were last changed; two readings with the same answer are one state. */
void maildir_stamp(const struct maildir *m, struct timespec out[2]);
bool maildir_stood_still(const struct maildir *m, const struct timespec before[2]);

#endif
