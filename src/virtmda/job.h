/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a worker does in one go: a message, and the copies that it makes of it with the rights of
 * one identity. A worker is born with its first job; those that follow are sent to it.
 */
#ifndef VIRTMDA_JOB_H
#define VIRTMDA_JOB_H

#include <stdbool.h>
#include <time.h>

#include "buf.h"
#include "err.h"
#include "intake.h"
#include "plan.h"
#include "settings.h"

struct job {
	const struct settings *settings;
	const char *sender; /* "" for the null sender */
	time_t date;        /* for the From_ line */
	long long until;    /* a moment (moment.h): nobody waits for a lock any longer then */
	const struct intake *intake;
	bool dry_run;         /* become the account and look, but neither read nor write */
	struct copy **copies; /* ncopies of them, with their reports */
	size_t ncopies;
};

/* What its reports say: are all its copies delivered; and nothing was found that had to be noted? A
 * dotlock that could not be removed is one such thing: it is held by whoever lives. */
bool job_is_delivered(const struct job *job);
bool job_went_well(const struct job *job);

#define JOB_SENT_MAX 65536 /* bytes */

/* Send it, with its message, over a parcel_pair to a worker with the same settings, which waits for
 * nothing else: this never blocks. Neither a dry run nor a message that is still a stream can be
 * sent. 0, or -1 with err, also when it is longer than JOB_SENT_MAX. */
int job_send(const struct job *job, int socket, struct err *err);

/* One that was sent. What is not a whole job is an error. */
struct sent_job {
	struct job job;
	struct intake intake; /* the message; closed with the job */
	struct copy *copies;
	struct account *accounts;
	const char **recipients;
};

/* Wait for the next one. 1 with *out (job_free), 0 the sender is gone, -1 with err. */
int job_receive(struct sent_job *out, const struct settings *settings, int socket, struct err *err);
void job_free(struct sent_job *sent);

/* The two halves in between, for jobs as bytes. `out` is appended to: 0, or -1 with errno. *out is
 * good as long as `bytes` are; 0, or -1 with err. */
int job_pack(struct buf *out, const struct job *job);
int job_unpack(struct sent_job *out, unsigned char *bytes, size_t len, struct err *err);

#endif
