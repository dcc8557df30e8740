/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The door to the scanning half: what stands at a mailbox's place, may it be opened, and which
 * scanner reads it.
 */
#include "mailbox_scan.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "scan.h"

#define NUL_RUN 256 /* bytes; so many NULs at the end are no mail's */

/* ---- opening ------------------------------------------------------------------------------ */

/* lstat before open: opening a device can do things, looking at it does none. 0 with *health, -1
 * with err. */
static int
look(const struct mailbox *mailbox, enum mailbox_health *health, struct err *err)
{
	bool directory = mailbox->format == MAILBOX_MAILDIR;
	struct stat st;

	*health = MAILBOX_SOUND;
	if (lstat(mailbox->path, &st) == -1) {
		if (errno == ENOENT || errno == ENOTDIR)
			*health = MAILBOX_MISSING;
		else if (errno == EACCES || errno == EPERM)
			*health = MAILBOX_UNREADABLE;
		else
			return err_set(err, errno, "stat %s", mailbox->path);
	} else if (S_ISLNK(st.st_mode)) {
		*health = MAILBOX_SYMLINK;
	} else if (!(directory ? S_ISDIR(st.st_mode) : S_ISREG(st.st_mode))) {
		*health = MAILBOX_WRONG_TYPE;
	}
	return 0;
}

