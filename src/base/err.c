/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One line of reason and one errno, written where the failure was met. Cutting is
 * allowed here and nowhere else, and is marked: a reason is for people.
 */
#include "err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void
mark_cut(struct err *err, size_t wanted)
{
	static const char mark[] = "...";

	if (wanted >= sizeof(err->text))
		memcpy(err->text + sizeof(err->text) - sizeof(mark), mark, sizeof(mark));
}

int
err_set(struct err *err, int num, const char *fmt, ...)
{
	va_list ap;
	size_t len;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	len = n < 0 ? 0 : (size_t)n;
	if (num != 0 && len < sizeof(err->text)) {
		n = snprintf(err->text + len, sizeof(err->text) - len, ": %s", strerror(num));
		len += n < 0 ? 0 : (size_t)n;
	}
	mark_cut(err, len);
	err->num = num;
	errno = num;
	return -1;
}

int
err_prefix(struct err *err, const char *fmt, ...)
{
	char old[ERR_TEXT_MAX];
	va_list ap;
	size_t len;
	int n;

	memcpy(old, err->text, sizeof(old));
	va_start(ap, fmt);
	n = vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	len = n < 0 ? 0 : (size_t)n;
	if (len < sizeof(err->text)) {
		n = snprintf(err->text + len, sizeof(err->text) - len, ": %s", old);
		len += n < 0 ? 0 : (size_t)n;
	}
	mark_cut(err, len);
	errno = err->num;
	return -1;
}
