/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * An address as JSON: what could not be told is null.
 */
#include <string.h>

#include "inspect.h"
#include "json.h"
#include "trace_block.h"

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
put_mailbox(json_t *row, const struct trace_block *block)
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

void
trace_print_json(const struct peek *peek, struct trace_block *block)
{
	const struct answer *answer = &block->answer;
	const bool is_refusal = answer->kind == ANSWER_DEFER || answer->kind == ANSWER_REJECT ||
	                        answer->kind == ANSWER_NOUSER;
	json_t *row = json_object();

	json_put(row, "recipient", json_string_or_null(block->name));
	json_put(row, "steps", json_steps(&block->steps));
	json_put(row, "verdict", json_string(answer_word(answer->kind)));
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
	json_print(row, peek->nul);
}
