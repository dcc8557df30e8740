/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The worker. Order: become the account, irrevocably; look for a .forward; read the whole
 * message; only then touch the mailbox. Up to there a signal ends it at once, from there on it
 * finishes or undoes what it began.
 */
#include "worker.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "account.h"
#include "admission.h"
#include "broker.h"
#include "mailbox.h"
#include "message.h"
#include "moment.h"
#include "process.h"

/* ---- before a byte is read ----------------------------------------------------------------------
 */

/* Does nothing stand in this copy's way? 1, or 0 and the report says what. */
static int
is_free(const struct copy *copy, struct report *report)
{
	struct err err;
	int forward = copy->final ? 0 : account_has_forward(copy->account, &err);

	if (forward == -1) {
		outcome_from_err(&report->outcome, &err);
	} else if (forward == 1) {
		report->finding = REPORT_FORWARD;
		outcome_defer(&report->outcome, "4.3.0", "%s has a .forward", copy->account->name);
	}
	return forward == 0;
}

/* Is there room for any message at all? What cannot be told here the delivery will tell. 1, or 0
 * and the outcome is set. */
static int
has_room(const struct job *job, const struct mailbox_item *item, struct outcome *outcome)
{
	struct err err;

	if (mailbox_has_room(item->mailbox, &item->delivery, 1, job->dry_run, &err) != 0)
		return 1;
	admission_refuse(job->settings, &err, outcome);
	return 0;
}

/* Seconds; at least one, so that a lock is tried at all. */
static unsigned
patience(const struct job *job)
{
	unsigned most = job->settings->lock_timeout;
	int left = moment_left(job->until, (int)most * 1000) / 1000;

	return left > 1 ? (unsigned)left : 1;
}

static int
fill_item(const struct job *job, const struct copy *copy, const struct mailbox_broker *broker,
    struct mailbox_item *item, struct err *err)
{
	const struct settings *settings = job->settings;
	const struct account *account = copy->account;

	*item = (struct mailbox_item){ .mailbox = &copy->mailbox };
	item->delivery = (struct mailbox_delivery){
		.envelope = {
			.sender = job->sender,
			.recipients = copy->recipients,
			.nrecipients = settings->delivered_to ? copy->nrecipients : 0,
			.date = job->date,
		},
		.uid = account->uid,
		.lock_timeout = patience(job),
		.broker = broker,
		.create_folder = settings->detail_folders == FOLDERS_CREATE,
		.warning = { .percent = settings->quota_warning,
		    .template = settings->quota_warning_template,
		    .account = account->name,
		    .home = account->home },
	};
	return quota_limits(&item->delivery.quota, settings->quota, account->quota_rule, err);
}

/* Those that a message can be delivered to, into items and owners. Their number. */
static size_t
look(const struct job *job, const struct mailbox_broker *broker, struct mailbox_item *items,
    struct copy **owners)
{
	size_t n = 0;

	for (size_t i = 0; i < job->ncopies; i++) {
		struct copy *copy = job->copies[i];
		struct outcome *outcome = &copy->report.outcome;
		struct err err;

		if (!is_free(copy, &copy->report))
			continue;
		if (fill_item(job, copy, broker, &items[n], &err) == -1)
			outcome_from_err(outcome, &err);
		else if (has_room(job, &items[n], outcome))
			owners[n++] = copy;
	}
	return n;
}

/* ---- the message -------------------------------------------------------------------------------
 */

static void
conclude(const struct job *job, const struct mailbox_item *item, const struct message *message,
    struct report *report)
{
	report_note(report, message);
	report->receipt = item->receipt;
	if (item->failed == 0)
		outcome_deliver(&report->outcome, "2.0.0", "delivered");
	else if (item->receipt.over_quota)
		admission_refuse(job->settings, &item->err, &report->outcome);
	else
		outcome_from_err(&report->outcome, &item->err);
}

static void
deliver(const struct job *job, struct mailbox_item *items, struct copy **owners, size_t n)
{
	struct message *message;
	struct err err;

	if (intake_message(job->intake, job->settings->spool_directory, &message, &err) == -1) {
		for (size_t i = 0; i < n; i++)
			outcome_from_err(&owners[i]->report.outcome, &err);
		return;
	}
	for (size_t i = 0; i < n; i++)
		items[i].delivery.message = message;
	process_hold();
	mailbox_deliver_all(items, n);
	for (size_t i = 0; i < n; i++)
		conclude(job, &items[i], message, &owners[i]->report);
	message_free(message);
}

static int
work(const struct job *job, const struct mailbox_broker *broker, struct mailbox_item *items,
    struct copy **owners, struct err *err)
{
	size_t n;

	if (items == NULL || owners == NULL)
		return err_set(err, ENOMEM, "deliver");
	if (account_become(job->copies[0]->account, job->settings->min_uid, err) == -1)
		return -1;
	n = look(job, broker, items, owners);
	if (n > 0 && !job->dry_run)
		deliver(job, items, owners, n);
	for (size_t i = 0; i < n && job->dry_run; i++)
		outcome_deliver(&owners[i]->report.outcome, "2.0.0", "would be delivered");
	return 0;
}

void
worker_run(const struct job *job, const struct mailbox_broker *broker)
{
	struct mailbox_item *items = calloc(job->ncopies, sizeof(*items));
	struct copy **owners = calloc(job->ncopies, sizeof(struct copy *));
	struct err err;

	for (size_t i = 0; i < job->ncopies; i++)
		report_init(&job->copies[i]->report);
	if (work(job, broker, items, owners, &err) == -1)
		for (size_t i = 0; i < job->ncopies; i++)
			outcome_from_err(&job->copies[i]->report.outcome, &err);
	free(owners);
	free(items);
}

_Noreturn void
worker_process(const struct job *job, int socket)
{
	struct mailbox_broker proxy;
	bool durable = true;
	struct err err;

	broker_proxy(&proxy, &socket);
	process_close_others((const int[]){ socket, job->dry_run ? -1 : job->intake->fd }, 2);
	process_forked();
	process_release();
	worker_run(job, &proxy);
	for (size_t i = 0; i < job->ncopies; i++) {
		const struct report *report = &job->copies[i]->report;

		durable = durable && report->outcome.class == OUTCOME_DELIVERED;
		if (broker_report(socket, report, &err) == -1) {
			/* The status says what matters. */
		}
	}
	_exit(durable ? WORKER_DURABLE : 0);
}
