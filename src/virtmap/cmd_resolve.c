/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * virtmap resolve: where mail for an address goes, decided by the code that delivers. With -q one
 * line and an exit status for scripts, with -j all of it for programs, otherwise a block for
 * people, with -v every step.
 */
#include <stdlib.h>
#include <string.h>

#include "history_record.h"
#include "mailbox.h"
#include "resolve.h"
#include "rows.h"
#include "text.h"
#include "virtmap.h"

struct asking {
	const struct virtmap *virtmap;
	struct resolver *resolver;
	char form; /* the option: 'j', 'q', 'v', or '\0' */
	struct rows rows;
};

/* The worst of several; what could not be told comes first, since it may hide any of the others. */
static enum status
worse(enum status a, enum status b)
{
	static const enum status order[] = { STATUS_LATER, STATUS_REJECT, STATUS_NOUSER };

	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++)
		if (a == order[i] || b == order[i])
			return order[i];
	return STATUS_OK;
}

static enum status
status_of(enum answer_kind kind)
{
	static const enum status statuses[] = {
		[ANSWER_DEFER] = STATUS_LATER,
		[ANSWER_ACCOUNT] = STATUS_OK,
		[ANSWER_ALIAS] = STATUS_OK,
		[ANSWER_FORWARD] = STATUS_OK,
		[ANSWER_REJECT] = STATUS_REJECT,
		[ANSWER_DISCARD] = STATUS_OK,
		[ANSWER_NOUSER] = STATUS_NOUSER,
	};

	return statuses[kind];
}

/* An account whose mailbox cannot be named gets no mail: the answer is then what delivery would
 * make of it. */
static void
locate(const struct settings *settings, struct answer *answer, struct mailbox *mailbox)
{
	const struct account *account = &answer->account;
	struct err err;

	if (answer->kind != ANSWER_ACCOUNT ||
	    mailbox_locate(mailbox, account->mailbox != NULL ? account->mailbox : settings->mailbox,
	        account->name, account->home, &err) == 0)
		return;
	answer->kind = ANSWER_DEFER;
	strlcpy(answer->status, "4.3.5", sizeof(answer->status));
	free(answer->text);
	answer->text = strdup(err.text);
}

/* ---- for people ---------------------------------------------------------------------------- */

static const char *
or_nothing(const char *text)
{
	return text == NULL ? "" : text;
}

static void
print_account(const struct answer *answer, const struct mailbox *mailbox)
{
	const struct account *account = &answer->account;

	if (account->name == NULL)
		return;
	speech_say(stdout, "  account  %s (uid %lu, gid %lu, home %s)", account->name,
	    (unsigned long)account->uid, (unsigned long)account->gid,
	    *account->home == '\0' ? "none" : account->home);
	if (answer->detail != NULL)
		speech_say(stdout, "  detail   %s", answer->detail);
	if (mailbox->path != NULL)
		speech_say(stdout, "  mailbox  %s:%s",
		    mailbox->format == MAILBOX_MBOX ? "mbox" : "maildir", mailbox->path);
	if (account->quota_rule != NULL)
		speech_say(stdout, "  quota    %s", account->quota_rule);
}

static void
print_verdict(const struct answer *answer)
{
	switch (answer->kind) {
	case ANSWER_DEFER:
		speech_say(stdout, "  verdict  try again later: %s %s", answer->status,
		    or_nothing(answer->text));
		break;
	case ANSWER_ACCOUNT:
		speech_say(stdout, "  verdict  deliver to account %s", answer->name);
		break;
	case ANSWER_ALIAS:
		speech_say(stdout, "  verdict  hand to sendmail as alias %s", answer->name);
		break;
	case ANSWER_FORWARD:
		for (size_t i = 0; i < answer->naddresses; i++)
			speech_say(stdout, "  verdict  forward to %s", answer->addresses[i]);
		break;
	case ANSWER_REJECT:
	case ANSWER_NOUSER:
		speech_say(
		    stdout, "  verdict  refuse: %s %s", answer->status, or_nothing(answer->text));
		break;
	case ANSWER_DISCARD:
		speech_say(stdout, "  verdict  accept and drop");
		break;
	}
}

static void
print_match(const struct answer *answer)
{
	if (answer->match != NULL && answer->rung != NULL)
		speech_say(stdout, "  match    %s (%s)", answer->match, answer->rung);
	else if (answer->match != NULL)
		speech_say(stdout, "  setting  %s", answer->match);
	if (answer->target != NULL)
		speech_say(stdout, "  target   %s", answer->target);
}

/* Every step, further to the right than the answer. They have been through vis(3). */
static void
print_steps(const struct buf *steps)
{
	const char *line = (const char *)steps->data;
	size_t left = steps->len;

	while (left > 0) {
		const char *end = memchr(line, '\n', left);
		size_t len = end == NULL ? left : (size_t)(end - line) + 1;

		fputs("    ", stdout);
		fwrite(line, 1, len, stdout);
		line += len;
		left -= len;
	}
}

