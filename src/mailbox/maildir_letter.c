/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Messages on their way into Maildirs, one or many at once. Each is written and flushed under a
 * unique name in tmp/, moved to new/ without ever replacing anything, and new/ is flushed before
 * anybody is told. Many take each of these steps together: the disk is asked to write them all
 * before the first one is waited for, so that their flushes overlap (a journal commits once for
 * all), and none is skipped. Where several are the same bytes, one file is written and gets a name
 * in each new/.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "io.h"
#include "maildir.h"

#define NAME_ATTEMPTS 16 /* unique names are unique; this many times over is something else */

/* ---- the file in tmp/ --------------------------------------------------------------- */

static int
choose_name(struct maildir_letter *letter)
{
	const char *where = letter->place->where;
	struct buf name = BUF_INIT;
	size_t size = sizeof(letter->receipt->name);

	if (maildir_name(&name, letter->bytes) == -1 || buf_cstr(&name) == NULL)
		letter->failed = err_set(letter->err, errno, "maildir: %s", where);
	else if (strlcpy(letter->receipt->name, buf_cstr(&name), size) >= size)
		letter->failed = err_set(
		    letter->err, ENAMETOOLONG, "maildir: %s/new/%s", where, buf_cstr(&name));
	buf_free(&name);
	return letter->failed;
}

/* It failed, for the reason that errno has. */
static void
fail(struct maildir_letter *letter, const char *what, const char *dir)
{
	letter->failed = err_set(letter->err, errno, "maildir: %s %s/%s/%s", what,
	    letter->place->where, dir, letter->receipt->name);
}

static int
write_file(void *arg, const void *data, size_t len, struct err *err)
{
	const struct maildir_letter *letter = arg;

	if (io_write_all(letter->fd, data, len) == -1)
		return err_set(err, errno, "maildir: write %s/tmp/%s", letter->place->where,
		    letter->receipt->name);
	return 0;
}

static void
take_back(struct maildir_letter *letter)
{
	if (letter->fd != -1)
		close(letter->fd);
	letter->fd = -1;
	unlinkat(letter->place->tmpfd, letter->receipt->name, 0);
}

/* Write the message, not flushed yet. The file is gone again if that fails. EEXIST: the name is
 * taken. */
static void
write_tmp(struct maildir_letter *letter)
{
	const char *name = letter->receipt->name;

	if (choose_name(letter) == -1)
		return;
	letter->fd = openat(letter->place->tmpfd, name,
	    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC, 0600);
	if (letter->fd == -1) {
		fail(letter, "create", "tmp");
		return;
	}
	letter->failed = message_write(letter->delivery->message, MESSAGE_MAILDIR,
	    &letter->delivery->envelope, write_file, letter, letter->err);
	if (letter->failed == -1)
		take_back(letter);
}

/* It was flushed, with that result. */
static void
flushed(struct maildir_letter *letter, int num)
{
	int fd = letter->fd;

	errno = num;
	if (num != 0)
		fail(letter, "fsync", "tmp");
	letter->fd = -1;
	if (close(fd) == -1 && letter->failed == 0)
		fail(letter, "close", "tmp");
	if (letter->failed == -1)
		take_back(letter);
}

/* ---- the name in new/ --------------------------------------------------------------- */

/* NFS: a link that was made can be reported as failed, when the answer was lost and the question
 * repeated (link(2), BUGS). The count of names tells. */
