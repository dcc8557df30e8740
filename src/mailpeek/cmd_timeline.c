/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * mailpeek timeline: how many messages of a mailbox were delivered in each hour, day or month: a
 * plot for people, rows for programs. What was deleted since is not there to be counted. Hours and
 * days are the calendar's where the reader is; the hour that a clock goes back over is one.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "json.h"
#include "mailpeek.h"
#include "plot.h"
#include "screen.h"

#define COUNT_WIDTH 8
#define BYTES_WIDTH 12
#define ROWS_MAX    10000

enum unit { HOUR, DAY, MONTH };

static const struct {
	const char *name, *heading;
	size_t rows;  /* where -n is not given */
	size_t width; /* of a date, cut off there */
} units[] = {
	[HOUR] = { "hour", "HOUR", 48, 16 },
	[DAY] = { "day", "DAY", 30, 10 },
	[MONTH] = { "month", "MONTH", 24, 7 },
};

#define NUNITS (sizeof(units) / sizeof(units[0]))

struct slot {
	int64_t at; /* hours or days since 1970-01-01, or months since the year 0 */
	uint64_t messages, bytes;
};

struct timeline {
	const struct peek *peek;
	enum unit unit;
	size_t rows;
	struct slot *slots; /* sorted */
	size_t count, room;
	uint64_t undated;
	time_t now; /* a date behind it is none: one lie would leave the plot empty */
	struct err *err;
};

/* ---- counting -------------------------------------------------------------------------------- */

static bool
position(enum unit unit, time_t time, int64_t *at)
{
	struct tm tm, day = { 0 };

	if (time == (time_t)-1 || localtime_r(&time, &tm) == NULL)
		return false;
	if (unit == MONTH) {
		*at = (int64_t)(tm.tm_year + 1900) * 12 + tm.tm_mon;
		return true;
	}
	day.tm_year = tm.tm_year;
	day.tm_mon = tm.tm_mon;
	day.tm_mday = tm.tm_mday;
	*at = timegm(&day) / 86400;
	if (unit == HOUR)
		*at = *at * 24 + tm.tm_hour;
	return true;
}

static struct slot *
insert(struct timeline *t, size_t i, int64_t at)
{
	if (t->count == t->room) {
		size_t room = t->room == 0 ? 64 : 2 * t->room;
		struct slot *grown = reallocarray(t->slots, room, sizeof(*grown));

		if (grown == NULL)
			speech_no_memory();
		t->slots = grown;
		t->room = room;
	}
	memmove(&t->slots[i + 1], &t->slots[i], (t->count - i) * sizeof(*t->slots));
	t->count++;
	t->slots[i] = (struct slot){ .at = at };
	return &t->slots[i];
}

/* Mail comes roughly in order: the place is looked for from the end. */
static struct slot *
slot_of(struct timeline *t, int64_t at)
{
	size_t low = 0, high = t->count;

	if (high > 0 && t->slots[high - 1].at <= at)
		low = high - 1;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (t->slots[middle].at < at)
			low = middle + 1;
		else
			high = middle;
	}
	return low < t->count && t->slots[low].at == at ? &t->slots[low] : insert(t, low, at);
}

static int
take(void *arg, const struct scan_message *message)
{
	struct timeline *t = arg;
	struct slot *slot;
	int64_t at;

	if (message->received > t->now || !position(t->unit, message->received, &at)) {
		t->undated++;
		return 0;
	}
	slot = slot_of(t, at);
	slot->messages++;
	slot->bytes += message->size;
	return 0;
}

static int
scan_folder(void *arg, const struct mailbox *folder, const char *name)
{
	struct timeline *t = arg;

	(void)name;
	return mailbox_scan(folder, 0, take, t, t->err);
}

/* ---- telling --------------------------------------------------------------------------------- */

