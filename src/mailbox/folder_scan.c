/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Which folders a Maildir has, and what they are called. Names come from whoever made them: one
 * that is not as IMAP servers write it is given back byte for byte.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "scan.h"

/* ---- modified UTF-7 ---------------------------------------------------------------------------
 */

static int
digit_value(unsigned char c)
{
	static const char digits[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";
	const char *p = c == '\0' ? NULL : strchr(digits, c);

	return p == NULL ? -1 : (int)(p - digits);
}

static int
add_utf8(struct buf *out, uint32_t c)
{
	const unsigned lead = c < 0x80 ? 0 : c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
	static const unsigned char marks[] = { 0x00, 0xc0, 0xe0, 0xf0 };

	if (buf_addc(out, (unsigned char)(marks[lead] | c >> 6 * lead)) == -1)
		return -1;
	for (unsigned i = lead; i-- > 0;)
		if (buf_addc(out, (unsigned char)(0x80 | (c >> 6 * i & 0x3f))) == -1)
			return -1;
	return 0;
}

struct decoder {
	struct buf *out;
	uint32_t high; /* first half of a surrogate pair, 0 for none */
};

/* 1, 0 it is no character, -1. */
static int
add_unit(struct decoder *d, uint32_t unit)
{
	uint32_t c = unit;

	if (d->high != 0) {
		if (unit < 0xdc00 || unit > 0xdfff)
			return 0;
		c = 0x10000 + ((d->high & 0x3ff) << 10) + (unit & 0x3ff);
		d->high = 0;
	} else if (unit >= 0xd800 && unit <= 0xdbff) {
		d->high = unit;
		return 1;
	} else if (unit >= 0xdc00 && unit <= 0xdfff) {
		return 0;
	}
	return add_utf8(d->out, c) == -1 ? -1 : 1;
}

/* *p behind an '&', moved behind its '-'. 1, 0 not well-formed, -1. */
static int
add_shifted(struct buf *out, const char **p)
{
	struct decoder d = { .out = out };
	uint32_t bits = 0;
	unsigned nbits = 0;
	int value, rc;

	if (**p == '-') {
		(*p)++;
		return buf_addc(out, '&') == -1 ? -1 : 1;
	}
	for (; (value = digit_value((unsigned char)**p)) != -1; (*p)++) {
		bits = bits << 6 | (uint32_t)value;
		nbits += 6;
		if (nbits < 16)
			continue;
		nbits -= 16;
		rc = add_unit(&d, bits >> nbits & 0xffff);
		if (rc != 1)
			return rc;
	}
	if (*(*p)++ != '-' || d.high != 0 || nbits >= 6)
		return 0;
	return 1;
}

static int
decode(const char *name, struct buf *out)
{
	int rc = 1;

	for (const char *p = name; rc == 1 && *p != '\0';) {
		if (*p == '&') {
			p++;
			rc = add_shifted(out, &p);
		} else {
			rc = buf_addc(out, (unsigned char)*p++) == -1 ? -1 : 1;
		}
	}
	return rc;
}

int
mailbox_folder_name(const char *directory, struct buf *out)
{
	const size_t before = out->len;
	int rc;

	if (*directory == '\0')
		return buf_adds(out, "INBOX");
	if (*directory == '.')
		directory++;
	rc = decode(directory, out);
	if (rc != 0)
		return rc == -1 ? -1 : 0;
	out->len = before;
	return buf_adds(out, directory);
}

/* ---- directories -------------------------------------------------------------------------------
 */

struct names {
	char **names;
	size_t count, room;
};

static int
keep(struct names *names, const char *name)
{
	if (names->count == names->room) {
		size_t room = names->room == 0 ? 16 : 2 * names->room;
		char **grown = reallocarray(names->names, room, sizeof(*grown));

		if (grown == NULL)
			return -1;
		names->names = grown;
		names->room = room;
	}
	names->names[names->count] = strdup(name);
	if (names->names[names->count] == NULL)
		return -1;
	names->count++;
	return 0;
}

/* 1 a directory; 0 something else, nothing, or out of our reach; -1 with errno. */
static int
is_directory(int at, const char *name)
{
	struct stat st;

	if (fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return S_ISDIR(st.st_mode);
	return errno == ENOENT || errno == ENOTDIR || errno == EACCES ? 0 : -1;
}

static int
has_directory(int at, const char *name, const char *sub)
{
	char *path;
	int there;

	if (asprintf(&path, "%s/%s", name, sub) == -1)
		return -1;
	there = is_directory(at, path);
	free(path);
	return there;
}

/* 1, 0, -1 with errno. */
static int
is_folder(int at, const char *name)
{
	int there;

	if (name[0] != '.' || name[1] == '\0' || strcmp(name, "..") == 0)
		return 0;
	there = is_directory(at, name);
	if (there != 1)
		return there;
	there = has_directory(at, name, "cur");
	return there != 0 ? there : has_directory(at, name, "new");
}

static int
keep_folder(struct names *names, int at, const char *name)
{
	int folder = is_folder(at, name);

	return folder == 1 ? keep(names, name) : folder;
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int
read_names(const char *path, int fd, struct names *names, struct err *err)
{
	DIR *dir = fdopendir(fd);
	const struct dirent *d;
	int failed = 0;

	if (dir == NULL) {
		err_set(err, errno, "read %s", path);
		close(fd);
		return -1;
	}
	while (failed == 0 && (errno = 0, d = readdir(dir)) != NULL)
		if (keep_folder(names, fd, d->d_name) == -1)
			failed = err_set(err, errno, "read %s/%s", path, d->d_name);
	if (failed == 0 && errno != 0)
		failed = err_set(err, errno, "read %s", path);
	closedir(dir);
	if (names->count > 1)
		qsort(names->names, names->count, sizeof(*names->names), by_name);
	return failed;
}

static int
each_folder(const struct mailbox *mailbox, const struct names *names,
    int (*each)(void *arg, const struct mailbox *folder, const char *name), void *arg,
    struct err *err)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < names->count; i++) {
		struct mailbox folder = { .format = MAILBOX_MAILDIR };

		if (asprintf(&folder.path, "%s/%s", mailbox->path, names->names[i]) == -1)
			return err_set(err, ENOMEM, "read %s", mailbox->path);
		rc = each(arg, &folder, names->names[i]);
		free(folder.path);
	}
	return rc;
}

int
mailbox_folders(const struct mailbox *mailbox,
    int (*each)(void *arg, const struct mailbox *folder, const char *name), void *arg,
    struct err *err)
{
	struct names names = { 0 };
	struct stat st;
	int fd, rc = each(arg, mailbox, "");

	if (rc != 0 || mailbox->format != MAILBOX_MAILDIR)
		return rc;
	fd = scan_open(AT_FDCWD, mailbox->path, true, &st);
	/* What is no directory, or not to be read, has no folders; the inbox has told of it. */
	if (fd == -1)
		return errno == ENOENT || errno == ENOTDIR || errno == ELOOP || errno == EINVAL ||
		               errno == EACCES
		           ? 0
		           : err_set(err, errno, "open %s", mailbox->path);
	rc = read_names(mailbox->path, fd, &names, err);
	if (rc == 0)
		rc = each_folder(mailbox, &names, each, arg, err);
	for (size_t i = 0; i < names.count; i++)
		free(names.names[i]);
	free(names.names);
	return rc;
}
