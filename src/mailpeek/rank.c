/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Sorted by what a person asks for; where that is the same, in the order of the accounts, so that
 * two runs look alike.
 */
#include "rank.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

int
rank_parse(const struct peek *peek, enum rank_key standard, struct ranking *out)
{
	static const struct {
		const char *name;
		enum rank_key key;
	} keys[] = {
		{ "name", RANK_NAME },
		{ "messages", RANK_MESSAGES },
		{ "unread", RANK_UNREAD },
		{ "size", RANK_SIZE },
		{ "quota", RANK_QUOTA },
		{ "newest", RANK_NEWEST },
	};

	*out = (struct ranking){ .key = standard, .reverse = peek->reverse };
	if (peek->top != NULL && peek_count(peek->top, &out->top) == -1)
		return -1;
	if (peek->sort == NULL)
		return 0;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (strcasecmp(peek->sort, keys[i].name) == 0) {
			out->key = keys[i].key;
			return 0;
		}
	speech_complain("cannot sort by \"%s\"; there are name, messages, unread, size, quota, "
	                "newest",
	    peek->sort);
	return -1;
}

static int64_t
value_of(const struct survey_entry *entry, enum rank_key key)
{
	if (!survey_was_counted(entry))
		return -2;
	switch (key) {
	case RANK_MESSAGES:
		return (int64_t)entry->summary.messages;
	case RANK_UNREAD:
		return (int64_t)entry->summary.unread;
	case RANK_SIZE:
		return (int64_t)entry->summary.bytes;
	case RANK_QUOTA:
		return survey_percent(entry);
	case RANK_NEWEST:
		return (int64_t)entry->summary.newest;
	case RANK_AS_THEY_ARE:
	case RANK_NAME:
		break;
	}
	return 0;
}

static int
compare(const void *left, const void *right, void *arg)
{
	const struct survey_entry *a = *(const struct survey_entry *const *)left;
	const struct survey_entry *b = *(const struct survey_entry *const *)right;
	const struct ranking *ranking = arg;
	int order = 0;

	if (ranking->key == RANK_NAME) {
		order = strcmp(a->account.name, b->account.name);
	} else if (ranking->key != RANK_AS_THEY_ARE) {
		int64_t x = value_of(a, ranking->key), y = value_of(b, ranking->key);

		order = (x < y) - (x > y);
	}
	if (order == 0) /* one array */
		order = (a > b) - (a < b);
	return ranking->reverse ? -order : order;
}

const struct survey_entry **
rank(const struct survey *survey, const struct ranking *ranking, bool all, size_t *count,
    size_t *left)
{
	const struct survey_entry **out = calloc(survey->count + 1, sizeof(*out));
	size_t n = 0;

	if (out == NULL)
		speech_no_memory();
	for (size_t i = 0; i < survey->count; i++)
		if (all || survey_is_there(&survey->entries[i]))
			out[n++] = &survey->entries[i];
	if (n > 1)
		qsort_r(out, n, sizeof(*out), compare, (void *)(uintptr_t)ranking);
	*left = ranking->top > 0 && n > ranking->top ? n - ranking->top : 0;
	*count = n - *left;
	return out;
}
