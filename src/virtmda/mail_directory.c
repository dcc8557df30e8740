/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Root's hands in the mail directory. Members of its group may rename and plant what they like
 * in there, so nothing that stands there is opened, only new files are made (io_new_file). What
 * others could put in the place of the directory itself is refused (CVE-2008-1199, CVE-2016-6253).
 */
#include "mail_directory.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "io.h"
#include "lock.h"

#define ROOT_UID 0
#define ROOT_GID 0

struct mail_directory {
	char *path;              /* of the directory */
	char base[NAME_MAX + 1]; /* the mailbox */
	char lock[NAME_MAX + 1]; /* its dotlock */
	uid_t uid;
	gid_t gid;
	int fd;      /* -1 until opened */
	gid_t group; /* the directory's, once opened */
	int lock_fd; /* of the dotlock that was created, or -1 */
};

static int
name(char out[NAME_MAX + 1], const char *prefix, const char *base, const char *suffix,
    struct err *err)
{
	int n = snprintf(out, NAME_MAX + 1, "%s%s%s", prefix, base, suffix);

	if (n < 0 || n > NAME_MAX)
		return err_set(err, ENAMETOOLONG, "name %s%s%s", prefix, base, suffix);
	return 0;
}

static int
make_names(struct mail_directory *md, const char *base, struct err *err)
{
	return name(md->base, "", base, "", err) == -1 ||
	               name(md->lock, "", base, LOCK_SUFFIX, err) == -1
	           ? -1
	           : 0;
}

int
mail_directory_new(
    struct mail_directory **out, const char *path, uid_t uid, gid_t gid, struct err *err)
{
	const char *slash = strrchr(path, '/');
	const char *base = slash == NULL ? "" : slash + 1;
	struct mail_directory *md;

	*out = NULL;
	if (*base == '\0')
		return err_set(err, EINVAL, "mailbox %s", path);
	md = calloc(1, sizeof(*md));
	if (md == NULL)
		return err_set(err, ENOMEM, "mailbox %s", path);
	md->fd = md->lock_fd = -1;
	md->uid = uid;
	md->gid = gid;
	while (slash > path && slash[-1] == '/')
		slash--;
	md->path = strndup(path, slash == path ? 1 : (size_t)(slash - path));
	if (md->path == NULL)
		err_set(err, ENOMEM, "mailbox %s", path);
	if (md->path == NULL || make_names(md, base, err) == -1) {
		mail_directory_free(md);
		return -1;
	}
	*out = md;
	return 0;
}

static void
forget_dotlock(struct mail_directory *md)
{
	if (md->lock_fd != -1)
		close(md->lock_fd);
	md->lock_fd = -1;
}

void
mail_directory_free(struct mail_directory *md)
{
	if (md == NULL)
		return;
	forget_dotlock(md);
	if (md->fd != -1)
		close(md->fd);
	free(md->path);
	free(md);
}

/* ---- is it root's, and where it seems to be? ---------------------------------------------- */

static int
refuse(struct err *err, const char *path, const char *why)
{
	return err_set(err, EPERM, "mail directory: %s %s", path, why);
}

/* In a sticky directory others may add names, but not replace root's. */
static int
check_above(const char *path, const struct stat *st, struct err *err)
{
	if (!S_ISDIR(st->st_mode))
		return refuse(err, path, "is no directory");
	if (st->st_uid != ROOT_UID)
		return refuse(err, path, "does not belong to root");
	if ((st->st_mode & (S_IWGRP | S_IWOTH)) != 0 && (st->st_mode & S_ISVTX) == 0)
		return refuse(err, path, "can be written by others");
	return 0;
}

/* Every directory above `path` but the root directory: whoever could change that has this program,
 * too. 1 if one of them is a symbolic link. */
static int
check_ancestors(const char *path, struct err *err)
{
	char prefix[PATH_MAX];
	struct stat st;

	/* "/var" of "/var/mail", but not the last part. */
	for (const char *slash = strchr(path + 1, '/'); slash != NULL;
	     slash = strchr(slash + 1, '/')) {
		size_t len = (size_t)(slash - path);

		if (len >= sizeof(prefix))
			return err_set(err, ENAMETOOLONG, "mail directory %s", path);
		memcpy(prefix, path, len);
		prefix[len] = '\0';
		if (lstat(prefix, &st) == -1)
			return err_set(err, errno, "mail directory: stat %s", prefix);
		if (S_ISLNK(st.st_mode))
			return 1;
		if (check_above(prefix, &st, err) == -1)
			return -1;
	}
	return 0;
}

