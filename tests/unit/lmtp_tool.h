/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A host for the LMTP engine that delivers nowhere and writes down what it was asked, in the order
 * of the replies between: what a test compares is one text. Used by the unit tests and the fuzz
 * target.
 */
#ifndef LMTP_TOOL_H
#define LMTP_TOOL_H

#include <stdlib.h>
#include <string.h>

#include "../../src/virtmda/lmtp.h"

struct recording {
	struct lmtp_host host;
	struct lmtp *lmtp;
	struct buf replies; /* what the client sees */
	struct buf calls;   /* what the host was asked */
	size_t accepted, answered, transactions;
	bool open; /* a transaction */
};

static void
must(int result)
{
	if (result != 0)
		abort();
}

static void
record_word(struct recording *r, const char *name, const char *value)
{
	if (value[0] != '\0')
		must(buf_addf(&r->calls, " %s=%s", name, value));
}

static void
record_begin(void *arg, const char *sender, uint64_t size, const struct lmtp_notice *notice)
{
	struct recording *r = arg;

	(void)size;
	must(r->open);
	r->open = true;
	r->accepted = 0;
	must(!lmtp_notice_is_sound(notice));
	must(buf_addf(&r->calls, "begin <%s>%s", sender, notice->utf8 ? " utf8" : ""));
	record_word(r, "ret", notice->ret);
	record_word(r, "envid", notice->envid);
	must(buf_addc(&r->calls, '\n'));
}

/* The first letter decides. */
static void
decide(const char *recipient, struct outcome *out)
{
	switch (recipient[0]) {
	case 'n':
		outcome_nouser(out, "no such user: %s", recipient);
		break;
	case 'f':
		outcome_defer(out, "4.2.2", "mailbox full");
		break;
	case 'r':
		outcome_reject(out, "5.7.1", "go away");
		break;
	case 't':
		break; /* could not tell */
	default:
		outcome_deliver(out, "2.1.5", "recipient ok");
	}
}

static void
record_recipient(
    void *arg, const char *recipient, const struct lmtp_notice *notice, struct outcome *out)
{
	struct recording *r = arg;

	must(!r->open);
	must(!lmtp_notice_is_sound(notice));
	must(buf_addf(&r->calls, "recipient <%s>", recipient));
	record_word(r, "notify", notice->notify);
	record_word(r, "orcpt", notice->orcpt);
	must(buf_addc(&r->calls, '\n'));
	decide(recipient, out);
	r->accepted += out->class == OUTCOME_DELIVERED;
}

static void
record_verify(void *arg, const char *recipient, struct outcome *out)
{
	struct recording *r = arg;

	must(buf_addf(&r->calls, "verify <%s>\n", recipient));
	decide(recipient, out);
}

static void
record_data(void *arg, const void *bytes, size_t len)
{
	struct recording *r = arg;

	must(!r->open || r->accepted == 0);
	must(buf_add(&r->calls, bytes, len));
}

static void
record_deliver(void *arg)
{
	struct recording *r = arg;

	must(!r->open);
	r->answered = 0;
	r->transactions++;
	must(buf_adds(&r->calls, "deliver\n"));
}

static void
record_outcome(void *arg, struct outcome *out)
{
	struct recording *r = arg;

	r->answered++;
	if (r->answered == r->accepted)
		r->open = false;
	if (r->answered % 2 == 1)
		outcome_deliver(out, "2.0.0", "delivered %zu", r->answered);
	else
		outcome_defer(out, "4.3.1", "disk full");
}

static void
record_reset(void *arg)
{
	struct recording *r = arg;

	must(!r->open);
	r->open = false;
	must(buf_adds(&r->calls, "reset\n"));
}

static void
recording_start(struct recording *r, const struct lmtp_limits *limits)
{
	struct err err;

	*r = (struct recording){ .host = { r, record_begin, record_recipient, record_verify,
		                     record_data, record_deliver, record_outcome, record_reset } };
	must(lmtp_new(&r->lmtp, "host.example", limits, &r->host, &err));
}

static void
recording_feed(struct recording *r, const void *bytes, size_t len)
{
	struct buf *out;

	lmtp_input(r->lmtp, bytes, len);
	out = lmtp_output(r->lmtp);
	must(buf_add(&r->replies, out->data, out->len));
	buf_clear(out);
}

static void
recording_end(struct recording *r)
{
	lmtp_free(r->lmtp);
	buf_free(&r->replies);
	buf_free(&r->calls);
}

#endif
