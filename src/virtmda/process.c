/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * This process. sendmail starts us well (CVE-2014-3956: not always), others may not: with
 * descriptors closed, so that a mailbox would be opened as standard output; with signals ignored
 * or fatal, so that a mailbox would be torn. Signal handlers do nothing but set a flag, kill(2)
 * and _exit(2) (CVE-2001-0905).
 */
#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "exit.h"
#include "io.h"

#define PLACES (PROCESS_CHILDREN_MAX + PROCESS_HANDOVERS_MAX + 1) /* and who looks for loops */

static volatile sig_atomic_t stopped; /* the signal's number */
static volatile sig_atomic_t held;
static volatile sig_atomic_t children[PLACES]; /* 0: a free place */
static pid_t starter;    /* who reads our status; 0 from another name space (nsenter) */
static bool forked;      /* our parent is virtmda, the starter is its */
static int witness = -1; /* its /proc/PID/statm */
static bool orphan;      /* it was gone before we could look */
static bool independent; /* of it all */

static void
on_signal(int number)
{
	int saved = errno;
	bool passed_on = false;

	stopped = number;
	for (size_t i = 0; i < PLACES; i++)
		if (children[i] > 0) {
			kill((pid_t)children[i], number);
			passed_on = true;
		}
	if (!passed_on && !held)
		_exit(EXIT_LATER);
	errno = saved;
}

/* One that is missing becomes /dev/null, open for writing only: a standard input that is not there
 * must be a read error, not an empty message. */
static int
open_standard_descriptors(struct err *err)
{
	int fd;

	do
		fd = open("/dev/null", O_WRONLY);
	while (fd >= 0 && fd <= STDERR_FILENO);
	/* No /dev/null (a chroot) is fine where nothing is missing. */
	if (fd == -1)
		for (int i = STDIN_FILENO; i <= STDERR_FILENO; i++)
			if (fcntl(i, F_GETFD) == -1)
				return err_set(err, errno, "standard descriptor %d", i);
	if (close_range(STDERR_FILENO + 1, ~0U, 0) == -1)
		closefrom(STDERR_FILENO + 1);
	return 0;
}

static int
set_signals(struct err *err)
{
	static const struct {
		int number;
		void (*handler)(int);
	} signals[] = {
		{ SIGPIPE, SIG_IGN },
		{ SIGXFSZ, SIG_IGN },
		{ SIGTERM, on_signal },
		{ SIGINT, on_signal },
		{ SIGHUP, on_signal },
	};

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		/* No SA_RESTART: waiting for a worker is to be looked at again. */
		struct sigaction action = { .sa_handler = signals[i].handler };

		sigemptyset(&action.sa_mask);
		if (sigaction(signals[i].number, &action, NULL) == -1)
			return err_set(err, errno, "sigaction %d", signals[i].number);
	}
	return 0;
}

/* Set-id installations, and sendmail's S flag with U=user: real and effective ids disagree, so
 * what is given up later could be had back. As root the gid does not matter: sendmail's own
 * binary is setgid, and account_become sets all three. */
static bool
has_borrowed_rights(void)
{
	return getauxval(AT_UID) != getauxval(AT_EUID) ||
	       (getauxval(AT_EUID) != 0 && getauxval(AT_GID) != getauxval(AT_EGID));
}

/* Killed between fork(2) and here, the sender is not our parent any more: init is. What init itself
 * starts is of init's session, or does not read a pipe. */
static bool
is_orphan(void)
{
	struct stat st;

	return starter == 1 && getsid(1) != getsid(0) && fstat(STDIN_FILENO, &st) == 0 &&
	       S_ISFIFO(st.st_mode);
}

/* The open file stands for that very process, also when its number is another's later. */
void
process_remember_starter(void)
{
	char path[32];

	starter = getppid();
	orphan = is_orphan();
	snprintf(path, sizeof(path), "/proc/%ld/statm", (long)starter);
	witness = open(path, O_RDONLY | O_CLOEXEC);
}

