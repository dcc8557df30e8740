/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A Maildir's directories, and those of its folders (Maildir++: ".Name" beside cur, new and tmp).
 * Opened by descriptor, never through a symbolic link; each must be a directory, the account's, and
 * nobody else's to write in. Made on first use, but not its parents: a home directory that is
 * missing is not mounted. Not every directory with a dot is a folder: a ~/.ssh must not become one
 * where the Maildir is the home itself.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io.h"
#include "maildir.h"

#define MARK "maildirfolder" /* what Courier and Dovecot put into every folder */

/* Open a directory that must be one, and the account's. -1 with err; ENOENT: it is not there. */
static int
open_own(const struct maildir_place *p, int at, const char *name, struct stat *st, struct err *err)
{
	const char *dir = at == AT_FDCWD || p->where == NULL ? "" : p->where;
	const char *slash = *dir == '\0' ? "" : "/";
	int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd == -1)
		return err_set(err, errno, "maildir: open %s%s%s", dir, slash, name);
	if (fstat(fd, st) == -1)
		err_set(err, errno, "maildir: stat %s%s%s", dir, slash, name);
	else if (st->st_uid != p->uid)
		err_set(err, 0, "maildir: %s%s%s belongs to uid %lu instead of %lu", dir, slash,
		    name, (unsigned long)st->st_uid, (unsigned long)p->uid);
	else if ((st->st_mode & S_IWOTH) != 0)
		err_set(err, 0, "maildir: everybody may write to %s%s%s", dir, slash, name);
	else
		return fd;
	close(fd);
	errno = err->num;
	return -1;
}

static int
make(const struct maildir_place *p, int at, const char *name, struct err *err)
{
	if (mkdirat(at, name, 0700) == 0 || errno == EEXIST)
		return 0;
	return err_set(err, errno, "maildir: mkdir %s%s%s", at == AT_FDCWD ? "" : p->where,
	    at == AT_FDCWD ? "" : "/", name);
}

/* ---- the inbox ----------------------------------------------------------------------- */

static int
sync_parent(const struct maildir_place *p, struct err *err)
{
	const char *base;
	char *parent = path_split(p->path, &base);
	int fd, failed = 0;

	if (parent == NULL)
		return err_set(err, errno, "maildir: %s", p->path);
	fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1 && errno == EACCES) /* may be searched, not read */
		failed = syncfs(p->rootfd);
	else
		failed = fd == -1 ? -1 : io_fsync_dir(fd);
	if (failed == -1)
		err_set(err, errno, "maildir: fsync %s", parent);
	if (fd != -1)
		close(fd);
	free(parent);
	return failed;
}

/* Make what is missing. tmp/ comes last, when the rest is durable: whoever finds a tmp/ need not
 * flush the others again, although its maker may have been killed on the way. */
static int
make_inbox(struct maildir_place *p, struct err *err)
{
	struct stat st;

	if (make(p, AT_FDCWD, p->path, err) == -1)
		return -1;
	if (p->rootfd == -1)
		p->rootfd = open_own(p, AT_FDCWD, p->path, &st, err);
	if (p->rootfd == -1 || make(p, p->rootfd, "cur", err) == -1 ||
	    make(p, p->rootfd, "new", err) == -1)
		return -1;
	if (io_fsync_dir(p->rootfd) == -1)
		return err_set(err, errno, "maildir: fsync %s", p->path);
	if (sync_parent(p, err) == -1)
		return -1;
	return make(p, p->rootfd, "tmp", err);
}

/* tmp and new of p->dirfd. */
static int
open_both(struct maildir_place *p, struct err *err)
{
	struct stat st;

	if (p->tmpfd == -1) {
		p->tmpfd = open_own(p, p->dirfd, "tmp", &st, err);
		if (p->tmpfd == -1)
			return -1;
		p->tmp_read = st.st_atim;
	}
	p->newfd = open_own(p, p->dirfd, "new", &st, err);
	return p->newfd == -1 ? -1 : 0;
}

static int
open_inbox(struct maildir_place *p, struct err *err)
{
	p->dirfd = p->rootfd;
	if (open_both(p, err) == 0)
		return 0;
	if (err->num != ENOENT || make_inbox(p, err) == -1)
		return -1;
	return open_both(p, err);
}

