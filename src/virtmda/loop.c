/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Delivered-To and Received headers, which anybody may have written: they are read by a process
 * that can do nothing else. One that lies can only keep a message of its own from going on.
 */
#include "loop.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "apart.h"
#include "io.h"
#include "process.h"
#include "report.h"
#include "rights.h"

/* ---- Delivered-To ------------------------------------------------------------------------------
 */

struct search {
	struct address *ours; /* one that is no address has neither part, and nothing equals it */
	size_t n;
	bool *seen;
	struct err *err;
};

static bool
is_same(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* 1, 0: it is no address; -1 with err. */
static int
parse(struct address *out, const char *text, struct err *err)
{
	if (address_parse(out, text, err) == 0)
		return 1;
	*out = (struct address){ 0 };
	return err->num == 0 ? 0 : -1;
}

static int
look_at(void *arg, const char *value, size_t len)
{
	struct search *search = arg;
	struct address theirs;
	int parsed = strlen(value) == len ? parse(&theirs, value, search->err) : 0;

	if (parsed != 1)
		return parsed;
	for (size_t i = 0; i < search->n; i++)
		if (search->ours[i].local != NULL && is_same(search->ours[i].local, theirs.local) &&
		    is_same(search->ours[i].domain, theirs.domain))
			search->seen[i] = true;
	address_free(&theirs);
	return 0;
}

int
loop_find(const struct message *message, const char *const *originals, size_t noriginals,
    bool *seen, struct err *err)
{
	struct search search = { .n = noriginals, .seen = seen, .err = err };
	int result = 0;

	memset(seen, 0, noriginals * sizeof(*seen));
	search.ours = calloc(noriginals, sizeof(*search.ours));
	if (search.ours == NULL)
		return err_set(err, ENOMEM, "look for a loop");
	for (size_t i = 0; i < noriginals && result != -1; i++)
		result = parse(&search.ours[i], originals[i], err);
	if (result != -1) {
		err->num = 0;
		result =
		    message_each_header(message, "Delivered-To", ADDRESS_MAX + 1, look_at, &search);
		if (result == -1 && err->num == 0)
			err_set(err, errno, "message: read");
	}
	for (size_t i = 0; i < noriginals; i++)
		address_free(&search.ours[i]);
	free(search.ours);
	return result == -1 ? -1 : 0;
}

/* ---- Received ----------------------------------------------------------------------------------
 */

static int
count_hop(void *arg, const char *value, size_t len)
{
	size_t *hops = arg;

	(void)value;
	(void)len;
	return ++*hops > LOOP_HOPS_MAX;
}

/* ---- the process that looks --------------------------------------------------------------------
 */

static int
look(const struct loop_question *question, bool *seen, struct outcome *outcome, struct err *err)
{
	struct message *message;
	size_t hops = 0;
	int many, failed = 0;

	if (intake_message(question->intake, question->settings->spool_directory, &message, err) ==
	    -1)
		return -1;
	/* Where we write none, one that is there says nothing. */
	if (question->settings->delivered_to)
		failed = loop_find(message, question->originals, question->noriginals, seen, err);
	many = failed == -1 ? -1 : message_each_header(message, "Received", 0, count_hop, &hops);
	if (many == -1 && failed == 0)
		err_set(err, errno, "message: read");
	else if (many == 1)
		outcome_reject(outcome, "5.4.6", "more than %d hops: a mail loop", LOOP_HOPS_MAX);
	else if (many == 0)
		outcome_deliver(outcome, "2.0.0", "may go on");
	message_free(message);
	return many == -1 ? -1 : 0;
}

/* What it says. An outcome has room for text that another would believe, so it goes as a report,
 * which is checked. */
struct looker {
	const struct loop_question *question;
	struct report *report; /* behind it stands a byte for each original */
	size_t size;           /* of all of it */
};

static unsigned char *
seen_in(const struct looker *looker)
{
	return (unsigned char *)(looker->report + 1);
}

static int
body(void *arg, int out, pid_t parent)
{
	const struct looker *looker = arg;
	struct err err;

	process_release();
	if (rights_drop(parent, &err) == -1 ||
	    look(looker->question, (bool *)seen_in(looker), &looker->report->outcome, &err) == -1)
		outcome_from_err(&looker->report->outcome, &err);
	return io_write_all(out, looker->report, looker->size) == -1;
}

/* ---- the one who asks --------------------------------------------------------------------------
 */

static void
hear(struct looker *looker, bool *seen, struct outcome *outcome)
{
	const struct loop_question *question = looker->question;
	struct apart apart;
	struct err err;
	int status;

	report_init(looker->report);
	if (apart_start(&apart, question->intake->fd, body, looker, &err) == -1) {
		outcome_from_err(outcome, &err);
		return;
	}
	if (apart_hear(&apart, looker->report, looker->size, question->until, &status) == 0) {
		outcome_defer(outcome, "4.3.0", "the process that looks for a loop said nothing");
		return;
	}
	report_check(looker->report);
	*outcome = looker->report->outcome;
	for (size_t i = 0; i < question->noriginals; i++)
		seen[i] = seen_in(looker)[i] != 0;
}

void
loop_ask(const struct loop_question *question, bool *seen, struct outcome *outcome)
{
	struct looker looker = { .question = question,
		.size = sizeof(struct report) + question->noriginals * sizeof(bool) };
	struct err err;

	outcome_init(outcome);
	looker.report = calloc(1, looker.size);
	if (looker.report != NULL) {
		hear(&looker, seen, outcome);
	} else {
		err_set(&err, ENOMEM, "look for a loop");
		outcome_from_err(outcome, &err);
	}
	free(looker.report);
}