static void
date_text(enum unit unit, int64_t at, char *out, size_t size)
{
	struct tm tm = { 0 };
	time_t time;

	if (unit == MONTH) {
		tm.tm_year = (int)(at / 12) - 1900;
		tm.tm_mon = (int)(at % 12);
		tm.tm_mday = 1;
	} else {
		time = (time_t)(unit == HOUR ? at * 3600 : at * 86400);
		gmtime_r(&time, &tm);
	}
	if (strftime(out, size, "%Y-%m-%d %H:00", &tm) == 0)
		strlcpy(out, "-", size);
	if (units[unit].width < strlen(out))
		out[units[unit].width] = '\0';
}

/* ---- rows for programs ----------------------------------------------------------------------- */

static void
print_row(const struct timeline *t, const struct slot *slot)
{
	char date[32];

	date_text(t->unit, slot->at, date, sizeof(date));
	if (t->peek->json) {
		json_t *row = json_object();

		json_put(row, units[t->unit].name, json_string(date));
		json_put(row, "messages", json_integer((json_int_t)slot->messages));
		json_put(row, "size", json_integer((json_int_t)slot->bytes));
		json_print(row, t->peek->nul);
		return;
	}
	screen_string(SCREEN_LEFT, units[t->unit].width, date);
	screen_number(COUNT_WIDTH, slot->messages);
	screen_number(BYTES_WIDTH, slot->bytes);
	screen_end_row();
}

static void
print_heading(const struct timeline *t)
{
	screen_style(SCREEN_HEADING);
	screen_string(SCREEN_LEFT, units[t->unit].width, units[t->unit].heading);
	screen_string(SCREEN_RIGHT, COUNT_WIDTH, "MESSAGES");
	screen_string(SCREEN_RIGHT, BYTES_WIDTH, "SIZE");
	screen_end_row();
}

static void
print_rows(const struct timeline *t, const struct slot *slots, size_t count)
{
	if (t->peek->nul)
		screen_for_programs();
	else if (count > 0 && !t->peek->json)
		print_heading(t);
	for (size_t i = 0; i < count; i++)
		print_row(t, &slots[i]);
}

/* ---- a plot for people ----------------------------------------------------------------------- */

struct columns {
	const struct timeline *t;
	const struct slot *slots;
	size_t each; /* slots that one column stands for */
	size_t count;
	uint64_t *values;
};

/* "10-26" on Mondays, "06:00" four times a day, "2026-04" every third month. */
static void
label(void *arg, size_t i, char out[PLOT_LABEL_MAX])
{
	const struct columns *c = arg;
	const int64_t at = c->slots[i * c->each].at;
	char date[32];
	bool is_round = true;

	out[0] = '\0';
	date_text(c->t->unit, at, date, sizeof(date));
	switch (c->t->unit) {
	case HOUR:
		is_round = c->each > 1 || at % 6 == 0;
		strlcpy(out, at % 24 == 0 || c->each > 1 ? date + 5 : date + 11, 6);
		break;
	case DAY:
		is_round = c->each > 1 || at % 7 == 4; /* 1970-01-05 was a Monday */
		strlcpy(out, c->each > 1 ? date : date + 5, PLOT_LABEL_MAX);
		break;
	case MONTH:
		is_round = c->each > 1 || at % 3 == 0;
		strlcpy(out, date, PLOT_LABEL_MAX);
		break;
	}
	if (!is_round)
		out[0] = '\0';
}

static void
print_title(const struct columns *c)
{
	const char *unit = units[c->t->unit].name;

	if (c->each == 1)
		printf("Messages in each %s\n\n", unit);
	else
		printf("Messages in each %zu %ss\n\n", c->each, unit);
}

static void
print_sum(const struct timeline *t, const struct slot *slots, size_t count)
{
	struct slot sum = { 0 }, most = { 0 };
	char from[32], to[32], peak[32], size[SCREEN_SIZE_MAX];

	for (size_t i = 0; i < count; i++) {
		sum.messages += slots[i].messages;
		sum.bytes += slots[i].bytes;
		if (slots[i].messages >= most.messages)
			most = slots[i];
	}
	date_text(t->unit, slots[0].at, from, sizeof(from));
	date_text(t->unit, slots[count - 1].at, to, sizeof(to));
	date_text(t->unit, most.at, peak, sizeof(peak));
	screen_size_text(sum.bytes, t->peek->exact, size);
	printf("\n%llu message%s, %s%s, from %s to %s\nbusiest %s: %s, %llu\n",
	    (unsigned long long)sum.messages, sum.messages == 1 ? "" : "s", size,
	    sum.bytes < 1024 ? " bytes" : "", from, to, units[t->unit].name, peak,
	    (unsigned long long)most.messages);
}

