/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Reads search terms: words with or without a value, "not", "or", parentheses; what stands side
 * by side is ANDed, "and" may be said. A value is the next word, and a word that came as an
 * argument of its own is a value as a whole, whatever it holds: the shell has quoted it already.
 * What could be meant in two ways is refused.
 */
#include "query.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fold.h"
#include "mailpeek.h"
#include "text.h"
#include "words.h"

/* ---- the words ------------------------------------------------------------------------------- */

enum takes { NOTHING, TEXT, NAME_AND_TEXT, SIZE, WHEN, NUMBERS };

enum side { WITH, WITHOUT, MORE, LESS, ALL_OF };

static const struct term {
	const char *word;
	enum takes takes;
	enum query_kind kind;
	enum side side; /* FLAG: with or without; SIZE, dates: from there, up to there, just it */
	unsigned flag;
	const char *field;
} terms[] = {
	{ .word = "all", .kind = QUERY_ALL },
	{ .word = "read", .kind = QUERY_FLAG, .flag = SCAN_SEEN },
	{ .word = "seen", .kind = QUERY_FLAG, .flag = SCAN_SEEN },
	{ .word = "unread", .kind = QUERY_FLAG, .flag = SCAN_SEEN, .side = WITHOUT },
	{ .word = "unseen", .kind = QUERY_FLAG, .flag = SCAN_SEEN, .side = WITHOUT },
	{ .word = "answered", .kind = QUERY_FLAG, .flag = SCAN_ANSWERED },
	{ .word = "unanswered", .kind = QUERY_FLAG, .flag = SCAN_ANSWERED, .side = WITHOUT },
	{ .word = "flagged", .kind = QUERY_FLAG, .flag = SCAN_FLAGGED },
	{ .word = "unflagged", .kind = QUERY_FLAG, .flag = SCAN_FLAGGED, .side = WITHOUT },
	{ .word = "deleted", .kind = QUERY_FLAG, .flag = SCAN_DELETED },
	{ .word = "undeleted", .kind = QUERY_FLAG, .flag = SCAN_DELETED, .side = WITHOUT },
	{ .word = "draft", .kind = QUERY_FLAG, .flag = SCAN_DRAFT },
	{ .word = "undraft", .kind = QUERY_FLAG, .flag = SCAN_DRAFT, .side = WITHOUT },
	{ .word = "passed", .kind = QUERY_FLAG, .flag = SCAN_PASSED },
	{ .word = "recent", .kind = QUERY_FLAG, .flag = SCAN_RECENT },
	{ .word = "old", .kind = QUERY_FLAG, .flag = SCAN_RECENT, .side = WITHOUT },
	{ .word = "from", .takes = TEXT, .kind = QUERY_FIELD, .field = "From" },
	{ .word = "to", .takes = TEXT, .kind = QUERY_FIELD, .field = "To" },
	{ .word = "cc", .takes = TEXT, .kind = QUERY_FIELD, .field = "Cc" },
	{ .word = "bcc", .takes = TEXT, .kind = QUERY_FIELD, .field = "Bcc" },
	{ .word = "subject", .takes = TEXT, .kind = QUERY_FIELD, .field = "Subject" },
	{ .word = "header", .takes = NAME_AND_TEXT, .kind = QUERY_FIELD },
	{ .word = "body", .takes = TEXT, .kind = QUERY_BODY },
	{ .word = "text", .takes = TEXT, .kind = QUERY_TEXT },
	{ .word = "larger", .takes = SIZE, .kind = QUERY_SIZE, .side = MORE },
	{ .word = "smaller", .takes = SIZE, .kind = QUERY_SIZE, .side = LESS },
	{ .word = "since", .takes = WHEN, .kind = QUERY_DELIVERED, .side = MORE },
	{ .word = "before", .takes = WHEN, .kind = QUERY_DELIVERED, .side = LESS },
	{ .word = "on", .takes = WHEN, .kind = QUERY_DELIVERED, .side = ALL_OF },
	{ .word = "sentsince", .takes = WHEN, .kind = QUERY_SENT, .side = MORE },
	{ .word = "sentbefore", .takes = WHEN, .kind = QUERY_SENT, .side = LESS },
	{ .word = "senton", .takes = WHEN, .kind = QUERY_SENT, .side = ALL_OF },
	{ .word = "number", .takes = NUMBERS, .kind = QUERY_NUMBER },
};

#define NTERMS (sizeof(terms) / sizeof(terms[0]))

static const struct term *
find_term(const char *word, size_t len)
{
	for (size_t i = 0; i < NTERMS; i++)
		if (text_is_word(terms[i].word, word, len))
			return &terms[i];
	return NULL;
}

struct parser {
	struct words words;
	size_t depth;
	time_t now;
};

/* Is there another "word:" in an argument that is one value if not? */
static bool
is_ambiguous(const char *text)
{
	for (const char *p = text; (p = strpbrk(p, " \t")) != NULL; p++)
		if (find_term(p + 1, strcspn(p + 1, ": \t")) != NULL &&
		    p[1 + strcspn(p + 1, ": \t")] == ':')
			return true;
	return false;
}