void
process_forked(void)
{
	forked = true;
	/* They are its brothers. */
	for (size_t i = 0; i < PLACES; i++)
		children[i] = 0;
}

void
process_forget_starter(void)
{
	independent = true;
	if (witness != -1)
		close(witness);
	witness = -1;
}

int
process_init(struct err *err)
{
	umask(077);
	/* TZ, RES_OPTIONS, MALLOC_*: nothing in there is for us to follow. */
	clearenv();
	if (has_borrowed_rights())
		return err_set(err, EPERM,
		    "virtmda must run as root or as the account, with real and effective ids the "
		    "same");
	if (open_standard_descriptors(err) == -1)
		return -1;
	process_remember_starter();
	return set_signals(err);
}

bool
process_is_root(void)
{
	return io_is_root();
}

void
process_hold(void)
{
	held = 1;
}

void
process_release(void)
{
	held = 0;
	if (stopped != 0)
		_exit(EXIT_LATER);
}

bool
process_stopped(void)
{
	return stopped != 0;
}

int
process_wait(struct pollfd *fds, nfds_t nfds, int timeout_ms)
{
	const struct timespec timeout = { timeout_ms / 1000, timeout_ms % 1000 * 1000000L };
	sigset_t signals, before;
	int ready = -1, num;

	/* Between looking and waiting none may come. */
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &signals, &before) == -1)
		return -1;
	errno = EINTR;
	if (stopped == 0)
		ready = ppoll(fds, nfds, timeout_ms < 0 ? NULL : &timeout, &before);
	num = errno;
	sigprocmask(SIG_SETMASK, &before, NULL);
	errno = num;
	return ready;
}

static void
close_between(int first, int last)
{
	if (first > last || close_range((unsigned)first, (unsigned)last, 0) == 0)
		return;
	/* A kernel without it. */
	for (int fd = first; fd <= last && fd < 1024; fd++)
		close(fd);
}

void
process_close_others(const int *keep, size_t count)
{
	int first = STDERR_FILENO + 1;

	for (;;) {
		/* The witness stays: it is still asked, by a number that would soon be another
		 * file's. */
		int next = witness >= first ? witness : INT_MAX;

		for (size_t i = 0; i < count; i++)
			if (keep[i] >= first && keep[i] < next)
				next = keep[i];
		if (next == INT_MAX)
			break;
		if (next > first)
			close_between(first, next - 1);
		first = next + 1;
	}
	close_between(first, INT_MAX);
}

void
process_child(pid_t pid)
{
	for (size_t i = 0; i < PLACES; i++)
		if (children[i] == 0) {
			children[i] = pid;
			break;
		}
	/* It may have come before there was somebody to pass it to. */
	if (stopped != 0)
		kill(pid, stopped);
}

void
process_child_gone(pid_t pid)
{
	for (size_t i = 0; i < PLACES; i++)
		if (children[i] == pid)
			children[i] = 0;
}

/* The kernel closes a dying process's pipes before it tells its children. In between getppid still
 * names it, but its memory is gone already (do_exit gives that up first), and /proc/PID/statm says
 * so: its size is 0. 1 it lives, 0 it is gone or dying, -1 /proc does not tell. */
static int
starter_lives(void)
{
	char text[64];
	ssize_t n;

	do
		n = pread(witness, text, sizeof(text), 0);
	while (n == -1 && errno == EINTR);
	if (n <= 0)
		return n == -1 && errno == ESRCH ? 0 : -1;
	return text[0] != '0';
}

int
process_still_wanted(struct err *err)
{
	int lives;

	if (stopped != 0)
		return err_set(err, EINTR, "stopped by signal %d", (int)stopped);
	if (independent)
		return 0;
	lives = starter_lives();
	if (orphan || lives == 0 || (!forked && getppid() != starter))
		return err_set(err, EPIPE, "the process that sent the message is gone");
	return lives == -1 && forked ? 1 : 0;
}
