/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * mailpeek verify: everything that is wrong with mailboxes, told before their owners find out. A
 * crew reads them, many at a time; what it found is told account by account, in their order.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crew.h"
#include "inspect.h"
#include "json.h"
#include "meter.h"
#include "screen.h"
#include "survey.h"

struct verification {
	const struct peek *peek;
	struct survey survey;
	struct findings *findings; /* one list for each entry */
	size_t count[SEVERITIES];
	size_t accounts;     /* that were looked at */
	bool could_not_tell; /* of one at least */
	bool hinted[FINDINGS];
};

/* ---- the crew -------------------------------------------------------------------------------- */

static const struct account *
whose(void *arg, size_t i)
{
	const struct verification *v = arg;

	return survey_account(&v->survey, i);
}

static int
verify(void *arg, size_t i, struct buf *report, struct err *err)
{
	const struct verification *v = arg;
	const struct survey_entry *entry = &v->survey.entries[i];
	struct findings findings = { 0 };

	if (inspect(&entry->mailbox, entry->account.uid, &findings, err) == -1)
		findings_add(&findings, FINDING_COULD_NOT_TELL, entry->mailbox.path,
		    FAULT_NO_OFFSET, err->text);
	findings_write(&findings, report);
	findings_free(&findings);
	return 0;
}

static void
take(void *arg, size_t i, const struct buf *report, const struct err *why)
{
	struct verification *v = arg;
	struct survey_entry *entry = &v->survey.entries[i];
	struct err err;

	if (report != NULL && findings_read(&v->findings[i], report) == 0) {
		entry->state = SURVEY_DONE;
		return;
	}
	if (report != NULL) {
		err_set(&err, 0, CREW_NONSENSE);
		why = &err;
	}
	survey_fail(entry, why);
}

static void
run_crew(struct verification *v)
{
	const struct crew crew = {
		.min_uid = v->peek->settings->min_uid,
		.doing = "verifying mailboxes",
		.count = v->survey.count,
		.arg = v,
		.account = whose,
		.work = verify,
		.done = take,
	};

	crew_run(&crew);
}

/* ---- telling --------------------------------------------------------------------------------- */

/* An entry without a report is a finding too, unless it was only one of all accounts and is none of
 * the caller's. */
static void
judge_entry(struct verification *v, size_t i, bool named)
{
	const struct survey_entry *entry = &v->survey.entries[i];
	struct findings *findings = &v->findings[i];

	if (entry->state == SURVEY_FAILED || (entry->state == SURVEY_FORBIDDEN && named))
		findings_add(findings, FINDING_COULD_NOT_TELL,
		    entry->mailbox.path != NULL ? entry->mailbox.path : entry->account.name,
		    FAULT_NO_OFFSET, entry->why != NULL ? entry->why : "not looked at");
	v->accounts += entry->state == SURVEY_DONE;
	found_sort(&findings->list);
	for (size_t f = 0; f < findings->list.n; f++) {
		const unsigned which = findings->list.found[f].which;

		v->count[findings_kinds[which].severity]++;
		v->could_not_tell |= which == FINDING_COULD_NOT_TELL;
	}
}

static void
print_entry(struct verification *v, size_t i)
{
	const struct found_list *list = &v->findings[i].list;

	for (size_t f = 0; f < list->n; f++) {
		const unsigned which = list->found[f].which;

		inspect_print(&list->found[f]);
		if (!v->hinted[which])
			printf("    %s\n", findings_kinds[which].hint);
		v->hinted[which] = true;
	}
}

static void
print_counts(const struct verification *v)
{
	char counts[FOUND_COUNTS_MAX];

	found_counts(counts, v->count);
	printf("%zu account%s, %s\n", v->accounts, v->accounts == 1 ? "" : "s", counts);
}

static void
print_json(const struct verification *v, size_t i)
{
	const struct found_list *list = &v->findings[i].list;
	const char *account = v->survey.entries[i].account.name;

	for (size_t f = 0; f < list->n; f++) {
		json_t *row = json_object();

		json_put(row, "account", json_text(account, strlen(account)));
		inspect_put(row, &list->found[f]);
		json_print(row, v->peek->nul);
	}
}

static enum status
tell(struct verification *v, bool named)
{
	for (size_t i = 0; i < v->survey.count; i++)
		judge_entry(v, i, named);
	if (!v->peek->json)
		peek_page(v->peek);
	for (size_t i = 0; i < v->survey.count; i++) {
		if (v->peek->json)
			print_json(v, i);
		else
			print_entry(v, i);
	}
	if (!v->peek->json)
		print_counts(v);
	if (v->could_not_tell)
		return STATUS_LATER;
	return v->count[SEVERITY_ERROR] + v->count[SEVERITY_WARNING] > 0 ? STATUS_FINDINGS
	                                                                 : STATUS_OK;
}

enum status
cmd_verify(const struct peek *peek, int argc, char **argv)
{
	struct verification v = { .peek = peek };
	enum status status;

	if (peek->list) {
		found_table(findings_kinds, FINDINGS);
		return STATUS_OK;
	}
	status = survey_accounts(peek->settings, argc, argv, &v.survey);
	if (status == STATUS_OK) {
		v.findings = calloc(v.survey.count + 1, sizeof(*v.findings));
		if (v.findings == NULL)
			speech_no_memory();
		meter_start("mailpeek");
		run_crew(&v);
		status = tell(&v, argc > 0);
		for (size_t i = 0; i < v.survey.count; i++)
			findings_free(&v.findings[i]);
		free(v.findings);
	}
	survey_free(&v.survey);
	return status;
}
