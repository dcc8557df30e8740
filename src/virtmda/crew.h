/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Copies delivered by several workers at once, as many as the setting `workers` allows.
 */
#ifndef VIRTMDA_CREW_H
#define VIRTMDA_CREW_H

#include "worker.h"

/* Carry out the job, which may name any copies. Different accounts' are delivered in parallel, but
 * Maildirs that one uid and gid owns by one worker, which writes to them together. As root every
 * worker is a process of its own, which becomes the account for good; this one serves them as
 * broker and waits. Otherwise what one worker can do is done here, if the account is the caller's
 * own.
 *
 * Always fills every copy's report; what a worker that died or ended without a word did not report
 * is "deferred". From the first call on signals are held (process.h). */
void crew_run(const struct job *job);

#endif
