/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * From who works to who listens. With nobody there it is a test of a pointer.
 */
#include "progress.h"

static struct {
	progress_fn *listener;
	void *arg;
} progress;

void
progress_listen(progress_fn *listener, void *arg)
{
	progress.listener = listener;
	progress.arg = arg;
}

void
progress_tell(const char *doing, size_t done, size_t total)
{
	if (progress.listener != NULL)
		progress.listener(progress.arg, doing, done, total);
}
