/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One resolution on its way, and what it says.
 */
#ifndef VIRTMDA_WALK_H
#define VIRTMDA_WALK_H

#include <stdbool.h>

#include "resolver.h"

#define WALK_CONFIGURATION "4.3.5" /* RFC 3463: system incorrectly configured */

struct walk {
	struct resolver *resolver;
	const char *recipient; /* as received */
	struct answer *out;
	struct buf *explain;  /* or NULL */
	struct account found; /* by ask_account, for RUNG_ACCOUNT */
	/* A mapping on the way named somebody, and did not just pass on what the sender wrote
	 * (`@old.example %1@new.example`). That nobody is there is then the map's mistake. */
	bool promised;
};

void walk_begin(struct walk *walk, struct resolver *resolver, const char *recipient,
    struct answer *out, struct buf *explain);
/* Nothing decided is deferred, and says so. */
void walk_finish(struct walk *walk);

/* One line for `resolve -v`. Without memory it is missing: it is for people. */
void walk_say(struct walk *walk, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The answer, with status and text. */
void walk_decide(struct walk *walk, enum answer_kind kind, const char *status, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* Could not tell: deferred. */
void walk_give_up(struct walk *walk, const struct err *err);
void walk_give_up_memory(struct walk *walk);
/* Proven: nobody has the name that it came to. fmt: which, and of what it is none. */
void walk_no_such_user(struct walk *walk, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Remember what decided; rung is NULL for a setting. 0, or -1 without memory. */
int walk_remember(struct walk *walk, const char *rung, const char *key, const char *target);
/* For the log: the text was edited and the map does not know yet. */
void walk_note_stale(struct walk *walk);

#endif
