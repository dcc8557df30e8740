/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * virtmap complete: what a word on the shell's command line may become. Asked at every press of a
 * key, so it looks at the texts and parses nothing, and prints a screenful at most: where more
 * begins with the word, only how the next character goes on. Names that a shell would not take
 * for a plain word are left out: nobody shall run a mapping.
 */
#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "account.h"
#include "format.h"
#include "io.h"
#include "text.h"
#include "virtmap.h"

#define OFFERS_MAX 200
#define TEXT_MAX   0x7fffffff /* bytes of a file that are looked at */

struct offers {
	const char *word;     /* what is there of it */
	const char *in_front; /* of every offer: "bob@" in front of domains */
	bool fold;            /* without regard to case; offers come in lower case */
	size_t n;
	struct buf first;     /* OFFERS_MAX of them, a newline behind each */
	struct buf common;    /* what all of them begin with */
	struct buf next[256]; /* when there are too many: the character behind it, by first byte */
	bool whole;           /* and one of them is just that */
	bool again;           /* the second pass, for these */
	bool failed;          /* no memory */
};

/* ---- what is offered ----------------------------------------------------------------------- */

static bool
is_plain(const char *text, size_t len)
{
	struct buf safe = BUF_INIT;
	bool ascii = true, same;

	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		ascii &= c < 0x80;
		if (c < 0x80 && !isalnum(c) && strchr("@._+-=%*:", c) == NULL)
			return false;
	}
	if (len == 0 || *text == '-')
		return false;
	if (ascii)
		return true;
	/* Nor may it steer the terminal. */
	same = text_vis(&safe, text, len) == 0 && safe.len == len;
	buf_free(&safe);
	return same;
}

static size_t
character_length(const char *text, size_t len)
{
	size_t n = 1;

	while (n < len && ((unsigned char)text[n] & 0xc0) == 0x80)
		n++;
	return n;
}

/* Where the offers part: the characters behind what they have in common. */
static void
note_next(struct offers *offers, const char *text, size_t len)
{
	size_t at = offers->common.len;
	struct buf *next;

	if (at == len) {
		offers->whole = true;
		return;
	}
	next = &offers->next[(unsigned char)text[at]];
	if (next->len == 0)
		offers->failed |=
		    buf_add(next, text + at, character_length(text + at, len - at)) == -1;
}

static void
note(struct offers *offers, const char *text, size_t len)
{
	size_t same = 0;

	if (offers->n++ == 0)
		offers->failed |= buf_add(&offers->common, text, len) == -1;
	while (same < len && same < offers->common.len &&
	       text[same] == (char)offers->common.data[same])
		same++;
	/* Not within a character. */
	while (same > 0 && same < len && ((unsigned char)text[same] & 0xc0) == 0x80)
		same--;
	offers->common.len = same;
	if (offers->n <= OFFERS_MAX)
		offers->failed |= buf_add(&offers->first, text, len) == -1 ||
		                  buf_addc(&offers->first, '\n') == -1;
}

static void
offer(struct offers *offers, const char *text, size_t len)
{
	size_t want = strlen(offers->word);
	char lower[1024];

	if (len < want || len > sizeof(lower) ||
	    (offers->fold ? strncasecmp : strncmp)(text, offers->word, want) != 0 ||
	    !is_plain(text, len))
		return;
	for (size_t i = 0; offers->fold && i < len; i++)
		lower[i] = (char)((unsigned char)text[i] < 0x80 ? tolower((unsigned char)text[i])
		                                                : text[i]);
	(offers->again ? note_next : note)(offers, offers->fold ? lower : text, len);
}

static void
print_offers(const struct offers *offers)
{
	const char *p = (const char *)offers->first.data;

	if (offers->n > OFFERS_MAX) {
		if (offers->whole)
			printf("%s%.*s\n", offers->in_front, (int)offers->common.len,
			    (const char *)offers->common.data);
		for (size_t i = 0; i < 256; i++)
			if (offers->next[i].len > 0)
				printf("%s%.*s%.*s\n", offers->in_front, (int)offers->common.len,
				    (const char *)offers->common.data, (int)offers->next[i].len,
				    (const char *)offers->next[i].data);
		return;
	}
	for (size_t i = 0; i < offers->n; i++) {
		size_t len = strcspn(p, "\n");

		printf("%s%.*s\n", offers->in_front, (int)len, p);
		p += len + 1;
	}
}

/* ---- where from ---------------------------------------------------------------------------- */

struct source {
	const struct virtmap *virtmap;
	struct buf text;           /* of a file */
	struct accounts *accounts; /* or these */
};

/* Every line up to the first blank. */
static void
walk_lines(struct source *source, struct offers *offers)
{
	const char *p = (const char *)source->text.data;

	for (size_t len; p != NULL && *p != '\0'; p += len, p += *p != '\0') {
		size_t word = strcspn(p, " \t\n");

		if (*p != '#' && *p != '"')
			offer(offers, p, word);
		len = word + strcspn(p + word, "\n");
	}
}

