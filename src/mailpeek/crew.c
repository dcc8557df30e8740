/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Each process becomes its account, works, and sends a report after the other through a pipe; the
 * parent, which may be root, opens nothing of the account's. One that dies on a mailbox is
 * replaced behind it. The parent listens to all pipes at once, so that a slow mailbox holds up no
 * other, and never has more processes than slots.
 */
#include "crew.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "io.h"
#include "mailpeek.h"
#include "meter.h"
#include "progress.h"

#define SLOTS_MAX 16
#define SLOTS_MIN 4  /* disks keep them waiting */
#define SHARE     32 /* accounts that one process is given */
#define STEP      65536

/* What stands in front of every report. */
struct head {
	uint32_t failed; /* then the report is a struct err */
	uint32_t len;
};

struct slot {
	pid_t pid;
	int fd;           /* -1: free */
	size_t next, end; /* numbers it still has to tell of */
	int64_t since;    /* milliseconds; when it began with `next` */
	struct buf got;   /* what it has told, not yet whole */
};

struct foreman {
	const struct crew *crew;
	struct slot slots[SLOTS_MAX];
	size_t nslots;
	size_t next, done; /* to be given out; told of or passed over */
};

/* ---- the process ----------------------------------------------------------------------------- */

static void
send_report(int fd, bool failed, const void *data, size_t len)
{
	const struct head head = { .failed = failed, .len = (uint32_t)len };

	if (io_write_all(fd, &head, sizeof(head)) == -1 ||
	    (len > 0 && io_write_all(fd, data, len) == -1))
		_exit(1);
}

/* Numbers of one uid and gid. */
static _Noreturn void
work(const struct crew *crew, size_t from, size_t end, int out)
{
	const int fd = STDERR_FILENO + 1;
	struct buf report = BUF_INIT;
	struct err err, barred;
	bool is_barred;

	/* A pager has them ignored; here nobody is left to be shown anything. */
	signal(SIGPIPE, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	signal(SIGQUIT, SIG_DFL);
	/* What the parent has open (the map, the accounts) is not the account's. */
	if (dup2(out, fd) == -1)
		_exit(1);
	closefrom(fd + 1);
	is_barred = account_become(crew->account(crew->arg, from), crew->min_uid, &barred) == -1;
	/* One that hangs must not stay behind. Only now: becoming another user takes it back
	 * (prctl(2)). A parent that is gone already is noticed when a report is sent. */
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (size_t i = from; i < end; i++) {
		buf_clear(&report);
		memset(&err, 0, sizeof(err));
		if (is_barred)
			err = barred;
		else if (crew->work(crew->arg, i, &report, &err) == 0 &&
		         report.len <= CREW_REPORT_MAX)
			err.text[0] = '\0';
		else if (err.text[0] == '\0')
			err_set(&err, 0, "more is to be told of it than fits");
		if (err.text[0] != '\0')
			send_report(fd, true, &err, sizeof(err));
		else
			send_report(fd, false, report.data, report.len);
	}
	_exit(0);
}

/* ---- giving out ------------------------------------------------------------------------------ */

static const struct account *
account_of(const struct crew *crew, size_t i)
{
	return crew->account(crew->arg, i);
}

static void
tell_progress(struct foreman *f, size_t more)
{
	f->done += more;
	progress_tell(f->crew->doing, f->done, f->crew->count);
}

/* How many from number `from` on one process may have. */
static size_t
share(const struct crew *crew, size_t from)
{
	const struct account *first = account_of(crew, from), *other;
	size_t n = 1;

	while (n < SHARE && from + n < crew->count &&
	       (other = account_of(crew, from + n)) != NULL && other->uid == first->uid &&
	       other->gid == first->gid)
		n++;
	return n;
}

static void
give_up(struct foreman *f, size_t i, const struct err *err)
{
	f->crew->done(f->crew->arg, i, NULL, err);
	tell_progress(f, 1);
}

static int64_t
milliseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* 0, or -1 with err and the slot free. */
static int
start(const struct foreman *f, struct slot *slot, struct err *err)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) == -1)
		return err_set(err, errno, "pipe");
	/* What stdio holds would be printed by both. */
	fflush(stdout);
	slot->pid = fork();
	if (slot->pid == 0)
		work(f->crew, slot->next, slot->end, ends[1]);
	if (slot->pid == -1) {
		err_set(err, errno, "fork");
		close(ends[0]);
	}
	close(ends[1]);
	slot->fd = slot->pid == -1 ? -1 : ends[0];
	slot->since = milliseconds();
	return slot->pid == -1 ? -1 : 0;
}

/* Start on what the slot has, giving up as many as cannot be started on. */
static void
start_or_give_up(struct foreman *f, struct slot *slot)
{
	struct err err;

	buf_clear(&slot->got);
	while (slot->next < slot->end && start(f, slot, &err) == -1)
		give_up(f, slot->next++, &err);
}

static void
fill(struct foreman *f, struct slot *slot)
{
	while (slot->fd == -1 && f->next < f->crew->count) {
		if (account_of(f->crew, f->next) == NULL) {
			f->next++;
			tell_progress(f, 1);
			continue;
		}
		slot->next = f->next;
		slot->end = f->next + share(f->crew, f->next);
		f->next = slot->end;
		start_or_give_up(f, slot);
	}
}

