/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What Jansson needs to be told about mail: text may hold any bytes, and memory may run out.
 */
#include "json.h"

#include <glib.h>
#include <stdio.h>
#include <stdlib.h>

#include "column.h"
#include "mailpeek.h"
#include "screen.h"

static json_t *
checked(json_t *value)
{
	if (value == NULL)
		speech_no_memory();
	return value;
}

json_t *
json_text(const void *data, size_t len)
{
	json_t *value;
	gchar *valid;

	if (len == 0 || g_utf8_validate_len(data, len, NULL))
		return checked(json_stringn_nocheck(len == 0 ? "" : data, len));
	/* It takes NUL for a fault too, and would stop there. */
	valid = g_utf8_make_valid(data, (gssize)len);
	value = checked(json_string_nocheck(valid));
	g_free(valid);
	return value;
}

json_t *
json_count(bool there, uint64_t count)
{
	return checked(there ? json_integer((json_int_t)count) : json_null());
}

json_t *
json_date(time_t time)
{
	char text[SCREEN_DATE_MAX];

	if (time == (time_t)-1)
		return checked(json_null());
	screen_date_text(time, true, text);
	return checked(json_string(text));
}

json_t *
json_flags(unsigned flags)
{
	json_t *list = json_array();
	const char *name;
	int set;

	for (size_t i = 0; (name = column_flag_name(flags, i, &set)) != NULL; i++)
		if (set && json_array_append_new(list, json_string(name)) == -1)
			speech_no_memory();
	return list;
}

void
json_put(json_t *object, const char *name, json_t *value)
{
	if (json_object_set_new(object, name, checked(value)) == -1)
		speech_no_memory();
}

void
json_print(json_t *object, int nul)
{
	char *text = json_dumps(checked(object), JSON_COMPACT | JSON_ENSURE_ASCII);

	if (text == NULL)
		speech_no_memory();
	fputs(text, stdout);
	putchar(nul ? '\0' : '\n');
	free(text);
	json_decref(object);
}
