/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The processes of a hand-over. This one forks the speaker; the speaker starts sendmail, gives up
 * every right it has, and only then looks at the message or at what sendmail says. It reports once
 * and ends. Whoever is killed on the way: without the final dot sendmail drops the message, and
 * without a report the outcome is "deferred".
 */
#include "handover.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io.h"
#include "process.h"
#include "rights.h"
#include "speech.h"
#include "submission.h"

/* The status of a speaker to which sendmail has said yes, should its report not come through. */
#define EXIT_HANDED_OVER 113

struct pipes {
	int to[2], from[2]; /* sendmail's standard input and output */
	int report[2];
};

static void
close_pair(int pair[2])
{
	for (int i = 0; i < 2; i++) {
		if (pair[i] != -1)
			close(pair[i]);
		pair[i] = -1;
	}
}

static void
close_pipes(struct pipes *pipes)
{
	close_pair(pipes->to);
	close_pair(pipes->from);
	close_pair(pipes->report);
}

static int
open_pipes(struct pipes *pipes, struct err *err)
{
	*pipes = (struct pipes){ { -1, -1 }, { -1, -1 }, { -1, -1 } };
	/* Pipes and no sockets: sendmail would take a socket's other end for a remote host. */
	if (pipe2(pipes->to, O_CLOEXEC) == 0 && pipe2(pipes->from, O_CLOEXEC) == 0 &&
	    pipe2(pipes->report, O_CLOEXEC) == 0)
		return 0;
	err_set(err, errno, "pipe");
	close_pipes(pipes);
	return -1;
}

/* What cannot be started says so as an SMTP server would: then nobody has to be asked why. */
static _Noreturn void
become_sendmail(const char *path, const struct pipes *pipes)
{
	static char name[] = "sendmail", use[] = "-Am", speak_smtp[] = "-bs";
	static char search[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
	char *const arguments[] = { name, use, speak_smtp, NULL };
	char *const environment[] = { search, NULL };
	char text[200];
	int null = open("/dev/null", O_WRONLY), out = pipes->from[1];

	/* Its deliveries may go on for long; who started us must not wait for our standard output,
	 * nor end them with a signal to our group. */
	setsid();
	umask(022);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGXFSZ, SIG_DFL);
	if (null != -1 && dup2(pipes->to[0], STDIN_FILENO) != -1 &&
	    dup2(null, STDERR_FILENO) != -1 && chdir("/") == 0 &&
	    dup2(pipes->from[1], STDOUT_FILENO) != -1) {
		out = STDOUT_FILENO;
		closefrom(STDERR_FILENO + 1);
		execve(path, arguments, environment);
	}
	snprintf(text, sizeof(text), "451 4.3.5 start %.100s: %s\r\n", path, strerror(errno));
	if (io_write_all(out, text, strlen(text)) == -1)
		_exit(126);
	_exit(127);
}

static int
start_sendmail(const char *path, struct pipes *pipes, struct err *err)
{
	pid_t pid = fork();

	if (pid == -1)
		return err_set(err, errno, "fork");
	if (pid == 0)
		become_sendmail(path, pipes);
	/* Or their ends would never be seen. */
	close(pipes->to[0]);
	close(pipes->from[1]);
	pipes->to[0] = pipes->from[1] = -1;
	return 0;
}

static int
work(const struct handover_job *job, pid_t parent, struct pipes *pipes, struct report *report,
    struct err *err)
{
	struct session session;
	struct message *message;
	int result;

	if (start_sendmail(job->settings->sendmail, pipes, err) == -1 ||
	    rights_drop(parent, err) == -1)
		return -1;
	process_release();
	submission_init(&session, pipes->from[0], pipes->to[1]);
	if (intake_message(job->intake, job->settings->spool_directory, &message, err) == -1)
		return -1;
	report_note(report, message);
	result = speech_give(job, &session, message, report, err);
	message_free(message);
	return result;
}

static _Noreturn void
speaker(const struct handover_job *job, pid_t parent, struct pipes *pipes)
{
	struct report report;
	struct err err;
	const int needed[] = { pipes->to[0], pipes->to[1], pipes->from[0], pipes->from[1],
		pipes->report[1], job->intake->fd };
	bool delivered;

	/* Under LMTP there are more: whoever takes over this process must not find the front's. */
	process_close_others(needed, sizeof(needed) / sizeof(needed[0]));
	process_forked();
	report_init(&report);
	if (work(job, parent, pipes, &report, &err) == -1)
		outcome_from_err(&report.outcome, &err);
	delivered = report.outcome.class == OUTCOME_DELIVERED;
	if (io_write_all(pipes->report[1], &report, sizeof(report)) == -1) {
		/* The status says what matters. */
	}
	_exit(delivered ? EXIT_HANDED_OVER : 0);
}

/* The speaker's word, or what its end says without it. */
static void
hear(pid_t pid, int fd, struct report *report)
{
	struct buf bytes = BUF_INIT;
	int status = 0;
	bool heard = io_read_all(fd, sizeof(*report), &bytes) == 0 && bytes.len == sizeof(*report);
	pid_t waited;

	if (heard)
		memcpy(report, bytes.data, sizeof(*report));
	buf_free(&bytes);
	do
		waited = waitpid(pid, &status, 0);
	while (waited == -1 && errno == EINTR);
	if (heard)
		report_check(report);
	else if (waited == pid && WIFEXITED(status) && WEXITSTATUS(status) == EXIT_HANDED_OVER)
		outcome_deliver(&report->outcome, "2.0.0", "handed over");
	else if (waited == pid && WIFSIGNALED(status))
		outcome_defer(&report->outcome, "4.3.0",
		    "the process that hands over was killed by signal %d", WTERMSIG(status));
	else
		outcome_defer(
		    &report->outcome, "4.3.0", "the process that hands over said nothing");
}

static int
run(const struct handover_job *job, struct report *report, struct err *err)
{
	const pid_t parent = getpid();
	struct pipes pipes;
	pid_t pid;
	/* Nobody but root can have put this program there. */
	int program = io_open_trusted(job->settings->sendmail, NULL, err);

	if (program == -1)
		return err_prefix(err, "sendmail");
	close(program);
	process_hold();
	/* Its end is proven only while its sender is there. */
	if (process_still_wanted(err) == -1 || open_pipes(&pipes, err) == -1)
		return -1;
	pid = fork();
	if (pid == -1) {
		err_set(err, errno, "fork");
		close_pipes(&pipes);
		return -1;
	}
	if (pid == 0) {
		close(pipes.report[0]);
		speaker(job, parent, &pipes);
	}
	close_pair(pipes.to);
	close_pair(pipes.from);
	close(pipes.report[1]);
	pipes.report[1] = -1;
	process_child(pid);
	hear(pid, pipes.report[0], report);
	process_child_gone(pid);
	close_pipes(&pipes);
	return 0;
}

void
handover_run(const struct handover_job *job, struct report *report)
{
	struct err err;

	report_init(report);
	if (run(job, report, &err) == -1)
		outcome_from_err(&report->outcome, &err);
}
