/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The crew: a job is cut into what one worker can do, and so many workers run at a time. The parent
 * answers whoever asks, in the order of asking, so that a worker who waits for a lock holds up
 * nobody.
 */
#include "crew.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "account.h"
#include "broker.h"
#include "moment.h"
#include "parcel.h"
#include "process.h"

#define TOGETHER_MAX 256 /* copies of one worker: what one that dies takes with it is bounded */

struct member {
	pid_t pid; /* 0: this place is free */
	int socket;
	struct broker *broker;
	struct job job;
	size_t reported; /* copies; reports come in their order */
};

struct crew {
	const struct job *job;
	struct copy **waiting; /* in order; those that have been given to a worker are NULL */
	size_t first;          /* no copy waits before this one */
	struct member members[PROCESS_CHILDREN_MAX];
	size_t size; /* members at most */
	size_t running;
};

/* ---- cutting the job up -------------------------------------------------------------------------
 */

static bool
is_one_workers(const struct copy *a, const struct copy *b)
{
	return a->mailbox.format == MAILBOX_MAILDIR && b->mailbox.format == MAILBOX_MAILDIR &&
	       a->account->uid == b->account->uid && a->account->gid == b->account->gid;
}

/* Take the first copy that waits, and what goes with it, into job->copies. False: none waits. */
static bool
take_copies(struct crew *crew, struct job *job)
{
	size_t n = crew->job->ncopies;

	while (crew->first < n && crew->waiting[crew->first] == NULL)
		crew->first++;
	if (crew->first == n)
		return false;
	job->ncopies = 0;
	for (size_t i = crew->first; i < n && job->ncopies < TOGETHER_MAX; i++) {
		struct copy *copy = crew->waiting[i];

		if (copy == NULL || (job->ncopies > 0 && !is_one_workers(job->copies[0], copy)))
			continue;
		job->copies[job->ncopies++] = copy;
		crew->waiting[i] = NULL;
	}
	return true;
}

static void
defer_all(const struct job *job, size_t from, const struct err *err)
{
	for (size_t i = from; i < job->ncopies; i++)
		outcome_from_err(&job->copies[i]->report.outcome, err);
}

/* ---- one worker
 * ---------------------------------------------------------------------------------- */