static bool
is_linked(const struct maildir_letter *letter)
{
	struct stat st;
	int num = errno;
	bool linked =
	    fstatat(letter->place->tmpfd, letter->receipt->name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    st.st_nlink == 2 + letter->twins;

	errno = num;
	return linked;
}

/* rename(2) would replace what is there. */
static int
move_to_new(const struct maildir_letter *letter)
{
	int tmpfd = letter->place->tmpfd, newfd = letter->place->newfd;
	const char *name = letter->receipt->name;

	if (renameat2(tmpfd, name, newfd, name, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -1;
	if (linkat(tmpfd, name, newfd, name, 0) == -1 && !is_linked(letter))
		return -1;
	unlinkat(tmpfd, name, 0);
	return 0;
}

/* From tmp/ to new/, out of both if that fails. */
static void
show(struct maildir_letter *letter)
{
	letter->failed = delivery_wanted(letter->delivery, letter->err);
	if (letter->failed == 0 && move_to_new(letter) == -1)
		fail(letter, "move to new", "tmp");
	if (letter->failed == -1)
		take_back(letter);
}

/* Of a file that is flushed and still in its tmp/, where nobody but its deliverer looks. */
static void
show_twin(struct maildir_letter *letter)
{
	struct maildir_letter *original = letter->original;

	if (choose_name(letter) == -1)
		return;
	letter->failed = delivery_wanted(letter->delivery, letter->err);
	if (letter->failed == -1)
		return;
	if (original->failed == 0 && linkat(original->place->tmpfd, original->receipt->name,
	                                 letter->place->newfd, letter->receipt->name, 0) == 0)
		original->twins++;
	else
		letter->alone = true; /* for whatever reason: it can be written like any other */
}

/* new/ was flushed, with that result. (EINVAL: see io_fsync_dir.) */
static void
settle(struct maildir_letter *letter, int num)
{
	const char *name = letter->receipt->name;

	if (num == 0 || num == EINVAL) {
		letter->receipt->bytes = letter->bytes;
		return;
	}
	letter->failed = err_set(letter->err, num, "maildir: fsync %s/new", letter->place->where);
	if (unlinkat(letter->place->newfd, name, 0) == -1)
		err_prefix(letter->err, "maildir: %s/new/%s not removed (%s)", letter->place->where,
		    name, strerror(errno));
}

/* ---- one ---------------------------------------------------------------------------- */

static void
begin(struct maildir_letter *letter)
{
	letter->failed = 0;
	letter->fd = -1;
	letter->original = NULL;
	letter->twins = 0;
	letter->alone = false;
}

void
maildir_send(struct maildir_letter *letter)
{
	for (int i = 0; i < NAME_ATTEMPTS; i++) {
		begin(letter);
		write_tmp(letter);
		if (letter->failed == 0)
			flushed(letter, fsync(letter->fd) == -1 ? errno : 0);
		if (letter->failed == 0)
			show(letter);
		if (letter->failed == 0)
			settle(letter, fsync(letter->place->newfd) == -1 ? errno : 0);
		if (letter->failed == 0 || letter->err->num != EEXIST) /* another name may do */
			break;
	}
	if (letter->failed == -1)
		letter->receipt->name[0] = '\0';
}

/* ---- many --------------------------------------------------------------------------- */

/* Will the same bytes be written? (A Maildir has no From_ line, so the date does not matter.) */
static bool
is_same(const struct mailbox_delivery *a, const struct mailbox_delivery *b)
{
	if (a->message != b->message || a->envelope.nrecipients != b->envelope.nrecipients ||
	    strcmp(a->envelope.sender, b->envelope.sender) != 0)
		return false;
	for (size_t i = 0; i < a->envelope.nrecipients; i++)
		if (strcmp(a->envelope.recipients[i], b->envelope.recipients[i]) != 0)
			return false;
	return true;
}

static struct maildir_letter *
find_original(struct maildir_letter *letters, size_t n, const struct maildir_letter *letter)
{
	for (size_t i = 0; i < n; i++)
		if (letters[i].original == NULL && letters[i].failed == 0 &&
		    is_same(letters[i].delivery, letter->delivery))
			return &letters[i];
	return NULL;
}

enum which { ORIGINALS = 1, TWINS = 2 };

/* Is it one of these, and still on its way with the others? */
static bool
is_under_way(const struct maildir_letter *letter, unsigned which)
{
	return letter->failed == 0 && !letter->alone &&
	       (which & (letter->original == NULL ? ORIGINALS : TWINS)) != 0;
}

static void
each(struct maildir_letter *letters, size_t n, enum which which,
    void (*step)(struct maildir_letter *))
{
	for (size_t i = 0; i < n; i++)
		if (is_under_way(&letters[i], which))
			step(&letters[i]);
}

static int
file_of(const struct maildir_letter *letter)
{
	return letter->fd;
}

static int
directory_of(const struct maildir_letter *letter)
{
	return letter->place->newfd;
}

/* Flush, all at once, what `what` says of each of them, and tell each. */
static void
flush_each(struct maildir_letter *letters, size_t n, unsigned which,
    int (*what)(const struct maildir_letter *), void (*told)(struct maildir_letter *, int))
{
	struct io_flush list[MAILBOX_AT_ONCE];
	struct maildir_letter *whose[MAILBOX_AT_ONCE];
	size_t nlist = 0;

	for (size_t i = 0; i < n; i++)
		if (is_under_way(&letters[i], which)) {
			list[nlist].fd = what(&letters[i]);
			whose[nlist++] = &letters[i];
		}
	io_fsync_all(list, nlist);
	for (size_t i = 0; i < nlist; i++)
		told(whose[i], list[i].num);
}

void
maildir_send_all(struct maildir_letter *letters, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		begin(&letters[i]);
		letters[i].original = find_original(letters, i, &letters[i]);
		if (letters[i].original == NULL)
			write_tmp(&letters[i]);
	}
	flush_each(letters, n, ORIGINALS, file_of, flushed);
	each(letters, n, TWINS, show_twin);
	each(letters, n, ORIGINALS, show);
	flush_each(letters, n, ORIGINALS | TWINS, directory_of, settle);
	for (size_t i = 0; i < n; i++) {
		if (letters[i].alone || (letters[i].failed == -1 && letters[i].err->num == EEXIST))
			maildir_send(&letters[i]);
		else if (letters[i].failed == -1)
			letters[i].receipt->name[0] = '\0';
	}
}
