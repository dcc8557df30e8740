/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What is wrong inside a Maildir and its folders: directories and files that are not what they
 * should be, messages that a crash left empty or full of NULs, left-overs, names that are there
 * twice, sizes that do not agree. Everything is opened from the Maildir's descriptor. A file that
 * is gone when it is looked at was moved or removed by a reader: no fault.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "maildirsize.h"
#include "verify.h"

#define TMP_AGE     ((time_t)36 * 60 * 60) /* seconds; what is older is nobody's any more */
#define SECOND_LOOK (200L * 1000 * 1000)   /* nanoseconds until a count that differs is believed */

struct name {
	size_t at; /* in names */
	size_t base_len;
	bool in_new;
};

struct walk {
	const struct verify *v;
	const char *path; /* of the folder */
	int dirfd;        /* of the folder */
	bool is_reached;
	struct buf names; /* of the messages in new and cur, NUL-ended */
	struct name *list;
	size_t count, room;
	struct quota *used; /* of the whole Maildir */
	struct err *err;
};

/* "PATH/SUB/NAME", for messages; the caller frees. NULL with err. */
static char *
path_of(const struct walk *w, const char *sub, const char *name)
{
	char *path;

	if (asprintf(&path, "%s/%s%s%s", w->path, sub, name == NULL ? "" : "/",
	        name == NULL ? "" : name) != -1)
		return path;
	err_set(w->err, ENOMEM, "verify %s", w->path);
	return NULL;
}

/* What errno says of a file or directory that could not be opened. One that is gone since it was
 * looked at, or something else by now, is no fault. 0, or -1 with err. */
static int
cannot_open(const struct verify *v, const char *path, struct err *err)
{
	if (errno == EACCES)
		verify_tell(
		    v, FAULT_UNREADABLE, path, FAULT_NO_OFFSET, "its account may not read it");
	else if (errno != ENOENT && errno != ENOTDIR && errno != ELOOP && errno != EINVAL)
		return err_set(err, errno, "open %s", path);
	return 0;
}

/* ---- a message --------------------------------------------------------------------------------
 */

/* Compressed by a server's plugin: then ",S=" is the size of what is in it. */
static bool
is_compressed(int fd)
{
	static const struct {
		unsigned char magic[4];
		size_t len;
	} kinds[] = {
		{ { 0x1f, 0x8b }, 2 }, { { 'B', 'Z', 'h' }, 3 }, { { 0x28, 0xb5, 0x2f, 0xfd }, 4 },
		{ { 0xfd, '7', 'z', 'X' }, 4 }, { { 'D', 'o', 'v', 'e' }, 4 }, /* lz4 */
	};
	unsigned char begin[4] = { 0 };

	if (scan_pread(fd, begin, sizeof(begin), 0) != (ssize_t)sizeof(begin))
		return false;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (memcmp(begin, kinds[i].magic, kinds[i].len) == 0)
			return true;
	return false;
}

static int
check_content(const struct walk *w, const char *path, int fd, const struct stat *st,
    const struct maildir_name *name)
{
	if (st->st_size == 0) {
		verify_tell(w->v, FAULT_EMPTY_MESSAGE, path, FAULT_NO_OFFSET, "it has no bytes");
		return 0;
	}
	if (is_compressed(fd))
		return 0;
	if (verify_nuls(w->v, path, fd, 0, (uint64_t)st->st_size, w->err) == -1)
		return -1;
	if (name->sized && name->size == (uint64_t)st->st_size) /* whole, however it was sent */
		return 0;
	if (name->sized)
		verify_tell(w->v, FAULT_WRONG_SIZE, path, FAULT_NO_OFFSET,
		    "its name says %llu bytes, and it has %llu", (unsigned long long)name->size,
		    (unsigned long long)st->st_size);
	return verify_file_parts(w->v, path, fd, (uint64_t)st->st_size, w->err);
}

static int
open_and_check(const struct walk *w, int dirfd, const char *name, const char *path,
    const struct maildir_name *parsed)
{
	struct stat st;
	int failed, fd = scan_open(dirfd, name, false, &st);

	if (fd == -1)
		return cannot_open(w->v, path, w->err);
	failed = check_content(w, path, fd, &st, parsed);
	close(fd);
	return failed;
}