/* The value behind "word:", s->words.p at it. `whole`: the argument began with that word. */
static int
read_attached(struct parser *s, const struct term *term, bool whole)
{
	if (*s->words.p == '\0' || isspace((unsigned char)*s->words.p))
		return words_value(&s->words, term->word);
	if (*s->words.p == '"' || !whole || term->takes == NAME_AND_TEXT)
		return words_read(&s->words);
	if (is_ambiguous(s->words.p))
		return words_wrong(&s->words,
		    "one value or several terms? Quote what belongs together: %s", s->words.p);
	words_rest(&s->words);
	return 0;
}

/* ---- terms ----------------------------------------------------------------------------------- */

static struct query *
new_query(enum query_kind kind)
{
	struct query *query = calloc(1, sizeof(*query));

	if (query == NULL)
		speech_no_memory();
	query->kind = query->cost = kind;
	return query;
}

void
query_free(struct query *query)
{
	while (query != NULL) {
		struct query *next = query->next;

		query_free(query->first);
		free(query->name);
		buf_free(&query->needle);
		free(query);
		query = next;
	}
}

static int
set_name(struct parser *s, struct query *query, const char *name)
{
	if (name[0] == '\0' || strpbrk(name, ": \t\r\n") != NULL)
		return words_wrong(&s->words, "\"%s\" is no header's name", name);
	if ((query->name = strdup(name)) == NULL)
		speech_no_memory();
	return 0;
}

static int
set_size(struct parser *s, struct query *query, enum side side)
{
	uint64_t bytes;

	if (!isdigit((unsigned char)s->words.word[0]) ||
	    expand_number(s->words.word, &bytes) == -1 || bytes > INT64_MAX / 2)
		return words_wrong(&s->words, "\"%s\" is no size (1234, 20K, 3M)", s->words.word);
	query->from = side == MORE ? (int64_t)bytes + 1 : 0;
	query->to = side == MORE ? INT64_MAX : (int64_t)bytes;
	return 0;
}

static int
set_when(struct parser *s, struct query *query, enum side side)
{
	time_t begin, end;

	if (!when_parse(s->words.word, s->now, &begin, &end))
		return words_wrong(&s->words,
		    "\"%s\" is no date (2026-01-31, 31-Jan-2026, 2026-01-31T12:00, today, 3d)",
		    s->words.word);
	query->from = side == LESS ? INT64_MIN : begin;
	query->to = side == MORE ? INT64_MAX : side == LESS ? begin : end;
	return 0;
}

/* Digits, not too many of them. */
static bool
read_number(const char **p, int64_t *out)
{
	size_t digits = strspn(*p, "0123456789");

	if (digits == 0 || digits > 18)
		return false;
	*out = strtoll(*p, NULL, 10);
	*p += digits;
	return true;
}

/* "5" or "5:10" or "5:*" */
static bool
read_range(const char *p, struct query *query)
{
	if (!read_number(&p, &query->from))
		return false;
	query->to = query->from;
	if (strcmp(p, ":*") == 0) {
		query->to = INT64_MAX;
		return query->from > 0;
	}
	if (*p == ':' && (++p, !read_number(&p, &query->to)))
		return false;
	query->to++;
	return *p == '\0' && query->from > 0 && query->to > query->from;
}

/* Ranges between commas. Several become an OR. */
static int
set_numbers(struct parser *s, struct query *query)
{
	char *ranges = s->words.word, *range;

	query->kind = QUERY_OR;
	while ((range = strsep(&ranges, ",")) != NULL) {
		struct query *one = new_query(QUERY_NUMBER);

		one->next = query->first;
		query->first = one;
		if (!read_range(range, one))
			return words_wrong(
			    &s->words, "\"%s\" are no message numbers (5, 1:20, 7:*)", range);
	}
	return 0;
}

static int
set_value(struct parser *s, const struct term *term, struct query *query)
{
	switch (term->takes) {
	case NOTHING:
		break;
	case NAME_AND_TEXT:
		if (set_name(s, query, s->words.word) == -1 ||
		    words_value(&s->words, term->word) == -1)
			return -1;
		fold_add(&query->needle, s->words.word, strlen(s->words.word));
		break;
	case TEXT:
		fold_add(&query->needle, s->words.word, strlen(s->words.word));
		break;
	case SIZE:
		return set_size(s, query, term->side);
	case WHEN:
		return set_when(s, query, term->side);
	case NUMBERS:
		return set_numbers(s, query);
	}
	return 0;
}

/* The dearest that may have to be asked. Of what is in a group that is known already. */
static enum query_kind
cost(const struct query *query)
{
	enum query_kind most = query->first == NULL ? query->kind : QUERY_ALL;

	for (const struct query *one = query->first; one != NULL; one = one->next)
		if (one->cost > most)
			most = one->cost;
	return most;
}

static struct query *
negate(struct query *query)
{
	struct query *negated = new_query(QUERY_NOT);

	query->cost = cost(query);
	negated->first = query;
	return negated;
}