static void
print_plot(const struct timeline *t, const struct slot *slots, size_t count)
{
	const size_t room = plot_room();
	struct columns c = { .t = t, .slots = slots, .each = (count + room - 1) / room };
	struct plot plot = { .label = label, .arg = &c };

	if (count == 0)
		return;
	c.count = (count + c.each - 1) / c.each;
	if ((c.values = calloc(c.count, sizeof(*c.values))) == NULL)
		speech_no_memory();
	for (size_t i = 0; i < count; i++)
		c.values[i / c.each] += slots[i].messages;
	plot.values = c.values;
	plot.count = c.count;
	print_title(&c);
	plot_print(&plot);
	print_sum(t, slots, count);
	free(c.values);
}

/* ---------------------------------------------------------------------------------------------- */

/* The last slots up to the newest message, those without mail too: *count of them, the caller's. */
static struct slot *
fill(const struct timeline *t, size_t *count)
{
	const struct slot *slots = t->slots;
	int64_t first, last;
	struct slot *out;
	size_t i = 0;

	*count = 0;
	if (t->count == 0)
		return NULL;
	first = slots[0].at;
	last = slots[t->count - 1].at;
	if (last - first >= (int64_t)t->rows)
		first = last - (int64_t)t->rows + 1;
	*count = (size_t)(last - first + 1);
	if ((out = calloc(*count, sizeof(*out))) == NULL)
		speech_no_memory();
	while (slots[i].at < first)
		i++;
	for (size_t k = 0; k < *count; k++) {
		out[k].at = first + (int64_t)k;
		if (slots[i].at == out[k].at)
			out[k] = slots[i++];
	}
	return out;
}

static void
tell(const struct timeline *t)
{
	size_t count;
	struct slot *slots = fill(t, &count);

	if (t->peek->exact)
		print_rows(t, slots, count);
	else
		print_plot(t, slots, count);
	free(slots);
	if (t->undated > 0)
		speech_complain("%llu message%s without a date of delivery, or with one in the "
		                "future",
		    (unsigned long long)t->undated, t->undated == 1 ? "" : "s");
}

static int
read_options(struct timeline *t, const struct peek *peek)
{
	size_t i = DAY;

	if (peek->unit != NULL)
		for (i = 0; i < NUNITS && strcasecmp(peek->unit, units[i].name) != 0;)
			i++;
	if (i == NUNITS) {
		speech_complain("\"%s\" is no unit; there are hour, day, month", peek->unit);
		return -1;
	}
	t->unit = (enum unit)i;
	t->rows = units[i].rows;
	t->now = time(NULL) + 86400;
	if (peek->top != NULL && peek_count(peek->top, &t->rows) == -1)
		return -1;
	if (t->rows > ROWS_MAX)
		t->rows = ROWS_MAX;
	return 0;
}

enum status
cmd_timeline(const struct peek *peek, int argc, char **argv)
{
	struct err err;
	struct timeline t = { .peek = peek, .err = &err };
	struct mailbox mailbox = { 0 };
	enum status status;
	int rc;

	(void)argc;
	if (read_options(&t, peek) == -1)
		return STATUS_USAGE;
	status = peek_enter(peek->settings, argv[0], peek->folder, &mailbox);
	if (status != STATUS_OK)
		return status;
	rc = peek->folder != NULL ? mailbox_scan(&mailbox, 0, take, &t, &err)
	                          : mailbox_folders(&mailbox, scan_folder, &t, &err);
	if (rc == -1)
		status = speech_fail(&err);
	else
		tell(&t);
	free(t.slots);
	mailbox_free(&mailbox);
	return status;
}
