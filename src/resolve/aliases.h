/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Is a local name an alias of sendmail's? Read from the text files (aliases(5)); the compiled ones
 * are Berkeley DB and not for everybody to read. What an alias leads to is sendmail's business.
 */
#ifndef VIRTMDA_ALIASES_H
#define VIRTMDA_ALIASES_H

#include "err.h"

struct aliases;

#define ALIASES_KEY_MAX 256 /* bytes of a name, with its NUL; longer ones are no local names */

/* paths: files with blanks between them, or "none". The files are read at the first question, and
 * again when they have changed. 0 with *out (aliases_close), or -1 with ENOMEM. */
int aliases_open(struct aliases **out, const char *paths, struct err *err);
void aliases_close(struct aliases *aliases); /* accepts NULL */

/* Is there an alias for `user` (detail NULL) or `user+detail`? As sendmail asks: user+detail,
 * user+*, user; without case. 1 with *file (good until the next question) and the key that was
 * found; 0 none in any file; -1 with err: a file is missing, unreadable or being written. */
int aliases_find(struct aliases *aliases, const char *user, const char *detail, const char **file,
    char key[ALIASES_KEY_MAX], struct err *err);

#endif
