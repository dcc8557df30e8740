/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Writing the history: lines are added to its end and flushed, never changed. Where it stands is
 * learned from its end, since a crash may have left that half done.
 */
#include "history.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "history_file.h"
#include "history_read.h"
#include "history_record.h"
#include "owner.h"

/* ---- writing: where we stand --------------------------------------------------------------------
 */

struct history {
	char *map_path;
	int trusted;
	struct history_now now;
	uint64_t number; /* of the newest record, whatever became of it */
	bool has_last;
	unsigned char last_after[MAP_DIGEST_SIZE]; /* text of the newest that happened */
	bool torn;                                 /* the file ends within a line */

	struct buf lines;  /* to be written */
	size_t nchanges;   /* of the record that is being made */
	size_t changes_at; /* where its changes begin in `lines` */
	bool unknown;
};

/* What the end of one file tells, read backwards. 1 enough is known, 0 look further back, -1 with
 * errno. */
static int
look_back(struct history *history, struct history_numbers *voids, const struct buf *text)
{
	const char *data = (const char *)text->data;
	size_t end = text->len;

	while (end > 0) {
		struct history_list one = { NULL, 0, 0, 0 };
		const char *newline;
		size_t start;
		int done = 0;

		if (data[end - 1] == '\n')
			end--;
		newline = memrchr(data, '\n', end);
		start = newline == NULL ? 0 : (size_t)(newline - data) + 1;
		if (end > start && history_read_line(&one, voids, data + start, end - start) == -1)
			return -1;
		if (one.n > 0 && history->number == 0)
			history->number = one.records[0].number;
		if (one.n > 0 && !history_numbers_have(voids, one.records[0].number)) {
			done = history_has_happened(&one.records[0], &history->now);
			history->has_last = done;
			memcpy(history->last_after, one.records[0].after, MAP_DIGEST_SIZE);
			if (!done && (history_numbers_add(voids, one.records[0].number) == -1 ||
			                 buf_addf(&history->lines, "{\"void\":%llu}\n",
			                     (unsigned long long)one.records[0].number) == -1))
				done = -1;
		}
		history_free(&one);
		if (done != 0)
			return done;
		end = start;
	}
	return 0;
}

static int
look_at_files(struct history *history, struct err *err)
{
	struct history_numbers voids = { NULL, 0 };
	struct buf text = BUF_INIT;
	int rc = 0;

	for (int number = 0; rc == 0 && number <= HISTORY_FILES; number++) {
		int found =
		    history_file_read(&text, history->map_path, number, history->trusted, err);

		if (found == -1)
			rc = -2;
		if (found != 1)
			continue;
		if (number == 0)
			history->torn = text.len > 0 && text.data[text.len - 1] != '\n';
		rc = look_back(history, &voids, &text);
	}
	if (rc == -1)
		err_set(err, ENOMEM, "read the history of %s", history->map_path);
	free(voids.numbers);
	buf_free(&text);
	return rc < 0 ? -1 : 0;
}

int
history_open(struct history **out, const char *map_path, int trusted, const struct history_now *now,
    struct err *err)
{
	struct history *history = calloc(1, sizeof(*history));

	*out = history;
	if (history == NULL || (history->map_path = strdup(map_path)) == NULL)
		return err_set(err, ENOMEM, "read the history of %s", map_path);
	history->trusted = trusted;
	history->now = *now;
	return look_at_files(history, err);
}

void
history_close(struct history *history)
{
	if (history == NULL)
		return;
	buf_free(&history->lines);
	free(history->map_path);
	free(history);
}

bool
history_sees_hand_edit(const struct history *history)
{
	const struct history_now *now = &history->now;

	if (now->is_compiled && memcmp(now->compiled, now->text, MAP_DIGEST_SIZE) == 0)
		return false;
	/* Half done by us, and now to be completed; or a map that was never compiled. */
	if (history->has_last)
		return memcmp(history->last_after, now->text, MAP_DIGEST_SIZE) != 0;
	return now->is_compiled;
}

/* ---- writing: records ---------------------------------------------------------------------------
 */

static json_t *
user_name(uid_t uid)
{
	char number[32], *name;
	struct err ignored; /* the number is in the record, too */
	json_t *json;

	if (owner_name(uid, &name, &ignored) == 1) {
		json = history_string(name);
		free(name);
		return json;
	}
	snprintf(number, sizeof(number), "%lu", (unsigned long)uid);
	return json_string(number);
}

