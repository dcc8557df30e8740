/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The worker, a process that does nothing else than one identity's deliveries. Order: become the
 * account, irrevocably; look for a .forward; read the whole message; only then touch the mailbox.
 * Up to there a signal ends it at once, from there on it finishes or undoes what it began. The next
 * message, if there is one, begins behind the first step.
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

/* Those of a group that a message can be delivered to, into items and owners. Their number. */
static size_t
look(const struct job *job, const struct mailbox_broker *broker, struct copy **copies, size_t n,
    struct mailbox_item *items, struct copy **owners)
{
	size_t found = 0;

	for (size_t i = 0; i < n; i++) {
		struct copy *copy = copies[i];
		struct outcome *outcome = &copy->report.outcome;
		struct err err;

		if (!is_free(copy, &copy->report))
			continue;
		if (fill_item(job, copy, broker, &items[found], &err) == -1)
			outcome_from_err(outcome, &err);
		else if (has_room(job, &items[found], outcome))
			owners[found++] = copy;
	}
	return found;
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
deliver(const struct job *job, const struct message *message, struct mailbox_item *items,
    struct copy **owners, size_t n)
{
	for (size_t i = 0; i < n; i++)
		items[i].delivery.message = message;
	process_hold();
	mailbox_deliver_all(items, n);
	for (size_t i = 0; i < n; i++)
		conclude(job, &items[i], message, &owners[i]->report);
}

/* ---- the job -----------------------------------------------------------------------------------
 */

/* What has been settled of the job's first copies is told at once: were this process killed, those
 * that are in their mailboxes would be taken for missing, and sent again. Reports are told apart by
 * their order, so behind one that was not heard there are no others. */
struct listener {
	int socket; /* -1: there is none */
	size_t told;
	bool deaf;
};

static void
tell(struct listener *listener, const struct job *job, size_t settled)
{
	struct err err;

	for (; listener->told < settled && listener->socket != -1 && !listener->deaf;
	     listener->told++)
		listener->deaf = broker_report(listener->socket,
		                     &job->copies[listener->told]->report, &err) == -1;
}

/* Copies delivered together. */
struct group {
	struct mailbox_item *items;
	struct copy **owners;
	struct message *message; /* NULL until it is needed */
};

static void
work_on_group(const struct job *job, const struct mailbox_broker *broker, struct group *group,
    struct copy **copies, size_t n)
{
	size_t found = look(job, broker, copies, n, group->items, group->owners);
	int ready = 0;
	struct err err;

	if (found > 0 && !job->dry_run && group->message == NULL)
		ready = intake_message(
		    job->intake, job->settings->spool_directory, &group->message, &err);
	if (found > 0 && !job->dry_run && ready == 0)
		deliver(job, group->message, group->items, group->owners, found);
	for (size_t i = 0; i < found && job->dry_run; i++)
		outcome_deliver(&group->owners[i]->report.outcome, "2.0.0", "would be delivered");
	for (size_t i = 0; i < found && ready == -1; i++)
		outcome_from_err(&group->owners[i]->report.outcome, &err);
}

static void
defer_all(const struct job *job, const struct err *err)
{
	for (size_t i = 0; i < job->ncopies; i++)
		outcome_from_err(&job->copies[i]->report.outcome, err);
}

/* This process is the account already. */
static void
work(const struct job *job, const struct mailbox_broker *broker, struct listener *listener)
{
	size_t most = job->ncopies < MAILBOX_AT_ONCE ? job->ncopies : MAILBOX_AT_ONCE, done = 0;
	struct group group = { .items = calloc(most, sizeof(*group.items)),
		.owners = calloc(most, sizeof(struct copy *)) };
	struct err err;

	while (done < job->ncopies && group.items != NULL && group.owners != NULL) {
		size_t n = job->ncopies - done < most ? job->ncopies - done : most;

		work_on_group(job, broker, &group, job->copies + done, n);
		done += n;
		tell(listener, job, done);
	}
	if (done == 0) {
		err_set(&err, ENOMEM, "deliver");
		defer_all(job, &err);
		tell(listener, job, job->ncopies);
	}
	message_free(group.message);
	free(group.owners);
	free(group.items);
}

static int
become(const struct job *job)
{
	struct err err;

	for (size_t i = 0; i < job->ncopies; i++)
		report_init(&job->copies[i]->report);
	if (account_become(job->copies[0]->account, job->settings->min_uid, &err) == 0)
		return 0;
	defer_all(job, &err);
	return -1;
}

void
worker_run(const struct job *job, const struct mailbox_broker *broker)
{
	struct listener nobody = { .socket = -1 };

	if (become(job) == 0)
		work(job, broker, &nobody);
}

/* ---- a process of its own
 * ------------------------------------------------------------------------
 */

static bool
is_for(const struct job *job, uid_t uid, gid_t gid)
{
	for (size_t i = 0; i < job->ncopies; i++)
		if (job->copies[i]->account->uid != uid || job->copies[i]->account->gid != gid)
			return false;
	return true;
}

/* Jobs that are sent, until there is something about one that is not as usual, or the parent lets
 * go. Nothing of a job is left for the next one: what it opened is closed, whoever forgot it, and
 * what it found out is looked at again. Between jobs a signal ends this process at once. */
static bool
work_on_more(const struct settings *settings, const struct mailbox_broker *proxy, int socket)
{
	const uid_t uid = getuid();
	const gid_t gid = getgid();
	struct sent_job sent;
	bool durable = true, goes_on = true;
	struct err err;

	while (goes_on) {
		struct listener parent = { .socket = socket };

		process_close_others(&socket, 1);
		process_release();
		if (job_receive(&sent, settings, socket, &err) != 1 || !is_for(&sent.job, uid, gid))
			return false;
		work(&sent.job, proxy, &parent);
		durable = job_is_delivered(&sent.job);
		goes_on = job_went_well(&sent.job) && !parent.deaf;
		job_free(&sent);
	}
	return durable;
}

_Noreturn void
worker_process(const struct job *job, int socket, bool stays)
{
	struct listener parent = { .socket = socket };
	struct mailbox_broker proxy;
	bool durable;

	broker_proxy(&proxy, &socket);
	process_close_others((const int[]){ socket, job->dry_run ? -1 : job->intake->fd }, 2);
	process_forked();
	process_release();
	if (become(job) == 0)
		work(job, &proxy, &parent);
	else
		tell(&parent, job, job->ncopies);
	durable = job_is_delivered(job);
	if (stays && job_went_well(job) && !parent.deaf)
		durable = work_on_more(job->settings, &proxy, socket);
	_exit(durable ? WORKER_DURABLE : 0);
}
