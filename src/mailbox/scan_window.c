/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What is held moves to the front of one buffer before more is read behind it: little, since who
 * searches lets go of what was searched.
 */
#include "scan_window.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "scan.h"

int
window_open(struct window *w, const char *path, int fd, uint64_t end, size_t max, struct err *err)
{
	*w = (struct window){ .path = path, .fd = fd, .end = end, .max = max + WINDOW_STEP };
	w->data = malloc(w->max);
	return w->data == NULL ? err_set(err, ENOMEM, "scan %s", path) : 0;
}

void
window_close(struct window *w)
{
	free(w->data);
	w->data = NULL;
}

int
window_advance(struct window *w, uint64_t from, struct err *err)
{
	ssize_t n;
	size_t room;

	if (from < w->base || from >= window_end(w)) {
		w->base = from;
		w->len = 0;
	} else {
		w->len -= (size_t)(from - w->base);
		memmove(w->data, w->data + (from - w->base), w->len);
		w->base = from;
	}
	if (window_end(w) >= w->end)
		return 0;
	room = w->max - w->len;
	if (room > WINDOW_STEP)
		room = WINDOW_STEP;
	if (room > w->end - window_end(w))
		room = (size_t)(w->end - window_end(w));
	n = scan_pread(w->fd, w->data + w->len, room, window_end(w));
	if (n == -1)
		return err_set(err, errno, "read %s", w->path);
	if (n == 0)
		w->end = window_end(w);
	w->len += (size_t)n;
	return n > 0;
}

int
window_need(struct window *w, uint64_t from, size_t need, size_t *have, struct err *err)
{
	int rc = 1;

	while (rc == 1 && (from < w->base || from > window_end(w) || window_end(w) - from < need))
		rc = window_advance(w, from, err);
	*have = (size_t)(window_end(w) - from);
	return rc == -1 ? -1 : 0;
}