/* ---- listening ------------------------------------------------------------------------------- */

static void
take_report(struct foreman *f, struct slot *slot, const struct head *head, const void *data)
{
	struct buf report = BUF_INIT;
	struct err err;

	slot->since = milliseconds();
	if (!head->failed) {
		/* Lent, not owned. */
		report.data = (unsigned char *)(uintptr_t)data;
		report.len = report.cap = head->len;
		f->crew->done(f->crew->arg, slot->next++, &report, NULL);
		tell_progress(f, 1);
		return;
	}
	memcpy(&err, data, sizeof(err));
	err.text[sizeof(err.text) - 1] = '\0';
	give_up(f, slot->next++, &err);
}

/* Whole reports out of what has come. False: this is no report, the process cannot be listened to.
 */
static bool
take_reports(struct foreman *f, struct slot *slot)
{
	size_t at = 0;
	struct head head;

	while (slot->got.len - at >= sizeof(head)) {
		memcpy(&head, slot->got.data + at, sizeof(head));
		if (slot->next == slot->end || head.len > CREW_REPORT_MAX ||
		    (head.failed && head.len != sizeof(struct err)))
			return false;
		if (slot->got.len - at - sizeof(head) < head.len)
			break;
		take_report(f, slot, &head, slot->got.data + at + sizeof(head));
		at += sizeof(head) + head.len;
	}
	if (at > 0) {
		slot->got.len -= at;
		memmove(slot->got.data, slot->got.data + at, slot->got.len);
	}
	return true;
}

/* The process has ended, or is ended: `why`. */
static void
see_off(struct foreman *f, struct slot *slot, const char *why)
{
	struct err err;
	int status = 0;

	close(slot->fd);
	slot->fd = -1;
	/* One that only closed its end of the pipe would be waited for. It does nothing to one
	 * that is dead. */
	kill(slot->pid, SIGKILL);
	while (waitpid(slot->pid, &status, 0) == -1 && errno == EINTR)
		continue;
	if (slot->next == slot->end)
		return;
	if (why != NULL)
		err_set(&err, 0, "%s", why);
	else if (WIFSIGNALED(status))
		err_set(&err, 0, "the process that read it ended by signal %d", WTERMSIG(status));
	else
		err_set(&err, 0, "the process that read it ended early");
	give_up(f, slot->next++, &err);
	start_or_give_up(f, slot);
}

static void
listen_to(struct foreman *f, struct slot *slot)
{
	ssize_t n;

	if (buf_reserve(&slot->got, STEP) == -1)
		speech_no_memory();
	n = io_read(slot->fd, slot->got.data + slot->got.len, STEP);
	if (n > 0)
		slot->got.len += (size_t)n;
	if (n <= 0)
		see_off(f, slot, NULL);
	else if (!take_reports(f, slot))
		see_off(f, slot, CREW_NONSENSE);
}

/* ---- waiting --------------------------------------------------------------------------------- */

/* Milliseconds until the slot's process has taken too long; 0: it has. */
static int
time_left(const struct foreman *f, const struct slot *slot)
{
	const unsigned patience = f->crew->patience > 0 ? f->crew->patience : CREW_PATIENCE;
	const int64_t left = slot->since + (int64_t)patience * 1000 - milliseconds();

	return left > 0 ? (int)left : 0;
}

static size_t
count_slots(void)
{
	cpu_set_t set;
	int cpus = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;
	size_t slots = 2 * (size_t)cpus;

	return slots < SLOTS_MIN ? SLOTS_MIN : slots > SLOTS_MAX ? SLOTS_MAX : slots;
}

/* Give all slots work; *wait: milliseconds until the first has taken too long. How many processes
 * there are to listen to. */
static nfds_t
gather(struct foreman *f, struct pollfd *polled, struct slot **who, int *wait)
{
	nfds_t n = 0;

	*wait = INT_MAX;
	for (size_t i = 0; i < f->nslots; i++) {
		struct slot *slot = &f->slots[i];
		int left;

		fill(f, slot);
		if (slot->fd == -1)
			continue;
		polled[n] = (struct pollfd){ .fd = slot->fd, .events = POLLIN };
		who[n++] = slot;
		left = time_left(f, slot);
		*wait = left < *wait ? left : *wait;
	}
	return n;
}

void
crew_run(const struct crew *crew)
{
	struct foreman f = { .crew = crew, .nslots = count_slots() };
	struct pollfd polled[SLOTS_MAX];
	struct slot *who[SLOTS_MAX];
	nfds_t n;
	int wait;

	for (size_t i = 0; i < f.nslots; i++)
		f.slots[i].fd = -1;
	while ((n = gather(&f, polled, who, &wait)) > 0) {
		if (poll(polled, n, wait) == -1)
			continue; /* EINTR; what memory it needs is the kernel's */
		for (nfds_t i = 0; i < n; i++)
			if (polled[i].revents != 0)
				listen_to(&f, who[i]);
		for (size_t i = 0; i < f.nslots; i++)
			if (f.slots[i].fd != -1 && time_left(&f, &f.slots[i]) == 0)
				see_off(&f, &f.slots[i],
				    "the process that read it did not come to an end");
	}
	for (size_t i = 0; i < f.nslots; i++)
		buf_free(&f.slots[i].got);
	meter_hide();
}
