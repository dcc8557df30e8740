/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * By address: every step of the ladder, the account, its mailbox and what is wrong with it, and
 * what last came that way. The map is asked with the caller's rights; each account's mailbox is
 * looked at by a process that has become the account. An address with several targets is told of
 * first, then each target that this host knows: one block, or one JSON object, behind another.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "crew.h"
#include "inspect.h"
#include "json.h"
#include "resolve.h"
#include "screen.h"
#include "sight.h"
#include "trace.h"

#define FOLDER_WIDTH 12
#define FROM_WIDTH   24
#define INDENT       3

struct trace {
	const struct peek *peek;
	const char *address; /* that messages must have come for */
	size_t newest;
	struct resolver *resolver;
	struct names told; /* targets */
};

/* All that is told of one address or target. */
struct block {
	const char *name; /* as it was asked for */
	struct buf steps;
	struct answer answer;
	struct mailbox mailbox; /* path NULL: there is none to look at */
	struct sight sight;
	struct err trouble; /* text "": the mailbox was looked at, or there is none */
};

/* ---- an account's mailbox -------------------------------------------------------------------- */

struct look {
	const struct trace *trace;
	struct block *block;
};

static const struct account *
whose(void *arg, size_t i)
{
	const struct look *look = arg;

	(void)i;
	return &look->block->answer.account;
}

static int
work(void *arg, size_t i, struct buf *report, struct err *err)
{
	const struct look *look = arg;
	struct sight sight;

	(void)i, (void)err;
	sight_look(&sight, &look->block->mailbox, look->trace->address, look->trace->newest);
	sight_write(&sight, report);
	sight_free(&sight);
	return 0;
}

static void
done(void *arg, size_t i, const struct buf *report, const struct err *why)
{
	struct look *look = arg;
	struct block *block = look->block;

	(void)i;
	if (report == NULL)
		block->trouble = *why;
	else if (sight_read(&block->sight, report) == -1)
		err_set(&block->trouble, 0, CREW_NONSENSE);
	else
		block->trouble = block->sight.trouble;
}

/* STATUS_OK, or what is wrong, told. */
static enum status
look_at_mailbox(const struct trace *t, struct block *block)
{
	struct look look = { .trace = t, .block = block };
	const struct crew crew = {
		.min_uid = t->peek->settings->min_uid,
		.doing = "reading",
		.count = 1,
		.arg = &look,
		.account = whose,
		.work = work,
		.done = done,
	};

	if (peek_locate(t->peek->settings, &block->answer.account, &block->mailbox,
	        &block->trouble) == -1) {
		speech_complain("%s", block->trouble.text);
		return block->trouble.num == ENOMEM ? STATUS_LATER : STATUS_CONFIG;
	}
	crew_run(&crew);
	if (block->trouble.text[0] == '\0')
		return block->sight.came > 0 ? STATUS_OK : STATUS_NOTHING;
	/* What is said of a process has no errno. */
	if (block->trouble.num == 0) {
		speech_complain("%s", block->trouble.text);
		return STATUS_LATER;
	}
	return speech_fail(&block->trouble);
}

/* ---- for people ------------------------------------------------------------------------------ */

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
say_steps(struct buf *steps)
{
	char *line, *rest = buf_cstr(steps);

	if (rest == NULL)
		speech_no_memory();
	while ((line = strsep(&rest, "\n")) != NULL) {
		if (*line == '\0')
			continue;
		fputs("    ", stdout);
		screen_vis_line(line);
		putchar('\n');
	}
}

static void
say_arrival(const struct peek *peek, const struct arrival *arrival)
{
	const size_t size_width = peek->exact ? 10 : 5;
	const size_t taken = INDENT + 2 + 5 + 2 + FOLDER_WIDTH + 2 +
	                     screen_date_width(peek->exact) + 2 + size_width + 2 + FROM_WIDTH + 2;
	const size_t width = screen_width();

	screen_cell(SCREEN_LEFT, INDENT, 0, " ", 1);
	screen_number(5, arrival->number);
	screen_cell(SCREEN_LEFT, FOLDER_WIDTH, 0, arrival->folder.data, arrival->folder.len);
	screen_date(arrival->received, peek->exact);
	screen_size(size_width, arrival->size, peek->exact);
	screen_cell(SCREEN_LEFT, FROM_WIDTH, FROM_WIDTH, arrival->from.data, arrival->from.len);
	screen_cell(SCREEN_LEFT, 0,
	    width > taken + 12 ? width - taken
	    : width > 0        ? 12
	                       : 0,
	    arrival->subject.data, arrival->subject.len);
	screen_end_row();
}