/* s->word is the term's word, or its attached value is next. */
static int
read_term(struct parser *s, const struct term *term, struct query **out)
{
	struct query *query = *out = new_query(term->kind);

	query->flag = term->flag;
	if (term->field != NULL && set_name(s, query, term->field) == -1)
		return -1;
	if (set_value(s, term, query) == -1)
		return -1;
	if (term->kind == QUERY_FLAG && term->side == WITHOUT)
		*out = negate(query);
	return 0;
}

/* A word that is a term, with its value if it has one. */
static int
read_leaf(struct parser *s, bool fresh, struct query **out)
{
	static const struct term numbers = { "number", .takes = NUMBERS, .kind = QUERY_NUMBER };
	const char *start = s->words.p;
	size_t len = strcspn(start, ": \t\r\n()\"");
	const struct term *term = find_term(start, len);

	if (isdigit((unsigned char)*start) && words_read(&s->words) == 0)
		return read_term(s, &numbers, out);
	if (term == NULL) {
		if (words_read(&s->words) == -1)
			return -1;
		return words_wrong(&s->words,
		    "\"%s\" is no search term (to look for it anywhere: text WORD)", s->words.word);
	}
	s->words.p += len;
	if (*s->words.p == ':' && term->takes != NOTHING) {
		s->words.p++;
		if (read_attached(s, term, fresh) == -1)
			return -1;
	} else if (*s->words.p == ':') {
		return words_wrong(&s->words, "\"%s\" takes no value", term->word);
	} else if (term->takes != NOTHING && words_value(&s->words, term->word) == -1) {
		return -1;
	}
	return read_term(s, term, out);
}

/* ---- grammar --------------------------------------------------------------------------------- */

static int read_or(struct parser *s, struct query **out);

static int
read_group(struct parser *s, struct query **out)
{
	if (read_or(s, out) == -1)
		return -1;
	return words_take(&s->words, ")") ? 0
	                                  : words_wrong(&s->words, "a parenthesis is not closed");
}

static int
read_not(struct parser *s, struct query **out)
{
	int rc;

	if (!words_more(&s->words))
		return words_wrong(&s->words, "a search term is missing at the end");
	if (++s->depth > QUERY_DEPTH_MAX)
		return words_wrong(&s->words, "too many \"not\" and parentheses");
	if (words_take(&s->words, "(")) {
		rc = read_group(s, out);
	} else if (words_take(&s->words, "not") || words_take(&s->words, "!")) {
		if ((rc = read_not(s, out)) == 0)
			*out = negate(*out);
	} else {
		rc = read_leaf(s, s->words.p == s->words.argv[0], out);
	}
	s->depth--;
	return rc;
}

/* Cheap terms come first; those of one kind stay in order. */
static void
insert(struct query *group, struct query *one)
{
	struct query **at = &group->first;

	one->cost = cost(one);
	while (*at != NULL && (*at)->cost <= one->cost)
		at = &(*at)->next;
	one->next = *at;
	*at = one;
}

/* A group of one is that one. */
static struct query *
unwrap(struct query *group)
{
	struct query *only = group->first;

	if (only == NULL || only->next != NULL)
		return group;
	group->first = NULL;
	query_free(group);
	return only;
}

static bool
is_at_end(struct parser *s)
{
	return !words_more(&s->words) || *s->words.p == ')';
}

static int
read_and(struct parser *s, struct query **out)
{
	struct query *group = new_query(QUERY_AND), *one;
	int rc;

	do {
		one = NULL;
		rc = read_not(s, &one);
		if (one != NULL)
			insert(group, one);
		if (rc == 0 && words_take(&s->words, "and") && is_at_end(s))
			rc = words_wrong(&s->words, "a search term is missing behind \"and\"");
		if (rc == 0 && words_take(&s->words, "or")) {
			/* Seen, not taken: read_or goes on with it. */
			s->words.p -= strlen("or");
			break;
		}
	} while (rc == 0 && !is_at_end(s));
	*out = unwrap(group);
	return rc;
}

static int
read_or(struct parser *s, struct query **out)
{
	struct query *group = new_query(QUERY_OR), *one;
	int rc;

	do {
		one = NULL;
		rc = read_and(s, &one);
		if (one != NULL)
			insert(group, one);
	} while (rc == 0 && words_take(&s->words, "or"));
	*out = unwrap(group);
	return rc;
}

int
query_parse(struct query **out, int argc, char **argv, time_t now, struct err *err)
{
	struct parser s = { .words = { .argv = argv, .argc = argc, .err = err }, .now = now };
	int rc = 0;

	*out = NULL;
	if (!words_more(&s.words))
		*out = new_query(QUERY_ALL);
	else if ((rc = read_or(&s, out)) == 0 && words_more(&s.words))
		rc = words_wrong(&s.words, "unexpected: %s", s.words.p);
	words_free(&s.words);
	if (rc == -1) {
		query_free(*out);
		*out = NULL;
	}
	return rc;
}
