/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * By address: every step of the ladder, the account, its mailbox and what is wrong with it, and
 * what last came that way. The map is asked with the caller's rights; each account's mailbox is
 * looked at by a process that has become the account. An address with several targets is told of
 * first, then each target that this host knows: one block, or one JSON object, behind another.
 */
#include <errno.h>
#include <string.h>

#include "address.h"
#include "crew.h"
#include "trace.h"
#include "trace_block.h"

struct trace {
	const struct peek *peek;
	const char *address; /* that messages must have come for */
	size_t newest;
	struct resolver *resolver;
	struct names told; /* targets */
};

/* ---- an account's mailbox -------------------------------------------------------------------- */

struct look {
	const struct trace *trace;
	struct trace_block *block;
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
	struct trace_block *block = look->block;

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
look_at_mailbox(const struct trace *t, struct trace_block *block)
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
	struct trace_block block = { .name = name };
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
		trace_print_json(t->peek, &block);
	} else {
		peek_page(t->peek);
		trace_say(t->peek, &block, is_first);
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
