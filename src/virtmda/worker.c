/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The worker. Order: become the account, irrevocably; look for a .forward; read the whole
 * message; only then touch the mailbox. Up to there a signal ends it at once, from there on it
 * finishes or undoes what it began.
 */
#include "worker.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "admission.h"
#include "broker.h"
#include "parcel.h"
#include "process.h"

/* Become the account, and find nothing in the way. 0 or -1, the report then says what. */
static int
prepare(const struct job *job, struct report *report)
{
	struct outcome *outcome = &report->outcome;
	struct err err;
	int forward = 0;

	if (account_become(job->account, job->settings->min_uid, &err) == -1) {
		outcome_from_err(outcome, &err);
		return -1;
	}
	if (!job->final)
		forward = account_has_forward(job->account, &err);
	if (forward == -1) {
		outcome_from_err(outcome, &err);
	} else if (forward == 1) {
		report->finding = REPORT_FORWARD;
		outcome_defer(outcome, "4.3.0", "%s has a .forward", job->account->name);
	}
	return forward == 0 ? 0 : -1;
}

/* Before a byte is read: is there room for any message at all? What cannot be told here the
 * delivery will tell. 0 or -1, the outcome then set. */
static int
look_for_room(
    const struct job *job, const struct mailbox_delivery *delivery, struct outcome *outcome)
{
	struct err err;

	if (mailbox_has_room(
	        job->mailbox, delivery, job->size > 0 ? job->size : 1, job->dry_run, &err) != 0)
		return 0;
	admission_refuse(job->settings, &err, outcome);
	return -1;
}

static void
work(const struct job *job, const struct mailbox_broker *broker, struct report *report)
{
	struct mailbox_delivery delivery = {
		.envelope = job->envelope,
		.uid = job->account->uid,
		.lock_timeout = job->settings->lock_timeout,
		.broker = broker,
		.create_folder = job->settings->detail_folders == FOLDERS_CREATE,
		.warning = { .percent = job->settings->quota_warning,
		    .template = job->settings->quota_warning_template,
		    .account = job->account->name },
	};
	struct message *message;
	struct err err;

	if (prepare(job, report) == -1)
		return;
	if (quota_limits(&delivery.quota, job->settings->quota, job->account->quota_rule, &err) ==
	    -1) {
		outcome_from_err(&report->outcome, &err);
		return;
	}
	if (look_for_room(job, &delivery, &report->outcome) == -1)
		return;
	if (job->dry_run) {
		outcome_deliver(&report->outcome, "2.0.0", "would be delivered");
		return;
	}
	if (intake_message(job->intake, job->settings->spool_directory, &message, &err) == -1) {
		outcome_from_err(&report->outcome, &err);
		return;
	}
	report_note(report, message);
	delivery.message = message;
	process_hold();
	if (mailbox_deliver(job->mailbox, &delivery, &report->receipt, &err) == 0)
		outcome_deliver(&report->outcome, "2.0.0", "delivered");
	else if (report->receipt.over_quota)
		admission_refuse(job->settings, &err, &report->outcome);
	else
		outcome_from_err(&report->outcome, &err);
	message_free(message);
}

/* The status of a worker whose message is durable, should its report not come through. No library
 * ends a process with it. */
#define EXIT_DURABLE 113

static _Noreturn void
worker_process(const struct job *job, int socket)
{
	struct mailbox_broker proxy;
	struct report report;
	struct err err;

	report_init(&report);
	broker_proxy(&proxy, &socket);
	process_close_others((const int[]){ socket, job->dry_run ? -1 : job->intake->fd }, 2);
	process_forked();
	process_release();
	work(job, &proxy, &report);
	if (broker_report(socket, &report, &err) == -1) {
		/* The status says what matters. */
	}
	_exit(report.outcome.class == OUTCOME_DELIVERED ? EXIT_DURABLE : 0);
}

/* What its end says where its report is missing. */
static void
explain_silence(pid_t pid, struct report *report, const struct err *err)
{
	pid_t waited;
	int status;

	report_init(report);
	do
		waited = waitpid(pid, &status, 0);
	while (waited == -1 && errno == EINTR);
	if (waited == pid && WIFEXITED(status) && WEXITSTATUS(status) == EXIT_DURABLE)
		outcome_deliver(&report->outcome, "2.0.0", "delivered");
	else if (waited == pid && WIFSIGNALED(status))
		outcome_defer(&report->outcome, "4.3.0",
		    "the delivering process was killed by signal %d", WTERMSIG(status));
	else
		outcome_from_err(&report->outcome, err);
}

/* Serve the worker, hear its report, see it off. */
static void
attend(struct broker *broker, pid_t pid, int socket, struct report *report)
{
	struct err err;
	int served;

	process_child(pid);
	served = broker_serve(broker, socket, report, &err);
	process_child(0);
	/* A worker that still runs now (we could not hear it) finds nobody to ask, undoes what it
	 * began and ends. */
	close(socket);
	if (served == -1) {
		explain_silence(pid, report, &err);
		return;
	}
	report_check(report);
	/* It has said its last word and holds nothing any more. */
	waitpid(pid, NULL, 0);
}

static int
run_apart(const struct job *job, struct broker *broker, struct report *report, struct err *err)
{
	int sockets[2];
	pid_t pid;

	if (parcel_pair(sockets, err) == -1)
		return -1;
	process_hold();
	pid = fork();
	if (pid == 0) {
		close(sockets[0]); /* or the parent's end would never be seen */
		worker_process(job, sockets[1]);
	}
	close(sockets[1]);
	if (pid == -1) {
		err_set(err, errno, "fork");
		close(sockets[0]);
		return -1;
	}
	attend(broker, pid, sockets[0], report);
	return 0;
}

void
worker_run(const struct job *job, struct report *report)
{
	struct broker *broker;
	struct err err;

	report_init(report);
	if (!process_is_root()) {
		work(job, &broker_none, report);
		return;
	}
	if (broker_new(&broker, job->mailbox, job->account, &err) == -1 ||
	    run_apart(job, broker, report, &err) == -1)
		outcome_from_err(&report->outcome, &err);
	broker_free(broker);
}