/* Who root was before sudo. An ordinary user's environment is no witness. */
static void
add_sudo(json_t *record)
{
	const char *user = getenv("SUDO_USER"), *uid = getenv("SUDO_UID");

	if (getuid() != 0 || user == NULL || uid == NULL || *uid == '\0' ||
	    uid[strspn(uid, "0123456789")] != '\0' || strlen(uid) > 10)
		return;
	json_object_set_new(record, "sudo_uid", json_integer((json_int_t)strtoul(uid, NULL, 10)));
	json_object_set_new(record, "sudo_user", history_string(user));
}

static int
add_json(struct buf *out, const json_t *json, size_t flags)
{
	char *text =
	    json == NULL ? NULL : json_dumps(json, JSON_COMPACT | JSON_ENSURE_ASCII | flags);
	int failed = text == NULL ? -1 : buf_adds(out, text);

	free(text);
	return failed;
}

static int
no_memory(const struct history *history, struct err *err)
{
	return err_set(err, ENOMEM, "write the history of %s", history->map_path);
}

int
history_begin(struct history *history, const char *verb, uint64_t undoes, bool cut,
    const unsigned char before[MAP_DIGEST_SIZE], struct err *err)
{
	char hex[HISTORY_DIGEST_HEX], when[32];
	time_t now = time(NULL);
	struct tm tm;
	json_t *record;
	int failed;

	strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &tm));
	history_hex(hex, before, MAP_DIGEST_SIZE);
	record = json_pack("{s:I, s:s, s:I, s:o, s:s, s:s}", "number",
	    (json_int_t)++history->number, "time", when, "uid", (json_int_t)getuid(), "user",
	    user_name(getuid()), "verb", verb, "before", hex);
	if (record == NULL)
		return no_memory(history, err);
	add_sudo(record);
	if (undoes > 0)
		json_object_set_new(record, "undoes", json_integer((json_int_t)undoes));
	if (cut)
		json_object_set_new(record, "cut", json_true());
	failed = buf_addc(&history->lines, '{') == -1 ||
	         add_json(&history->lines, record, JSON_EMBED) == -1 ||
	         buf_adds(&history->lines, ",\"changes\":[") == -1;
	json_decref(record);
	history->nchanges = 0;
	history->unknown = false;
	history->changes_at = history->lines.len;
	return failed ? no_memory(history, err) : 0;
}

int
history_change(struct history *history, const struct map_change *change, struct err *err)
{
	json_t *json;
	int failed;

	if (++history->nchanges > HISTORY_CHANGES_MAX)
		history->unknown = true;
	if (history->unknown)
		return 0;
	json = json_pack("{s:o, s:o, s:o}", "key", history_string(change->key), "old",
	    history_string(change->old), "new", history_string(change->now));
	if (json != NULL && change->text != NULL) {
		json_object_set_new(json, "line", json_integer((json_int_t)change->line));
		json_object_set_new(json, "was", history_string(change->text));
	}
	failed = (history->nchanges > 1 && buf_addc(&history->lines, ',') == -1) ||
	         add_json(&history->lines, json, 0) == -1;
	json_decref(json);
	return failed ? no_memory(history, err) : 0;
}

void
history_unknown(struct history *history)
{
	history->unknown = true;
}

int
history_end(struct history *history, const unsigned char after[MAP_DIGEST_SIZE], struct err *err)
{
	char hex[HISTORY_DIGEST_HEX];
	int failed;

	history_hex(hex, after, MAP_DIGEST_SIZE);
	if (history->unknown) {
		history->lines.len = history->changes_at - 1;
		failed = buf_addf(&history->lines, "null,\"count\":%zu", history->nchanges);
	} else {
		failed = buf_addc(&history->lines, ']');
	}
	if (failed == -1 || buf_addf(&history->lines, ",\"after\":\"%s\"}\n", hex) == -1)
		return no_memory(history, err);
	return 0;
}

/* ---- writing: the file --------------------------------------------------------------------------
 */

int
history_write(struct history *history, struct err *err)
{
	if (history->lines.len == 0)
		return 0;
	if (history_file_append(history->map_path, &history->lines, history->torn, err) == -1)
		return -1;
	buf_clear(&history->lines);
	history->torn = false;
	return 0;
}

void
history_void(struct history *history)
{
	struct err ignored;

	buf_clear(&history->lines);
	if (buf_addf(&history->lines, "{\"void\":%llu}\n", (unsigned long long)history->number) ==
	    0)
		history_write(history, &ignored);
}
