/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * mbox after kill -9. The dead deliverer's dotlock names the mailbox, its old length, the bytes to
 * come and the From_ line. Cutting is right only if nothing but a beginning of that one message
 * lies behind the old length: since then another program may have appended (to the torn line, too),
 * expunged, or planted the file. One doubt, and nothing is cut: a torn message in a mailbox is a
 * blemish, a lost one is a loss. Reads only: `mailpeek verify` asks the same.
 */
#include "mbox_recover.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STEP      65536 /* bytes read at a time */
#define LOOKAHEAD 1024  /* bytes; a From_ line glued to a torn line is looked for in these */

/* ---- the record as text ------------------------------------------------------------ */

int
mbox_record_add(struct buf *out, const struct mbox_record *record)
{
	return buf_addf(out, "mbox %llu %llu %llu %llu\n%s\n", (unsigned long long)record->dev,
	    (unsigned long long)record->ino, (unsigned long long)record->length,
	    (unsigned long long)record->bytes, record->from);
}

static bool
take_number(const char **text, unsigned long long *number)
{
	char *end;

	if (**text != ' ' || !isdigit((unsigned char)(*text)[1]))
		return false;
	errno = 0;
	*number = strtoull(*text, &end, 10);
	*text = end;
	return errno == 0;
}

static bool
take_record(const char **text, struct mbox_record *record)
{
	unsigned long long dev, ino, length, bytes;
	const char *p = *text;
	size_t len;

	if (strncmp(p, "mbox", 4) != 0)
		return false;
	p += 4;
	if (!take_number(&p, &dev) || !take_number(&p, &ino) || !take_number(&p, &length) ||
	    !take_number(&p, &bytes) || *p++ != '\n')
		return false;
	if (length > INT64_MAX || bytes > INT64_MAX - length)
		return false;
	len = strcspn(p, "\n");
	if (strncmp(p, "From ", 5) != 0 || len > MBOX_FROM_KEPT || p[len] != '\n')
		return false;
	*record = (struct mbox_record){
		.dev = (dev_t)dev, .ino = (ino_t)ino, .length = (off_t)length, .bytes = bytes
	};
	memcpy(record->from, p, len);
	*text = p + len + 1;
	return true;
}

size_t
mbox_record_parse(const struct buf *text, struct mbox_record *records)
{
	struct buf copy = BUF_INIT;
	const char *p;
	size_t n = 0;

	/* What cannot be read is no proof of anything: no records, nothing cut. */
	if (buf_add(&copy, text->data, text->len) == 0 && (p = buf_cstr(&copy)) != NULL) {
		while (n < MBOX_RECORDS_MAX && take_record(&p, &records[n]))
			n++;
	}
	buf_free(&copy);
	return n;
}

/* ---- may it be cut ----------------------------------------------------------------- */

/* "Thu Jan  1 00:00" behind a blank: what a From_ line has and prose hardly ever. */
static bool
has_date(const unsigned char *p, size_t len)
{
	static const char form[] = " aaa aaa ?d dd:dd";

	for (size_t i = 0; i + sizeof(form) - 1 <= len && p[i] != '\n'; i++) {
		size_t k = 0;

		while (k < sizeof(form) - 1 &&
		       (form[k] == 'a'      ? isalpha(p[i + k]) != 0
		           : form[k] == 'd' ? isdigit(p[i + k]) != 0
		           : form[k] == '?' ? p[i + k] == ' ' || isdigit(p[i + k]) != 0
		                            : p[i + k] == form[k]))
			k++;
		if (k == sizeof(form) - 1)
			return true;
	}
	return false;
}

enum place { LINE_START, IN_QUOTES, IN_LINE };

/* Is this the From_ line of another message? At the start of a line "From " is enough. Behind other
 * text it takes a date: a program may have glued its message to our torn line. Behind '>'s it is
 * our own quoting. */
static bool
is_foreign_from(enum place place, const unsigned char *p, size_t len)
{
	if (place == IN_QUOTES || len < 5 || memcmp(p, "From ", 5) != 0)
		return false;
	return place == LINE_START || has_date(p + 5, len - 5);
}

static enum place
next_place(enum place place, unsigned char c)
{
	if (c == '\n')
		return LINE_START;
	return place != IN_LINE && c == '>' ? IN_QUOTES : IN_LINE;
}

/* pread(2) until `len` bytes are there or the file ends. */
static ssize_t
read_at(int fd, unsigned char *data, size_t len, off_t offset)
{
	size_t have = 0;

	while (have < len) {
		ssize_t n = pread(fd, data + have, len - have, offset + (off_t)have);

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return -1;
		if (n == 0)
			break;
		have += (size_t)n;
	}
	return (ssize_t)have;
}

/* Does a From_ line of somebody else stand in [from, to), behind its first byte? 1, 0, -1. */
static int
find_foreign_from(int fd, off_t from, off_t to, unsigned char *step)
{
	enum place place = IN_LINE;

	for (off_t at = from + 1; at < to;) {
		size_t want = to - at < STEP ? (size_t)(to - at) : STEP, end;
		ssize_t n = read_at(fd, step, want, at);

		if (n == -1)
			return -1;
		if ((size_t)n < want) /* shorter than a moment ago: not alone */
			return 1;
		end = at + n == to ? want : want - LOOKAHEAD;
		for (size_t i = 0; i < end; i++) {
			if (step[i] == 'F' && is_foreign_from(place, step + i, want - i))
				return 1;
			place = next_place(place, step[i]);
		}
		at += (off_t)end;
	}
	return 0;
}

/* Do the bytes at the old length begin our From_ line, as far as either goes? */
static int
has_our_from(const struct mbox_record *record, int fd, off_t size)
{
	unsigned char text[MBOX_FROM_KEPT];
	size_t len = strlen(record->from);
	ssize_t n;

	if ((off_t)len > size - record->length)
		len = (size_t)(size - record->length);
	n = read_at(fd, text, len, record->length);
	if (n == -1)
		return -1;
	return (size_t)n == len && memcmp(text, record->from, len) == 0;
}

static int
is_of(const struct mbox_record *record, const struct stat *st)
{
	return record->dev == st->st_dev && record->ino == st->st_ino &&
	       st->st_size > record->length;
}

static int
stands_there(const struct mbox_record *record, int fd, const struct stat *st, struct err *err)
{
	int ours = has_our_from(record, fd, st->st_size);

	if (ours == -1)
		err_set(err, errno, "mbox: read behind offset %lld", (long long)record->length);
	return ours;
}

int
mbox_record_whole(const struct mbox_record *record, int fd, const struct stat *st, struct err *err)
{
	if (!is_of(record, st) || (uint64_t)(st->st_size - record->length) != record->bytes)
		return 0;
	return stands_there(record, fd, st, err);
}

int
mbox_record_torn(const struct mbox_record *record, int fd, const struct stat *st, struct err *err)
{
	unsigned char *step;
	int ours, foreign;

	if (!is_of(record, st) || (uint64_t)(st->st_size - record->length) >= record->bytes)
		return 0;
	ours = stands_there(record, fd, st, err);
	if (ours != 1)
		return ours;
	step = malloc(STEP);
	if (step == NULL)
		return err_set(err, errno, "mbox: recovery");
	foreign = find_foreign_from(fd, record->length, st->st_size, step);
	if (foreign == -1)
		err_set(err, errno, "mbox: read behind offset %lld", (long long)record->length);
	free(step);
	return foreign == -1 ? -1 : !foreign;
}