static void
print_block(const char *recipient, const struct answer *answer, const struct mailbox *mailbox,
    const struct buf *steps)
{
	speech_say(stdout, "%s", recipient);
	print_steps(steps);
	print_match(answer);
	print_account(answer, mailbox);
	print_verdict(answer);
	if (answer->warning != NULL)
		speech_say(stdout, "  warning  %s", answer->warning);
}

/* ---- for scripts --------------------------------------------------------------------------- */

static void
print_line(const struct answer *answer)
{
	struct buf line = BUF_INIT;

	if (answer_line(answer, &line) == -1 || buf_addc(&line, '\n') == -1) {
		fputs("virtmap: out of memory\n", stderr);
		exit(STATUS_LATER);
	}
	fwrite(line.data, 1, line.len, stdout);
	buf_free(&line);
	if (answer->warning != NULL)
		speech_say(stderr, "virtmap: warning: %s", answer->warning);
}

/* ---- for programs -------------------------------------------------------------------------- */

/* What there is none of is left out. */
static int
put_string(json_t *row, const char *name, const char *text)
{
	return text == NULL || *text == '\0' ? 0
	                                     : json_object_set_new(row, name, history_string(text));
}

static int
put_account(json_t *row, const struct answer *answer, const struct mailbox *mailbox)
{
	const struct account *account = &answer->account;
	int failed = 0;

	if (account->name == NULL)
		return 0;
	failed |= put_string(row, "account", account->name);
	failed |= put_string(row, "detail", answer->detail);
	failed |= json_object_set_new(row, "uid", json_integer(account->uid));
	failed |= json_object_set_new(row, "gid", json_integer(account->gid));
	failed |= put_string(row, "home", account->home);
	if (mailbox->path != NULL) {
		failed |=
		    put_string(row, "format", mailbox->format == MAILBOX_MBOX ? "mbox" : "maildir");
		failed |= put_string(row, "mailbox", mailbox->path);
	}
	return failed | put_string(row, "quota", account->quota_rule);
}

static int
put_addresses(json_t *row, const struct answer *answer)
{
	json_t *all = answer->naddresses == 0 ? NULL : json_array();
	int failed = 0;

	for (size_t i = 0; i < answer->naddresses; i++)
		failed |= json_array_append_new(all, history_string(answer->addresses[i]));
	return all == NULL ? -(answer->naddresses > 0)
	                   : failed | json_object_set_new(row, "addresses", all);
}

/* NULL without memory. */
static json_t *
json_of(const char *recipient, const struct answer *answer, const struct mailbox *mailbox)
{
	json_t *row = json_object();
	int failed = put_string(row, "recipient", recipient);

	failed |= put_string(row, "verdict", answer_word(answer->kind));
	failed |= put_string(row, "match", answer->match);
	failed |= put_string(row, "rung", answer->rung);
	failed |= put_string(row, "target", answer->target);
	failed |= put_account(row, answer, mailbox);
	if (answer->kind == ANSWER_ALIAS)
		failed |= put_string(row, "alias", answer->name);
	failed |= put_addresses(row, answer);
	if (status_of(answer->kind) != STATUS_OK) {
		failed |= put_string(row, "status", answer->status);
		failed |= put_string(row, "text", answer->text);
	}
	failed |= put_string(row, "warning", answer->warning);
	if (failed == 0)
		return row;
	json_decref(row);
	return NULL;
}

/* ---- the command --------------------------------------------------------------------------- */

static enum status
say(struct asking *asking, const char *recipient, const struct answer *answer,
    const struct mailbox *mailbox, const struct buf *steps)
{
	struct err err;

	switch (asking->form) {
	case 'j':
		if (rows_add(&asking->rows, json_of(recipient, answer, mailbox), &err) == -1)
			return speech_fail(&err);
		break;
	case 'q':
		print_line(answer);
		break;
	default:
		print_block(recipient, answer, mailbox, steps);
	}
	return status_of(answer->kind);
}

static enum status
resolve_one(struct asking *asking, const char *recipient)
{
	struct buf explain = BUF_INIT;
	struct mailbox mailbox = { 0 };
	struct answer answer;
	enum status status;

	resolve(asking->resolver, recipient, &answer, asking->form == 'v' ? &explain : NULL);
	locate(asking->virtmap->settings, &answer, &mailbox);
	status = say(asking, recipient, &answer, &mailbox, &explain);
	mailbox_free(&mailbox);
	answer_free(&answer);
	buf_free(&explain);
	return status;
}

enum status
cmd_resolve(const struct virtmap *virtmap, const char *options, int argc, char **argv)
{
	struct asking asking = { .virtmap = virtmap, .form = *options };
	enum status status = STATUS_OK;
	struct err err;

	if (strlen(options) > 1) {
		speech_say(stderr, "virtmap: resolve takes one of -j, -q and -v");
		return STATUS_USAGE;
	}
	if (resolver_new(&asking.resolver, virtmap->settings, &err) == -1)
		return speech_fail(&err);
	for (int i = 0; i < argc; i++) {
		if (i > 0 && asking.form != 'q' && asking.form != 'j')
			putchar('\n');
		status = worse(status, resolve_one(&asking, argv[i]));
	}
	if (asking.form == 'j')
		rows_end(&asking.rows);
	resolver_free(asking.resolver);
	return status;
}
