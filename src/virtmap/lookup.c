/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Answers for mail servers, all from resolve(): what is told at the door is what delivery would do.
 * Servers also ask for parts of an address (Postfix: "@domain", "user@", "domain"); since the whole
 * one has been through the ladder already, those are not there.
 */
#include "lookup.h"

#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "verdict.h"

#define NOT_FOUND "NOTFOUND "
#define LATER     "TEMP try again later"

struct question {
	struct resolver *resolver;
	const struct settings *settings;
	const char *key;
	struct buf *reply;
	char *trouble; /* ERR_TEXT_MAX */
};

/* Each appends its reply: 0, or -1 without memory. */
typedef int lookup_fn(struct question *question);

static int
later(struct question *question, const char *why)
{
	strlcpy(question->trouble, why, ERR_TEXT_MAX); /* for people; may be cut */
	return buf_adds(question->reply, LATER);
}

/* What is too long to be an address may have come without its end. */
static int
is_address(const char *key)
{
	const char *at = strrchr(key, '@');

	return strlen(key) > ADDRESS_MAX || (at != NULL && at != key && at[1] != '\0');
}

/* Is it in the map? 1 / 0 / -1 with err. */
static int
has_domain(struct question *question, const char *domain, struct err *err)
{
	char *folded;
	int rc;

	resolver_refresh(question->resolver);
	folded = address_fold_domain(domain, strlen(domain), err);
	if (folded == NULL)
		return err->num == 0 ? 0 : -1;
	rc = resolver_has_domain(question->resolver, folded, err);
	free(folded);
	return rc;
}

/* The same for the domain of the key, which may be anything. */
static int
is_ours(struct question *question, struct err *err)
{
	const char *at = strrchr(question->key, '@');

	return at == NULL || !is_address(question->key) ? 0 : has_domain(question, at + 1, err);
}

/* The key as resolve() has its recipients: Postfix leaves the quotes of a local part on. malloc'ed,
 * or NULL. */
static char *
without_quotes(const char *key)
{
	const char *at = strrchr(key, '@');
	char *plain = strdup(key), *to = plain;

	if (plain == NULL || key[0] != '"' || at == NULL || at < key + 2 || at[-1] != '"')
		return plain;
	for (const char *p = key + 1; p < at - 1; p++) {
		if (*p == '\\' && p + 1 < at - 1)
			p++;
		*to++ = *p;
	}
	memcpy(to, at, strlen(at) + 1);
	return plain;
}

/* ---- the maps ------------------------------------------------------------------------------ */

static int
verify(struct question *question)
{
	struct verdict verdict;

	if (!is_address(question->key))
		return buf_adds(question->reply, NOT_FOUND);
	verdict_ask(&verdict, question->settings, question->resolver, question->key);
	strlcpy(question->trouble, verdict.trouble, ERR_TEXT_MAX);
	return buf_adds(question->reply, "OK ") == -1 ? -1
	                                              : verdict_word(&verdict, question->reply);
}

/* Only for addresses of ours: a server asks for all its recipients. */
static int
access_action(struct question *question)
{
	struct verdict verdict;
	struct err err;
	char *plain;
	int ours = is_ours(question, &err);

	if (ours == 0)
		return buf_adds(question->reply, NOT_FOUND);
	if (ours == -1)
		return later(question, err.text);
	if ((plain = without_quotes(question->key)) == NULL)
		return -1;
	verdict_ask(&verdict, question->settings, question->resolver, plain);
	free(plain);
	strlcpy(question->trouble, verdict.trouble, ERR_TEXT_MAX);
	if (buf_adds(question->reply, "OK ") == -1)
		return -1;
	return verdict_action(&verdict, question->reply);
}

