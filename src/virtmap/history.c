/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The history's file: lines are added to its end and flushed, never changed. A line that was torn
 * by a crash is closed by the next writer and passed over by readers: its change had not begun,
 * since nothing is renamed before the record is on the disk.
 */
#include "history.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "io.h"

#define FILE_MAX   0x7fffffff /* bytes of one file that are read */
#define DIGEST_HEX (2 * MAP_DIGEST_SIZE + 1)

/* ---- names ------------------------------------------------------------------------------------
 */

/* MAP.log, or MAP.log.N; malloc'ed, NULL without memory. */
static char *
file_name(const char *map_path, int number)
{
	char *name;
	int n = number == 0 ? asprintf(&name, "%s.log", map_path)
	                    : asprintf(&name, "%s.log.%d", map_path, number);

	return n == -1 ? NULL : name;
}

/* ---- bytes as JSON ----------------------------------------------------------------------------
 */

static void
to_hex(char *out, const unsigned char *bytes, size_t len)
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

/* A string, or {"hex": "..."} for bytes that are no UTF-8, which JSON cannot hold. */
static json_t *
to_json(const char *string)
{
	size_t len = string == NULL ? 0 : strlen(string);
	json_t *json = string == NULL ? json_null() : json_string(string);
	char *hex;

	if (json != NULL || (hex = malloc(2 * len + 1)) == NULL)
		return json;
	to_hex(hex, (const unsigned char *)string, len);
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

static void
record_free(struct history_record *record)
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
	record_free(out);
	return -1;
}

/* ---- files --------------------------------------------------------------------------------------
 */

/* 1 with its bytes, 0 there is no such file, -1 with err. */
static int
read_file(struct buf *out, const char *map_path, int number, int trusted, struct err *err)
{
	char *name = file_name(map_path, number);
	int fd, rc = 1;

	buf_clear(out);
	if (name == NULL)
		return err_set(err, ENOMEM, "read the history of %s", map_path);
	fd = trusted ? io_open_trusted(name, NULL, err)
	             : open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd == -1 && !trusted)
		err_set(err, errno, "open %s", name);
	if (fd == -1)
		rc = err->num == ENOENT ? 0 : -1;
	else if (io_read_all(fd, FILE_MAX, out) == -1)
		rc = err_set(err, errno, "read %s", name);
	if (fd != -1)
		close(fd);
	free(name);
	return rc;
}

/* The numbers of records that did not come to pass. */
struct numbers {
	uint64_t *numbers;
	size_t n;
};

static int
add_number(struct numbers *numbers, uint64_t number)
{
	uint64_t *more = reallocarray(numbers->numbers, numbers->n + 1, sizeof(*more));

	if (more == NULL)
		return -1;
	numbers->numbers = more;
	more[numbers->n++] = number;
	return 0;
}

static bool
has_number(const struct numbers *numbers, uint64_t number)
{
	for (size_t i = 0; i < numbers->n; i++)
		if (numbers->numbers[i] == number)
			return true;
	return false;
}

/* Judge the newest record that nobody has declared void. The compiled map is renamed last: if it is
 * of the record's text, all is done. If the text is, the map is still to be compiled. Where neither
 * it nor what was before can be seen, a hand has been at work behind a change that was whole. */
static bool
has_happened(const struct history_record *record, const struct history_now *now)
{
	if (now->is_compiled && memcmp(now->compiled, record->after, MAP_DIGEST_SIZE) == 0)
		return true;
	if (memcmp(now->text, record->after, MAP_DIGEST_SIZE) == 0)
		return true;
	if (memcmp(now->text, record->before, MAP_DIGEST_SIZE) == 0)
		return false;
	return !now->is_compiled || memcmp(now->compiled, record->before, MAP_DIGEST_SIZE) != 0;
}

/* ---- reading ------------------------------------------------------------------------------------
 */

static int
keep_record(struct history_list *list, const struct history_record *record)
{
	if (list->n == list->room) {
		size_t room = list->room * 2 + 64;
		struct history_record *more = reallocarray(list->records, room, sizeof(*more));

		if (more == NULL)
			return -1;
		list->records = more;
		list->room = room;
	}
	list->records[list->n++] = *record;
	return 0;
}

