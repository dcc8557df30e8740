/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A meter is for who waits: not in the first half second, not more often than the eye takes, and
 * never where standard error is not looked at.
 */
#include "meter.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "progress.h"

#define PATIENCE 0.5 /* seconds before anything is shown */
#define PACE     0.1 /* seconds between two looks */
#define COLUMNS  80

static struct {
	double began, part_began, shown;
	const char *program, *doing;
	size_t from, done; /* of this part: where it was first heard of, and last */
	bool is_shown;
} meter;

static double
now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static int
time_left(char *out, size_t size, double seconds)
{
	unsigned long left = (unsigned long)(seconds + 0.5);

	if (seconds > 359999)
		return snprintf(out, size, ", hours left");
	if (left < 60)
		return snprintf(out, size, ", %lu s left", left);
	if (left < 3600)
		return snprintf(out, size, ", %lu:%02lu min left", left / 60, left % 60);
	return snprintf(out, size, ", %lu:%02lu h left", left / 3600, left / 60 % 60);
}

int
meter_text(char *out, size_t size, const char *program, const char *doing, size_t from, size_t done,
    size_t total, double seconds)
{
	double rate = seconds > 0 && done > from ? (double)(done - from) / seconds : 0;
	char of[64] = "", speed[32] = "", left[32] = "";

	if (total > 0)
		snprintf(of, sizeof(of), " of %zu (%.0f%%)", total,
		    100.0 * (double)done / (double)total);
	if (rate >= 1)
		snprintf(speed, sizeof(speed), ", %.0f/s", rate);
	if (rate > 0 && total >= done && total > 0)
		time_left(left, sizeof(left), (double)(total - done) / rate);
	return snprintf(out, size, "%s: %s: %zu%s%s%s", program, doing, done, of, speed, left);
}

/* In one write, that it may not flicker; cut where it would wrap, which could not be erased. */
static void
show(const char *text, int len)
{
	struct winsize size;
	int columns =
	    ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : COLUMNS;

	fprintf(stderr, "\r\033[K%.*s", len < columns ? len : columns - 1, text);
	meter.is_shown = true;
}

/* progress_fn */
static void
hear(void *arg, const char *doing, size_t done, size_t total)
{
	double time = now();
	char text[160];
	int len;

	(void)arg;
	if (doing != meter.doing || done < meter.done) {
		meter.doing = doing;
		meter.from = done;
		meter.part_began = time;
	}
	meter.done = done;
	if (done == meter.from || time - meter.began < PATIENCE || time - meter.shown < PACE)
		return;
	len = meter_text(text, sizeof(text), meter.program, doing, meter.from, done, total,
	    time - meter.part_began);
	if (len > 0)
		show(text, len);
	meter.shown = time;
}

void
meter_start(const char *program)
{
	const char *term = getenv("TERM");

	if (isatty(STDERR_FILENO) != 1 || (term != NULL && strcmp(term, "dumb") == 0))
		return;
	if (meter.began == 0)
		meter.began = now();
	meter.program = program;
	progress_listen(hear, NULL);
}

void
meter_hide(void)
{
	if (!meter.is_shown)
		return;
	fputs("\r\033[K", stderr);
	meter.is_shown = false;
}