static int
domain(struct question *question)
{
	struct err err;

	if (strchr(question->key, '@') != NULL)
		return buf_adds(question->reply, NOT_FOUND);
	switch (has_domain(question, question->key, &err)) {
	case 1:
		return buf_adds(question->reply, "OK virtmap");
	case 0:
		return buf_adds(question->reply, NOT_FOUND);
	default:
		return later(question, err.text);
	}
}

/* Where sendmail itself can take the mail: 1 with the addresses appended; 0 it cannot; -1. */
static int
route(struct question *question, const struct answer *answer, const char *between)
{
	if (answer->kind == ANSWER_ALIAS)
		return buf_addf(question->reply, "OK %s", answer->name) == -1 ? -1 : 1;
	if (answer->kind != ANSWER_FORWARD || (between == NULL && answer->naddresses > 1))
		return 0;
	for (size_t i = 0; i < answer->naddresses; i++)
		if (buf_addf(question->reply, "%s%s", i == 0 ? "OK " : between,
		        answer->addresses[i]) == -1)
			return -1;
	if (question->reply->len < LOOKUP_REPLY_MAX)
		return 1;
	buf_clear(question->reply); /* a list as long as that is for virtmda */
	return 0;
}

/* What was decided otherwise virtmda meets again when it delivers. */
static int
routed(struct question *question, const char *recipient, const char *between, const char *otherwise)
{
	struct answer answer;
	int rc;

	resolver_refresh(question->resolver);
	resolve(question->resolver, recipient, &answer, NULL);
	if (answer.kind == ANSWER_DEFER) {
		rc = later(question, answer.text != NULL ? answer.text : "out of memory");
	} else if ((rc = route(question, &answer, between)) == 0) {
		rc = buf_adds(question->reply, otherwise);
		if (rc == 0 && strcmp(otherwise, "OK ") == 0)
			rc = buf_adds(question->reply, question->key);
	}
	answer_free(&answer);
	return rc == -1 ? -1 : 0;
}

static int
virtmap(struct question *question)
{
	return is_address(question->key) ? routed(question, question->key, NULL, NOT_FOUND)
	                                 : buf_adds(question->reply, NOT_FOUND);
}

/* With "not there", Postfix would go on to ask for the address without its detail. */
static int
alias(struct question *question)
{
	struct err err;
	char *plain;
	int rc, ours = is_ours(question, &err);

	if (ours == -1)
		return later(question, err.text);
	if (ours == 0)
		return buf_adds(question->reply, NOT_FOUND);
	if ((plain = without_quotes(question->key)) == NULL)
		return -1;
	rc = routed(question, plain, ", ", "OK ");
	free(plain);
	return rc;
}

static const struct {
	const char *name;
	lookup_fn *answer;
} maps[] = {
	{ "verify", verify },
	{ "virtmap", virtmap },
	{ "access", access_action },
	{ "alias", alias },
	{ "domain", domain },
};

int
lookup_count(void)
{
	return (int)(sizeof(maps) / sizeof(maps[0]));
}

int
lookup_find(const char *name, size_t len)
{
	for (int i = 0; i < lookup_count(); i++)
		if (strlen(maps[i].name) == len && memcmp(maps[i].name, name, len) == 0)
			return i;
	return -1;
}

void
lookup_reply(int map, struct resolver *resolver, const struct settings *settings, const char *key,
    char reply[LOOKUP_REPLY_MAX], char trouble[ERR_TEXT_MAX])
{
	struct buf out = BUF_INIT;
	struct question question = { resolver, settings, key, &out, trouble };
	const char *text = LATER;

	trouble[0] = '\0';
	if (maps[map].answer(&question) == 0 && buf_cstr(&out) != NULL)
		text = buf_cstr(&out);
	else
		strlcpy(trouble, "out of memory", ERR_TEXT_MAX);
	if (strlcpy(reply, text, LOOKUP_REPLY_MAX) >= LOOKUP_REPLY_MAX)
		strlcpy(reply, LATER, LOOKUP_REPLY_MAX);
	buf_free(&out);
}