static int
keep_name(struct walk *w, const char *name, size_t base_len, bool in_new)
{
	if (w->count == w->room) {
		size_t room = w->room == 0 ? 256 : 2 * w->room;
		struct name *grown = reallocarray(w->list, room, sizeof(*grown));

		if (grown == NULL)
			return err_set(w->err, ENOMEM, "verify %s", w->path);
		w->list = grown;
		w->room = room;
	}
	w->list[w->count++] =
	    (struct name){ .at = w->names.len, .base_len = base_len, .in_new = in_new };
	if (buf_add(&w->names, name, strlen(name) + 1) == -1)
		return err_set(w->err, ENOMEM, "verify %s", w->path);
	return 0;
}

static int
check_message(struct walk *w, int dirfd, const char *sub, const char *name, bool is_exposed)
{
	struct maildir_name parsed;
	struct stat st;
	char *path;
	int failed;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return errno == ENOENT
		           ? 0
		           : err_set(w->err, errno, "stat %s/%s/%s", w->path, sub, name);
	if ((path = path_of(w, sub, name)) == NULL)
		return -1;
	if (!S_ISREG(st.st_mode)) {
		verify_tell(w->v, FAULT_STRANGE_ENTRY, path, FAULT_NO_OFFSET, "%s among messages",
		    S_ISLNK(st.st_mode)   ? "a symbolic link"
		    : S_ISDIR(st.st_mode) ? "a directory"
		                          : "a special file");
		free(path);
		return 0;
	}
	maildir_name_parse(name, &parsed);
	w->used->bytes += parsed.sized ? parsed.size : (uint64_t)st.st_size;
	w->used->messages++;
	if (st.st_uid != w->v->owner)
		verify_tell(w->v, FAULT_WRONG_OWNER, path, FAULT_NO_OFFSET,
		    "it belongs to uid %lu instead of %lu", (unsigned long)st.st_uid,
		    (unsigned long)w->v->owner);
	if (is_exposed)
		verify_exposure(w->v, path, &st);
	failed = keep_name(w, name, parsed.base_len, strcmp(sub, "new") == 0);
	if (failed == 0)
		failed = open_and_check(w, dirfd, name, path, &parsed);
	free(path);
	return failed;
}

static int
check_tmp(const struct walk *w, int dirfd, const char *name)
{
	time_t age;
	struct stat st;
	char *path;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return errno == ENOENT ? 0
		                       : err_set(w->err, errno, "stat %s/tmp/%s", w->path, name);
	age = time(NULL) - st.st_mtime;
	if (age <= TMP_AGE || S_ISDIR(st.st_mode))
		return 0;
	if ((path = path_of(w, "tmp", name)) == NULL)
		return -1;
	verify_tell(w->v, FAULT_OLD_TMP, path, FAULT_NO_OFFSET,
	    "a delivery that never came to its end, %lld days ago", (long long)(age / 86400));
	free(path);
	return 0;
}

/* ---- new, cur, tmp ----------------------------------------------------------------------------
 */

static int
check_names(struct walk *w, int fd, const char *sub, bool is_exposed)
{
	DIR *dir = fdopendir(fd);
	const struct dirent *d;
	int failed = 0;

	if (dir == NULL) {
		close(fd);
		return err_set(w->err, errno, "read %s/%s", w->path, sub);
	}
	while (failed == 0 && (errno = 0, d = readdir(dir)) != NULL) {
		if (d->d_name[0] == '.')
			continue;
		failed = strcmp(sub, "tmp") == 0 ? check_tmp(w, fd, d->d_name)
		                                 : check_message(w, fd, sub, d->d_name, is_exposed);
	}
	if (failed == 0 && errno != 0)
		failed = err_set(w->err, errno, "read %s/%s", w->path, sub);
	closedir(dir);
	return failed;
}

static int
check_open_sub(struct walk *w, const char *sub, const char *path)
{
	struct stat st;
	int fd = scan_open(w->dirfd, sub, true, &st);

	if (fd == -1)
		return cannot_open(w->v, path, w->err);
	return check_names(w, fd, sub, w->is_reached && (st.st_mode & S_IXOTH) != 0);
}

