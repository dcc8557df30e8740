/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The crew: a job is cut into what one worker can do, and so many workers run at a time. The parent
 * answers whoever asks, in the order of asking, so that a worker who waits for a lock holds up
 * nobody. Those that stay between jobs save a fork for each message; they hold nothing then but
 * their socket.
 */
#include "crew.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "broker.h"
#include "member.h"
#include "moment.h"
#include "process.h"
#include "worker.h"

#define TOGETHER_MAX 256 /* copies of one worker: what one that dies takes with it is bounded */
#define MEMBERS_MAX  PROCESS_CHILDREN_MAX /* at work and waiting */

struct crew {
	struct member members[MEMBERS_MAX];
	unsigned long jobs; /* given to them */
	size_t running;     /* members with a job */
	bool stays;

	const struct job *job; /* that is being carried out */
	struct copy **waiting; /* its copies in order; those that were given away are NULL */
	size_t first;          /* no copy waits before this one */
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
defer_all(const struct job *job, const struct err *err)
{
	for (size_t i = 0; i < job->ncopies; i++)
		outcome_from_err(&job->copies[i]->report.outcome, err);
}

/* ---- those at work ------------------------------------------------------------------------------
 */

/* In a place without a process. */
static int
start(struct crew *crew, struct member *member, struct err *err)
{
	int failed = member_start(member, crew->stays, err);

	if (failed == -1 && crew_is_waiting(crew)) {
		/* Those may be what there is too much of. */
		crew_rest(crew);
		failed = member_start(member, crew->stays, err);
	}
	return failed;
}

static void
end_job(struct crew *crew, struct member *member)
{
	broker_free(member->broker);
	free(member->job.copies);
	member->broker = NULL;
	member->job.copies = NULL;
	crew->running--;
}

/* One of its requests, or reports. */
static void
attend(struct crew *crew, struct member *member)
{
	struct err err = { 0 };
	int more = member_hear(member, &err);

	if (more == 1)
		return;
	if ((more == -1 || !crew->stays || !job_went_well(&member->job)) &&
	    member_see_off(member, &err) == 1) {
		if (start(crew, member, &err) == 0)
			return;
		defer_all(&member->job, &err);
	}
	end_job(crew, member);
}

/* ---- all of them --------------------------------------------------------------------------------
 */

bool
crew_is_waiting(const struct crew *crew)
{
	for (size_t i = 0; i < MEMBERS_MAX; i++)
		if (member_is_waiting(&crew->members[i]))
			return true;
	return false;
}

void
crew_rest(struct crew *crew)
{
	for (size_t i = 0; i < MEMBERS_MAX; i++)
		if (member_is_waiting(&crew->members[i]))
			kill(crew->members[i].pid, SIGKILL);
	for (size_t i = 0; i < MEMBERS_MAX; i++)
		if (member_is_waiting(&crew->members[i]))
			member_dismiss(&crew->members[i]);
}

/* One that waits for a job of this identity, or NULL. */
static struct member *
find_waiting(struct crew *crew, const struct account *account)
{
	for (size_t i = 0; i < MEMBERS_MAX; i++) {
		struct member *member = &crew->members[i];

		if (!member_is_waiting(member) || member->uid != account->uid ||
		    member->gid != account->gid)
			continue;
		if (member_is_sound(member))
			return member;
		member_dismiss(member);
	}
	return NULL;
}

/* A free place, if need be that of the one who has waited longest. There is one: fewer are at work
 * than there are places. */
static struct member *
make_place(struct crew *crew)
{
	struct member *longest = NULL;

	for (size_t i = 0; i < MEMBERS_MAX; i++) {
		struct member *member = &crew->members[i];

		if (member->pid == 0 && member->job.copies == NULL)
			return member;
		if (member_is_waiting(member) && (longest == NULL || member->last < longest->last))
			longest = member;
	}
	member_dismiss(longest);
	return longest;
}

/* Somebody gets this job, and its copies with it. */
static void
assign(struct crew *crew, struct job *job)
{
	const struct copy *copy = job->copies[0];
	struct member *member = find_waiting(crew, copy->account);
	bool waited = member != NULL;
	struct err err;
	int failed;

	if (!waited)
		member = make_place(crew);
	member->job = *job;
	member->last = crew->jobs++;
	crew->running++;
	failed = broker_new(&member->broker, &copy->mailbox, copy->account, &err);
	if (failed == 0 && waited && member_give(member, &err) == -1) {
		member_dismiss(member);
		waited = false;
	}
	if (failed == 0 && !waited)
		failed = start(crew, member, &err);
	if (failed == -1) {
		defer_all(job, &err);
		end_job(crew, member);
	}
}

/* Give somebody the next copies. False: none waits. */
static bool
engage(struct crew *crew)
{
	struct job job = *crew->job;
	struct err err;

	job.copies = calloc(crew->job->ncopies, sizeof(struct copy *));
	if (job.copies == NULL) {
		err_set(&err, ENOMEM, "deliver");
		for (size_t i = crew->first; i < crew->job->ncopies; i++)
			if (crew->waiting[i] != NULL)
				outcome_from_err(&crew->waiting[i]->report.outcome, &err);
		crew->first = crew->job->ncopies;
		return false;
	}
	if (!take_copies(crew, &job)) {
		free(job.copies);
		return false;
	}
	if (process_stopped() || moment_left(crew->job->until, 1) == 0) {
		err_set(&err, 0, process_stopped() ? "stopped by a signal" : "no time was left");
		defer_all(&job, &err);
		free(job.copies);
	} else {
		assign(crew, &job);
	}
	return true;
}

static void
engage_all(struct crew *crew)
{
	while (crew->running < crew->job->settings->workers && engage(crew))
		continue;
}

/* Of an account's own processes any can hold up its worker, but not other people's mail. */
static void
abandon_all(struct crew *crew)
{
	for (size_t i = 0; i < MEMBERS_MAX; i++)
		if (crew->members[i].job.copies != NULL) {
			member_abandon(&crew->members[i]);
			end_job(crew, &crew->members[i]);
		}
}

static void
listen_to_all(struct crew *crew)
{
	struct pollfd fds[MEMBERS_MAX];
	const long long until = crew->job->until;
	bool ready = false;

	for (size_t i = 0; i < MEMBERS_MAX; i++)
		fds[i] = (struct pollfd){
			.fd = crew->members[i].job.copies != NULL ? crew->members[i].socket : -1,
			.events = POLLIN,
		};
	/* Nobody has to be chosen where there is but one. */
	if (crew->running > 1 || until != MOMENT_NEVER) {
		int n = poll(fds, MEMBERS_MAX, moment_patience(until));

		if (n == 0)
			abandon_all(crew);
		/* Signals are passed on by their handler. */
		if (n == 0 || (n == -1 && errno == EINTR))
			return;
		ready = n > 0;
	}
	/* Without poll all are listened to, one after the other. */
	for (size_t i = 0; i < MEMBERS_MAX; i++)
		if (fds[i].fd != -1 && (!ready || fds[i].revents != 0))
			attend(crew, &crew->members[i]);
}

static void
run_apart(struct crew *crew, const struct job *job)
{
	struct err err;

	crew->job = job;
	crew->first = 0;
	crew->waiting = reallocarray(NULL, job->ncopies, sizeof(struct copy *));
	if (crew->waiting == NULL) {
		err_set(&err, ENOMEM, "deliver");
		defer_all(job, &err);
		return;
	}
	memcpy(crew->waiting, job->copies, job->ncopies * sizeof(struct copy *));
	for (engage_all(crew); crew->running > 0; engage_all(crew))
		listen_to_all(crew);
	free(crew->waiting);
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
crew_run(struct crew *crew, const struct job *job)
{
	struct crew once = { .stays = false };

	for (size_t i = 0; i < job->ncopies; i++)
		report_init(&job->copies[i]->report);
	if (job->ncopies == 0)
		return;
	if (!process_is_root() && is_undivided(job))
		worker_run(job, &broker_none);
	else
		run_apart(crew == NULL ? &once : crew, job);
}

/* ---- the crew -----------------------------------------------------------------------------------
 */

int
crew_new(struct crew **out, struct err *err)
{
	struct crew *crew = calloc(1, sizeof(*crew));

	*out = crew;
	if (crew == NULL)
		return err_set(err, ENOMEM, "deliver");
	crew->stays = true;
	return 0;
}

void
crew_free(struct crew *crew)
{
	if (crew == NULL)
		return;
	crew_rest(crew);
	free(crew);
}