/* The directory itself may be the group's (2775 root:mail), or everybody's if it is sticky. */
static int
check_opened(struct mail_directory *md, const char *path, struct err *err)
{
	struct stat st;

	if (fstat(md->fd, &st) == -1)
		return err_set(err, errno, "mail directory: stat %s", path);
	if (st.st_uid != ROOT_UID)
		return refuse(err, path, "does not belong to root");
	if ((st.st_mode & S_IWOTH) != 0 && (st.st_mode & S_ISVTX) == 0)
		return refuse(err, path, "can be written by everybody and is not sticky");
	md->group = st.st_gid;
	return 0;
}

/* No component may be replaced by others, so what was looked at is what open(2) finds. */
static int
open_checked(struct mail_directory *md, struct err *err)
{
	char resolved[PATH_MAX];
	const char *path = md->path;
	int links = check_ancestors(path, err);

	if (links == -1)
		return -1;
	md->fd = links == 1 ? -1 : open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (links == 1 || (md->fd == -1 && (errno == ELOOP || errno == ENOTDIR))) {
		/* /var/spool/mail is a link on most systems: judge what it leads to. */
		path = realpath(md->path, resolved);
		if (path == NULL)
			return err_set(err, errno, "mail directory %s", md->path);
		links = check_ancestors(path, err);
		if (links != 0)
			return links == 1 ? refuse(err, path, "changes while we look") : -1;
		md->fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	}
	if (md->fd == -1)
		return err_set(err, errno, "mail directory: open %s", path);
	return check_opened(md, path, err);
}

static int
ensure_open(struct mail_directory *md, struct err *err)
{
	if (md->fd != -1)
		return 0;
	if (open_checked(md, err) == 0)
		return 0;
	if (md->fd != -1)
		close(md->fd);
	md->fd = -1;
	errno = err->num;
	return -1;
}

/* ---- new files --------------------------------------------------------------------------------
 */

static int
create(struct mail_directory *md, const struct io_new *new, struct err *err)
{
	int fd;

	if (ensure_open(md, err) == -1)
		return -1;
	fd = io_new_file(md->fd, new, err);
	return fd == -1 ? err_prefix(err, "%s", md->path) : fd;
}

int
mail_directory_create_mailbox(struct mail_directory *md, struct err *err)
{
	struct io_new new = { .name = md->base, .uid = md->uid, .gid = md->gid, .mode = 0600 };
	int fd;

	if (ensure_open(md, err) == -1)
		return -1;
	/* Readers that are setgid mail need the group; root's group needs nothing from us. */
	if (md->group != ROOT_GID) {
		new.gid = md->group;
		new.mode = 0660;
	}
	fd = create(md, &new, err);
	if (fd != -1 && io_fsync_dir(md->fd) == -1) {
		/* The file may stay: it is empty, and the next delivery finds it. */
		err_set(err, errno, "fsync %s", md->path);
		close(fd);
		return -1;
	}
	return fd;
}

/* The account's, so that its next delivery can read what was begun; the sender's name in it is
 * nobody else's business. */
int
mail_directory_create_dotlock(
    struct mail_directory *md, const void *content, size_t len, struct err *err)
{
	const struct io_new new = { .name = md->lock,
		.uid = md->uid,
		.gid = md->gid,
		.mode = 0600,
		.content = content,
		.len = len };
	int fd = create(md, &new, err);

	if (fd == -1)
		return -1;
	forget_dotlock(md); /* removed by others, or there could not be a new one */
	md->lock_fd = fd;
	return 0;
}

int
mail_directory_create_saved(struct mail_directory *md, struct err *err)
{
	char torn[64], saved[NAME_MAX + 1];
	const struct io_new new = { .name = saved, .uid = md->uid, .gid = md->gid, .mode = 0600 };

	snprintf(torn, sizeof(torn), ".torn.%lld.%ld", (long long)time(NULL), (long)getpid());
	/* A hidden one is no mailbox; the mailbox room calls its own alike. */
	return name(saved, ".", md->base, torn, err) == -1 ? -1 : create(md, &new, err);
}

int
mail_directory_remove_dotlock(struct mail_directory *md, dev_t dev, ino_t ino, struct err *err)
{
	if (ensure_open(md, err) == -1)
		return -1;
	return lock_dot_remove(md->fd, md->lock, dev, ino, err) == -1
	           ? err_prefix(err, "%s", md->path)
	           : 0;
}

int
mail_directory_drop_dotlock(struct mail_directory *md, struct err *err)
{
	struct stat st;
	int failed;

	if (md->lock_fd == -1)
		return 0;
	if (fstat(md->lock_fd, &st) == -1)
		failed = err_set(err, errno, "%s: stat %s", md->path, md->lock);
	else
		failed = mail_directory_remove_dotlock(md, st.st_dev, st.st_ino, err);
	forget_dotlock(md);
	return failed;
}