/* 1 it is there, 0 it is not, -1 with err. */
static int
check_sub(struct walk *w, const char *sub)
{
	struct stat st;
	char *path;
	int failed = 0;

	if (fstatat(w->dirfd, sub, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return errno == ENOENT ? 0 : err_set(w->err, errno, "stat %s/%s", w->path, sub);
	if ((path = path_of(w, sub, NULL)) == NULL)
		return -1;
	if (!verify_type(w->v, path, &st, true)) {
		verify_rights(w->v, path, &st);
		failed = check_open_sub(w, sub, path);
	}
	free(path);
	return failed == -1 ? -1 : 1;
}

/* ---- names that are there twice ----------------------------------------------------------------
 */

static int
by_base(const void *left, const void *right, void *arg)
{
	const struct name *a = left, *b = right;
	const unsigned char *names = arg;
	size_t shorter = a->base_len < b->base_len ? a->base_len : b->base_len;
	int order = memcmp(names + a->at, names + b->at, shorter);

	return order != 0 ? order : (a->base_len > b->base_len) - (a->base_len < b->base_len);
}

static bool
is_there(const struct walk *w, const struct name *name)
{
	struct stat st;
	char *path = NULL;
	bool there;

	if (asprintf(&path, "%s/%s", name->in_new ? "new" : "cur",
	        (const char *)w->names.data + name->at) == -1)
		return false;
	there = fstatat(w->dirfd, path, &st, AT_SYMLINK_NOFOLLOW) == 0;
	free(path);
	return there;
}

static int
check_twice(const struct walk *w)
{
	if (w->count > 1)
		qsort_r(w->list, w->count, sizeof(*w->list), by_base, w->names.data);
	for (size_t i = 1; i < w->count; i++) {
		const struct name *a = &w->list[i - 1], *b = &w->list[i];
		char *path;

		if (by_base(a, b, w->names.data) != 0)
			continue;
		/* A message that was moved meanwhile has one name at any moment. */
		if (!is_there(w, a) || !is_there(w, b) || !is_there(w, a))
			continue;
		path = path_of(w, b->in_new ? "new" : "cur", (const char *)w->names.data + b->at);
		if (path == NULL)
			return -1;
		verify_tell(w->v, FAULT_DUPLICATE_NAME, path, FAULT_NO_OFFSET,
		    "the same message name as %s/%s", a->in_new ? "new" : "cur",
		    (const char *)w->names.data + a->at);
		free(path);
	}
	return 0;
}

/* ---- folders -----------------------------------------------------------------------------------
 */

/* 1 a folder, 0 none (it holds neither new nor cur), -1 with err. */
static int
check_folder(
    const struct verify *v, const char *path, int dirfd, struct quota *used, struct err *err)
{
	static const char *const subs[] = { "new", "cur", "tmp" };
	struct walk w = { .v = v, .path = path, .dirfd = dirfd, .used = used, .err = err };
	struct stat st;
	int there = 0, failed = 0;

	w.is_reached = v->is_reached && fstat(dirfd, &st) == 0 && (st.st_mode & S_IXOTH) != 0;
	for (size_t i = 0; failed == 0 && i < sizeof(subs) / sizeof(subs[0]); i++) {
		int rc = i == 2 && there == 0 ? 0 : check_sub(&w, subs[i]);

		failed = rc == -1 ? -1 : 0;
		there += rc == 1;
	}
	if (failed == 0)
		failed = check_twice(&w);
	buf_free(&w.names);
	free(w.list);
	return failed == -1 ? -1 : there > 0;
}

static int
check_entry(const struct verify *v, const char *path, int root, const char *name,
    struct quota *used, struct err *err)
{
	struct stat st;
	char *where;
	int fd, rc;

	if (fstatat(root, name, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return errno == ENOENT ? 0 : err_set(err, errno, "stat %s/%s", path, name);
	if (!S_ISDIR(st.st_mode))
		return 0;
	if (asprintf(&where, "%s/%s", path, name) == -1)
		return err_set(err, ENOMEM, "verify %s", path);
	fd = scan_open(root, name, true, &st);
	if (fd != -1) {
		rc = check_folder(v, where, fd, used, err);
		if (rc == 1)
			verify_rights(v, where, &st);
		close(fd);
	} else {
		rc = cannot_open(v, where, err);
	}
	free(where);
	return rc == -1 ? -1 : 0;
}

static int
check_folders(
    const struct verify *v, const char *path, int root, struct quota *used, struct err *err)
{
	struct stat st;
	int failed = 0, fd = scan_open(root, ".", true, &st);
	DIR *dir = fd == -1 ? NULL : fdopendir(fd);
	const struct dirent *d;

	if (dir == NULL) {
		err_set(err, errno, "read %s", path);
		if (fd != -1)
			close(fd);
		return -1;
	}
	while (failed == 0 && (errno = 0, d = readdir(dir)) != NULL)
		if (d->d_name[0] == '.' && d->d_name[1] != '\0' && strcmp(d->d_name, "..") != 0)
			failed = check_entry(v, path, root, d->d_name, used, err);
	if (failed == 0 && errno != 0)
		failed = err_set(err, errno, "read %s", path);
	closedir(dir);
	return failed;
}

/* ---- maildirsize -------------------------------------------------------------------------------
 */

struct sum {
	char text[MAILDIRSIZE_MAX];
	size_t len; /* 0: there is none that would be believed */
};

/* A file that has grown to the limit is to be counted anew by whoever reads it: as good as none. */
static void
read_sum(int root, struct sum *sum)
{
	struct stat st;
	int fd = scan_open(root, MAILDIRSIZE_NAME, false, &st);
	ssize_t n;

	sum->len = 0;
	if (fd == -1)
		return;
	n = scan_pread(fd, sum->text, sizeof(sum->text), 0);
	if (n > 0 && (size_t)n < sizeof(sum->text))
		sum->len = (size_t)n;
	close(fd);
}

static bool
is_still(int root, const struct sum *sum)
{
	struct sum now;

	read_sum(root, &now);
	return now.len == sum->len && memcmp(now.text, sum->text, sum->len) == 0;
}

static void
check_sum(const struct verify *v, const char *path, int root, const struct sum *sum,
    const struct quota *used)
{
	const struct timespec pause = { .tv_nsec = SECOND_LOOK };
	struct maildirsize said;
	int known = maildirsize_parse(sum->text, sum->len, &said);

	if (known == 1 && said.used.bytes == used->bytes && said.used.messages == used->messages)
		return;
	/* Who delivers or expunges writes it last. */
	nanosleep(&pause, NULL);
	if (!is_still(root, sum))
		return;
	if (known == 1)
		verify_tell(v, FAULT_QUOTA_DRIFT, path, FAULT_NO_OFFSET,
		    "it says %llu bytes in %llu messages, and there are %llu in %llu",
		    (unsigned long long)said.used.bytes, (unsigned long long)said.used.messages,
		    (unsigned long long)used->bytes, (unsigned long long)used->messages);
	else
		verify_tell(v, FAULT_BAD_MAILDIRSIZE, path, FAULT_NO_OFFSET,
		    "it is not as a maildirsize is written");
}

static int
verify_sum(const struct verify *v, const char *path, int root, const struct sum *sum,
    const struct quota *used, struct err *err)
{
	struct stat st;
	char *where;

	if (fstatat(root, MAILDIRSIZE_NAME, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return errno == ENOENT ? 0 : err_set(err, errno, "stat %s/" MAILDIRSIZE_NAME, path);
	if (asprintf(&where, "%s/" MAILDIRSIZE_NAME, path) == -1)
		return err_set(err, ENOMEM, "verify %s", path);
	if (!verify_type(v, where, &st, false)) {
		if (st.st_uid != v->owner)
			verify_rights(v, where, &st);
		else if (sum->len > 0)
			check_sum(v, where, root, sum, used);
	}
	free(where);
	return 0;
}

int
verify_maildir(const struct verify *v, const char *path, int root, struct err *err)
{
	struct quota used = { 0 };
	struct sum sum;
	int rc;

	read_sum(root, &sum);
	rc = check_folder(v, path, root, &used, err);
	if (rc == 0)
		verify_tell(
		    v, FAULT_WRONG_FORMAT, path, FAULT_NO_OFFSET, "it holds neither new nor cur");
	if (rc == -1 || check_folders(v, path, root, &used, err) == -1)
		return -1;
	return verify_sum(v, path, root, &sum, &used, err);
}
