/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The pager: when there is one, what reaches it, and that leaving it early is no error. A process
 * with a pseudo-terminal for its standard output does the talking.
 */
#include "pager.h"

#include <check.h>
#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "suite.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

enum output { TERMINAL, FILE_OUTPUT, FULL };

static const struct pager_case {
	const char *command; /* PAGER; NULL: unset */
	enum output output;
	size_t lines;
	bool paged;
	int status; /* of the process: 0 all went well, 1 pager_end said no */
} cases[] = {
	{ "cat >\"$CHECK_FILE\"", TERMINAL, 3, true, 0 },
	{ "cat >\"$CHECK_FILE\"", TERMINAL, 0, true, 0 },
	{ "cat >\"$CHECK_FILE\"", FILE_OUTPUT, 3, false, 0 },
	{ "cat >\"$CHECK_FILE\"", FULL, 3, false, 1 },
	{ "", TERMINAL, 3, false, 0 },
	{ "cat", TERMINAL, 3, false, 0 },
	/* left at once, with more to come than a pipe holds */
	{ "head -n 3 >\"$CHECK_FILE\"", TERMINAL, 100000, true, 0 },
	{ "exit 3", TERMINAL, 100000, false, 0 },
	{ "/nonexistent/pager", TERMINAL, 100000, false, 0 },
};

static _Noreturn void
talk(const struct pager_case *c, int terminal)
{
	int fd = terminal;
	struct err err;

	setenv("PAGER", c->command, 1);
	unsetenv("LESS");
	if (c->output == FILE_OUTPUT)
		fd = open("/dev/null", O_WRONLY);
	if (c->output == FULL)
		fd = open("/dev/full", O_WRONLY);
	dup2(fd, STDOUT_FILENO);
	dup2(terminal, STDERR_FILENO);
	pager_start();
	if (pager_on_terminal() != (c->output == TERMINAL) ||
	    pager_columns() != (c->output == TERMINAL ? 123 : 0))
		_exit(3);
	for (size_t i = 0; i < c->lines; i++)
		puts("line");
	_exit(pager_end(&err) == 0 ? 0 : strncmp(err.text, "standard output: ", 17) == 0 ? 1 : 2);
}

/* Whatever appears on the terminal must be taken, or the process waits. */
static void
drain(int fd)
{
	char data[4096];

	while (read(fd, data, sizeof(data)) > 0)
		;
}

static size_t
lines_in(const char *path)
{
	FILE *file = fopen(path, "r");
	size_t lines = 0;
	int c;

	ck_assert_ptr_nonnull(file);
	while ((c = fgetc(file)) != EOF)
		lines += c == '\n';
	fclose(file);
	return lines;
}

START_TEST(paged)
{
	const struct pager_case *c = &cases[_i];
	struct winsize size = { .ws_col = 123, .ws_row = 24 };
	char path[] = "/tmp/check_pager.XXXXXX";
	int ends[2], file = mkstemp(path), status;
	size_t want = c->paged ? (c->lines > 3 ? 3 : c->lines) : 0;
	pid_t pid;

	ck_assert_int_ne(file, -1);
	close(file);
	setenv("CHECK_FILE", path, 1);
	ck_assert_int_eq(openpty(&ends[0], &ends[1], NULL, NULL, &size), 0);
	pid = fork();
	ck_assert_int_ne(pid, -1);
	if (pid == 0) {
		close(ends[0]);
		talk(c, ends[1]);
	}
	close(ends[1]);
	drain(ends[0]);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, c->status << 8);
	ck_assert_uint_eq(lines_in(path), want);
	close(ends[0]);
	unlink(path);
}
END_TEST

/* Whoever reads without a pager and goes, as head(1) does: SIGPIPE's end, also where it was ignored
 * (Python and systemd start their programs so), and not a word. */
START_TEST(hung_up)
{
	int ends[2], status;
	pid_t pid;

	ck_assert_int_eq(pipe(ends), 0);
	close(ends[0]);
	pid = fork();
	ck_assert_int_ne(pid, -1);
	if (pid == 0) {
		struct err err;

		signal(SIGPIPE, SIG_IGN);
		dup2(ends[1], STDOUT_FILENO);
		close(ends[1]);
		for (size_t i = 0; i < (_i == 0 ? 1 : 100000); i++)
			puts("line");
		pager_end(&err);
		_exit(0);
	}
	close(ends[1]);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSIGNALED(status));
	ck_assert_int_eq(WTERMSIG(status), SIGPIPE);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("pager");
	TCase *tc = tcase_create("pager");

	tcase_add_loop_test(tc, paged, 0, COUNT(cases));
	tcase_add_loop_test(tc, hung_up, 0, 2);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