static void
say_health(const struct sight *sight)
{
	const struct found_list *list = &sight->findings.list;

	if (list->n == 0)
		puts(sight->is_missing ? "  health   missing" : "  health   ok");
	for (size_t i = 0; i < list->n; i++) {
		fputs("  health   ", stdout);
		inspect_print(&list->found[i]);
	}
}

static void
say_mailbox(const struct trace *t, const struct block *block)
{
	const struct account *account = &block->answer.account;
	const struct sight *sight = &block->sight;

	say("  account  %s (uid %lu, gid %lu)", account->name, (unsigned long)account->uid,
	    (unsigned long)account->gid);
	if (block->mailbox.path == NULL) {
		say("  mailbox  %s", block->trouble.text);
		return;
	}
	say("  mailbox  %s:%s", block->mailbox.format == MAILBOX_MBOX ? "mbox" : "maildir",
	    block->mailbox.path);
	if (sight->newest == NULL) {
		say("  health   %s", block->trouble.text);
		return;
	}
	say_health(sight);
	if (block->trouble.text[0] != '\0')
		return;
	say("  came     %llu message%s for this address in the mailbox",
	    (unsigned long long)sight->came, sight->came == 1 ? "" : "s");
	for (size_t i = 0; i < sight->count; i++)
		say_arrival(t->peek, &sight->newest[i]);
}

