/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a recovery is about to cut off, kept in a file of its own first.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "io.h"
#include "mbox_recover.h"

#define STEP 65536 /* bytes copied at a time */

int
mbox_record_save(int fd, off_t from, off_t to, int out)
{
	unsigned char *step = malloc(STEP);
	int saved, failed = step == NULL ? -1 : 0;

	for (off_t at = from; failed == 0 && at < to;) {
		size_t want = to - at < STEP ? (size_t)(to - at) : STEP;
		ssize_t n = pread(fd, step, want, at);

		if (n == -1 && errno == EINTR)
			continue;
		if (n == 0) /* shorter than it was */
			errno = EIO;
		if (n <= 0 || io_write_all(out, step, (size_t)n) == -1)
			failed = -1;
		else
			at += n;
	}
	if (failed == 0)
		failed = fsync(out);
	saved = errno;
	free(step);
	errno = saved;
	return failed;
}
