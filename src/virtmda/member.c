/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One worker. What it asks is answered, what it reports is looked at, and what its end says about
 * what it did not report is found out.
 */
#include "member.h"

#include <errno.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "leftover.h"
#include "parcel.h"
#include "process.h"
#include "worker.h"

bool
member_is_waiting(const struct member *member)
{
	return member->pid != 0 && member->job.copies == NULL;
}

bool
member_is_sound(const struct member *member)
{
	siginfo_t end = { .si_pid = 0 };
	char byte;

	/* Only looked at: until one that has ended is buried its number is nobody else's, so that
	 * member_dismiss can kill nobody else. */
	return waitid(P_PID, (id_t)member->pid, &end, WEXITED | WSTOPPED | WNOHANG | WNOWAIT) ==
	           0 &&
	       end.si_pid == 0 && recv(member->socket, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == -1 &&
	       errno == EAGAIN;
}

/* ---- its beginning ----------------------------------------------------------------------------
 */

static void
begin_job(struct member *member, bool is_new)
{
	member->is_new = is_new;
	member->heard = false;
	member->reported = 0;
}

int
member_start(struct member *member, bool stays, struct err *err)
{
	const struct account *account = member->job.copies[0]->account;
	int sockets[2];

	begin_job(member, true);
	member->uid = account->uid;
	member->gid = account->gid;
	if (parcel_pair(sockets, err) == -1)
		return -1;
	/* The worker gets the lower one: what it has to close is then one range. */
	member->socket = sockets[1];
	process_hold();
	member->pid = fork();
	if (member->pid == 0)
		worker_process(&member->job, sockets[0], stays);
	close(sockets[0]);
	if (member->pid > 0) {
		process_child(member->pid);
		return 0;
	}
	err_set(err, errno, "fork");
	member->pid = 0;
	close(sockets[1]);
	return -1;
}

int
member_give(struct member *member, struct err *err)
{
	begin_job(member, false);
	return job_send(&member->job, member->socket, err);
}

/* ---- its words --------------------------------------------------------------------------------
 */

int
member_hear(struct member *member, struct err *err)
{
	struct report *report = &member->job.copies[member->reported]->report;
	int got = broker_serve(member->broker, member->socket, report, err);

	if (got == -1)
		return -1;
	member->heard = true;
	if (got == 1) {
		report_check(report);
		member->reported++;
	}
	return member->reported < member->job.ncopies;
}

/* ---- its end ----------------------------------------------------------------------------------
 */

/* 0 with its status, or -1: there is none. Any process of that uid may have stopped it. */
static int
reap(struct member *member, int *status)
{
	const pid_t pid = member->pid;
	pid_t waited;

	close(member->socket);
	do
		waited = waitpid(pid, status, WUNTRACED);
	while ((waited == -1 && errno == EINTR) ||
	       (waited == pid && WIFSTOPPED(*status) && kill(pid, SIGKILL) == 0));
	process_child_gone(pid);
	member->pid = 0;
	return waited == pid ? 0 : -1;
}

void
member_dismiss(struct member *member)
{
	int status;

	/* Of its own accord one that was stopped would not end. */
	kill(member->pid, SIGKILL);
	reap(member, &status);
}

/* Did one that stayed end before it began its job? Only the kernel's word counts, that the job lies
 * there unread: how it ended says as much of a job that is done and could not be heard of. Whatever
 * else is sent to a worker answers what was heard from it. */
static bool
never_began(const struct member *member, const struct err *err)
{
	return !member->is_new && !member->heard && err->num == ECONNRESET;
}

static void
explain(struct report *report, const int *status, const struct err *err)
{
	report_init(report);
	if (status != NULL && WIFEXITED(*status) && WEXITSTATUS(*status) == WORKER_DURABLE)
		outcome_deliver(&report->outcome, "2.0.0", "delivered");
	else if (status != NULL && WIFSIGNALED(*status))
		outcome_defer(&report->outcome, "4.3.0",
		    "the delivering process was killed by signal %d", WTERMSIG(*status));
	else
		outcome_from_err(&report->outcome, err);
}

int
member_see_off(struct member *member, const struct err *err)
{
	int status;
	/* A worker that still runs now (we could not hear it) finds nobody to ask, undoes what it
	 * began and ends. */
	bool known = reap(member, &status) == 0;

	if (known && never_began(member, err))
		return 1;
	for (size_t i = member->reported; i < member->job.ncopies; i++)
		explain(&member->job.copies[i]->report, known ? &status : NULL, err);
	return 0;
}

void
member_abandon(struct member *member)
{
	kill(member->pid, SIGKILL);
	close(member->socket);
	leftover_add(member->pid);
	process_child_gone(member->pid);
	member->pid = 0;
	for (size_t i = member->reported; i < member->job.ncopies; i++) {
		struct report *report = &member->job.copies[i]->report;

		report_init(report);
		outcome_defer(
		    &report->outcome, "4.3.0", "the delivering process did not end in time");
	}
}