static void
say_block(const struct trace *t, struct block *block, bool is_first)
{
	const struct answer *answer = &block->answer;

	if (!is_first)
		putchar('\n');
	say("%s", block->name);
	say_steps(&block->steps);
	if (answer->match != NULL && answer->rung != NULL)
		say("  match    %s (%s)", answer->match, answer->rung);
	else if (answer->match != NULL)
		say("  setting  %s", answer->match);
	if (answer->target != NULL)
		say("  target   %s", answer->target);
	say_verdict(answer);
	if (answer->warning != NULL)
		say("  warning  %s", answer->warning);
	if (answer->kind == ANSWER_ACCOUNT)
		say_mailbox(t, block);
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static json_t *
json_string_or_null(const char *text)
{
	return text == NULL || *text == '\0' ? json_null() : json_text(text, strlen(text));
}

static void
append(json_t *list, json_t *value)
{
	if (json_array_append_new(list, value) == -1)
		speech_no_memory();
}

static json_t *
json_steps(struct buf *steps)
{
	json_t *list = json_array();
	char *line, *rest = buf_cstr(steps);

	if (rest == NULL)
		speech_no_memory();
	while ((line = strsep(&rest, "\n")) != NULL)
		if (*line != '\0')
			append(list, json_text(line, strlen(line)));
	return list;
}

static json_t *
json_addresses(const struct answer *answer)
{
	json_t *list = json_array();

	for (size_t i = 0; i < answer->naddresses; i++)
		append(list, json_string_or_null(answer->addresses[i]));
	return list;
}

static json_t *
json_arrivals(const struct sight *sight)
{
	json_t *list = json_array();

	for (size_t i = 0; i < sight->count; i++) {
		const struct arrival *arrival = &sight->newest[i];
		json_t *one = json_object();

		arrival_put(one, arrival);
		json_put(one, "from", json_text(arrival->from.data, arrival->from.len));
		json_put(one, "subject", json_text(arrival->subject.data, arrival->subject.len));
		append(list, one);
	}
	return list;
}

static json_t *
json_findings(const struct sight *sight)
{
	json_t *list = json_array();

	for (size_t i = 0; i < sight->findings.list.n; i++) {
		json_t *one = json_object();

		inspect_put(one, &sight->findings.list.found[i]);
		append(list, one);
	}
	return list;
}

static void
put_mailbox(json_t *row, const struct block *block)
{
	const struct account *account = &block->answer.account;
	const struct mailbox *mailbox = &block->mailbox;
	const bool was_read = block->sight.newest != NULL && block->trouble.text[0] == '\0';

	json_put(row, "account", json_string_or_null(account->name));
	json_put(row, "detail", json_string_or_null(block->answer.detail));
	json_put(row, "uid", json_integer(account->uid));
	json_put(row, "gid", json_integer(account->gid));
	json_put(row, "format",
	    mailbox->path == NULL
	        ? json_null()
	        : json_string(mailbox->format == MAILBOX_MBOX ? "mbox" : "maildir"));
	json_put(row, "mailbox", json_string_or_null(mailbox->path));
	json_put(row, "missing",
	    block->sight.newest == NULL ? json_null() : json_boolean(block->sight.is_missing));
	json_put(row, "findings",
	    block->sight.newest == NULL ? json_null() : json_findings(&block->sight));
	json_put(row, "came", json_count(was_read, block->sight.came));
	json_put(row, "messages", was_read ? json_arrivals(&block->sight) : json_null());
	json_put(row, "error", json_string_or_null(block->trouble.text));
}

static void
print_json(const struct trace *t, struct block *block)
{
	static const char *const verdicts[] = {
		[ANSWER_DEFER] = "defer",
		[ANSWER_ACCOUNT] = "account",
		[ANSWER_ALIAS] = "alias",
		[ANSWER_FORWARD] = "forward",
		[ANSWER_REJECT] = "reject",
		[ANSWER_DISCARD] = "discard",
		[ANSWER_NOUSER] = "nouser",
	};
	const struct answer *answer = &block->answer;
	const bool is_refusal = answer->kind == ANSWER_DEFER || answer->kind == ANSWER_REJECT ||
	                        answer->kind == ANSWER_NOUSER;
	json_t *row = json_object();

	json_put(row, "recipient", json_string_or_null(block->name));
	json_put(row, "steps", json_steps(&block->steps));
	json_put(row, "verdict", json_string(verdicts[answer->kind]));
	json_put(row, "match", json_string_or_null(answer->match));
	json_put(row, "rung", json_string_or_null(answer->rung));
	json_put(row, "target", json_string_or_null(answer->target));
	json_put(row, "warning", json_string_or_null(answer->warning));
	if (is_refusal) {
		json_put(row, "status", json_string_or_null(answer->status));
		json_put(row, "text", json_string_or_null(answer->text));
	}
	if (answer->kind == ANSWER_ALIAS)
		json_put(row, "alias", json_string_or_null(answer->name));
	if (answer->kind == ANSWER_FORWARD)
		json_put(row, "addresses", json_addresses(answer));
	if (answer->kind == ANSWER_ACCOUNT)
		put_mailbox(row, block);
	json_print(row, t->peek->nul);
}

/* ---- an address, and where it leads ---------------------------------------------------------- */

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

/* Does this host decide about a target? Local names, and addresses in domains of the map. 1 / 0 /
 * -1 with err. */
static int
is_ours(const struct trace *t, const char *target, struct err *err)
{
	struct address address;
	int rc = 1;

	if (address_parse(&address, target, err) == -1)
		return err->num == 0 ? 0 : -1;
	if (address.domain != NULL)
		rc = resolver_is_local(t->resolver, address.domain, err);
	if (rc == 0)
		rc = resolver_has_domain(t->resolver, address.domain, err);
	address_free(&address);
	return rc;
}

static enum status trace_one(struct trace *t, const char *name, bool is_first);

/* The first that is not as it should be counts; a mailbox without such mail is no news where there
 * are several. */
static enum status
follow(struct trace *t, const struct answer *answer)
{
	enum status status = STATUS_OK, one;
	struct err err;

	for (size_t i = 0; i < answer->naddresses; i++) {
		const char *target = answer->addresses[i];
		int ours = is_ours(t, target, &err);

		one = STATUS_OK;
		if (ours == -1) {
			speech_complain("%s: %s", target, err.text);
			one = STATUS_LATER;
		} else if (ours == 1 && peek_is_new(&t->told, target)) {
			one = trace_one(t, target, false);
		}
		if (status == STATUS_OK && one != STATUS_NOTHING)
			status = one;
	}
	return status;
}

static enum status
trace_one(struct trace *t, const char *name, bool is_first)
{
	struct block block = { .name = name };
	enum status status;

	/* A target without a domain may be an alias, what is asked for is an account. */
	if (is_first || strchr(name, '@') != NULL)
		resolve(t->resolver, name, &block.answer, &block.steps);
	else
		resolve_local(t->resolver, name, &block.answer, &block.steps);
	status = status_of(&block.answer);
	if (block.answer.kind == ANSWER_ACCOUNT)
		status = look_at_mailbox(t, &block);
	if (t->peek->json) {
		print_json(t, &block);
	} else {
		peek_page(t->peek);
		say_block(t, &block, is_first);
	}
	if (block.answer.kind == ANSWER_FORWARD)
		status = follow(t, &block.answer);
	sight_free(&block.sight);
	mailbox_free(&block.mailbox);
	answer_free(&block.answer);
	buf_free(&block.steps);
	return status;
}

enum status
trace_address(const struct peek *peek, const char *address, size_t newest)
{
	struct trace t = { .peek = peek, .address = address, .newest = newest };
	enum status status;
	struct err err;

	if (resolver_new(&t.resolver, peek->settings, &err) == -1)
		speech_no_memory();
	status = trace_one(&t, address, true);
	names_free(&t.told);
	resolver_free(t.resolver);
	return status;
}
