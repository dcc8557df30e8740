/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Copies delivered by several workers at once, as many as the setting `workers` allows.
 */
#ifndef VIRTMDA_CREW_H
#define VIRTMDA_CREW_H

#include "job.h"

/* Workers that stay for further jobs. One is used again only for the uid and gid that it has become
 * for good, and is ended at the first thing that is not as usual: a copy that was not delivered, a
 * note in its report, a word when it was not asked, a stop, its death. */
struct crew;

/* 0 with *out (crew_free), or -1 with err. */
int crew_new(struct crew **out, struct err *err);
void crew_free(struct crew *crew); /* accepts NULL; ends them */

/* Do any wait for a job? crew_rest ends those that do: what is kept for long costs more than to
 * start it again. */
bool crew_is_waiting(const struct crew *crew);
void crew_rest(struct crew *crew);

/* Carry out the job, which may name any copies; crew NULL: with workers for this job alone.
 * Different accounts' copies are delivered in parallel, but Maildirs that one uid and gid owns by
 * one worker, which writes to them together. As root every worker is a process of its own, which
 * becomes the account for good; this one serves them as broker and waits. Otherwise what one worker
 * can do is done here, if the account is the caller's own.
 *
 * Always fills every copy's report; what a worker that died or ended without a word did not report
 * is "deferred", but if one that stayed ended before it had its job, another is started for it.
 * Where the job has an end (until) that is kept: who works MOMENT_GRACE later is killed. From the
 * first call on signals are held (process.h). */
void crew_run(struct crew *crew, const struct job *job);

#endif
