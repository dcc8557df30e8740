/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A Maildir, read while others deliver, read and rename. The names are taken down first
 * (maildir_list.c). A file that has another name by the time it is opened is looked for under its
 * new one, with a bound on how often, which is told, for nothing is left out in silence; one that
 * is gone is passed over.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "maildir_list.h"

/* Readings of both directories for renamed files in one scan; more, until so many names were read.
 */
#define SEARCHES_MIN 64
#define NAMES_MAX    300000

struct maildir_reader {
	struct maildir_list list; /* what gives the messages their numbers */
	struct maildir_list now;  /* a later reading, to find renamed files in */
	unsigned searches;
	size_t names; /* read in them */
	struct timespec searched[2];
	struct buf header;
};

/* ---- one message -------------------------------------------------------------------------- */

static int
reader_open(struct maildir_reader *r, const struct maildir *maildir, struct err *err)
{
	memset(r, 0, sizeof(*r));
	r->list.maildir = r->now.maildir = maildir;
	return maildir_list_read(&r->list, err);
}

static void
reader_close(struct maildir_reader *r)
{
	maildir_list_free(&r->list);
	maildir_list_free(&r->now);
	buf_free(&r->header);
}

static int
open_entry(const struct maildir *maildir, const struct maildir_entry *entry, struct stat *st)
{
	return scan_open(entry->in_new ? maildir->new_fd : maildir->cur_fd, entry->name, false, st);
}

/* Read both directories once more. 1, 0 if that was done often enough and nothing has moved since,
 * -1 with err: also where files are renamed faster than they are found, which their owner can do
 * for ever. */
static int
search(struct maildir_reader *r, struct err *err)
{
	if (r->searches++ >= SEARCHES_MIN && r->names >= NAMES_MAX)
		return maildir_stood_still(r->list.maildir, r->searched)
		           ? 0
		           : err_set(err, EAGAIN, "%s: files are renamed all the time",
		                 r->list.maildir->path);
	maildir_stamp(r->list.maildir, r->searched);
	/* An empty directory that was large takes as long to read. */
	r->names += r->list.count;
	return maildir_list_read(&r->now, err) == -1 ? -1 : 1;
}

/* Open message `key` of the list, under its new name if it was renamed: the last reading is asked
 * first, then new ones. 1 with *fd and *out (good until the next message is opened); 0 if it is
 * gone or is no message after all; -1 with err. */
static int
open_message(struct maildir_reader *r, const struct maildir_entry *key, struct maildir_entry *out,
    int *fd, struct stat *st, struct err *err)
{
	const struct maildir_entry *sight = key;
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
		sight = maildir_list_find(&r->now, key);
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
read_header(struct maildir_reader *r, int fd, const struct maildir_entry *entry, struct err *err)
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
read_message(struct maildir_reader *r, const struct maildir_entry *key, struct maildir_entry *now,
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
	struct maildir_entry now = r->list.entries[index];
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
	struct maildir_entry now;
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