/* What the errno of a refused open says of the mailbox. */
static int
health_of_errno(int num, enum mailbox_health *health)
{
	static const struct {
		int num;
		enum mailbox_health health;
	} known[] = {
		{ ENOENT, MAILBOX_MISSING },
		{ ENOTDIR, MAILBOX_WRONG_TYPE },
		{ ELOOP, MAILBOX_SYMLINK },
		{ EINVAL, MAILBOX_WRONG_TYPE },
		{ EACCES, MAILBOX_UNREADABLE },
		{ EPERM, MAILBOX_UNREADABLE },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (known[i].num == num) {
			*health = known[i].health;
			return 0;
		}
	return -1;
}

/* Open what `look` found. A descriptor with *st; -1 with *health other than sound, or with err and
 * *health sound. */
static int
open_mailbox(
    const struct mailbox *mailbox, struct stat *st, enum mailbox_health *health, struct err *err)
{
	int fd;

	if (look(mailbox, health, err) == -1 || *health != MAILBOX_SOUND)
		return -1;
	fd = scan_open(AT_FDCWD, mailbox->path, mailbox->format == MAILBOX_MAILDIR, st);
	if (fd == -1 && health_of_errno(errno, health) == -1)
		err_set(err, errno, "open %s", mailbox->path);
	return fd;
}

/* ---- an opened mailbox -------------------------------------------------------------------- */

struct opened {
	enum mailbox_health health; /* MAILBOX_SOUND: open */
	struct stat st;
	unsigned locks;
	struct mbox_file mbox;
	struct maildir maildir;
	int root_fd; /* of a Maildir */
};

static int
open_mbox(struct opened *o, const struct mailbox *mailbox, struct err *err)
{
	o->mbox.path = mailbox->path;
	o->mbox.fd = open_mailbox(mailbox, &o->st, &o->health, err);
	if (o->mbox.fd == -1)
		return o->health == MAILBOX_SOUND ? -1 : 0;
	return mbox_settle(&o->mbox, &o->st, &o->locks, err);
}

/* new/ or cur/: *fd, or -1 where it is missing (its first delivery makes it). */
static int
open_half(struct opened *o, const char *name, int *fd, struct err *err)
{
	struct stat st;

	*fd = scan_open(o->root_fd, name, true, &st);
	if (*fd != -1 || errno == ENOENT || health_of_errno(errno, &o->health) == 0)
		return 0;
	return err_set(err, errno, "open %s/%s", o->maildir.path, name);
}

static int
open_maildir(struct opened *o, const struct mailbox *mailbox, struct err *err)
{
	o->maildir.path = mailbox->path;
	o->root_fd = open_mailbox(mailbox, &o->st, &o->health, err);
	if (o->root_fd == -1)
		return o->health == MAILBOX_SOUND ? -1 : 0;
	if (open_half(o, "new", &o->maildir.new_fd, err) == -1 ||
	    open_half(o, "cur", &o->maildir.cur_fd, err) == -1)
		return -1;
	if (o->health == MAILBOX_SOUND && o->maildir.new_fd == -1 && o->maildir.cur_fd == -1)
		o->health = MAILBOX_OTHER_FORMAT;
	return 0;
}

static void
opened_close(struct opened *o)
{
	const int fds[] = { o->mbox.fd, o->root_fd, o->maildir.new_fd, o->maildir.cur_fd };

	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		if (fds[i] != -1)
			close(fds[i]);
}

/* 0, with o->health saying whether it is open; -1 with err. opened_close either way. */
static int
opened_open(struct opened *o, const struct mailbox *mailbox, struct err *err)
{
	memset(o, 0, sizeof(*o));
	o->mbox.fd = o->root_fd = o->maildir.new_fd = o->maildir.cur_fd = -1;
	return mailbox->format == MAILBOX_MBOX ? open_mbox(o, mailbox, err)
	                                       : open_maildir(o, mailbox, err);
}

/* An error that says why a mailbox is not read. */
static int
refuse(const struct mailbox *mailbox, enum mailbox_health health, struct err *err)
{
	err_set(err, 0, "%s: %s", mailbox->path, mailbox_health_text(health));
	err->num = health == MAILBOX_UNREADABLE ? EACCES : EINVAL;
	errno = err->num;
	return -1;
}

/* ---- messages of an mbox ------------------------------------------------------------------ */

struct told {
	const struct mbox_file *file;
	int (*each)(void *arg, const struct scan_message *message);
	void *arg;
	size_t count;
};

static int
tell(void *arg, const struct mbox_message *message)
{
	struct told *told = arg;
	struct scan_source source = { .mbox = told->file, .mbox_message = message };
	struct scan_message out = {
		.source = &source,
		.number = message->number,
		.flags = message->flags,
		.size = message->size,
		.received = from_date_time(&message->date),
		.header = message->header,
		.header_len = message->header_len,
		.offset = message->at,
	};

	told->count++;
	return told->each(told->arg, &out);
}

static int
scan_mbox(const struct mailbox *mailbox, const struct mbox_file *file, unsigned want,
    struct told *told, struct err *err)
{
	bool is_mbox;
	int rc;

	told->file = file;
	rc = mbox_scan(file, want, tell, told, &is_mbox, err);
	if (rc == 0 && told->count == 0 && !is_mbox)
		return refuse(mailbox, MAILBOX_OTHER_FORMAT, err);
	return rc;
}

struct wanted {
	size_t number;
	struct mbox_message message; /* without its pointers */
};

static int
pick(void *arg, const struct mbox_message *message)
{
	struct wanted *wanted = arg;

	if (message->number != wanted->number)
		return 0;
	wanted->message = *message;
	wanted->message.header = wanted->message.held = NULL;
	return 1;
}

static int
raw_mbox(
    const struct mbox_file *file, size_t number, message_sink *sink, void *arg, struct err *err)
{
	struct wanted wanted = { .number = number };
	int rc = mbox_scan(file, 0, pick, &wanted, NULL, err);

	if (rc == 1 && mbox_raw(file, &wanted.message, sink, arg, err) == -1)
		return -1;
	return rc;
}

static int
count(void *arg, const struct mbox_message *message)
{
	struct mailbox_summary *sum = arg;
	time_t received = from_date_time(&message->date);

	if (sum->messages++ == 0 || received > sum->newest)
		sum->newest = received;
	sum->unread += !(message->flags & SCAN_SEEN);
	return 0;
}

static int
count_mbox(const struct mbox_file *file, struct mailbox_summary *out, struct err *err)
{
	bool is_mbox;

	if (mbox_scan(file, 0, count, out, &is_mbox, err) == -1)
		return -1;
	if (!is_mbox)
		out->health = MAILBOX_OTHER_FORMAT;
	out->bytes = file->end;
	return 0;
}

/* ---- what is wrong at a look ---------------------------------------------------------------- */

static enum mailbox_health
health_of_place(const struct mailbox *mailbox, const struct stat *st, uid_t owner)
{
	const bool is_mbox = mailbox->format == MAILBOX_MBOX;
	const mode_t needed = is_mbox ? S_IRUSR | S_IWUSR : S_IRWXU;

	if (st->st_uid != owner)
		return MAILBOX_FOREIGN;
	if (is_mbox && st->st_nlink != 1)
		return MAILBOX_HARD_LINKED;
	if ((st->st_mode & S_IWOTH) != 0 || (st->st_mode & needed) != needed)
		return MAILBOX_WRONG_MODE;
	return MAILBOX_SOUND;
}

/* What a crash leaves: a line that is cut off, or a last block that never reached the disk. */
static int
health_of_tail(const struct mbox_file *file, enum mailbox_health *health, struct err *err)
{
	unsigned char tail[NUL_RUN];
	const size_t len = file->end < sizeof(tail) ? (size_t)file->end : sizeof(tail);
	const ssize_t n = scan_pread(file->fd, tail, len, file->end - len);

	if (n == -1)
		return err_set(err, errno, "read %s", file->path);
	if ((size_t)n < len || len == 0) /* somebody expunged */
		return 0;
	if (tail[len - 1] != '\n')
		*health = MAILBOX_TORN;
	if (tail[0] == '\0' && memcmp(tail, tail + 1, len - 1) == 0)
		*health = MAILBOX_NULS;
	return 0;
}

/* ---- contracts ---------------------------------------------------------------------------- */

const char *
mailbox_health_text(enum mailbox_health health)
{
	static const char *const texts[] = {
		[MAILBOX_SOUND] = "ok",
		[MAILBOX_MISSING] = "missing",
		[MAILBOX_SYMLINK] = "symbolic link",
		[MAILBOX_WRONG_TYPE] = "wrong file type",
		[MAILBOX_UNREADABLE] = "permission denied",
		[MAILBOX_OTHER_FORMAT] = "another format",
		[MAILBOX_FOREIGN] = "wrong owner",
		[MAILBOX_HARD_LINKED] = "hard links",
		[MAILBOX_WRONG_MODE] = "wrong mode",
		[MAILBOX_TORN] = "torn",
		[MAILBOX_NULS] = "ends in NULs",
	};

	return texts[health];
}

bool
mailbox_was_counted(enum mailbox_health health)
{
	static const bool counted[MAILBOX_HEALTHS] = {
		[MAILBOX_SOUND] = true,
		[MAILBOX_OTHER_FORMAT] = true,
		[MAILBOX_FOREIGN] = true,
		[MAILBOX_HARD_LINKED] = true,
		[MAILBOX_WRONG_MODE] = true,
		[MAILBOX_TORN] = true,
		[MAILBOX_NULS] = true,
	};

	return counted[health];
}

int
mailbox_scan(const struct mailbox *mailbox, unsigned want,
    int (*each)(void *arg, const struct scan_message *message), void *arg, struct err *err)
{
	struct told told = { .each = each, .arg = arg };
	struct opened o;
	int rc = opened_open(&o, mailbox, err);

	if (rc == 0 && o.health == MAILBOX_SOUND)
		rc = mailbox->format == MAILBOX_MBOX
		         ? scan_mbox(mailbox, &o.mbox, want, &told, err)
		         : maildir_scan(&o.maildir, want, each, arg, err);
	else if (rc == 0 && o.health != MAILBOX_MISSING)
		rc = refuse(mailbox, o.health, err);
	opened_close(&o);
	return rc;
}

int
mailbox_message(const struct scan_message *message, message_sink *sink, void *arg, struct err *err)
{
	const struct scan_source *source = message->source;

	if (source->mbox == NULL)
		return maildir_message(source, sink, arg, err);
	return mbox_raw(source->mbox, source->mbox_message, sink, arg, err) == -1 ? -1 : 1;
}

int
mailbox_raw(
    const struct mailbox *mailbox, size_t number, message_sink *sink, void *arg, struct err *err)
{
	struct opened o;
	int rc = opened_open(&o, mailbox, err);

	if (rc == 0 && o.health == MAILBOX_SOUND)
		rc = mailbox->format == MAILBOX_MBOX
		         ? raw_mbox(&o.mbox, number, sink, arg, err)
		         : maildir_raw(&o.maildir, number, sink, arg, err);
	else if (rc == 0 && o.health != MAILBOX_MISSING)
		rc = refuse(mailbox, o.health, err);
	opened_close(&o);
	return rc;
}

int
mailbox_summarise(
    const struct mailbox *mailbox, uid_t owner, struct mailbox_summary *out, struct err *err)
{
	struct opened o;
	int rc = opened_open(&o, mailbox, err);

	*out =
	    (struct mailbox_summary){ .health = o.health, .locks = o.locks, .owner = o.st.st_uid };
	out->newest = (time_t)-1;
	if (rc == 0 && o.health == MAILBOX_SOUND)
		rc = mailbox->format == MAILBOX_MBOX ? count_mbox(&o.mbox, out, err)
		                                     : maildir_count(&o.maildir, out, err);
	if (rc == 0 && out->health == MAILBOX_SOUND)
		out->health = health_of_place(mailbox, &o.st, owner);
	if (rc == 0 && out->health == MAILBOX_SOUND && mailbox->format == MAILBOX_MBOX &&
	    (!o.mbox.tail_open || (out->locks & SCAN_LOCK_STALE) != 0))
		rc = health_of_tail(&o.mbox, &out->health, err);
	opened_close(&o);
	return rc;
}