static int
open_root(struct maildir_place *p, struct err *err)
{
	struct stat st;

	p->rootfd = open_own(p, AT_FDCWD, p->path, &st, err);
	return p->rootfd == -1 ? -1 : 0;
}

/* ---- folders ------------------------------------------------------------------------- */

/* Are these two names in modified UTF-7 the same but for the case of ASCII letters? Between '&' and
 * '-' letters are base64. */
static bool
is_similar(const char *a, const char *b)
{
	bool shifted = false;

	for (; *a != '\0' && *b != '\0'; a++, b++) {
		unsigned char x = (unsigned char)*a, y = (unsigned char)*b;

		if (!shifted && x >= 'A' && x <= 'Z')
			x |= 0x20;
		if (!shifted && y >= 'A' && y <= 'Z')
			y |= 0x20;
		if (x != y)
			return false;
		shifted = x == '&' || (shifted && x != '-');
	}
	return *a == *b;
}

/* A folder that differs from `name` in case alone, into p->folder; of several the first in the
 * alphabet. 1, 0 there is none, -1 with err. */
static int
find_similar(struct maildir_place *p, const char *name, struct err *err)
{
	int fd = openat(p->rootfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd == -1 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	int found = 0;

	if (dir == NULL) {
		err_set(err, errno, "maildir: read %s", p->path);
		if (fd != -1)
			close(fd);
		return -1;
	}
	errno = 0;
	while ((entry = readdir(dir)) != NULL) {
		if (is_similar(entry->d_name, name) &&
		    (found == 0 || strcmp(entry->d_name, p->folder) < 0)) {
			strlcpy(p->folder, entry->d_name, sizeof(p->folder));
			found = 1;
		}
		errno = 0;
	}
	if (errno != 0)
		found = err_set(err, errno, "maildir: read %s", p->path);
	closedir(dir);
	return found;
}

/* Is this in the folder? 1, 0, -1 with err. */
static int
has(const struct maildir_place *p, const char *name, struct err *err)
{
	struct stat st;

	if (fstatat(p->dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return 1;
	return errno == ENOENT ? 0 : err_set(err, errno, "maildir: stat %s/%s", p->where, name);
}

/* 1, 0, -1 with err. */
static int
is_empty(const struct maildir_place *p, struct err *err)
{
	int empty = 1, fd = openat(p->dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd == -1 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	if (dir == NULL) {
		err_set(err, errno, "maildir: read %s", p->where);
		if (fd != -1)
			close(fd);
		return -1;
	}
	errno = 0;
	while (empty == 1 && (entry = readdir(dir)) != NULL)
		empty = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
	if (empty == 1 && errno != 0)
		empty = err_set(err, errno, "maildir: read %s", p->where);
	closedir(dir);
	return empty;
}

/* Has it what every folder has? An empty directory was left by somebody who was killed while he
 * made a folder. 1, 0, -1 with err. */
static int
is_folder(const struct maildir_place *p, struct err *err)
{
	int has_it = has(p, "cur", err);

	if (has_it == 0)
		has_it = has(p, MARK, err);
	return has_it == 0 ? is_empty(p, err) : has_it;
}

/* The mark first: with it a half-made folder is known for one. tmp/ last, as for the inbox. */
static int
make_folder(const struct maildir_place *p, struct err *err)
{
	int fd = openat(p->dirfd, MARK,
	    O_WRONLY | O_CREAT | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC | O_NONBLOCK, 0600);

	if (fd == -1)
		return err_set(err, errno, "maildir: create %s/" MARK, p->where);
	close(fd);
	if (make(p, p->dirfd, "cur", err) == -1 || make(p, p->dirfd, "new", err) == -1)
		return -1;
	if (io_fsync_dir(p->dirfd) == -1)
		return err_set(err, errno, "maildir: fsync %s", p->where);
	if (io_fsync_dir(p->rootfd) == -1)
		return err_set(err, errno, "maildir: fsync %s", p->path);
	return make(p, p->dirfd, "tmp", err);
}

static int
set_where(struct maildir_place *p, struct err *err)
{
	free(p->where);
	p->where = NULL;
	if (p->folder[0] == '\0')
		p->where = strdup(p->path);
	else if (asprintf(&p->where, "%s/%s", p->path, p->folder) == -1)
		p->where = NULL;
	return p->where == NULL ? err_set(err, ENOMEM, "maildir: %s", p->path) : 0;
}

/* Open the folder's own directory. 0, or -1 with err; ENOENT: there is none, and none is to be
 * made. */
static int
open_folder(struct maildir_place *p, const char *name, bool create, struct err *err)
{
	struct stat st;
	int similar;

	p->dirfd = open_own(p, p->rootfd, name, &st, err);
	if (p->dirfd == -1 && err->num == ENOENT) {
		similar = find_similar(p, name, err);
		if (similar == -1)
			return -1;
		if (similar == 0)
			strlcpy(p->folder, name, sizeof(p->folder));
		if (similar == 0 && create && make(p, p->rootfd, name, err) == -1)
			return -1;
		p->dirfd = open_own(p, p->rootfd, p->folder, &st, err);
	} else {
		strlcpy(p->folder, name, sizeof(p->folder));
	}
	return p->dirfd == -1 || set_where(p, err) == -1 ? -1 : 0;
}

static int
fill_folder(struct maildir_place *p, struct err *err)
{
	int folder;

	if (open_both(p, err) == 0)
		return 0;
	if (err->num != ENOENT)
		return -1;
	folder = is_folder(p, err);
	if (folder == 0)
		return err_set(err, 0, "maildir: %s is no folder", p->where);
	if (folder == -1 || make_folder(p, err) == -1)
		return -1;
	return open_both(p, err);
}

/* Will it stay as it is until somebody does something about it? Mail does not wait for that. */
static bool
is_no_folder(const struct err *err)
{
	return err->num == 0 || err->num == ENOENT || err->num == ENOTDIR || err->num == ELOOP;
}

static void
leave_folder(struct maildir_place *p)
{
	for (int *fd[] = { &p->newfd, &p->tmpfd, &p->dirfd }, **f = fd; f < fd + 3; f++) {
		if (**f != -1 && **f != p->rootfd)
			close(**f);
		**f = -1;
	}
	p->folder[0] = '\0';
}

/* 1 opened, 0 the inbox it is, -1 with err. */
static int
choose_folder(struct maildir_place *p, const char *name, bool create,
    struct mailbox_receipt *receipt, struct err *err)
{
	if (strlen(name) >= sizeof(p->folder))
		return err_set(err, ENAMETOOLONG, "maildir: folder %s", name);
	if (open_folder(p, name, create, err) == 0 && fill_folder(p, err) == 0)
		return 1;
	if (!is_no_folder(err))
		return -1;
	if (receipt != NULL && err->num == ENOENT)
		receipt_note(receipt, "no folder %s: to the inbox", name);
	else if (receipt != NULL)
		receipt_note(receipt, "%s: to the inbox", err->text);
	leave_folder(p);
	return set_where(p, err);
}

/* ---- all of it ----------------------------------------------------------------------- */

static int
open_place(struct maildir_place *p, const char *folder, bool create,
    struct mailbox_receipt *receipt, struct err *err)
{
	int chosen = 0;

	if (set_where(p, err) == -1)
		return -1;
	if (open_root(p, err) == -1 && (err->num != ENOENT || make_inbox(p, err) == -1))
		return -1;
	if (folder != NULL)
		chosen = choose_folder(p, folder, create, receipt, err);
	return chosen != 0 ? chosen : open_inbox(p, err);
}

int
maildir_open(struct maildir_place *out, const char *path, uid_t uid, const char *folder,
    bool create, struct mailbox_receipt *receipt, struct err *err)
{
	*out = (struct maildir_place){
		.path = path, .uid = uid, .rootfd = -1, .dirfd = -1, .tmpfd = -1, .newfd = -1
	};
	if (open_place(out, folder, create, receipt, err) != -1)
		return 0;
	maildir_close(out);
	errno = err->num;
	return -1;
}

int
maildir_open_root(struct maildir_place *out, const char *path, uid_t uid, struct err *err)
{
	*out = (struct maildir_place){
		.path = path, .uid = uid, .rootfd = -1, .dirfd = -1, .tmpfd = -1, .newfd = -1
	};
	if (set_where(out, err) == 0 && open_root(out, err) == 0)
		return 1;
	maildir_close(out);
	return err->num == ENOENT ? 0 : -1;
}

void
maildir_close(struct maildir_place *p)
{
	leave_folder(p);
	if (p->rootfd != -1)
		close(p->rootfd);
	p->rootfd = -1;
	free(p->where);
	p->where = NULL;
}
