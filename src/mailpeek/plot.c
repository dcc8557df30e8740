/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * U+2581 to U+2588, the eighths of a block from below, and the lines of a frame.
 */
#include "plot.h"

#include <stdio.h>
#include <string.h>

#include "bar.h"
#include "mailpeek.h"
#include "screen.h"

#define SCALE_MAX   20 /* digits of a number */
#define SCALE_ROOM  8  /* those that plot_room reckons with, and the frame */
#define HEIGHT_MAX  10
#define HEIGHT_MIN  3
#define ROWS_AROUND 6 /* what is printed above and below, and the prompt */
#define COLUMN_MAX  3

struct signs {
	const char *eighths[9];
	const char *side, *mark, *corner, *bottom, *tick;
};

static const struct signs blocks = {
	.eighths = { " ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" },
	.side = "│",
	.mark = "┤",
	.corner = "└",
	.bottom = "─",
	.tick = "┬",
};

static const struct signs ascii = {
	.eighths = { " ", ".", ".", ".", ":", ":", ":", "#", "#" },
	.side = "|",
	.mark = "+",
	.corner = "+",
	.bottom = "-",
	.tick = "+",
};

/* How it is laid out. */
struct layout {
	const struct plot *plot;
	const struct signs *signs;
	uint64_t most;
	size_t height;              /* rows of blocks */
	size_t column;              /* characters of one, a blank behind them among these */
	char digits[SCALE_MAX + 1]; /* of `most` */
	int scale;                  /* how many */
	struct buf row;
};

static void
add(struct layout *l, const char *text)
{
	if (buf_adds(&l->row, text) == -1)
		speech_no_memory();
}

static void
end_row(struct layout *l)
{
	while (l->row.len > 0 && l->row.data[l->row.len - 1] == ' ')
		l->row.len--;
	screen_line(l->row.data, l->row.len);
	putchar('\n');
	buf_clear(&l->row);
}

static void
add_scale(struct layout *l, const char *text)
{
	if (buf_addf(&l->row, "%*s ", l->scale, text) == -1)
		speech_no_memory();
}

/* In eighths of a row; what is there is seen. */
static uint64_t
height_of(const struct layout *l, uint64_t value)
{
	const uint64_t eighths =
	    (uint64_t)((double)value / (double)l->most * (double)(8 * l->height) + 0.5);

	return eighths == 0 && value > 0 ? 1 : eighths;
}

static void
print_row(struct layout *l, size_t from_below)
{
	const bool is_top = from_below + 1 == l->height;

	add_scale(l, is_top ? l->digits : "");
	add(l, is_top ? l->signs->mark : l->signs->side);
	for (size_t i = 0; i < l->plot->count; i++) {
		const uint64_t high = height_of(l, l->plot->values[i]), below = 8 * from_below;
		const uint64_t here = high <= below ? 0 : high - below > 8 ? 8 : high - below;

		for (size_t k = 0; k + 1 < l->column || k == 0; k++)
			add(l, l->signs->eighths[here]);
		if (l->column > 1)
			add(l, " ");
	}
	end_row(l);
}

/* The frame's bottom with a tick for each label that has room, then the labels. */
static void
print_labels(struct layout *l)
{
	const size_t width = l->plot->count * l->column;
	struct buf labels = BUF_INIT;
	char label[PLOT_LABEL_MAX];
	size_t end = 0; /* of the labels */

	add_scale(l, "0");
	add(l, l->signs->corner);
	if (buf_addf(&labels, "%*s  ", l->scale, "") == -1)
		speech_no_memory();
	for (size_t i = 0, at = 0; i < l->plot->count; i++, at += l->column) {
		l->plot->label(l->plot->arg, i, label);
		const bool has_room = label[0] != '\0' && (end == 0 || at > end) &&
		                      at + strlen(label) <= width + SCALE_ROOM / 2;

		add(l, has_room ? l->signs->tick : l->signs->bottom);
		for (size_t k = 1; k < l->column; k++)
			add(l, l->signs->bottom);
		if (!has_room)
			continue;
		if (buf_addf(&labels, "%*s%s", (int)(at - end), "", label) == -1)
			speech_no_memory();
		end = at + strlen(label);
	}
	end_row(l);
	if (buf_add(&l->row, labels.data, labels.len) == -1)
		speech_no_memory();
	end_row(l);
	buf_free(&labels);
}

size_t
plot_room(void)
{
	const size_t width = screen_width();

	return width > 2 * SCALE_ROOM ? width - SCALE_ROOM - SCALE_ROOM / 2 : SCALE_ROOM;
}

void
plot_print(const struct plot *plot)
{
	const size_t rows = screen_rows();
	struct layout l = { .plot = plot, .signs = bar_has_blocks() ? &blocks : &ascii };

	for (size_t i = 0; i < plot->count; i++)
		if (plot->values[i] > l.most)
			l.most = plot->values[i];
	if (l.most == 0)
		return;
	l.scale = snprintf(l.digits, sizeof(l.digits), "%llu", (unsigned long long)l.most);
	l.height = rows < ROWS_AROUND + HEIGHT_MIN   ? HEIGHT_MIN
	           : rows > ROWS_AROUND + HEIGHT_MAX ? HEIGHT_MAX
	                                             : rows - ROWS_AROUND;
	l.column = plot_room() / plot->count;
	l.column = l.column < 1 ? 1 : l.column > COLUMN_MAX ? COLUMN_MAX : l.column;
	for (size_t i = l.height; i > 0; i--)
		print_row(&l, i - 1);
	print_labels(&l);
	buf_free(&l.row);
}
