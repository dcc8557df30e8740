/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Any bytes as what comes through the pipe from a process that counts mailboxes, in pieces of any
 * size: the first byte says of how many accounts it is to tell, the second how long the pieces
 * are. Of every account there is one answer, in order, whatever is said.
 */
#include <string.h>

#define crew_run crew_run_in_processes
#include "../../src/mailpeek/crew.c"
#undef crew_run
#include "../../src/mailpeek/survey.h"
#include "fuzz.h"

#define ACCOUNTS 8

static const uint8_t *input;
static size_t input_len, piece_len;

/* In place of the crew's: no processes, but its ears. */
void crew_run(const struct crew *crew);

void
crew_run(const struct crew *crew)
{
	struct foreman f = { .crew = crew };
	struct slot slot = { .fd = -1, .end = crew->count };
	struct err err;
	bool is_sense = true;

	while (is_sense && input_len > 0) {
		size_t n = input_len < piece_len ? input_len : piece_len, next = slot.next;

		FUZZ_CHECK(buf_add(&slot.got, input, n) == 0);
		input += n;
		input_len -= n;
		is_sense = take_reports(&f, &slot);
		FUZZ_CHECK(slot.next >= next && slot.next <= slot.end && f.done == slot.next);
	}
	err_set(&err, 0, "nonsense");
	while (slot.next < slot.end)
		give_up(&f, slot.next++, &err);
	buf_free(&slot.got);
}

static void
check(const struct survey_entry *entry)
{
	FUZZ_CHECK(entry->state == SURVEY_DONE || entry->why != NULL);
	if (entry->state != SURVEY_DONE)
		return;
	FUZZ_CHECK(mailbox_health_text(entry->summary.health)[0] != '\0');
	FUZZ_CHECK(survey_percent(entry) >= -1);
	FUZZ_CHECK(survey_was_counted(entry) || entry->summary.health != MAILBOX_SOUND);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char path[] = "/nonexistent", quota[] = "*:storage=1K:messages=2";
	static const struct settings settings = { .quota = quota };
	struct survey_entry entries[ACCOUNTS];
	struct survey survey = { .entries = entries };

	if (size < 2)
		return 0;
	memset(entries, 0, sizeof(entries));
	survey.count = 1 + data[0] % ACCOUNTS;
	piece_len = 1 + (size_t)data[1];
	input = data + 2;
	input_len = size - 2;
	for (size_t i = 0; i < survey.count; i++) {
		entries[i].mailbox.path = path;
		entries[i].mailbox.format = i % 2 == 0 ? MAILBOX_MBOX : MAILBOX_MAILDIR;
	}
	survey_count(&survey, &settings);
	for (size_t i = 0; i < survey.count; i++) {
		check(&entries[i]);
		free(entries[i].why);
	}
	return 0;
}
