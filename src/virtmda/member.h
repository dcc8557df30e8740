/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A worker process as its parent sees it: at work, or waiting for a job.
 */
#ifndef VIRTMDA_MEMBER_H
#define VIRTMDA_MEMBER_H

#include "broker.h"
#include "job.h"

struct member {
	pid_t pid; /* 0: there is no process */
	int socket;
	uid_t uid; /* that it has become */
	gid_t gid;
	unsigned long last;    /* when it was given its last job: the crew's to count */
	struct broker *broker; /* the job's */
	struct job job;        /* copies NULL: none */
	bool is_new;           /* born with this job */
	bool heard;            /* has it said anything since it was given the job? */
	size_t reported;       /* copies; reports come in their order */
};

bool member_is_waiting(const struct member *member);

/* Is one that waits as it was left? Any process of that uid may have stopped or ended it, and one
 * that says something unasked is not ours any more. */
bool member_is_sound(const struct member *member);

/* End one that waits: at once, for it holds nothing. */
void member_dismiss(struct member *member);

/* Do member->job in a new process; one that stays waits for another job then. Or give the job to
 * the process that waits. 0, or -1 with err. */
int member_start(struct member *member, bool stays, struct err *err);
int member_give(struct member *member, struct err *err);

/* Its next word: 1 it has more to say, 0 all copies have their reports, -1 with err: there will be
 * no more of them. */
int member_hear(struct member *member, struct err *err);

/* Wait for the end of one that has said its last word, or will not say it (err: why). 1: it ended
 * before it began its job, so that another can have it. 0: what it did not report is explained. */
int member_see_off(struct member *member, const struct err *err);

/* Its time is over: it is killed and not waited for, and what it did not report is "deferred". */
void member_abandon(struct member *member);

#endif
