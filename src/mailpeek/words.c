/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Words out of arguments. A value that came as an argument of its own is taken as it is: the shell
 * has undone the quotes already.
 */
#include "words.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "buf.h"
#include "mailpeek.h"

int
words_wrong(struct words *s, const char *fmt, ...)
{
	char *text;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n == -1)
		speech_no_memory();
	err_set(s->err, 0, "%s", text);
	s->err->num = EINVAL;
	free(text);
	return -1;
}

static void
keep_word(struct words *s, const char *word, size_t len)
{
	free(s->word);
	if ((s->word = strndup(word, len)) == NULL)
		speech_no_memory();
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

bool
words_more(struct words *s)
{
	for (; s->argc > 0; s->argc--, s->argv++, s->p = NULL) {
		if (s->p == NULL)
			s->p = s->argv[0];
		while (is_blank(*s->p))
			s->p++;
		if (*s->p != '\0')
			return true;
	}
	return false;
}

/* "…" with \" and \\ in it, s->p at its first quote. */
static int
read_quoted(struct words *s)
{
	struct buf word = BUF_INIT;
	const char *p = s->p + 1;

	for (; *p != '\0' && *p != '"'; p++) {
		if (*p == '\\' && p[1] != '\0')
			p++;
		if (buf_addc(&word, (unsigned char)*p) == -1)
			speech_no_memory();
	}
	keep_word(s, word.len > 0 ? (const char *)word.data : "", word.len);
	buf_free(&word);
	if (*p == '\0')
		return words_wrong(s, "a quoted text has no end: %s", s->p);
	s->p = p + 1;
	return 0;
}

int
words_read(struct words *s)
{
	size_t len;

	if (*s->p == '"')
		return read_quoted(s);
	len = *s->p == '(' || *s->p == ')' ? 1 : strcspn(s->p, " \t\r\n()");
	keep_word(s, s->p, len);
	s->p += len;
	return 0;
}

void
words_rest(struct words *s)
{
	keep_word(s, s->p, strlen(s->p));
	s->p += strlen(s->p);
}

int
words_value(struct words *s, const char *what)
{
	bool between;

	while (s->p != NULL && is_blank(*s->p))
		s->p++;
	between = s->p == NULL || *s->p == '\0';
	if (s->p != NULL && *s->p == '\0' && s->argc > 0) {
		s->argc--;
		s->argv++;
		s->p = NULL;
	}
	/* An argument of its own, perhaps an empty one. */
	if (between && s->argc > 0) {
		s->p = s->argv[0];
		if (*s->p != '"') {
			words_rest(s);
			return 0;
		}
	}
	if (!words_more(s))
		return words_wrong(s, "\"%s\" needs a value", what);
	return words_read(s);
}

bool
words_take(struct words *s, const char *word)
{
	size_t len = strlen(word);

	if (!words_more(s) || strncasecmp(s->p, word, len) != 0 ||
	    (isalpha((unsigned char)word[0]) && s->p[len] != '\0' &&
	        strchr(" \t\r\n(", s->p[len]) == NULL))
		return false;
	s->p += len;
	return true;
}

void
words_free(struct words *s)
{
	free(s->word);
	s->word = NULL;
}
