/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The names of a Maildir, taken down or counted while others deliver and rename: new/ before cur/,
 * so that a message that is moved meanwhile is seen twice, not missed, and the second sight is
 * dropped. tmp/ is never looked at: what stands there is not delivered. Files whose names begin
 * with a dot are not messages.
 */
#include "maildir_list.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define READINGS_MAX 3 /* of both directories, until they stood still */

/* ---- directories -------------------------------------------------------------------------- */

typedef int name_fn(void *arg, bool in_new, int dirfd, const char *name, struct err *err);

/* Neither a subdirectory nor, where the file system tells types, anything else than a file. Where
 * it does not, fstatat or the later open decide. */
static bool
may_be_message(const struct dirent *d)
{
	return d->d_name[0] != '.' && (d->d_type == DT_REG || d->d_type == DT_UNKNOWN);
}

static int
each_name(const struct maildir *m, bool in_new, name_fn *each, void *arg, struct err *err)
{
	const char *folder = in_new ? "new" : "cur";
	int dirfd = in_new ? m->new_fd : m->cur_fd;
	struct dirent *d;
	DIR *dir;
	int fd, rc = 0;

	if (dirfd == -1)
		return 0;
	/* A descriptor of its own: the position of a dup would be shared. */
	fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOATIME);
	if (fd == -1 && errno == EPERM)
		fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1 || (dir = fdopendir(fd)) == NULL) {
		err_set(err, errno, "open %s/%s", m->path, folder);
		if (fd != -1)
			close(fd);
		return -1;
	}
	while (rc == 0 && (errno = 0, d = readdir(dir)) != NULL)
		if (may_be_message(d))
			rc = each(arg, in_new, dirfd, d->d_name, err);
	if (rc == 0 && errno != 0)
		rc = err_set(err, errno, "read %s/%s", m->path, folder);
	closedir(dir);
	return rc;
}

void
maildir_stamp(const struct maildir *m, struct timespec out[2])
{
	const int fds[2] = { m->new_fd, m->cur_fd };

	for (int i = 0; i < 2; i++) {
		struct stat st;

		if (fds[i] != -1 && fstat(fds[i], &st) == 0)
			out[i] = st.st_mtim;
		else
			out[i] = (struct timespec){ 0 };
	}
}

bool
maildir_stood_still(const struct maildir *m, const struct timespec before[2])
{
	struct timespec now[2];

	maildir_stamp(m, now);
	for (int i = 0; i < 2; i++)
		if (now[i].tv_sec != before[i].tv_sec || now[i].tv_nsec != before[i].tv_nsec)
			return false;
	return true;
}

/* ---- the list ----------------------------------------------------------------------------- */

/* Size and time from the file, where the name does not tell. 1, or 0 if it is no message. */
static int
complete(struct maildir_entry *entry, int dirfd, const char *name)
{
	struct stat st;

	if (entry->sized && entry->time != (time_t)-1)
		return 1;
	/* Renamed or removed since: the directory has changed, so that it is read again. */
	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return errno != ENOENT;
	if (!entry->sized)
		entry->size = (uint64_t)st.st_size;
	if (entry->time == (time_t)-1)
		entry->time = st.st_mtime;
	return S_ISREG(st.st_mode);
}

static void
read_entry(struct maildir_entry *entry, bool in_new, const char *name)
{
	struct maildir_name parsed;

	maildir_name_parse(name, &parsed);
	*entry = (struct maildir_entry){ .time = parsed.time,
		.order = parsed.order,
		.size = parsed.size,
		.wire_size = parsed.wire_size,
		.base_len = parsed.base_len,
		.flags = parsed.flags | (in_new ? SCAN_RECENT : 0),
		.in_new = in_new,
		.sized = parsed.sized };
}

static int
add_entry(void *arg, bool in_new, int dirfd, const char *name, struct err *err)
{
	struct maildir_list *list = arg;
	struct maildir_entry entry;

	read_entry(&entry, in_new, name);
	if (complete(&entry, dirfd, name) == 0)
		return 0;
	if (list->count == list->room) {
		size_t room = list->room == 0 ? 256 : 2 * list->room;
		struct maildir_entry *grown = reallocarray(list->entries, room, sizeof(*grown));

		if (grown == NULL)
			return err_set(err, ENOMEM, "scan %s", list->maildir->path);
		list->entries = grown;
		list->room = room;
	}
	entry.name_at = list->names.len;
	if (buf_add(&list->names, name, strlen(name) + 1) == -1)
		return err_set(err, ENOMEM, "scan %s", list->maildir->path);
	list->entries[list->count++] = entry;
	return 0;
}

