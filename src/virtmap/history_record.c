/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A record of the history and its line: one JSON object, in which every string of the map survives,
 * UTF-8 or not.
 */
#include "history_record.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- bytes as JSON ----------------------------------------------------------------------------
 */

void
history_hex(char *out, const unsigned char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		snprintf(out + 2 * i, 3, "%02x", bytes[i]);
	out[2 * len] = '\0';
}

static int
from_hex(unsigned char *out, size_t len, const char *hex)
{
	if (hex == NULL || strlen(hex) != 2 * len)
		return -1;
	for (size_t i = 0; i < len; i++) {
		char two[3] = { hex[2 * i], hex[2 * i + 1], '\0' };

		if (!isxdigit((unsigned char)two[0]) || !isxdigit((unsigned char)two[1]))
			return -1;
		out[i] = (unsigned char)strtoul(two, NULL, 16);
	}
	return 0;
}

json_t *
history_string(const char *string)
{
	size_t len = string == NULL ? 0 : strlen(string);
	json_t *json = string == NULL ? json_null() : json_string(string);
	char *hex;

	if (json != NULL || (hex = malloc(2 * len + 1)) == NULL)
		return json;
	history_hex(hex, (const unsigned char *)string, len);
	json = json_pack("{s:s}", "hex", hex);
	free(hex);
	return json;
}

/* The string under `name`, which stays the object's; NULL if there is none. */
static const char *
string_in(json_t *object, const char *name)
{
	json_t *value = json_object_get(object, name);
	const char *hex = json_string_value(json_object_get(value, "hex"));
	char *bytes;

	if (hex != NULL && (bytes = calloc(1, strlen(hex) / 2 + 1)) != NULL) {
		if (from_hex((unsigned char *)bytes, strlen(hex) / 2, hex) == 0)
			json_object_set_new(object, name, json_string_nocheck(bytes));
		free(bytes);
		value = json_object_get(object, name);
	}
	return json_string_value(value);
}

/* ---- a record from its line --------------------------------------------------------------------
 */

static int
take_changes(struct history_record *out, json_t *list)
{
	size_t i;
	json_t *one;

	out->known = json_is_array(list);
	if (!out->known)
		return 0;
	out->changes = calloc(json_array_size(list) + 1, sizeof(*out->changes));
	if (out->changes == NULL)
		return -1;
	json_array_foreach(list, i, one)
	{
		struct map_change *change = &out->changes[out->nchanges];

		change->key = string_in(one, "key");
		change->old = string_in(one, "old");
		change->now = string_in(one, "new");
		change->text = string_in(one, "was");
		change->line = (size_t)json_integer_value(json_object_get(one, "line"));
		if (change->key == NULL || (change->old == NULL && change->now == NULL))
			return -1;
		out->nchanges++;
	}
	return 0;
}

void
history_record_free(struct history_record *record)
{
	json_decref(record->json);
	free(record->changes);
	memset(record, 0, sizeof(*record));
}

/* 0, or -1 when it is none. Takes the object over. */
static int
take_record(struct history_record *out, json_t *json)
{
	memset(out, 0, sizeof(*out));
	out->json = json;
	out->number = (uint64_t)json_integer_value(json_object_get(json, "number"));
	out->undoes = (uint64_t)json_integer_value(json_object_get(json, "undoes"));
	out->time = string_in(json, "time");
	out->user = string_in(json, "user");
	out->sudo_user = string_in(json, "sudo_user");
	out->verb = string_in(json, "verb");
	out->cut = json_is_true(json_object_get(json, "cut"));
	if (out->number > 0 && out->time != NULL && out->user != NULL && out->verb != NULL &&
	    from_hex(out->before, MAP_DIGEST_SIZE, string_in(json, "before")) == 0 &&
	    from_hex(out->after, MAP_DIGEST_SIZE, string_in(json, "after")) == 0 &&
	    take_changes(out, json_object_get(json, "changes")) == 0)
		return 0;
	history_record_free(out);
	return -1;
}

int
history_record_parse(struct history_record *out, uint64_t *number, const char *line, size_t len)
{
	json_t *json = json_loadb(line, len, 0, NULL);
	json_int_t is_void = json_integer_value(json_object_get(json, "void"));

	if (is_void > 0) {
		json_decref(json);
		*number = (uint64_t)is_void;
		return 0;
	}
	return json != NULL && take_record(out, json) == 0 ? 1 : -1;
}

char *
history_json(const struct history_record *record)
{
	return json_dumps(record->json, JSON_COMPACT | JSON_ENSURE_ASCII);
}
