/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Reading the history, and judging it: a record is an intent until text and compiled map bear it
 * out, and one that did not come to pass is passed over.
 */
#include "history_read.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "history_file.h"
#include "history_record.h"

int
history_numbers_add(struct history_numbers *numbers, uint64_t number)
{
	uint64_t *more = reallocarray(numbers->numbers, numbers->n + 1, sizeof(*more));

	if (more == NULL)
		return -1;
	numbers->numbers = more;
	more[numbers->n++] = number;
	return 0;
}

bool
history_numbers_have(const struct history_numbers *numbers, uint64_t number)
{
	for (size_t i = 0; i < numbers->n; i++)
		if (numbers->numbers[i] == number)
			return true;
	return false;
}

/* The compiled map is renamed last: if it is of the record's text, all is done. If the text is, the
 * map is still to be compiled. Where neither it nor what was before can be seen, a hand has been at
 * work behind a change that was whole. */
bool
history_has_happened(const struct history_record *record, const struct history_now *now)
{
	if (now->is_compiled && memcmp(now->compiled, record->after, MAP_DIGEST_SIZE) == 0)
		return true;
	if (memcmp(now->text, record->after, MAP_DIGEST_SIZE) == 0)
		return true;
	if (memcmp(now->text, record->before, MAP_DIGEST_SIZE) == 0)
		return false;
	return !now->is_compiled || memcmp(now->compiled, record->before, MAP_DIGEST_SIZE) != 0;
}

/* ---- reading ------------------------------------------------------------------------------------
 */

static int
keep_record(struct history_list *list, const struct history_record *record)
{
	if (list->n == list->room) {
		size_t room = list->room * 2 + 64;
		struct history_record *more = reallocarray(list->records, room, sizeof(*more));

		if (more == NULL)
			return -1;
		list->records = more;
		list->room = room;
	}
	list->records[list->n++] = *record;
	return 0;
}

int
history_read_line(
    struct history_list *list, struct history_numbers *voids, const char *line, size_t len)
{
	struct history_record record;
	uint64_t number;
	int failed;

	switch (history_record_parse(&record, &number, line, len)) {
	case 0:
		return history_numbers_add(voids, number);
	case -1:
		list->torn++;
		return 0;
	}
	if ((failed = keep_record(list, &record)) == -1)
		history_record_free(&record);
	return failed;
}

static int
read_lines(struct history_list *list, struct history_numbers *voids, const struct buf *text)
{
	const char *p = (const char *)text->data, *end = p + text->len, *stop;

	for (; p < end; p = stop + 1) {
		if ((stop = memchr(p, '\n', (size_t)(end - p))) == NULL)
			stop = end;
		if (stop > p && history_read_line(list, voids, p, (size_t)(stop - p)) == -1)
			return -1;
	}
	return 0;
}

static int
by_number(const void *a, const void *b)
{
	const struct history_record *left = a, *right = b;

	return (left->number > right->number) - (left->number < right->number);
}

/* In order, each once (a file that was renamed while we read was read twice), without those that
 * did not come to pass. */
static void
settle(
    struct history_list *list, const struct history_numbers *voids, const struct history_now *now)
{
	size_t kept = 0;

	if (list->n > 0)
		qsort(list->records, list->n, sizeof(*list->records), by_number);
	for (size_t i = 0; i < list->n; i++) {
		struct history_record *record = &list->records[i];

		if (history_numbers_have(voids, record->number) ||
		    (kept > 0 && list->records[kept - 1].number == record->number))
			history_record_free(record);
		else
			list->records[kept++] = *record;
	}
	list->n = kept;
	while (list->n > 0 && !history_has_happened(&list->records[list->n - 1], now))
		history_record_free(&list->records[--list->n]);
}

int
history_read(struct history_list *out, const char *map_path, int trusted,
    const struct history_now *now, struct err *err)
{
	struct history_numbers voids = { NULL, 0 };
	struct buf text = BUF_INIT;
	int failed = 0;

	memset(out, 0, sizeof(*out));
	/* The newest first: a file that is renamed meanwhile is met again, not missed. */
	for (int number = 0; failed == 0 && number <= HISTORY_FILES; number++) {
		int rc = history_file_read(&text, map_path, number, trusted, err);

		if (rc == -1)
			failed = -1;
		else if (rc == 1 && read_lines(out, &voids, &text) == -1)
			failed = err_set(err, ENOMEM, "read the history of %s", map_path);
	}
	if (failed == 0)
		settle(out, &voids, now);
	else
		history_free(out);
	free(voids.numbers);
	buf_free(&text);
	return failed;
}

void
history_free(struct history_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		history_record_free(&list->records[i]);
	free(list->records);
	memset(list, 0, sizeof(*list));
}