static int
compare(const void *left, const void *right)
{
	const struct maildir_entry *a = left, *b = right;
	size_t shorter = a->base_len < b->base_len ? a->base_len : b->base_len;
	int order;

	if (a->time != b->time)
		return a->time < b->time ? -1 : 1;
	if (a->order != b->order)
		return a->order < b->order ? -1 : 1;
	order = memcmp(a->name, b->name, shorter);
	return order != 0 ? order : (a->base_len > b->base_len) - (a->base_len < b->base_len);
}

/* Of several sights of one message the last one taken down stays. */
static void
drop_doubles(struct maildir_list *list)
{
	size_t kept = 0;

	for (size_t i = 0; i < list->count; i++) {
		struct maildir_entry *last = kept > 0 ? &list->entries[kept - 1] : NULL;

		if (last == NULL || compare(last, &list->entries[i]) != 0)
			list->entries[kept++] = list->entries[i];
		else if (list->entries[i].name_at > last->name_at)
			*last = list->entries[i];
	}
	list->count = kept;
}

/* Read both directories once; what was taken down before stays. 1 if nothing moved meanwhile, 0, -1
 * with err. */
static int
list_add(struct maildir_list *list, struct err *err)
{
	struct timespec before[2];

	maildir_stamp(list->maildir, before);
	if (each_name(list->maildir, true, add_entry, list, err) == -1 ||
	    each_name(list->maildir, false, add_entry, list, err) == -1)
		return -1;
	return maildir_stood_still(list->maildir, before);
}

/* Of a file that is renamed while a directory is read neither name may come up: where it never
 * stood still, what any reading had counts. */
int
maildir_list_read(struct maildir_list *list, struct err *err)
{
	int still = 0;

	buf_clear(&list->names);
	list->count = 0;
	for (int readings = 0; still == 0 && readings < READINGS_MAX; readings++) {
		size_t from = list->count;

		if ((still = list_add(list, err)) == -1)
			return -1;
		if (still == 0 || from == 0)
			continue;
		list->count -= from;
		memmove(list->entries, list->entries + from, list->count * sizeof(*list->entries));
	}
	for (size_t i = 0; i < list->count; i++)
		list->entries[i].name = (const char *)list->names.data + list->entries[i].name_at;
	if (list->count > 1)
		qsort(list->entries, list->count, sizeof(*list->entries), compare);
	drop_doubles(list);
	return 0;
}

void
maildir_list_free(struct maildir_list *list)
{
	buf_free(&list->names);
	free(list->entries);
}

const struct maildir_entry *
maildir_list_find(const struct maildir_list *list, const struct maildir_entry *key)
{
	if (list->count == 0)
		return NULL;
	return bsearch(key, list->entries, list->count, sizeof(*key), compare);
}

/* ---- counting ----------------------------------------------------------------------------- */

static void
count_entry(struct mailbox_summary *sum, const struct maildir_entry *entry)
{
	sum->messages++;
	sum->unread += !(entry->flags & SCAN_SEEN);
	sum->bytes += entry->size;
	if (entry->time > sum->newest)
		sum->newest = entry->time;
}

static int
count_name(void *arg, bool in_new, int dirfd, const char *name, struct err *err)
{
	struct maildir_entry entry;

	(void)err;
	read_entry(&entry, in_new, name);
	if (complete(&entry, dirfd, name) != 0)
		count_entry(arg, &entry);
	return 0;
}

static void
count_none(struct mailbox_summary *out)
{
	out->messages = out->unread = out->bytes = 0;
	out->newest = (time_t)-1;
}

static int
count_list(const struct maildir *maildir, struct mailbox_summary *out, struct err *err)
{
	struct maildir_list list = { .maildir = maildir };
	int failed = maildir_list_read(&list, err);

	count_none(out);
	for (size_t i = 0; failed == 0 && i < list.count; i++)
		count_entry(out, &list.entries[i]);
	maildir_list_free(&list);
	return failed;
}

/* Counting needs no order and keeps no names, unless files move meanwhile. */
int
maildir_count(const struct maildir *maildir, struct mailbox_summary *out, struct err *err)
{
	struct timespec before[2];

	count_none(out);
	maildir_stamp(maildir, before);
	if (each_name(maildir, true, count_name, out, err) == -1 ||
	    each_name(maildir, false, count_name, out, err) == -1)
		return -1;
	return maildir_stood_still(maildir, before) ? 0 : count_list(maildir, out, err);
}