/* One line of a file. 0, or -1 without memory. */
static int
read_line(struct history_list *list, struct numbers *voids, const char *line, size_t len)
{
	json_t *json = json_loadb(line, len, 0, NULL);
	json_int_t number = json_integer_value(json_object_get(json, "void"));
	struct history_record record;
	int failed;

	if (number > 0) {
		json_decref(json);
		return add_number(voids, (uint64_t)number);
	}
	if (json == NULL || take_record(&record, json) == -1) {
		list->torn++;
		return 0;
	}
	if ((failed = keep_record(list, &record)) == -1)
		record_free(&record);
	return failed;
}

static int
read_lines(struct history_list *list, struct numbers *voids, const struct buf *text)
{
	const char *p = (const char *)text->data, *end = p + text->len, *stop;

	for (; p < end; p = stop + 1) {
		if ((stop = memchr(p, '\n', (size_t)(end - p))) == NULL)
			stop = end;
		if (stop > p && read_line(list, voids, p, (size_t)(stop - p)) == -1)
			return -1;
	}
	return 0;
}

static int
by_number(const void *a, const void *b)
{
	const struct history_record *left = a, *right = b;

	return (left->number > right->number) - (left->number < right->number);
}

/* In order, each once (a file that was renamed while we read was read twice), without those that
 * did not come to pass. */
static void
settle(struct history_list *list, const struct numbers *voids, const struct history_now *now)
{
	size_t kept = 0;

	if (list->n > 0)
		qsort(list->records, list->n, sizeof(*list->records), by_number);
	for (size_t i = 0; i < list->n; i++) {
		struct history_record *record = &list->records[i];

		if (has_number(voids, record->number) ||
		    (kept > 0 && list->records[kept - 1].number == record->number))
			record_free(record);
		else
			list->records[kept++] = *record;
	}
	list->n = kept;
	while (list->n > 0 && !has_happened(&list->records[list->n - 1], now))
		record_free(&list->records[--list->n]);
}

int
history_read(struct history_list *out, const char *map_path, int trusted,
    const struct history_now *now, struct err *err)
{
	struct numbers voids = { NULL, 0 };
	struct buf text = BUF_INIT;
	int failed = 0;

	memset(out, 0, sizeof(*out));
	/* The newest first: a file that is renamed meanwhile is met again, not missed. */
	for (int number = 0; failed == 0 && number <= HISTORY_FILES; number++) {
		int rc = read_file(&text, map_path, number, trusted, err);

		if (rc == -1)
			failed = -1;
		else if (rc == 1 && read_lines(out, &voids, &text) == -1)
			failed = err_set(err, ENOMEM, "read the history of %s", map_path);
	}
	if (failed == 0)
		settle(out, &voids, now);
	else
		history_free(out);
	free(voids.numbers);
	buf_free(&text);
	return failed;
}

void
history_free(struct history_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		record_free(&list->records[i]);
	free(list->records);
	memset(list, 0, sizeof(*list));
}

