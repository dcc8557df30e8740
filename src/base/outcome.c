/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What became of one recipient. Deferred is the state that every doubt falls back to: a
 * status of the wrong class, an errno nobody thought of. Nothing here turns an errno into
 * a refusal.
 */
#include "outcome.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char UNDECIDED[] = "4.3.0";

/* RFC 3463 2: class "." subject "." detail, the latter two of one to three digits. */
int
outcome_status_fits(const char *status, char class)
{
	const char *p = status;

	if (*p++ != class)
		return 0;
	for (int part = 0; part < 2; part++) {
		size_t digits;

		if (*p++ != '.')
			return 0;
		digits = strspn(p, "0123456789");
		if (digits < 1 || digits > 3)
			return 0;
		p += digits;
	}
	return *p == '\0';
}

static void __attribute__((format(printf, 4, 0)))
set(struct outcome *out, enum outcome_class class, const char *status, const char *fmt, va_list ap)
{
	static const char digit[] = {
		[OUTCOME_DEFERRED] = '4', [OUTCOME_DELIVERED] = '2', [OUTCOME_REJECTED] = '5'
	};

	if (!outcome_status_fits(status, digit[class])) {
		class = OUTCOME_DEFERRED;
		status = UNDECIDED;
	}
	out->class = class;
	out->nouser = 0;
	out->reply[0] = '\0';
	strlcpy(out->status, status, sizeof(out->status));
	vsnprintf(out->text, sizeof(out->text), fmt, ap);
	for (char *p = out->text; *p != '\0'; p++)
		if (*p == '\n' || *p == '\r')
			*p = ' ';
}

void
outcome_init(struct outcome *out)
{
	outcome_defer(out, UNDECIDED, "no decision was reached");
}

void
outcome_defer(struct outcome *out, const char *status, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	set(out, OUTCOME_DEFERRED, status, fmt, ap);
	va_end(ap);
}

void
outcome_deliver(struct outcome *out, const char *status, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	set(out, OUTCOME_DELIVERED, status, fmt, ap);
	va_end(ap);
}

void
outcome_reject(struct outcome *out, const char *status, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	set(out, OUTCOME_REJECTED, status, fmt, ap);
	va_end(ap);
}

void
outcome_nouser(struct outcome *out, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	set(out, OUTCOME_REJECTED, "5.1.1", fmt, ap);
	va_end(ap);
	out->nouser = 1;
}

void
outcome_reply(struct outcome *out, const char *code)
{
	if (strlen(code) == 3 && strspn(code, "0123456789") == 3 && code[0] == out->status[0])
		strlcpy(out->reply, code, sizeof(out->reply));
}

void
outcome_from_err(struct outcome *out, const struct err *err)
{
	static const struct {
		int num;
		const char *status;
	} codes[] = {
		{ EDQUOT, "4.2.2" }, /* mailbox full */
		{ EFBIG, "4.2.2" },
		{ ENOSPC, "4.3.1" }, /* mail system full */
		{ EAGAIN, "4.2.0" }, /* a lock not got in time */
		{ ESTALE, "4.2.0" },
		{ ENOMEM, "4.3.2" },
	};
	const char *status = UNDECIDED;

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (codes[i].num == err->num)
			status = codes[i].status;
	outcome_defer(out, status, "%s", err->text);
}