static int
start(struct member *member, struct err *err)
{
	const struct copy *copy = member->job.copies[0];
	int sockets[2];

	if (broker_new(&member->broker, &copy->mailbox, copy->account, err) == -1 ||
	    parcel_pair(sockets, err) == -1)
		return -1;
	/* The worker gets the lower one: what it has to close is then one range. */
	member->socket = sockets[1];
	member->reported = 0;
	process_hold();
	member->pid = fork();
	if (member->pid == 0)
		worker_process(&member->job, sockets[0]);
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

static void
dismiss(struct member *member)
{
	broker_free(member->broker);
	free(member->job.copies);
	*member = (struct member){ 0 };
}

/* What its end says where reports are missing. */
static void
explain_silence(const struct member *member, pid_t waited, int status, const struct err *err)
{
	for (size_t i = member->reported; i < member->job.ncopies; i++) {
		struct report *report = &member->job.copies[i]->report;

		report_init(report);
		if (waited == member->pid && WIFEXITED(status) &&
		    WEXITSTATUS(status) == WORKER_DURABLE)
			outcome_deliver(&report->outcome, "2.0.0", "delivered");
		else if (waited == member->pid && WIFSIGNALED(status))
			outcome_defer(&report->outcome, "4.3.0",
			    "the delivering process was killed by signal %d", WTERMSIG(status));
		else
			outcome_from_err(&report->outcome, err);
	}
}

/* It has said its last word, or will not say it. */
static void
see_off(struct member *member, const struct err *err)
{
	int status = 0;
	pid_t waited;

	/* A worker that still runs now (we could not hear it) finds nobody to ask, undoes what it
	 * began and ends. */
	close(member->socket);
	do
		waited = waitpid(member->pid, &status, 0);
	while (waited == -1 && errno == EINTR);
	process_child_gone(member->pid);
	explain_silence(member, waited, status, err);
	dismiss(member);
}

/* One of its requests, or reports. Has it ended? */
static bool
attend(struct member *member)
{
	struct report *report = &member->job.copies[member->reported]->report;
	struct err err;
	int got = broker_serve(member->broker, member->socket, report, &err);

	if (got == 1) {
		report_check(report);
		member->reported++;
	}
	if (got != -1 && member->reported < member->job.ncopies)
		return false;
	see_off(member, &err);
	return true;
}

/* ---- all of them
 * --------------------------------------------------------------------------------- */

/* Give a free member the next copies. False: none waits. */
static bool
engage(struct crew *crew, struct member *member)
{
	struct err err;

	member->job = *crew->job;
	member->job.copies = calloc(crew->job->ncopies, sizeof(struct copy *));
	if (member->job.copies == NULL) {
		err_set(&err, ENOMEM, "deliver");
		for (size_t i = crew->first; i < crew->job->ncopies; i++)
			if (crew->waiting[i] != NULL)
				outcome_from_err(&crew->waiting[i]->report.outcome, &err);
		crew->first = crew->job->ncopies;
		return false;
	}
	if (!take_copies(crew, &member->job)) {
		dismiss(member);
		return false;
	}
	if (process_stopped() || moment_left(crew->job->until, 1) == 0) {
		err_set(&err, 0, process_stopped() ? "stopped by a signal" : "no time was left");
		defer_all(&member->job, 0, &err);
		dismiss(member);
	} else if (start(member, &err) == -1) {
		defer_all(&member->job, 0, &err);
		dismiss(member);
	} else {
		crew->running++;
	}
	return true;
}

static void
fill_places(struct crew *crew)
{
	for (size_t i = 0; i < crew->size; i++)
		while (crew->members[i].pid == 0)
			if (!engage(crew, &crew->members[i]))
				return;
}

static void
listen_to_all(struct crew *crew)
{
	struct pollfd fds[PROCESS_CHILDREN_MAX];
	bool ready = false;

	for (size_t i = 0; i < crew->size; i++)
		fds[i] = (struct pollfd){
			.fd = crew->members[i].pid != 0 ? crew->members[i].socket : -1,
			.events = POLLIN,
		};
	/* Nobody has to be chosen where there is but one. */
	if (crew->running > 1) {
		ready = poll(fds, crew->size, -1) > 0;
		/* Signals are passed on by their handler. */
		if (!ready && errno == EINTR)
			return;
	}
	/* Without poll all are listened to, one after the other. */
	for (size_t i = 0; i < crew->size; i++)
		if (fds[i].fd != -1 && (!ready || fds[i].revents != 0) && attend(&crew->members[i]))
			crew->running--;
}

static void
run_apart(const struct job *job)
{
	struct crew crew = { .job = job, .size = job->settings->workers };
	struct err err;

	crew.waiting = reallocarray(NULL, job->ncopies, sizeof(struct copy *));
	if (crew.waiting == NULL) {
		err_set(&err, ENOMEM, "deliver");
		defer_all(job, 0, &err);
		return;
	}
	memcpy(crew.waiting, job->copies, job->ncopies * sizeof(struct copy *));
	for (fill_places(&crew); crew.running > 0; fill_places(&crew))
		listen_to_all(&crew);
	free(crew.waiting);
}

/* Does it take but one worker? */
static bool
is_undivided(const struct job *job)
{
	for (size_t i = 1; i < job->ncopies; i++)
		if (!is_one_workers(job->copies[0], job->copies[i]))
			return false;
	return true;
}

void
crew_run(const struct job *job)
{
	for (size_t i = 0; i < job->ncopies; i++)
		report_init(&job->copies[i]->report);
	if (job->ncopies == 0)
		return;
	if (!process_is_root() && is_undivided(job))
		worker_run(job, &broker_none);
	else
		run_apart(job);
}
