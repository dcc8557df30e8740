/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * virtmda(8): put one message into the mailboxes of its recipients. The order of the steps, and
 * nothing else: sane process, arguments, settings, resolve everybody, carry the message there,
 * status. A step that fails ends in "try again later".
 */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "args.h"
#include "exit.h"
#include "intake.h"
#include "io.h"
#include "journal.h"
#include "lmtp_server.h"
#include "plan.h"
#include "process.h"
#include "reply.h"
#include "settings.h"
#include "text.h"
#include "transaction.h"
#include "version.h"

/* Whoever asked for LMTP gets a reply instead of a greeting. */
static enum exit_status
give_up(const struct args *args, const struct err *err)
{
	struct buf reply = BUF_INIT;

	journal_complaint(err->text);
	if (args->wish != ARGS_LMTP) {
		exit_say("4.3.5", NULL, err->text);
	} else if (reply_line(&reply, 421, "4.3.5", err->text) == 0 &&
	           io_write_all(STDOUT_FILENO, reply.data, reply.len) == -1) {
		/* The status says it too. */
	}
	buf_free(&reply);
	return EXIT_LATER;
}

static enum exit_status
print(const char *text)
{
	return io_write_all(STDOUT_FILENO, text, strlen(text)) == 0 ? EXIT_DELIVERED : EXIT_LATER;
}

static enum exit_status
print_version(void)
{
	struct buf text = BUF_INIT;
	enum exit_status status = EXIT_LATER;

	if (version_text(&text) == 0 && buf_cstr(&text) != NULL)
		status = print(buf_cstr(&text));
	buf_free(&text);
	return status;
}

/* ---- everybody resolved, the message carried there ----------------------------------------------
 */

static int
resolve_all(struct plan *plan, const struct args *args, const struct settings *settings,
    struct buf *explain, struct err *err)
{
	struct resolver *resolver;
	int failed = 0;

	plan_init(plan, settings);
	if (resolver_new(&resolver, settings, err) == -1)
		return -1;
	for (size_t i = 0; i < args->nrecipients && failed == 0; i++)
		failed = plan_add(plan, resolver, args->recipients[i], NULL, explain, err);
	/* Map, accounts and aliases are closed before there is a worker that could inherit them. */
	resolver_free(resolver);
	if (failed == -1)
		plan_free(plan);
	return failed;
}

static void
deliver(const struct args *args, const struct settings *settings, struct plan *plan)
{
	const struct transaction transaction = {
		.settings = settings,
		.sender = args->sender,
		.date = time(NULL),
		.dry_run = args->dry_run,
	};
	struct intake intake;
	struct err err;
	int ready = intake_open(&intake, args->dry_run ? 0 : transaction_readers(plan),
	    settings->spool_directory, &err);

	transaction_run(&transaction, plan, ready == 0 ? &intake : NULL, &err);
	if (ready == 0)
		intake_close(&intake);
}

/* ---- what became of it
 * ---------------------------------------------------------------------------- */

static enum exit_status
conclude(const struct plan *plan)
{
	const struct recipient *worst = NULL;
	enum exit_status status = EXIT_DELIVERED;

	for (size_t i = 0; i < plan->nrecipients; i++) {
		enum exit_status own = exit_status_of(plan_outcome(plan->recipients[i]));

		if (worst == NULL || exit_status_worse(status, own) != status)
			worst = plan->recipients[i];
		status = exit_status_worse(status, own);
	}
	if (worst == NULL)
		return EXIT_LATER;
	if (status != EXIT_DELIVERED)
		exit_say(plan_outcome(worst)->status,
		    plan->nrecipients > 1 ? worst->original : NULL, plan_outcome(worst)->text);
	return status;
}

/* -n: one line a recipient, in the form of `virtmap resolve -q`, and where it would go. */
static int
foretell(struct buf *out, const struct recipient *recipient)
{
	const struct copy *copy = recipient->copy;

	if (text_vis(out, recipient->original, strlen(recipient->original)) == -1 ||
	    buf_adds(out, ": ") == -1 || answer_line(&recipient->answer, out) == -1)
		return -1;
	if (copy != NULL &&
	    (buf_adds(out, copy->mailbox.format == MAILBOX_MBOX ? " mbox:" : " maildir:") == -1 ||
	        text_vis(out, copy->mailbox.path, strlen(copy->mailbox.path)) == -1))
		return -1;
	return buf_addc(out, '\n');
}

static void
foretell_all(const struct plan *plan)
{
	struct buf out = BUF_INIT;

	for (size_t i = 0; i < plan->nrecipients; i++)
		if (foretell(&out, plan->recipients[i]) == -1)
			break;
	if (out.len > 0 && io_write_all(STDOUT_FILENO, out.data, out.len) == -1) {
		/* The status says it too. */
	}
	buf_free(&out);
}

static enum exit_status
run(const struct args *args, const struct settings *settings)
{
	struct buf explain = BUF_INIT;
	struct plan plan;
	struct err err;
	enum exit_status status;

	if (resolve_all(&plan, args, settings, args->verbose ? &explain : NULL, &err) == -1) {
		buf_free(&explain);
		return give_up(args, &err);
	}
	if (explain.len > 0 && io_write_all(STDERR_FILENO, explain.data, explain.len) == -1) {
		/* Only for people; the delivery does not depend on it. */
	}
	buf_free(&explain);
	if (args->dry_run)
		foretell_all(&plan);
	deliver(args, settings, &plan);
	status = conclude(&plan);
	plan_free(&plan);
	return status;
}

/* What went wrong the client has heard, as far as it could. */
static enum exit_status
serve(const struct settings *settings)
{
	struct err err;

	if (lmtp_serve(settings, &err) == 0)
		return EXIT_DELIVERED;
	journal_complaint(err.text);
	return EXIT_LATER;
}

static enum exit_status
run_with_settings(const struct args *args)
{
	struct settings settings;
	struct err err;
	enum exit_status status;

	journal_queue_id(args->queue_id);
	if (settings_load(
	        &settings, args->settings_file, args->overrides, args->noverrides, &err) == -1)
		return give_up(args, &err);
	journal_destination(settings.log);
	status = args->wish == ARGS_LMTP ? serve(&settings) : run(args, &settings);
	settings_free(&settings);
	return status;
}

int
main(int argc, char *argv[])
{
	struct args args = { 0 };
	struct err err;
	enum exit_status status = EXIT_LATER;

	journal_start();
	if (process_init(&err) == -1 || args_parse(&args, argc, argv, &err) == -1)
		return (int)give_up(&args, &err);
	switch (args.wish) {
	case ARGS_HELP:
		status = print(args_usage);
		break;
	case ARGS_VERSION:
		status = print_version();
		break;
	case ARGS_DELIVER:
	case ARGS_LMTP:
		status = run_with_settings(&args);
		break;
	}
	args_free(&args);
	return (int)status;
}
