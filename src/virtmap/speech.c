/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How virtmap speaks to people and scripts. Everything passes through vis(3), and a full disk
 * behind standard output is an error: a list that was cut off must not look whole.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "meter.h"
#include "pager.h"
#include "text.h"
#include "virtmap.h"

void
speech_say(FILE *to, const char *fmt, ...)
{
	char *text, *safe;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n == -1) {
		fputs("virtmap: out of memory\n", stderr);
		exit(STATUS_LATER);
	}
	if ((safe = text_vis_dup(text)) == NULL) {
		fputs("virtmap: out of memory\n", stderr);
		exit(STATUS_LATER);
	}
	meter_hide();
	fprintf(to, "%s\n", safe);
	free(safe);
	free(text);
}

static enum status
status_of(int num)
{
	static const struct {
		int num;
		enum status status;
	} statuses[] = {
		{ 0, STATUS_DATA },
		{ EINVAL, STATUS_DATA },
		{ EEXIST, STATUS_NOT_SO },
		{ ENOENT, STATUS_NO_INPUT },
		{ ENOTDIR, STATUS_NO_INPUT },
		{ EPERM, STATUS_FORBIDDEN },
		{ EACCES, STATUS_FORBIDDEN },
		{ EROFS, STATUS_CANNOT_WRITE },
		{ ENOSPC, STATUS_CANNOT_WRITE },
		{ EDQUOT, STATUS_CANNOT_WRITE },
		{ EISDIR, STATUS_CANNOT_WRITE },
		{ ENOMEM, STATUS_LATER },
		{ EWOULDBLOCK, STATUS_LATER },
		{ EMFILE, STATUS_LATER },
		{ ENFILE, STATUS_LATER },
	};

	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++)
		if (statuses[i].num == num)
			return statuses[i].status;
	return STATUS_IO;
}

enum status
speech_fail(const struct err *err)
{
	speech_say(stderr, "virtmap: %s", err->text);
	return status_of(err->num);
}

void
speech_complain(void *arg, const char *path, size_t line, const char *why)
{
	size_t *count = arg;

	if (count != NULL)
		++*count;
	speech_say(stderr, "%s:%zu: %s", path, line, why);
}

enum status
speech_end(enum status status)
{
	struct err err;

	meter_hide();
	if (pager_end(&err) == 0)
		return status;
	speech_say(stderr, "virtmap: %s", err.text);
	return STATUS_IO;
}
