/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Dotlocks. The first line is the process number alone, as everybody writes it (liblockfile, mutt's
 * mutt_dotlock); the second tells that process from any other: host, boot, and when the lock was
 * taken, since whoever has the number and started later is somebody else. From those, and never
 * from its age alone, follows whether the holder is dead. What others wrote is read with suspicion:
 * the file may be anybody's, and anything.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "io.h"
#include "lock.h"

#define TAG        "virtmda" /* first word of the second line */
#define PATIENCE   300       /* seconds before a process number alone counts as proof */
#define BOOT_SLACK 60        /* seconds that clocks may disagree about when the boot was */

/* ---- who holds it ------------------------------------------------------------------ */

struct holder {
	pid_t pid;
	char host[_UTSNAME_NODENAME_LENGTH + 1];
	char boot[64];            /* "-" where /proc does not tell */
	unsigned long long taken; /* clock ticks since boot; 0 unknown */
};

/* The start of a small file of /proc as a string. 0, or -1 with errno. */
static int
read_proc(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;
	int saved;

	if (fd == -1)
		return -1;
	n = io_read(fd, text, size - 1);
	saved = errno;
	close(fd);
	errno = saved;
	if (n == -1)
		return -1;
	text[n] = '\0';
	return 0;
}

/* Field 22 of /proc/PID/stat; the second, the command in parentheses, may hold anything. 1 with
 * *start, 0 no such process, -1 could not tell. A zombie is none: it does nothing any more, and
 * may wait long for a parent that is slow to ask. */
static int
start_of(pid_t pid, unsigned long long *start)
{
	char path[64], text[1024], *p;

	snprintf(path, sizeof(path), "/proc/%ld/stat", (long)pid);
	if (read_proc(path, text, sizeof(text)) == -1)
		return errno == ENOENT || errno == ESRCH ? 0 : -1;
	p = strrchr(text, ')');
	if (p != NULL && (strncmp(p, ") Z", 3) == 0 || strncmp(p, ") X", 3) == 0))
		return 0;
	for (int field = 2; p != NULL && field < 22; field++)
		p = strchr(p + 1, ' ');
	if (p == NULL)
		return -1;
	*start = strtoull(p, NULL, 10);
	return *start != 0 ? 1 : -1;
}

static void
find_self(struct holder *self)
{
	unsigned long long ticks = (unsigned long long)sysconf(_SC_CLK_TCK);
	struct utsname names;
	struct timespec now;

	*self = (struct holder){ .pid = getpid() };
	if (uname(&names) == 0)
		memcpy(self->host, names.nodename, sizeof(self->host));
	for (char *p = self->host; *p != '\0'; p++) {
		if ((unsigned char)*p <= ' ')
			*p = '_';
	}
	if (self->host[0] == '\0')
		strcpy(self->host, "-");
	if (read_proc("/proc/sys/kernel/random/boot_id", self->boot, sizeof(self->boot)) == 0)
		self->boot[strcspn(self->boot, "\n")] = '\0';
	if (self->boot[0] == '\0')
		strcpy(self->boot, "-");
	clock_gettime(CLOCK_BOOTTIME, &now);
	self->taken = (unsigned long long)now.tv_sec * ticks +
	              (unsigned long long)now.tv_nsec * ticks / 1000000000;
}

int
lock_dot_identity(struct buf *out, struct err *err)
{
	struct holder self;

	find_self(&self);
	if (buf_addf(out, "%ld\n" TAG " %s %s %llu\n", (long)self.pid, self.host, self.boot,
	        self.taken) == -1)
		return err_set(err, errno, "dotlock");
	return 0;
}

/* ---- create and remove ------------------------------------------------------------- */

int
lock_dot_create(int dirfd, const char *name, const void *content, size_t len, struct err *err)
{
	const struct io_new new = {
		.name = name, .uid = (uid_t)-1, .mode = 0644, .content = content, .len = len
	};
	int fd = io_new_file(dirfd, &new, err);

	return fd == -1 ? err_prefix(err, "dotlock") : fd;
}

int
lock_dot_drop(int dirfd, const char *name, int fd, struct err *err)
{
	struct stat st;

	if (fstat(fd, &st) == -1)
		return err_set(err, errno, "dotlock: stat %s", name);
	if (st.st_nlink > 0 && unlinkat(dirfd, name, 0) == -1 && errno != ENOENT)
		return err_set(err, errno, "dotlock: remove %s", name);
	return 0;
}

int
lock_dot_remove(int dirfd, const char *name, dev_t dev, ino_t ino, struct err *err)
{
	struct stat st;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return errno == ENOENT ? 0 : err_set(err, errno, "dotlock: stat %s", name);
	if (st.st_dev != dev || st.st_ino != ino)
		return 0;
	if (unlinkat(dirfd, name, 0) == -1 && errno != ENOENT)
		return err_set(err, errno, "dotlock: remove %s", name);
	return 0;
}

/* ---- look at somebody else's ------------------------------------------------------- */

/* Copy the next word and step behind it. False when there is none or it does not fit. */
static bool
take_word(const char **text, char *word, size_t size)
{
	size_t len;

	*text += strspn(*text, " ");
	len = strcspn(*text, " \n");
	if (len == 0 || len >= size)
		return false;
	memcpy(word, *text, len);
	word[len] = '\0';
	*text += len;
	return true;
}

static bool
take_number(const char **text, unsigned long long *number)
{
	char word[24], *end;

	if (!take_word(text, word, sizeof(word)))
		return false;
	errno = 0;
	*number = strtoull(word, &end, 10);
	return errno == 0 && *end == '\0' && word[0] >= '0' && word[0] <= '9';
}

/* Read the identity from the front of a dotlock's text. The number of bytes it takes, or 0 if this
 * is not one of ours; a number that stands alone is still a holder. */
