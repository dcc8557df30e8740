/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How mailpeek tells errors: on standard error, through vis(3), with a status. Output that was
 * cut off by a full disk must not look whole.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mailpeek.h"
#include "pager.h"
#include "text.h"

void
speech_complain(const char *fmt, ...)
{
	char *text = NULL, *safe = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n == -1 || (safe = text_vis_dup(text)) == NULL)
		speech_no_memory();
	fprintf(stderr, "mailpeek: %s\n", safe);
	free(safe);
	free(text);
}

enum status
speech_fail(const struct err *err)
{
	static const struct {
		int num;
		enum status status;
	} statuses[] = {
		{ EINVAL, STATUS_DATA },
		{ EACCES, STATUS_FORBIDDEN },
		{ EPERM, STATUS_FORBIDDEN },
		{ EAGAIN, STATUS_LATER },
		{ ENOMEM, STATUS_LATER },
		{ EMFILE, STATUS_LATER },
		{ ENFILE, STATUS_LATER },
	};

	speech_complain("%s", err->text);
	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++)
		if (statuses[i].num == err->num)
			return statuses[i].status;
	return STATUS_IO;
}

enum status
speech_end(enum status status)
{
	struct err err;

	if (pager_end(&err) == 0)
		return status;
	speech_complain("%s", err.text);
	return STATUS_IO;
}

_Noreturn void
speech_no_memory(void)
{
	fputs("mailpeek: out of memory\n", stderr);
	exit(STATUS_LATER);
}
