/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a resolution has found, put into its answer and into words.
 */
#include "walk.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "map.h"
#include "outcome.h"
#include "text.h"

#define NO_SUCH_USER "5.1.1" /* RFC 3463 */

void
walk_begin(struct walk *walk, struct resolver *resolver, const char *recipient, struct answer *out,
    struct buf *explain)
{
	memset(out, 0, sizeof(*out));
	strlcpy(out->status, "4.3.0", sizeof(out->status));
	*walk = (struct walk){
		.resolver = resolver, .recipient = recipient, .out = out, .explain = explain
	};
}

void
walk_say(struct walk *walk, const char *fmt, ...)
{
	char *line;
	va_list ap;
	int n;

	if (walk->explain == NULL)
		return;
	va_start(ap, fmt);
	n = vasprintf(&line, fmt, ap);
	va_end(ap);
	if (n == -1)
		return;
	if (text_vis(walk->explain, line, (size_t)n) == 0)
		buf_addc(walk->explain, '\n');
	free(line);
}

void
walk_decide(struct walk *walk, enum answer_kind kind, const char *status, const char *fmt, ...)
{
	struct answer *out = walk->out;
	va_list ap;

	free(out->text);
	va_start(ap, fmt);
	if (vasprintf(&out->text, fmt, ap) == -1)
		out->text = NULL;
	va_end(ap);
	/* Whoever runs out of memory here cannot explain a refusal, so it is none. */
	out->untold = out->text == NULL;
	out->kind = out->untold ? ANSWER_DEFER : kind;
	strlcpy(out->status, out->untold ? "4.3.2" : status, sizeof(out->status));
}

void
walk_give_up(struct walk *walk, const struct err *err)
{
	struct outcome outcome;

	outcome_from_err(&outcome, err);
	walk_decide(walk, ANSWER_DEFER, outcome.status, "%s", outcome.text);
	walk->out->untold = true;
	/* Perhaps it was the map: GDBM answers no more on a handle that met damage. */
	resolver_forget_map(walk->resolver);
}

void
walk_give_up_memory(struct walk *walk)
{
	struct err err;

	err_set(&err, ENOMEM, "resolve %s", walk->recipient);
	walk_give_up(walk, &err);
}

void
walk_no_such_user(struct walk *walk, const char *fmt, ...)
{
	const struct answer *out = walk->out;
	char why[ERR_TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap); /* for people; the names in it are cut if need be */
	va_end(ap);
	if (!walk->promised)
		walk_decide(walk, ANSWER_NOUSER, NO_SUCH_USER, "no such user: %s", walk->recipient);
	else
		walk_decide(walk, ANSWER_DEFER, WALK_CONFIGURATION, "%s -> %s: %s", out->match,
		    out->target != NULL ? out->target : "", why);
}

int
walk_remember(struct walk *walk, const char *rung, const char *key, const char *target)
{
	struct answer *out = walk->out;

	free(out->match);
	free(out->target);
	out->rung = rung;
	out->match = strdup(key);
	out->target = target == NULL ? NULL : strdup(target);
	return out->match == NULL || (target != NULL && out->target == NULL) ? -1 : 0;
}

void
walk_note_stale(struct walk *walk)
{
	struct resolver *resolver = walk->resolver;
	struct err err;
	char **warning = &walk->out->warning;
	int n = 0;

	if (resolver->map == NULL)
		return;
	switch (map_is_stale(resolver->map, &err)) {
	case 1:
		n = asprintf(warning, "%s was changed and not compiled: run virtmap build",
		    resolver->settings->map);
		break;
	case -1:
		n = asprintf(warning, "%s", err.text);
		break;
	}
	if (n == -1)
		*warning = NULL;
	if (*warning != NULL)
		walk_say(walk, "warning: %s", *warning);
}

void
walk_finish(struct walk *walk)
{
	struct err err;

	account_free(&walk->found);
	if (walk->out->kind != ANSWER_DEFER || walk->out->text != NULL)
		return;
	err_set(&err, 0, "%s: no decision was reached", walk->recipient);
	walk_give_up(walk, &err);
}