static int
offer_account(void *arg, const struct account *account)
{
	offer(arg, account->name, strlen(account->name));
	return 0;
}

static int
walk(struct source *source, struct offers *offers, struct err *err)
{
	if (source->accounts != NULL)
		return accounts_each(source->accounts, offer_account, offers, err);
	walk_lines(source, offers);
	return 0;
}

static int
offer_all(struct source *source, struct offers *offers, struct err *err)
{
	int failed = walk(source, offers, err);

	if (failed == 0 && offers->n > OFFERS_MAX) {
		offers->again = true;
		failed = walk(source, offers, err);
	}
	if (failed == 0 && offers->failed)
		failed = err_set(err, ENOMEM, "complete");
	if (failed == 0)
		print_offers(offers);
	buf_free(&offers->first);
	buf_free(&offers->common);
	for (size_t i = 0; i < 256; i++)
		buf_free(&offers->next[i]);
	return failed;
}

static int
read_text(struct source *source, const char *path, struct err *err)
{
	if (io_read_file(path, source->virtmap->trusted, TEXT_MAX, &source->text, err) == -1)
		return -1;
	return buf_cstr(&source->text) == NULL ? err_set(err, errno, "read %s", path) : 0;
}

/* ---- kinds of words ------------------------------------------------------------------------ */

typedef int kind_fn(const struct virtmap *virtmap, const char *word, struct err *err);

static int
offer_lines(const struct virtmap *virtmap, const char *path, const char *word, const char *in_front,
    struct err *err)
{
	struct source source = { .virtmap = virtmap };
	struct offers offers = { .word = word, .in_front = in_front, .fold = true };
	int failed = read_text(&source, path, err);

	if (failed == 0)
		failed = offer_all(&source, &offers, err);
	buf_free(&source.text);
	return failed;
}

static int
complete_keys(const struct virtmap *virtmap, const char *word, struct err *err)
{
	return offer_lines(virtmap, virtmap->settings->map, word, "", err);
}

static int
complete_domains(const struct virtmap *virtmap, const char *word, struct err *err)
{
	return offer_lines(virtmap, virtmap->settings->domains, word, "", err);
}

/* Behind the @ a domain. */
static int
complete_addresses(const struct virtmap *virtmap, const char *word, struct err *err)
{
	const char *at = strrchr(word, '@');
	char *in_front;
	int failed;

	if (at == NULL)
		return complete_domains(virtmap, word, err);
	if ((in_front = strndup(word, (size_t)(at - word) + 1)) == NULL)
		return err_set(err, ENOMEM, "complete");
	failed = offer_lines(virtmap, virtmap->settings->domains, at + 1, in_front, err);
	free(in_front);
	return failed;
}

static int
complete_accounts(const struct virtmap *virtmap, const char *word, struct err *err)
{
	const struct settings *settings = virtmap->settings;
	struct source source = { .virtmap = virtmap };
	struct offers offers = { .word = word, .in_front = "" };
	int failed = accounts_open(
	    &source.accounts, settings->accounts, settings->accounts_canary, virtmap->trusted, err);

	if (failed == 0)
		failed = offer_all(&source, &offers, err);
	accounts_close(source.accounts);
	return failed;
}

static int
complete_targets(const struct virtmap *virtmap, const char *word, struct err *err)
{
	static const char *const words[] = { "discard:", "error:nouser", "error:tempfail" };

	if (strchr(word, '@') != NULL)
		return complete_addresses(virtmap, word, err);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strncmp(words[i], word, strlen(word)) == 0)
			puts(words[i]);
	return complete_accounts(virtmap, word, err);
}

static int
complete_formats(const struct virtmap *virtmap, const char *word, struct err *err)
{
	const char *names = format_names();

	(void)virtmap;
	(void)err;
	while (*(names += strspn(names, ", ")) != '\0') {
		size_t len = strcspn(names, ",");

		if (strncmp(names, word, strlen(word)) == 0)
			printf("%.*s\n", (int)len, names);
		names += len;
	}
	return 0;
}

enum status
cmd_complete(const struct virtmap *virtmap, const char *options, int argc, char **argv)
{
	static const struct {
		const char *name;
		kind_fn *complete;
	} kinds[] = {
		{ "accounts", complete_accounts },
		{ "addresses", complete_addresses },
		{ "domains", complete_domains },
		{ "formats", complete_formats },
		{ "keys", complete_keys },
		{ "targets", complete_targets },
	};
	struct err err;

	(void)options;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(argv[0], kinds[i].name) == 0)
			return kinds[i].complete(virtmap, argc > 1 ? argv[1] : "", &err) == 0
			           ? STATUS_OK
			           : speech_fail(&err);
	speech_say(stderr, "virtmap: %s: nothing of that kind is completed", argv[0]);
	return STATUS_USAGE;
}
