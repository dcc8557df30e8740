/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The spool: the whole message, read before anything is opened or locked, in memory while it is
 * small and in an unlinked file beyond that, so that neither a slow sender holds a lock nor a large
 * message the machine. A read error is never taken for the end.
 */
#include "message.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io.h"
#include "view.h"

#define READ_FIRST 16384 /* bytes; more than most messages have */
#define READ_STEP  65536 /* bytes: what a pipe holds */

/* A file that has no name, or has lost it. */
static int
open_spool(const char *spool_dir, struct err *err)
{
	int fd = open(spool_dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	char *name;

	if (fd != -1)
		return fd;
	if (asprintf(&name, "%s/virtmda.XXXXXX", spool_dir) == -1)
		return err_set(err, ENOMEM, "message: spool");
	fd = mkostemp(name, O_CLOEXEC);
	if (fd == -1) {
		err_set(err, errno, "message: create %s", name);
	} else if (unlink(name) == -1) {
		err_set(err, errno, "message: unlink %s", name);
		close(fd);
		fd = -1;
	}
	free(name);
	return fd;
}

/* What is in memory, and whatever follows, into a file. `room`: bytes at message->data. */
static int
spool_to_file(struct message *message, size_t room, int fd, const char *spool_dir, struct err *err)
{
	size_t have = (size_t)message->size, step = room < READ_STEP ? room : READ_STEP;

	message->fd = open_spool(spool_dir, err);
	if (message->fd == -1)
		return -1;
	for (;;) {
		ssize_t n;

		if (io_write_all(message->fd, message->data, have) == -1)
			return err_set(err, errno, "message: write spool file in %s", spool_dir);
		n = io_read(fd, message->data, step);
		if (n == -1)
			return err_set(err, errno, "message: read");
		if (n == 0)
			break;
		have = (size_t)n;
		message->size += have;
	}
	free(message->data);
	message->data = NULL;
	return 0;
}

static int
read_message(
    struct message *message, int fd, const char *spool_dir, size_t in_memory, struct err *err)
{
	struct buf buf = BUF_INIT;
	ssize_t n;

	do {
		if (buf_reserve(&buf, buf.len == 0 ? READ_FIRST : 1) == -1) {
			buf_free(&buf);
			return err_set(err, errno, "message: read");
		}
		n = io_read(fd, buf.data + buf.len, buf.cap - buf.len);
		if (n > 0)
			buf.len += (size_t)n;
	} while (n > 0 && buf.len <= in_memory);
	message->data = buf.data;
	message->size = buf.len;
	if (n == -1)
		return err_set(err, errno, "message: read");
	return n == 0 ? 0 : spool_to_file(message, buf.cap, fd, spool_dir, err);
}

int
message_read_limited(struct message **out, int fd, const char *spool_dir, size_t in_memory,
    size_t window, struct err *err)
{
	struct message *message = calloc(1, sizeof(*message));

	*out = NULL;
	if (message == NULL)
		return err_set(err, errno, "message: read");
	message->fd = -1;
	message->window = window;
	if (read_message(message, fd, spool_dir, in_memory, err) == -1) {
		message_free(message);
		errno = err->num;
		return -1;
	}
	*out = message;
	return 0;
}

int
message_read(struct message **out, int fd, const char *spool_dir, struct err *err)
{
	return message_read_limited(out, fd, spool_dir, MESSAGE_IN_MEMORY, VIEW_WINDOW, err);
}

/* A small one is read, for then nothing is read twice. */
static int
take_file(struct message *message, int fd, struct err *err)
{
	struct stat st;
	struct view view;
	size_t avail;

	if (fstat(fd, &st) == -1)
		return err_set(err, errno, "message: stat");
	if (!S_ISREG(st.st_mode))
		return err_set(err, EINVAL, "message: open");
	message->size = (uint64_t)st.st_size;
	message->fd = fd;
	message->borrowed = true;
	message->window = VIEW_WINDOW;
	if (message->size > MESSAGE_IN_MEMORY)
		return 0;
	message->window = (size_t)message->size + 1; /* malloc(0) may be NULL */
	view_open(&view, message);
	if (view_at(&view, 0, 0, &avail) == NULL) {
		err_set(err, errno, "message: read");
		view_close(&view);
		return -1;
	}
	message->data = view.window;
	message->fd = -1;
	return 0;
}

int
message_open(struct message **out, int fd, struct err *err)
{
	struct message *message = calloc(1, sizeof(*message));

	*out = NULL;
	if (message == NULL)
		return err_set(err, errno, "message: open");
	message->fd = -1;
	if (take_file(message, fd, err) == -1) {
		message_free(message);
		errno = err->num;
		return -1;
	}
	*out = message;
	return 0;
}

void
message_free(struct message *message)
{
	if (message == NULL)
		return;
	if (message->fd != -1 && !message->borrowed)
		close(message->fd);
	free(message->data);
	free(message);
}

uint64_t
message_size(const struct message *message)
{
	return message->size;
}

/* Append the field's value from `offset` to `limit`, its line ends taken out (RFC 5322 2.2.3). */
static int
unfold(struct view *view, uint64_t offset, uint64_t limit, struct buf *out)
{
	uint64_t next;

	for (;; offset = next) {
		size_t avail, len;
		const unsigned char *p;
		int more;

		if (view_next_line(view, offset, &next) == -1)
			return -1;
		if (next > limit)
			next = limit;
		for (uint64_t at = offset; at < next; at += len) {
			p = view_at(view, at, 1, &avail);
			if (p == NULL)
				return -1;
			len = avail < next - at ? avail : (size_t)(next - at);
			if (buf_add(out, p, len) == -1)
				return -1;
		}
		if (out->len > 0 && out->data[out->len - 1] == '\n')
			out->len--;
		if (out->len > 0 && out->data[out->len - 1] == '\r')
			out->len--;
		more = next < limit ? view_is_continuation(view, next) : 0;
		if (more <= 0)
			return more;
	}
}

static void
trim(struct buf *buf, size_t start)
{
	size_t end = buf->len, begin = start;

	while (end > begin && (buf->data[end - 1] == ' ' || buf->data[end - 1] == '\t'))
		end--;
	while (begin < end && (buf->data[begin] == ' ' || buf->data[begin] == '\t'))
		begin++;
	if (begin < end)
		memmove(buf->data + start, buf->data + begin, end - begin);
	buf->len = start + (end - begin);
}

#define HEADER_LOOKED_AT (256 * 1024) /* bytes */

/* Something to do with a field's value, which begins at an offset. */
typedef int field_fn(void *arg, struct view *view, uint64_t value);

/* Every field `name` that begins before `limit`, until `each` returns other than 0, which is then
 * the result. */
static int
walk_fields(struct view *view, const char *name, uint64_t limit, field_fn *each, void *arg)
{
	uint64_t offset, next;
	struct field field;
	int done = 0;

	if (view_header_start(view, &offset) == -1)
		return -1;
	for (; offset < limit && done == 0; offset = next) {
		int is_field, empty = view_is_empty_line(view, offset);

		if (empty != 0)
			return empty == -1 ? -1 : 0;
		is_field = view_is_field(view, offset, &field);
		if (is_field == -1 || view_next_line(view, offset, &next) == -1)
			return -1;
		if (is_field == 1 && strcasecmp(field.name, name) == 0 && field.value <= limit)
			done = each(arg, view, field.value);
	}
	return done;
}

static int
look_for(const struct message *message, const char *name, uint64_t limit, field_fn *each, void *arg)
{
	struct view view;
	int found, saved;

	view_open(&view, message);
	found = walk_fields(&view, name, limit, each, arg);
	saved = errno;
	view_close(&view);
	errno = saved;
	return found;
}

struct first_value {
	uint64_t limit;
	struct buf *out;
};

static int
take_value(void *arg, struct view *view, uint64_t value)
{
	struct first_value *first = arg;
	size_t start = first->out->len;

	if (unfold(view, value, first->limit, first->out) == -1) {
		first->out->len = start;
		return -1;
	}
	trim(first->out, start);
	return 1;
}

int
message_header(const struct message *message, const char *name, struct buf *out)
{
	struct first_value first = {
		.limit = message->size < HEADER_LOOKED_AT ? message->size : HEADER_LOOKED_AT,
		.out = out,
	};

	return look_for(message, name, first.limit, take_value, &first);
}

struct every_value {
	struct buf value;
	size_t max;
	int (*each)(void *arg, const char *value, size_t len);
	void *arg;
};

static int
show_value(void *arg, struct view *view, uint64_t value)
{
	struct every_value *every = arg;
	uint64_t size = view->message->size;
	const char *text;

	buf_clear(&every->value);
	if (unfold(view, value, size - value < every->max ? size : value + every->max,
	        &every->value) == -1)
		return -1;
	trim(&every->value, 0);
	text = buf_cstr(&every->value);
	return text == NULL ? -1 : every->each(every->arg, text, every->value.len);
}

int
message_each_header(const struct message *message, const char *name, size_t value_max,
    int (*each)(void *arg, const char *value, size_t len), void *arg)
{
	struct every_value every = {
		.value = BUF_INIT, .max = value_max, .each = each, .arg = arg
	};
	int result = look_for(message, name, message->size, show_value, &every);
	int saved = errno;

	buf_free(&every.value);
	errno = saved;
	return result;
}
