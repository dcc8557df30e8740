/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * mailpeek trace: where is my mail? By address: every step of the ladder, the account, its mailbox
 * and what is wrong with it, and what last came that way. The map is asked with the caller's
 * rights; each account's mailbox is looked at by a process that has become the account.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "resolve.h"
#include "screen.h"
#include "trace.h"

struct trace {
	const struct peek *peek;
	const char *address;
	size_t newest;
	struct resolver *resolver;
};

static void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static void
say(const char *fmt, ...)
{
	char *text;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n == -1)
		speech_no_memory();
	screen_line(text, strlen(text));
	putchar('\n');
	free(text);
}

/* ---- an account ------------------------------------------------------------------------------ */

static _Noreturn void
become_and_look(const struct trace *t, const struct account *account, const struct mailbox *mailbox)
{
	enum status status;
	struct err err;

	/* The map and the accounts are not the account's. */
	closefrom(STDERR_FILENO + 1);
	if (account_become(account, t->peek->settings->min_uid, &err) == -1) {
		speech_complain("%s", err.text);
		status = err.num == EPERM ? STATUS_FORBIDDEN : STATUS_LATER;
	} else {
		status = trace_mailbox(t->peek, mailbox, t->address, t->newest);
	}
	if (fflush(stdout) == EOF || ferror(stdout)) {
		speech_complain("standard output: %s", strerror(errno));
		status = STATUS_IO;
	}
	_exit((int)status);
}

static enum status
look(const struct trace *t, const struct account *account)
{
	struct mailbox mailbox = { 0 };
	struct err err;
	int status = 0;
	pid_t pid;

	say("  account  %s (uid %lu, gid %lu)", account->name, (unsigned long)account->uid,
	    (unsigned long)account->gid);
	if (peek_locate(t->peek->settings, account, &mailbox, &err) == -1) {
		say("  mailbox  %s", err.text);
		return STATUS_CONFIG;
	}
	say("  mailbox  %s:%s", mailbox.format == MAILBOX_MBOX ? "mbox" : "maildir", mailbox.path);
	fflush(stdout);
	pid = fork();
	if (pid == 0)
		become_and_look(t, account, &mailbox);
	mailbox_free(&mailbox);
	if (pid == -1) {
		speech_complain("fork: %s", strerror(errno));
		return STATUS_LATER;
	}
	while (waitpid(pid, &status, 0) == -1 && errno == EINTR)
		continue;
	if (WIFEXITED(status))
		return (enum status)WEXITSTATUS(status);
	speech_complain("the process that read it ended by signal %d", WTERMSIG(status));
	return STATUS_LATER;
}

/* ---- an answer ------------------------------------------------------------------------------- */

static enum status
status_of(const struct answer *answer)
{
	switch (answer->kind) {
	case ANSWER_NOUSER:
		return STATUS_NO_USER;
	case ANSWER_DEFER:
		return STATUS_LATER;
	case ANSWER_REJECT:
		return STATUS_REJECT;
	case ANSWER_ACCOUNT:
	case ANSWER_ALIAS:
	case ANSWER_FORWARD:
	case ANSWER_DISCARD:
		break;
	}
	return STATUS_OK;
}

static void
say_verdict(const struct answer *answer)
{
	struct buf line = BUF_INIT;
	const char *text;

	/* It has been through vis(3), which must not be seen twice. */
	if (answer_line(answer, &line) == -1 || (text = buf_cstr(&line)) == NULL)
		speech_no_memory();
	fputs("  verdict  ", stdout);
	screen_vis_line(text);
	putchar('\n');
	buf_free(&line);
}

static void
say_steps(const struct buf *steps)
{
	struct buf text = BUF_INIT;
	char *line, *rest;

	if (buf_add(&text, steps->data, steps->len) == -1 || (rest = buf_cstr(&text)) == NULL)
		speech_no_memory();
	while ((line = strsep(&rest, "\n")) != NULL) {
		if (*line == '\0')
			continue;
		fputs("    ", stdout);
		screen_vis_line(line);
		putchar('\n');
	}
	buf_free(&text);
}

static enum status answer_one(const struct trace *t, const struct answer *answer);

/* One of several targets: a local name's account is looked at too. */
static enum status
follow(const struct trace *t, const char *target)
{
	enum status status = STATUS_OK;
	struct answer answer;

	if (strchr(target, '@') != NULL)
		return STATUS_OK;
	putchar('\n');
	say("%s", target);
	resolve_local(t->resolver, target, &answer, NULL);
	status = answer_one(t, &answer);
	answer_free(&answer);
	return status;
}

/* The first that is not as it should be counts; a mailbox without such mail is no news where there
 * are several. */
static enum status
answer_one(const struct trace *t, const struct answer *answer)
{
	enum status status = status_of(answer), one;

	if (answer->match != NULL && answer->rung != NULL)
		say("  match    %s (%s)", answer->match, answer->rung);
	if (answer->target != NULL)
		say("  target   %s", answer->target);
	say_verdict(answer);
	if (answer->warning != NULL)
		say("  warning  %s", answer->warning);
	if (answer->kind == ANSWER_ACCOUNT)
		return look(t, &answer->account);
	for (size_t i = 0; answer->kind == ANSWER_FORWARD && i < answer->naddresses; i++) {
		one = follow(t, answer->addresses[i]);
		if (status == STATUS_OK && one != STATUS_NOTHING)
			status = one;
	}
	return status;
}

static enum status
trace_address(const struct peek *peek, const char *address, size_t newest)
{
	struct trace t = { .peek = peek, .address = address, .newest = newest };
	struct buf steps = BUF_INIT;
	struct answer answer;
	enum status status;
	struct err err;

	if (resolver_new(&t.resolver, peek->settings, &err) == -1)
		speech_no_memory();
	resolve(t.resolver, address, &answer, &steps);
	say("%s", address);
	if (steps.len > 0)
		say_steps(&steps);
	status = answer_one(&t, &answer);
	answer_free(&answer);
	buf_free(&steps);
	resolver_free(t.resolver);
	return status;
}

enum status
cmd_trace(const struct peek *peek, int argc, char **argv)
{
	size_t newest = TRACE_NEWEST, len = strlen(argv[0]);
	enum status status;
	char *id;

	(void)argc;
	if (peek->top != NULL && peek_count(peek->top, &newest) == -1)
		return STATUS_USAGE;
	if (newest > TRACE_NEWEST_MAX)
		newest = TRACE_NEWEST_MAX;
	if (argv[0][0] != '<') {
		peek_page(peek);
		return trace_address(peek, argv[0], newest);
	}
	if (len < 3 || argv[0][len - 1] != '>') {
		speech_complain("\"%s\" is no message-id", argv[0]);
		return STATUS_USAGE;
	}
	if ((id = strndup(argv[0] + 1, len - 2)) == NULL)
		speech_no_memory();
	status = trace_id(peek, id);
	free(id);
	return status;
}
