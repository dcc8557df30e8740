/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A pipe to a pager in the place of standard output. The pager is a child that this process waits
 * for, so the shell's prompt comes back when the person has left it. What the terminal is like is
 * noted before the pipe hides it.
 */
#include "pager.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

static struct {
	pid_t pid; /* 0: none */
	size_t columns, rows;
	bool has_errors; /* standard error leads to it too */
} pager;

/* Is there a program of this name in PATH? */
static bool
is_installed(const char *name)
{
	const char *p = getenv("PATH");

	while (p != NULL && *p != '\0') {
		size_t len = strcspn(p, ":");
		char *path;
		bool found;

		if (asprintf(&path, "%.*s/%s", (int)len, p, name) == -1)
			return false;
		found = len > 0 && access(path, X_OK) == 0;
		free(path);
		if (found)
			return true;
		p += len + (p[len] == ':');
	}
	return false;
}

/* The shell's words for it, or NULL for none. */
static const char *
choose(void)
{
	const char *command = getenv("PAGER");

	if (command == NULL)
		command = is_installed("less") ? "less" : is_installed("more") ? "more" : "";
	return command[0] == '\0' || strcmp(command, "cat") == 0 ? NULL : command;
}

static _Noreturn void
become(const char *command, int from)
{
	const char *sudo = getenv("SUDO_UID");
	char *words;

	/* One that is not there loses nothing of what was asked for. */
	if (asprintf(&words, "%s\n[ $? -ne 127 ] || exec cat", command) == -1)
		_exit(127);
	/* The defaults that a program started by a shell has. */
	signal(SIGPIPE, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	signal(SIGQUIT, SIG_DFL);
	signal(SIGXFSZ, SIG_DFL);
	setenv("LESS", "FRX", 0);
	setenv("LV", "-c", 0);
	/* Who may only look, by sudo(8), must not get a shell of root's out of less. */
	if (getuid() == 0 && sudo != NULL && strcmp(sudo, "0") != 0)
		setenv("LESSSECURE", "1", 1);
	if (dup2(from, STDIN_FILENO) != -1) {
		closefrom(STDERR_FILENO + 1);
		execl("/bin/sh", "sh", "-c", words, (char *)NULL);
	}
	_exit(127);
}

static size_t
ask_columns(void)
{
	struct winsize size;
	const char *columns = getenv("COLUMNS");

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
		return size.ws_col;
	return columns != NULL && atoi(columns) > 0 ? (size_t)atoi(columns) : 80;
}

static size_t
ask_rows(void)
{
	struct winsize size;

	return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 ? size.ws_row : 24;
}

void
pager_start(void)
{
	const char *command;
	int ends[2];
	pid_t pid;

	if (pager.pid != 0 || isatty(STDOUT_FILENO) != 1 || (command = choose()) == NULL ||
	    pipe(ends) == -1)
		return;
	pager.columns = ask_columns();
	pager.rows = ask_rows();
	pid = fork();
	if (pid == 0)
		become(command, ends[0]);
	close(ends[0]);
	if (pid == -1) {
		close(ends[1]);
		return;
	}
	/* Who leaves the pager, or presses ^C in it, ends the output, not the pager. */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGQUIT, SIG_IGN);
	pager.pid = pid;
	pager.has_errors = isatty(STDERR_FILENO) == 1 && dup2(ends[1], STDERR_FILENO) != -1;
	dup2(ends[1], STDOUT_FILENO);
	close(ends[1]);
}

/* What it said may be cut off, so a status of success would be wrong; and there is nobody to tell.
 */
static void
end_by_sigpipe(void)
{
	sigset_t set;

	signal(SIGPIPE, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, SIGPIPE);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	raise(SIGPIPE);
}

int
pager_end(struct err *err)
{
	bool failed = fflush(stdout) != 0 || ferror(stdout) != 0;
	int num = errno;

	if (pager.pid != 0) {
		/* End of file is what the pager waits for. */
		fclose(stdout);
		if (pager.has_errors)
			close(STDERR_FILENO);
		while (waitpid(pager.pid, NULL, 0) == -1 && errno == EINTR)
			;
		pager.pid = 0;
		return 0;
	}
	if (failed && num == EPIPE)
		end_by_sigpipe();
	return failed ? err_set(err, num, "standard output") : 0;
}

bool
pager_on_terminal(void)
{
	return pager.pid != 0 || isatty(STDOUT_FILENO) == 1;
}

size_t
pager_columns(void)
{
	if (pager.pid != 0)
		return pager.columns;
	return isatty(STDOUT_FILENO) == 1 ? ask_columns() : 0;
}

size_t
pager_rows(void)
{
	if (pager.pid != 0)
		return pager.rows;
	return isatty(STDOUT_FILENO) == 1 ? ask_rows() : 0;
}

bool
pager_may_colour(void)
{
	const char *refused = getenv("NO_COLOR"), *term = getenv("TERM");

	return pager_on_terminal() && (refused == NULL || refused[0] == '\0') && term != NULL &&
	       strcmp(term, "dumb") != 0;
}
