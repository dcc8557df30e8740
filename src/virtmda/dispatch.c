/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Places for hand-overs that are under way. One that sendmail keeps waiting holds up no other,
 * unless all places are taken by such.
 */
#include "dispatch.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "handover.h"
#include "io.h"
#include "moment.h"

void
dispatch_init(struct dispatch *dispatch, const struct transaction *transaction, struct plan *plan,
    const struct intake *intake)
{
	*dispatch = (struct dispatch){ .transaction = transaction, .plan = plan, .intake = intake };
}

/* ---- beginning ---------------------------------------------------------------------------------
 */

/* -n: whatever can be seen to be in the way. */
static void
look_only(const struct transaction *t, struct outcome *outcome)
{
	struct err err;
	int fd = io_open_trusted(t->settings->sendmail, NULL, &err);

	if (fd == -1) {
		outcome_from_err(outcome, &err);
		return;
	}
	close(fd);
	outcome_deliver(outcome, "2.0.0", "would be handed over");
}

/* Does it run? If not, its outcome says why. */
static bool
start(struct dispatch *d, struct handover *handover, struct apart *apart)
{
	const struct handover_job job = {
		.transaction = d->transaction, .intake = d->intake, .handover = handover
	};
	struct outcome *outcome = &handover->report.outcome;
	struct err err;

	handover->begun = true;
	if (d->transaction->dry_run)
		look_only(d->transaction, outcome);
	else if (process_stopped())
		outcome_defer(outcome, "4.3.2", "stopped by a signal");
	else if (moment_left(d->transaction->until, 1) == 0)
		outcome_defer(outcome, "4.4.7", "no time was left to hand it over");
	else if (handover_start(&job, apart, &err) == -1)
		outcome_from_err(outcome, &err);
	else
		return true;
	return false;
}

/* NULL: none is left. */
static struct handover *
next(const struct dispatch *d)
{
	for (size_t i = 0; i < d->plan->nhandovers; i++) {
		struct handover *handover = d->plan->handovers[i];

		if (!handover->begun && handover->nrecipients > 0)
			return handover;
	}
	return NULL;
}

void
dispatch_start(struct dispatch *d)
{
	for (size_t i = 0; i < d->transaction->settings->workers;) {
		struct handover *handover = NULL;

		if (d->places[i].handover == NULL && (handover = next(d)) == NULL)
			return;
		if (handover != NULL && start(d, handover, &d->places[i].apart)) {
			d->places[i].handover = handover;
			d->running++;
		}
		i += d->places[i].handover != NULL;
	}
}

/* ---- ending ------------------------------------------------------------------------------------
 */

/* Wait until some have spoken, or are to be given up. */
static void
finish_some(struct dispatch *d)
{
	size_t n = d->transaction->settings->workers;
	struct pollfd fds[PROCESS_HANDOVERS_MAX];
	bool ready;

	for (size_t i = 0; i < n; i++)
		fds[i] = (struct pollfd){
			.fd = d->places[i].handover != NULL ? d->places[i].apart.fd : -1,
			.events = POLLIN,
		};
	ready = poll(fds, n, handover_patience(d->transaction)) > 0;
	/* Signals are passed on by their handler. */
	if (!ready && errno == EINTR)
		return;
	/* Without poll, or when time is up, all are asked, one after the other. */
	for (size_t i = 0; i < n; i++)
		if (fds[i].fd != -1 && (!ready || fds[i].revents != 0)) {
			handover_finish(
			    d->transaction, &d->places[i].apart, &d->places[i].handover->report);
			d->places[i].handover = NULL;
			d->running--;
		}
}

void
dispatch_finish(struct dispatch *d)
{
	for (dispatch_start(d); d->running > 0; dispatch_start(d))
		finish_some(d);
}
