/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Search terms: one language for `list` and `search`, spelled as IMAP's SEARCH and doveadm
 * spell theirs, and one judgement of a message by them.
 */
#ifndef MAILPEEK_QUERY_H
#define MAILPEEK_QUERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "buf.h"
#include "err.h"
#include "mailbox_scan.h"

#define QUERY_DEPTH_MAX 64 /* terms within "not" and parentheses */

enum query_kind {
	/* By what they cost: the cheap ones are asked first. */
	QUERY_ALL,
	QUERY_FLAG,
	QUERY_NUMBER,
	QUERY_SIZE,
	QUERY_DELIVERED,
	QUERY_SENT,
	QUERY_FIELD,
	QUERY_BODY,
	QUERY_TEXT,
	/* As dear as what they hold. */
	QUERY_NOT,
	QUERY_AND,
	QUERY_OR,
};

struct query {
	enum query_kind kind, cost; /* cost: the dearest kind in it */
	struct query *first;        /* NOT: one, AND, OR: two or more */
	struct query *next;         /* beside it, in the same AND or OR */
	unsigned flag;              /* FLAG: SCAN_ */
	char *name;                 /* FIELD */
	struct buf needle; /* FIELD, BODY, TEXT: folded; empty in FIELD: that it is there */
	int64_t from, to;  /* NUMBER, SIZE, DELIVERED, SENT: first, and the one behind the last */
};

/* Read terms (see mailpeek(8)). Each argument is a word, or a text of several; none at all means
 * every message. 0 with *out (query_free), or -1 with err: EINVAL with what is wrong. */
int query_parse(struct query **out, int argc, char **argv, time_t now, struct err *err);
void query_free(struct query *query); /* accepts NULL */

/* What mailbox_scan must be asked for. */
unsigned query_wants(const struct query *query);

/* Is it one of those? Within a callback of mailbox_scan that was asked for what query_wants. 1, 0,
 * or -1 with err. A message that is gone is none. */
int query_match(const struct query *query, const struct scan_message *message, struct err *err);

/* ---- when.c --------------------------------------------------------------------------------- */

/* "2026-01-02", "2-Jan-2026", with "T15:04" or "T15:04:05" behind it, "today", "yesterday",
 * "@SECONDS", or so long ago
 * ("3d", "2weeks", "90min"): the local time at which it begins, and the end of that day, minute or
 * second. False if it is none of these. */
bool when_parse(const char *text, time_t now, time_t *begin, time_t *end);

#endif
