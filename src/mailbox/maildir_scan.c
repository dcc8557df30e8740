/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A Maildir, read while others deliver, read and rename. The names are taken down first, new/
 * before cur/: a message that is moved meanwhile is then seen twice, not missed, and the second
 * sight is dropped. A file that has another name by the time it is opened is looked for under
 * its new one, with a bound on how often, which is told, for nothing is left out in silence; one
 * that is gone is passed over. tmp/ is never looked at: what stands there is not delivered. Files
 * whose names begin with a dot are not messages.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "scan.h"

#define READINGS_MAX 3 /* of both directories, until they stood still */
#define SEARCHES_MIN                                                                               \
	64 /* readings of both directories for renamed files in one scan; more, until */
#define NAMES_MAX 300000 /* names were read in them */

struct entry {
	const char *name; /* in names */
	size_t name_at;   /* its offset there; the pointer is set when all are taken down */
	size_t base_len;
	time_t time;
	uint64_t order;
	uint64_t size, wire_size;
	unsigned flags;
	bool in_new, sized;
};

struct list {
	const struct maildir *maildir;
	struct buf names; /* NUL-ended, one behind the other */
	struct entry *entries;
	size_t count, room;
};

struct maildir_reader {
	struct list list; /* what gives the messages their numbers */
	struct list now;  /* a later reading, to find renamed files in */
	unsigned searches;
	size_t names; /* read in them */
	struct timespec searched[2];
	struct buf header;
};

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

/* When both directories were last changed; two readings with the same answer are one state. */
static void
stamp(const struct maildir *m, struct timespec out[2])
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

static bool
stood_still(const struct maildir *m, const struct timespec before[2])
{
	struct timespec now[2];

	stamp(m, now);
	for (int i = 0; i < 2; i++)
		if (now[i].tv_sec != before[i].tv_sec || now[i].tv_nsec != before[i].tv_nsec)
			return false;
	return true;
}

/* ---- the list ----------------------------------------------------------------------------- */