char *
history_json(const struct history_record *record)
{
	return json_dumps(record->json, JSON_COMPACT | JSON_ENSURE_ASCII);
}

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
look_back(struct history *history, struct numbers *voids, const struct buf *text)
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
		if (end > start && read_line(&one, voids, data + start, end - start) == -1)
			return -1;
		if (one.n > 0 && history->number == 0)
			history->number = one.records[0].number;
		if (one.n > 0 && !has_number(voids, one.records[0].number)) {
			done = has_happened(&one.records[0], &history->now);
			history->has_last = done;
			memcpy(history->last_after, one.records[0].after, MAP_DIGEST_SIZE);
			if (!done && (add_number(voids, one.records[0].number) == -1 ||
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
	struct numbers voids = { NULL, 0 };
	struct buf text = BUF_INIT;
	int rc = 0;

	for (int number = 0; rc == 0 && number <= HISTORY_FILES; number++) {
		int found = read_file(&text, history->map_path, number, history->trusted, err);

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
	char space[16384], number[32];
	struct passwd passwd, *result = NULL;

	if (getpwuid_r(uid, &passwd, space, sizeof(space), &result) == 0 && result != NULL)
		return to_json(passwd.pw_name);
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
	json_object_set_new(record, "sudo_user", to_json(user));
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
	char hex[DIGEST_HEX], when[32];
	time_t now = time(NULL);
	struct tm tm;
	json_t *record;
	int failed;

	strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &tm));
	to_hex(hex, before, MAP_DIGEST_SIZE);
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
	json = json_pack("{s:o, s:o, s:o}", "key", to_json(change->key), "old",
	    to_json(change->old), "new", to_json(change->now));
	if (json != NULL && change->text != NULL) {
		json_object_set_new(json, "line", json_integer((json_int_t)change->line));
		json_object_set_new(json, "was", to_json(change->text));
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
	char hex[DIGEST_HEX];
	int failed;

	to_hex(hex, after, MAP_DIGEST_SIZE);
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

/* A file that is large enough becomes MAP.log.1, and each older one the next. The oldest goes. A
 * crash in between leaves a gap in the numbers, which nobody minds. */
static int
rotate(const struct history *history, struct err *err)
{
	int failed = 0;

	for (int number = HISTORY_FILES - 1; failed == 0 && number >= 0; number--) {
		char *from = file_name(history->map_path, number);
		char *to = file_name(history->map_path, number + 1);

		if (from == NULL || to == NULL)
			failed = no_memory(history, err);
		else if (rename(from, to) == -1 && errno != ENOENT)
			failed = err_set(err, errno, "rename %s to %s", from, to);
		free(from);
		free(to);
	}
	return failed;
}

static int
sync_directory(const char *name, struct err *err)
{
	char *directory = strdup(name), *slash;
	int fd, failed = 0;

	if (directory == NULL)
		return err_set(err, ENOMEM, "fsync the directory of %s", name);
	/* cppcheck-suppress knownConditionTrueFalse ; settings' paths are absolute */
	if ((slash = strrchr(directory, '/')) != NULL)
		slash[slash == directory] = '\0';
	fd = open(slash != NULL ? directory : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1 || io_fsync_dir(fd) == -1)
		failed = err_set(err, errno, "fsync %s", directory);
	if (fd != -1)
		close(fd);
	free(directory);
	return failed;
}

/* Private to those who change the map: it says who did what. */
static int
open_file(const char *name, bool *created, struct err *err)
{
	struct stat st;
	int fd = open(name, O_WRONLY | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	*created = fd == -1 && errno == ENOENT;
	if (*created)
		/* cppcheck-suppress resourceLeak ; it is returned */
		fd = open(
		    name, O_WRONLY | O_APPEND | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd == -1)
		return err_set(err, errno, "open %s", name);
	if (fstat(fd, &st) == -1)
		err_set(err, errno, "stat %s", name);
	else if (!S_ISREG(st.st_mode))
		err_set(err, EINVAL, "open %s: not a regular file", name);
	else
		return fd;
	close(fd);
	return -1;
}

/* All of it on the disk, or the file as long as it was. */
static int
append(int fd, const struct history *history, const char *name, struct err *err)
{
	const struct buf *lines = &history->lines;
	struct stat st;
	int failed = 0;

	if (fstat(fd, &st) == -1)
		return err_set(err, errno, "stat %s", name);
	if ((history->torn && st.st_size > 0 && io_write_all(fd, "\n", 1) == -1) ||
	    io_write_all(fd, lines->data, lines->len) == -1)
		failed = err_set(err, errno, "write %s", name);
	else if (fsync(fd) == -1)
		failed = err_set(err, errno, "fsync %s", name);
	/* If that fails too a torn line stays, which the next writer closes; and a whole one is
	 * seen to be void. */
	if (failed == -1 && ftruncate(fd, st.st_size) == -1)
		err_prefix(err, "the record may stay");
	return failed;
}

static int
write_lines(struct history *history, const char *name, struct err *err)
{
	struct stat st;
	bool created, rotated = lstat(name, &st) == 0 && st.st_size >= HISTORY_ROTATE;
	int fd, failed;

	if (rotated && rotate(history, err) == -1)
		return -1;
	if ((fd = open_file(name, &created, err)) == -1)
		return -1;
	failed = append(fd, history, name, err);
	if (close(fd) == -1 && failed == 0)
		failed = err_set(err, errno, "close %s", name);
	if (failed == 0 && created)
		failed = sync_directory(name, err);
	return failed;
}

int
history_write(struct history *history, struct err *err)
{
	char *name;
	int failed;

	if (history->lines.len == 0)
		return 0;
	if ((name = file_name(history->map_path, 0)) == NULL)
		return no_memory(history, err);
	failed = write_lines(history, name, err);
	free(name);
	if (failed == 0) {
		buf_clear(&history->lines);
		history->torn = false;
	} else {
		errno = err->num;
	}
	return failed;
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
