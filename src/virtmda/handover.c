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
#include "moment.h"
#include "process.h"
#include "rights.h"
#include "settings.h"
#include "speech.h"
#include "submission.h"

/* The status of a speaker to which sendmail has said yes, should its report not come through. */
#define EXIT_HANDED_OVER 113

/* ---- sendmail ----------------------------------------------------------------------------------
 */

struct pipes {
	int to[2], from[2]; /* sendmail's standard input and output */
};

/* What cannot be started says so as an SMTP server would: then nobody has to be asked why. */
static _Noreturn void
become_sendmail(const char *path, const struct pipes *pipes)
{
	/* -odb: whatever sendmail's settings say, it answers when the message is in its queue. If
	 * it delivered first, an answer could be awaited in vain, and what is tried again then
	 * would be sent again and again. */
	static char name[] = "sendmail", use[] = "-Am", queue_first[] = "-odb",
	            speak_smtp[] = "-bs";
	static char search[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
	char *const arguments[] = { name, use, queue_first, speak_smtp, NULL };
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
	pid_t pid;

	/* Pipes and no sockets: sendmail would take a socket's other end for a remote host. */
	if (pipe2(pipes->to, O_CLOEXEC) == -1 || pipe2(pipes->from, O_CLOEXEC) == -1)
		return err_set(err, errno, "pipe");
	pid = fork();
	if (pid == -1)
		return err_set(err, errno, "fork");
	if (pid == 0)
		become_sendmail(path, pipes);
	/* Or their ends would never be seen. */
	close(pipes->to[0]);
	close(pipes->from[1]);
	return 0;
}

/* ---- the speaker -------------------------------------------------------------------------------
 */

static int
speak(const struct handover_job *job, pid_t parent, struct report *report, struct err *err)
{
	const struct settings *settings = job->transaction->settings;
	struct session session;
	struct message *message;
	struct pipes pipes;
	int failed;

	if (start_sendmail(settings->sendmail, &pipes, err) == -1 || rights_drop(parent, err) == -1)
		return -1;
	process_release();
	submission_init(&session, pipes.from[0], pipes.to[1]);
	session.smtp.until = job->transaction->until;
	if (intake_message(job->intake, settings->spool_directory, &message, err) == -1)
		return -1;
	report_note(report, message);
	failed = speech_give(job, &session, message, &report->outcome, err);
	message_free(message);
	return failed;
}

static int
body(void *arg, int out, pid_t parent)
{
	const struct handover_job *job = arg;
	struct report report;
	struct err err;
	bool delivered;

	report_init(&report);
	if (speak(job, parent, &report, &err) == -1)
		outcome_from_err(&report.outcome, &err);
	delivered = report.outcome.class == OUTCOME_DELIVERED;
	if (io_write_all(out, &report, sizeof(report)) == -1) {
		/* The status says what matters. */
	}
	return delivered ? EXIT_HANDED_OVER : 0;
}

/* ---- the one who waits -------------------------------------------------------------------------
 */

int
handover_start(const struct handover_job *job, struct apart *apart, struct err *err)
{
	struct handover_job own = *job;
	/* Nobody but root can have put this program there. */
	int program = io_open_trusted(job->transaction->settings->sendmail, NULL, err);

	if (program == -1)
		return err_prefix(err, "sendmail");
	close(program);
	process_hold();
	/* Its end is proven only while its sender is there. */
	if (process_still_wanted(err) == -1)
		return -1;
	return apart_start(apart, job->intake->fd, body, &own, err);
}

/* What its end says without its word. */
static void
explain_silence(int status, struct outcome *outcome)
{
	if (status == APART_KILLED)
		outcome_defer(outcome, "4.3.0",
		    "the process that hands over did not end in time; sendmail may have the "
		    "message");
	else if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_HANDED_OVER)
		outcome_deliver(outcome, "2.0.0", "handed over");
	else if (WIFSIGNALED(status))
		outcome_defer(outcome, "4.3.0",
		    "the process that hands over was killed by signal %d", WTERMSIG(status));
	else
		outcome_defer(outcome, "4.3.0", "the process that hands over said nothing");
}

static long long
end_of(const struct transaction *t)
{
	return t->until == MOMENT_NEVER ? MOMENT_NEVER : t->until + MOMENT_GRACE;
}

int
handover_patience(const struct transaction *t)
{
	return moment_patience(t->until);
}

void
handover_finish(const struct transaction *t, struct apart *apart, struct report *report)
{
	int status;

	if (apart_hear(apart, report, sizeof(*report), end_of(t), &status) == 1) {
		report_check(report);
		return;
	}
	report_init(report);
	explain_silence(status, &report->outcome);
}
