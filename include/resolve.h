/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Where mail for a recipient goes: ladder, targets, aliases and accounts put together. The one
 * place that decides; delivery, `virtmap resolve` and `mailpeek trace` all ask it. An error is
 * never a miss.
 */
#ifndef VIRTMDA_RESOLVE_H
#define VIRTMDA_RESOLVE_H

#include <stdbool.h>

#include "account.h"
#include "buf.h"
#include "err.h"
#include "settings.h"

struct resolver; /* settings, open map, accounts and aliases; each is opened when first needed */

enum answer_kind {
	ANSWER_DEFER = 0, /* could not tell: try again later; the state it starts in */
	ANSWER_ACCOUNT,   /* deliver to `account` (detail for folders) */
	ANSWER_ALIAS,     /* a sendmail alias: hand `name` to sendmail */
	ANSWER_FORWARD,   /* hand `addresses` to sendmail */
	ANSWER_REJECT,    /* an `error:` target: status and text */
	ANSWER_DISCARD,   /* accept and drop */
	ANSWER_NOUSER     /* proven: no such user */
};

struct answer {
	enum answer_kind kind;
	char *name;             /* ACCOUNT, ALIAS: the local name */
	char *detail;           /* ACCOUNT: detail from the target, or NULL */
	struct account account; /* ACCOUNT */
	char **addresses; /* FORWARD: naddresses addr-specs, local parts quoted where needed */
	size_t naddresses;
	char status[12];  /* REJECT, DEFER, NOUSER: RFC 3463 */
	char reply[4];    /* REJECT, DEFER, NOUSER: SMTP reply code that the map asks for, or "" */
	char *text;       /* REJECT, DEFER, NOUSER: one line for people; NULL only without memory */
	bool untold;      /* DEFER: something could not be asked; false where the map or the
	                     settings defer, on purpose or by mistake */
	char *match;      /* key of the map that decided last ("@one.example"), or NULL */
	const char *rung; /* its rung of the ladder for people ("catch-all"; static), or NULL */
	char *target;     /* its right side as written, or NULL */
	char *warning;    /* for the log: map edited but not compiled and the like; or NULL */
};

/* 0 with *out (resolver_free), or -1 with err (ENOMEM only). `settings` must outlive it. */
int resolver_new(struct resolver **out, const struct settings *settings, struct err *err);
void resolver_free(struct resolver *resolver); /* accepts NULL */

/* Is the folded domain one of local_domains? 1 / 0 / -1 with err. */
int resolver_is_local(struct resolver *resolver, const char *domain, struct err *err);

/* Is the folded domain one of the map's? 1 / 0 / -1 with err. */
int resolver_has_domain(struct resolver *resolver, const char *domain, struct err *err);

/* Before the first question, if there will be one for nearly every account (account.h). */
void resolver_expect_many(struct resolver *resolver);

/* For those who keep a resolver between questions: forget the map if another one has been
 * published, so that the next question opens that. Accounts and aliases notice changes by
 * themselves. */
void resolver_refresh(struct resolver *resolver);

/* Resolve `recipient` ("user@domain" through the map, a bare name straight to the account). Always
 * fills *out (answer_free); failures are ANSWER_DEFER with a reason. explain, if not NULL, gets a
 * line of text for every step taken ("resolve -v"). */
void resolve(
    struct resolver *resolver, const char *recipient, struct answer *out, struct buf *explain);
void answer_free(struct answer *answer); /* accepts a zeroed one */

/* The same for a local name as the map's right sides have it: its alias if there is one, else its
 * account ("bob", "bob+x"). ANSWER_NOUSER when it is proven to be neither. */
void resolve_local(
    struct resolver *resolver, const char *name, struct answer *out, struct buf *explain);

/* "account", "nouser", ...: the first word of answer_line, and `verdict` in JSON. Static. */
const char *answer_word(enum answer_kind kind);

/* The one-line form of `virtmap resolve -q`, without newline, appended to `line`; strings from
 * outside pass through vis(3). 0, or -1 with ENOMEM. */
int answer_line(const struct answer *answer, struct buf *line);

#endif