static size_t
parse_holder(const char *text, struct holder *holder)
{
	const char *p = text;
	unsigned long long pid;
	char tag[sizeof(TAG)];

	*holder = (struct holder){ 0 };
	if (!take_number(&p, &pid) || pid == 0 || pid > INT_MAX)
		return 0;
	p += strspn(p, " ");
	if (*p == '\n')
		p++;
	else if (*p != '\0')
		return 0;
	if (*p == '\0') {
		holder->pid = (pid_t)pid;
		return 0;
	}
	if (!take_word(&p, tag, sizeof(tag)) || strcmp(tag, TAG) != 0 ||
	    !take_word(&p, holder->host, sizeof(holder->host)) ||
	    !take_word(&p, holder->boot, sizeof(holder->boot)) ||
	    !take_number(&p, &holder->taken) || *p != '\n')
		return 0;
	holder->pid = (pid_t)pid;
	return (size_t)(p + 1 - text);
}

static bool
is_gone(pid_t pid)
{
	return kill(pid, 0) == -1 && errno == ESRCH;
}

/* One of ours. Another host's processes cannot be judged from here. A number that only means
 * nothing in this PID namespace does no harm: a live holder of ours that still writes has the fcntl
 * lock, which our caller has. */
static bool
ours_is_dead(const struct holder *holder, time_t age, bool *elsewhere)
{
	struct holder self;
	unsigned long long start;
	int alive;

	find_self(&self);
	*elsewhere = strcmp(holder->host, self.host) != 0;
	if (*elsewhere)
		return false;
	if (strcmp(holder->boot, "-") == 0 || strcmp(self.boot, "-") == 0)
		return is_gone(holder->pid) && age >= PATIENCE;
	if (strcmp(holder->boot, self.boot) != 0)
		return true;
	if (is_gone(holder->pid))
		return true;
	alive = start_of(holder->pid, &start);
	return alive == 0 || (alive == 1 && holder->taken != 0 && start > holder->taken);
}

/* No process of today made a file that last changed before this boot. */
static bool
is_from_before_boot(const struct stat *st)
{
	struct timespec now, up;

	clock_gettime(CLOCK_REALTIME, &now);
	clock_gettime(CLOCK_BOOTTIME, &up);
	return st->st_ctime < now.tv_sec - up.tv_sec - BOOT_SLACK;
}

/* Some account's mailbox may be called NAME.lock: mail is not a lock. */
static bool
is_mail(const char *text)
{
	return strncmp(text, "From ", 5) == 0;
}

static int
judge(struct lock_dot *dot, const struct stat *st, bool trusted, const char *text, size_t len,
    struct err *err)
{
	struct holder holder;
	size_t used = text != NULL ? parse_holder(text, &holder) : 0;
	time_t age = time(NULL) - st->st_mtime;
	bool dead = false, elsewhere = false;

	if (used > 0 && trusted && st->st_nlink == 1) {
		dot->ours = true;
		if (buf_add(&dot->rest, text + used, len - used) == -1)
			return err_set(err, errno, "dotlock: read");
		dead = ours_is_dead(&holder, age, &elsewhere);
	} else if (used == 0 && text != NULL && holder.pid != 0) {
		dead = is_gone(holder.pid) && age >= PATIENCE;
	}
	if (text != NULL)
		dot->pid = holder.pid;
	/* Our boot says nothing about another host's processes. */
	if (!dead && !elsewhere && (text != NULL ? !is_mail(text) : trusted))
		dead = is_from_before_boot(st);
	dot->state = dead ? LOCK_DOT_STALE : LOCK_DOT_HELD;
	return 0;
}

int
lock_dot_look(int dirfd, const char *name, uid_t uid, struct lock_dot *out, struct err *err)
{
	const int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
	char text[LOCK_CONTENT_MAX + 1];
	struct stat st, opened;
	ssize_t n;

	*out = (struct lock_dot){ .state = LOCK_DOT_GONE, .fd = -1 };
	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return errno == ENOENT ? 0 : err_set(err, errno, "dotlock: stat %s", name);
	out->state = LOCK_DOT_HELD;
	out->dev = st.st_dev;
	out->ino = st.st_ino;
	out->mtime = st.st_mtime;
	if (!S_ISREG(st.st_mode) || st.st_size > LOCK_CONTENT_MAX)
		return 0;
	out->fd = openat(dirfd, name, flags | O_NOATIME);
	if (out->fd == -1 && errno == EPERM) /* another's: not for us to say */
		out->fd = openat(dirfd, name, flags);
	if (out->fd == -1) {
		if (errno == EACCES || errno == EPERM)
			return judge(out, &st, st.st_uid == 0 || st.st_uid == uid, NULL, 0, err);
		if (errno == ENOENT)
			out->state = LOCK_DOT_GONE;
		return errno == ENOENT || errno == ELOOP
		           ? 0
		           : err_set(err, errno, "dotlock: open %s", name);
	}
	if (fstat(out->fd, &opened) == -1)
		return err_set(err, errno, "dotlock: stat %s", name);
	if (opened.st_dev != st.st_dev || opened.st_ino != st.st_ino) {
		out->state = LOCK_DOT_GONE;
		return 0;
	}
	n = io_read(out->fd, text, LOCK_CONTENT_MAX);
	if (n == -1)
		return err_set(err, errno, "dotlock: read %s", name);
	text[n] = '\0';
	return judge(
	    out, &opened, opened.st_uid == 0 || opened.st_uid == uid, text, (size_t)n, err);
}

void
lock_dot_release(struct lock_dot *dot)
{
	if (dot->fd != -1)
		close(dot->fd);
	buf_free(&dot->rest);
	dot->fd = -1;
}
