/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Any bytes from sendmail. Whatever it says, nobody hangs, and every reply that is believed is one
 * by RFC 5321: a code, printable text, a status of the code's class or none. The message is handed
 * over only if the last of its words was a 250 of its own.
 */
#include "fuzz.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "../../src/virtmda/submission.h"
#include "io.h"

static int
content(void *arg, message_sink *sink, void *sink_arg, struct err *err)
{
	(void)arg;
	return sink(sink_arg, "Subject: x\n\n.\n", 14, err);
}

static void
prepare(int in[2], int out[2], const uint8_t *data, size_t size)
{
	signal(SIGPIPE, SIG_IGN);
	FUZZ_CHECK(pipe(in) == 0 && pipe(out) == 0);
	FUZZ_CHECK(io_write_all(in[1], data, size) == 0);
	close(in[1]);
}

static void
check_replies(const uint8_t *data, size_t size)
{
	struct smtp_reply reply;
	struct smtp smtp;
	struct err err;
	int in[2], out[2];

	prepare(in, out, data, size);
	smtp_init(&smtp, in[0], out[1]);
	while (smtp_read(&smtp, &reply, NULL, NULL, 1000, &err) == 0) {
		FUZZ_CHECK(reply.code >= 200 && reply.code <= 599);
		FUZZ_CHECK(strlen(reply.text) < sizeof(reply.text));
		FUZZ_CHECK(reply.status[0] == '\0' ||
		           outcome_status_fits(reply.status, (char)('0' + reply.code / 100)));
		for (const char *p = reply.text; *p != '\0'; p++)
			FUZZ_CHECK((unsigned char)*p >= ' ' && *p != 127);
	}
	FUZZ_CHECK(err.num == EPIPE || err.num == EPROTO);
	close(in[0]);
	close(out[0]);
	close(out[1]);
}

/* All of it was said before anything was asked, so none of it may count as an answer. */
static void
check_session(const uint8_t *data, size_t size)
{
	struct submission_member member = { .address = "ann" };
	struct submission submission = {
		.sender = "x@y.example", .members = &member, .nmembers = 1, .content = content
	};
	struct session session;
	struct outcome outcome;
	struct err err;
	int in[2], out[2];

	prepare(in, out, data, size);
	submission_init(&session, in[0], out[1]);
	session.patience = session.patience_last = 1000;
	if (submission_open(&session, &err) == 0) {
		submission_send(&session, &submission, &outcome);
		FUZZ_CHECK(outcome.class != OUTCOME_DELIVERED);
	}
	submission_close(&session);
	close(in[0]);
	close(out[0]);
	close(out[1]);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > 32768) /* what a pipe surely holds */
		return 0;
	check_replies(data, size);
	check_session(data, size);
	return 0;
}
