/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * $PAGER between us and the terminal. It is the caller's own choice, run with the caller's rights;
 * under sudo(8) the environment is what the administrator lets through. But who may only list the
 * map by sudo must not get a shell of root's out of less: for them it runs in its secure mode.
 */
#include "pager.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* A pager that is not there is `cat`: nothing of what was asked for gets lost. */
#define DEFAULT_PAGER "command -v less >/dev/null || exec cat; exec less"
#define OR_ELSE       "\n[ $? -ne 127 ] || exec cat"
#define LESS_DEFAULT                                                                               \
	"FRX" /* end at once if it fits; colours and UTF-8; leave the screen as it is */

static pid_t pager_pid;   /* 0: none */
static int terminal = -1; /* standard error as it was, or -1 */

/* The shell's words, malloc'ed; NULL: none. */
static char *
choose(void)
{
	const char *pager = getenv("PAGER");
	char *words;

	if (!isatty(STDOUT_FILENO))
		return NULL;
	if (pager == NULL)
		return strdup(DEFAULT_PAGER);
	if (*pager == '\0' || strcmp(pager, "cat") == 0)
		return NULL;
	return asprintf(&words, "%s" OR_ELSE, pager) == -1 ? NULL : words;
}

static void
run(const char *words, int in)
{
	const char *sudo = getenv("SUDO_UID");

	dup2(in, STDIN_FILENO);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGXFSZ, SIG_DFL);
	setenv("LESS", LESS_DEFAULT, 0);
	setenv("LV", "-c", 0);
	if (getuid() == 0 && sudo != NULL && strcmp(sudo, "0") != 0)
		setenv("LESSSECURE", "1", 1);
	execl("/bin/sh", "sh", "-c", words, (char *)NULL);
	_exit(127);
}

/* The pager reads from ends[0]. Ctrl-C is the reader's word to the pager; when that ends, so do
 * we. */
static void
attach(int out)
{
	if (isatty(STDERR_FILENO) && (terminal = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3)) != -1)
		dup2(out, STDERR_FILENO);
	dup2(out, STDOUT_FILENO);
	signal(SIGINT, SIG_IGN);
	signal(SIGQUIT, SIG_IGN);
}

void
pager_begin(void)
{
	int ends[2];
	char *words = choose();

	if (words == NULL || pipe2(ends, O_CLOEXEC) == -1) {
		free(words);
		return;
	}
	fflush(stdout);
	pager_pid = fork();
	if (pager_pid == 0)
		run(words, ends[0]);
	if (pager_pid == -1)
		pager_pid = 0; /* without, then */
	else
		attach(ends[1]);
	close(ends[0]);
	close(ends[1]);
	free(words);
}

bool
pager_is_used(void)
{
	return pager_pid != 0;
}

void
pager_end(void)
{
	if (pager_pid == 0)
		return;
	/* With both closed the pager sees the end. */
	fclose(stdout);
	if (terminal != -1)
		dup2(terminal, STDERR_FILENO);
	while (waitpid(pager_pid, NULL, 0) == -1 && errno == EINTR)
		;
	pager_pid = 0;
}
