/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Any lines as the arguments of a search: refused with a reason, or a tree of bounded depth that
 * judges a message. NOT of it judges the other way round.
 */
#include <errno.h>
#include <string.h>

#include "../../src/mailpeek/query.h"
#include "fuzz.h"

#define ARGUMENTS_MAX 32

static const char header[] =
    "From: Ann <ann@one.example>\nSubject: =?utf-8?q?gr=C3=BCn?=\nDate: Thu, 1 Jan 2026 12:00:00 "
    "+0000\n";

/* Are there terms that would read the message itself? Also counts how deep they lie. */
static bool
reads_body(const struct query *query, unsigned depth)
{
	bool found = query->kind == QUERY_BODY || query->kind == QUERY_TEXT;

	FUZZ_CHECK(depth <= 4 * QUERY_DEPTH_MAX);
	for (const struct query *one = query->first; one != NULL; one = one->next)
		found |= reads_body(one, depth + 1);
	return found;
}

static void
judge(struct query *query)
{
	struct scan_message message = { .number = 3,
		.flags = SCAN_FLAGGED,
		.size = 1000,
		.received = 1767268800,
		.header = (const unsigned char *)header,
		.header_len = sizeof(header) - 1 };
	struct query not = { .kind = QUERY_NOT, .first = query };
	struct err err;
	int fits;

	(void)query_wants(query);
	if (reads_body(query, 0))
		return;
	fits = query_match(query, &message, &err);
	FUZZ_CHECK(fits == 0 || fits == 1);
	FUZZ_CHECK(query_match(&not, &message, &err) == !fits);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), *argv[ARGUMENTS_MAX], *line;
	char *rest = text;
	struct query *query;
	struct err err = { 0 };
	int argc = 0;

	setenv("TZ", "Europe/Zurich", 1);
	FUZZ_CHECK(text != NULL);
	memcpy(text, data, size);
	text[size] = '\0';
	while (argc < ARGUMENTS_MAX && (line = strsep(&rest, "\n")) != NULL)
		argv[argc++] = line;
	if (query_parse(&query, argc, argv, 1767268800, &err) == 0) {
		judge(query);
		query_free(query);
	} else {
		FUZZ_CHECK(query == NULL && err.num == EINVAL && err.text[0] != '\0');
	}
	free(text);
	return 0;
}