/* Size and time from the file, where the name does not tell. 1, or 0 if it is no message. */
static int
complete(struct entry *entry, int dirfd, const char *name)
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
read_entry(struct entry *entry, bool in_new, const char *name)
{
	struct maildir_name parsed;

	maildir_name_parse(name, &parsed);
	*entry = (struct entry){ .time = parsed.time,
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
	struct list *list = arg;
	struct entry entry;

	read_entry(&entry, in_new, name);
	if (complete(&entry, dirfd, name) == 0)
		return 0;
	if (list->count == list->room) {
		size_t room = list->room == 0 ? 256 : 2 * list->room;
		struct entry *grown = reallocarray(list->entries, room, sizeof(*grown));

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
	const struct entry *a = left, *b = right;
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
drop_doubles(struct list *list)
{
	size_t kept = 0;

	for (size_t i = 0; i < list->count; i++) {
		struct entry *last = kept > 0 ? &list->entries[kept - 1] : NULL;

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
list_add(struct list *list, struct err *err)
{
	struct timespec before[2];

	stamp(list->maildir, before);
	if (each_name(list->maildir, true, add_entry, list, err) == -1 ||
	    each_name(list->maildir, false, add_entry, list, err) == -1)
		return -1;
	return stood_still(list->maildir, before);
}

/* Take down all names, sorted, each message once. Of a file that is renamed while a directory is
 * read neither name may come up: where it never stood still, what any reading had counts. */
static int
list_read(struct list *list, struct err *err)
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

static void
list_free(struct list *list)
{
	buf_free(&list->names);
	free(list->entries);
}

/* ---- one message -------------------------------------------------------------------------- */

static int
reader_open(struct maildir_reader *r, const struct maildir *maildir, struct err *err)
{
	memset(r, 0, sizeof(*r));
	r->list.maildir = r->now.maildir = maildir;
	return list_read(&r->list, err);
}

static void
reader_close(struct maildir_reader *r)
{
	list_free(&r->list);
	list_free(&r->now);
	buf_free(&r->header);
}

static int
open_entry(const struct maildir *maildir, const struct entry *entry, struct stat *st)
{
	return scan_open(entry->in_new ? maildir->new_fd : maildir->cur_fd, entry->name, false, st);
}

static const struct entry *
find_entry(const struct list *list, const struct entry *key)
{
	if (list->count == 0)
		return NULL;
	return bsearch(key, list->entries, list->count, sizeof(*key), compare);
}

/* Read both directories once more. 1, 0 if that was done often enough and nothing has moved since,
 * -1 with err: also where files are renamed faster than they are found, which their owner can do
 * for ever. */
static int
search(struct maildir_reader *r, struct err *err)
{
	if (r->searches++ >= SEARCHES_MIN && r->names >= NAMES_MAX)
		return stood_still(r->list.maildir, r->searched)
		           ? 0
		           : err_set(err, EAGAIN, "%s: files are renamed all the time",
		                 r->list.maildir->path);
	stamp(r->list.maildir, r->searched);
	/* An empty directory that was large takes as long to read. */
	r->names += r->list.count;
	return list_read(&r->now, err) == -1 ? -1 : 1;
}

/* Open message `key` of the list, under its new name if it was renamed: the last reading is asked
 * first, then new ones. 1 with *fd and *out (good until the next message is opened); 0 if it is
 * gone or is no message after all; -1 with err. */
static int
open_message(struct maildir_reader *r, const struct entry *key, struct entry *out, int *fd,
    struct stat *st, struct err *err)
{
	const struct entry *sight = key;
	bool fresh = false;
	int rc;

	for (;;) {
		if (sight != NULL) {
			*out = *sight;
			if ((*fd = open_entry(r->list.maildir, out, st)) != -1)
				return 1;
			if (errno == ELOOP || errno == EINVAL)
				return 0;
			if (errno != ENOENT)
				return err_set(err, errno, "open %s/%s/%s", r->list.maildir->path,
				    out->in_new ? "new" : "cur", out->name);
		} else if (fresh) {
			return 0;
		}
		if (sight != key || r->now.count == 0) {
			if ((rc = search(r, err)) != 1)
				return rc;
			fresh = true;
		}
		sight = find_entry(&r->now, key);
	}
}

/* Where the header block ends: at its closing empty line. False if there is none within `len`. */
static bool
header_end(const unsigned char *data, size_t len, size_t *end)
{
	const unsigned char *p = data, *stop = data + len, *newline;

	while (p < stop && (newline = memchr(p, '\n', (size_t)(stop - p))) != NULL) {
		*end = (size_t)(p - data);
		if (newline == p || (newline == p + 1 && *p == '\r'))
			return true;
		p = newline + 1;
	}
	*end = len;
	return false;
}

/* The header block into r->header, cut at SCAN_HEADER_MAX. */
static int
read_header(struct maildir_reader *r, int fd, const struct entry *entry, struct err *err)
{
	struct buf *h = &r->header;
	size_t end, step = 4096;
	ssize_t n;

	buf_clear(h);
	do {
		if (step > SCAN_HEADER_MAX - h->len)
			step = SCAN_HEADER_MAX - h->len;
		if (buf_reserve(h, step) == -1)
			return err_set(err, ENOMEM, "read %s", r->list.maildir->path);
		n = scan_pread(fd, h->data + h->len, step, h->len);
		if (n == -1)
			return err_set(err, errno, "read %s/%s/%s", r->list.maildir->path,
			    entry->in_new ? "new" : "cur", entry->name);
		h->len += (size_t)n;
		step = h->len;
	} while (!header_end(h->data, h->len, &end) && n > 0 && h->len < SCAN_HEADER_MAX);
	h->len = end;
	return 0;
}

/* ---- contracts ---------------------------------------------------------------------------- */

/* Fill `message` from the open file. 1, 0 if the message is gone, -1 with err. */
static int
read_message(struct maildir_reader *r, const struct entry *key, struct entry *now,
    struct scan_message *message, struct err *err)
{
	struct stat st;
	int fd, rc = open_message(r, key, now, &fd, &st, err);

	if (rc != 1)
		return rc;
	if (read_header(r, fd, now, err) == -1)
		rc = -1;
	close(fd);
	message->header = r->header.data;
	message->header_len = r->header.len;
	message->size = (uint64_t)st.st_size;
	message->flags = now->flags;
	return rc;
}

/* The callback's value; -1 with err. A message that is gone is passed over: 0. */
static int
tell(struct maildir_reader *r, size_t index, unsigned want,
    int (*each)(void *arg, const struct scan_message *message), void *arg, struct err *err)
{
	struct entry now = r->list.entries[index];
	struct scan_source source = { .maildir = r, .index = index };
	struct scan_message message = {
		.number = index + 1,
		.wire_size = now.wire_size,
		.source = &source,
		.flags = now.flags,
		.size = now.size,
		.received = now.time,
	};
	char *name = NULL;
	int rc;

	if (want & SCAN_WANT_HEADER) {
		rc = read_message(r, &r->list.entries[index], &now, &message, err);
		if (rc != 1)
			return rc;
	}
	if (asprintf(&name, "%s/%s", now.in_new ? "new" : "cur", now.name) == -1)
		return err_set(err, ENOMEM, "scan %s", r->list.maildir->path);
	message.name = name;
	rc = each(arg, &message);
	free(name);
	return rc;
}

int
maildir_scan(const struct maildir *maildir, unsigned want,
    int (*each)(void *arg, const struct scan_message *message), void *arg, struct err *err)
{
	struct maildir_reader reader;
	int rc = reader_open(&reader, maildir, err);

	for (size_t i = 0; rc == 0 && i < reader.list.count; i++)
		rc = tell(&reader, i, want, each, arg, err);
	reader_close(&reader);
	return rc;
}

static int
stream(int fd, const char *path, message_sink *sink, void *arg, struct err *err)
{
	unsigned char data[65536];
	uint64_t at = 0;
	ssize_t n;

	while ((n = scan_pread(fd, data, sizeof(data), at)) > 0) {
		if (sink(arg, data, (size_t)n, err) == -1)
			return -1;
		at += (uint64_t)n;
	}
	return n == -1 ? err_set(err, errno, "read %s", path) : 0;
}

int
maildir_message(const struct scan_source *source, message_sink *sink, void *arg, struct err *err)
{
	struct maildir_reader *r = source->maildir;
	struct entry now;
	struct stat st;
	int fd, rc = open_message(r, &r->list.entries[source->index], &now, &fd, &st, err);

	if (rc == 1) {
		if (stream(fd, now.name, sink, arg, err) == -1)
			rc = -1;
		close(fd);
	}
	return rc;
}

int
maildir_raw(
    const struct maildir *maildir, size_t number, message_sink *sink, void *arg, struct err *err)
{
	struct maildir_reader reader;
	struct scan_source source = { .maildir = &reader, .index = number - 1 };
	int rc = reader_open(&reader, maildir, err);

	if (rc == 0 && number >= 1 && number <= reader.list.count)
		rc = maildir_message(&source, sink, arg, err);
	reader_close(&reader);
	return rc;
}

static void
count_entry(struct mailbox_summary *sum, const struct entry *entry)
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
	struct entry entry;

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
	struct list list = { .maildir = maildir };
	int failed = list_read(&list, err);

	count_none(out);
	for (size_t i = 0; failed == 0 && i < list.count; i++)
		count_entry(out, &list.entries[i]);
	list_free(&list);
	return failed;
}

/* Counting needs no order and keeps no names, unless files move meanwhile. */
int
maildir_count(const struct maildir *maildir, struct mailbox_summary *out, struct err *err)
{
	struct timespec before[2];

	count_none(out);
	stamp(maildir, before);
	if (each_name(maildir, true, count_name, out, err) == -1 ||
	    each_name(maildir, false, count_name, out, err) == -1)
		return -1;
	return stood_still(maildir, before) ? 0 : count_list(maildir, out, err);
}
