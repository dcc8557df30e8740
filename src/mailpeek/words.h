/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Arguments as a row of words: an argument is one, or a text of several between blanks, with
 * parentheses and double quotes.
 */
#ifndef MAILPEEK_WORDS_H
#define MAILPEEK_WORDS_H

#include <stdbool.h>

#include "err.h"

struct words {
	char **argv;
	int argc;
	const char *p; /* in argv[0]; NULL: at its begin, or there is none */
	char *word;    /* what was read last */
	struct err *err;
};

/* Say what is wrong: err with EINVAL. -1 always. */
int words_wrong(struct words *words, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Go to where the next word begins: false if there is none. */
bool words_more(struct words *words);

/* Read the word at words->p: a parenthesis, a quoted text, or up to a blank or parenthesis. */
int words_read(struct words *words);

/* The rest of the argument is one word. */
void words_rest(struct words *words);

/* Read the value that `what` needs: the next argument as a whole if it begins there, else the next
 * word. */
int words_value(struct words *words, const char *what);

/* Is this word, or this sign, next? Then it is taken. */
bool words_take(struct words *words, const char *word);

void words_free(struct words *words);

#endif
