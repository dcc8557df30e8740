/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Every setting: what it is called, what it may hold and what it is when nobody sets it. Private to
 * the room.
 */
#ifndef VIRTMDA_SETTINGS_TABLE_H
#define VIRTMDA_SETTINGS_TABLE_H

#include <stddef.h>

#include "settings.h"

#define SETTINGS_MAX        64   /* room for a number of each; there are fewer */
#define SETTINGS_LINE_BYTES 8192 /* room for a long local_domains */

enum setting_kind { KIND_TEXT, KIND_YES_NO, KIND_NUMBER, KIND_CHOICE };

/* The reason for a refusal, without file and line: the caller knows those. NULL: accepted. */
typedef const char *check_fn(const char *value);

struct setting {
	const char *name;
	enum setting_kind kind;
	size_t offset; /* into struct settings */
	const char *standard;
	check_fn *check;            /* KIND_TEXT */
	long long min, max;         /* KIND_NUMBER */
	const char *const *choices; /* KIND_CHOICE: words in the order of the enum, NULL-ended */
};

/* Row `index`, NULL behind the last. */
const struct setting *settings_table_row(size_t index);

/* The row of a name of `len` bytes, or NULL; and its number. */
const struct setting *settings_table_find(const char *name, size_t len);
size_t settings_table_number(const struct setting *setting);

#endif
