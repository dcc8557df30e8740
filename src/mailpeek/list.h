/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The rows of `list` and `search`.
 */
#ifndef MAILPEEK_LIST_H
#define MAILPEEK_LIST_H

#include "mailpeek.h"

/* Print a row for every message of account argv[0] that the terms behind it fit. *shown: how many.
 */
enum status list_messages(const struct peek *peek, int argc, char **argv, size_t *shown);

#endif
