/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The answer of a resolution as one line that scripts can rely on.
 */
#include <stdlib.h>
#include <string.h>

#include "resolve.h"
#include "text.h"

void
answer_free(struct answer *answer)
{
	free(answer->name);
	free(answer->detail);
	account_free(&answer->account);
	for (size_t i = 0; i < answer->naddresses; i++)
		free(answer->addresses[i]);
	free(answer->addresses);
	free(answer->text);
	free(answer->match);
	free(answer->target);
	free(answer->warning);
	memset(answer, 0, sizeof(*answer));
}

static int
add(struct buf *line, const char *text)
{
	return text_vis(line, text, strlen(text));
}

static int
add_account(const struct answer *answer, struct buf *line)
{
	if (add(line, answer->name) == -1)
		return -1;
	if (answer->detail == NULL)
		return 0;
	return buf_addc(line, '+') == -1 ? -1 : add(line, answer->detail);
}

static int
add_alias(const struct answer *answer, struct buf *line)
{
	return add(line, answer->name);
}

static int
add_addresses(const struct answer *answer, struct buf *line)
{
	for (size_t i = 0; i < answer->naddresses; i++)
		if ((i > 0 && buf_addc(line, ',') == -1) || add(line, answer->addresses[i]) == -1)
			return -1;
	return 0;
}

static int
add_text(const struct answer *answer, struct buf *line)
{
	return add(line, answer->text != NULL ? answer->text : "out of memory");
}

static int
add_status_and_text(const struct answer *answer, struct buf *line)
{
	if (add(line, answer->status) == -1 || buf_addc(line, ' ') == -1)
		return -1;
	return add_text(answer, line);
}

static const struct {
	const char *word;
	int (*rest)(const struct answer *answer, struct buf *line);
} forms[] = {
	[ANSWER_DEFER] = { "defer", add_text },
	[ANSWER_ACCOUNT] = { "account", add_account },
	[ANSWER_ALIAS] = { "alias", add_alias },
	[ANSWER_FORWARD] = { "forward", add_addresses },
	[ANSWER_REJECT] = { "reject", add_status_and_text },
	[ANSWER_DISCARD] = { "discard", NULL },
	[ANSWER_NOUSER] = { "nouser", NULL },
};

const char *
answer_word(enum answer_kind kind)
{
	return forms[kind].word;
}

int
answer_line(const struct answer *answer, struct buf *line)
{
	if (buf_adds(line, answer_word(answer->kind)) == -1)
		return -1;
	if (forms[answer->kind].rest == NULL)
		return 0;
	return buf_addc(line, ' ') == -1 ? -1 : forms[answer->kind].rest(answer, line);
}
