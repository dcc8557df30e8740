/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The front of an LMTP session: the one process that reads what the client sends. It has no rights
 * and no files but the connection, the message it is given (in memory that is sealed before anybody
 * else reads it, or in a file of its parent's) and a socket to the parent, who resolves and
 * delivers. Whatever ends it, nothing was delivered that the parent has not been asked for.
 */
#include "lmtp_front.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "io.h"
#include "lmtp.h"
#include "message.h"
#include "parcel.h"
#include "process.h"
#include "rights.h"

#define READ_STEP 65536
#define ERRORS_MAX                                                                                 \
	20 /* commands not understood: as many as sendmail bears, and less than a browser sends */
#define LAST_WORD 5000 /* milliseconds that a last reply may take */
#define MOVE_STEP 65536

struct front {
	const struct settings *settings;
	int socket;
	bool lost; /* the parent does not answer any more */
	struct lmtp *lmtp;
	int message;   /* where it is written; -1 before its first byte */
	bool in_file;  /* the parent's */
	uint64_t size; /* written */
	bool failed;   /* it could not be: */
	struct err why;
};

/* ---- asking the parent -------------------------------------------------------------------------
 */

static int
send_request(struct front *front, const struct lmtp_request *request, int descriptor)
{
	struct err err;

	if (front->lost ||
	    parcel_send(front->socket, request, sizeof(*request), descriptor, &err) == -1)
		front->lost = true;
	return front->lost ? -1 : 0;
}

static int
ask(struct front *front, enum lmtp_request_kind kind, const char *address)
{
	struct lmtp_request request;

	memset(&request, 0, sizeof(request));
	request.kind = kind;
	strlcpy(request.address, address, sizeof(request.address));
	return send_request(front, &request, -1);
}

static int
hear(struct front *front, struct outcome *out, int *descriptor)
{
	struct lmtp_answer answer;
	struct err err;

	if (front->lost ||
	    parcel_receive(front->socket, &answer, sizeof(answer), descriptor, &err) != 1) {
		front->lost = true;
		outcome_defer(out, "4.3.0", "the delivering process is gone");
		return -1;
	}
	*out = answer.outcome;
	return 0;
}

/* ---- the message -------------------------------------------------------------------------------
 */

static void
forget_message(struct front *front)
{
	if (front->message != -1)
		close(front->message);
	front->message = -1;
	front->in_file = false;
	front->size = 0;
	front->failed = false;
}

static void
fail(struct front *front, const char *what)
{
	err_set(&front->why, errno, "%s", what);
	front->failed = true;
}

/* What is in memory so far goes to the parent's file, and so does all that follows. */
static void
move_to_file(struct front *front)
{
	unsigned char data[MOVE_STEP];
	struct outcome outcome;
	int file = -1, memory = front->message;
	ssize_t n = 0;

	if (ask(front, LMTP_REQUEST_SPOOL, "") == -1 || hear(front, &outcome, &file) == -1 ||
	    file == -1) {
		err_set(&front->why, 0, "%s", front->lost ? "no file" : outcome.text);
		front->failed = true;
		return;
	}
	for (off_t at = 0; memory != -1 && !front->failed; at += n) {
		n = pread(memory, data, sizeof(data), at);
		if (n == -1 || io_write_all(file, data, (size_t)n) == -1)
			fail(front, "spool the message");
		if (n <= 0)
			break;
	}
	if (memory != -1)
		close(memory);
	front->message = file;
	front->in_file = true;
}

static void
on_data(void *arg, const void *bytes, size_t len)
{
	struct front *front = arg;

	if (front->failed)
		return;
	if (front->message == -1)
		front->message = memfd_create("message", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (!front->in_file && (front->message == -1 || front->size + len > MESSAGE_IN_MEMORY))
		move_to_file(front);
	if (front->failed)
		return;
	if (io_write_all(front->message, bytes, len) == -1)
		fail(front, "spool the message");
	front->size += len;
}

/* Nobody can change it any more, this process neither: that is what the parent asks for. */
static int
seal(struct front *front)
{
	if (front->message == -1) /* an empty message had no first byte */
		front->message = memfd_create("message", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (front->message != -1 &&
	    fcntl(front->message, F_ADD_SEALS,
	        F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0)
		return 0;
	fail(front, "seal the message");
	return -1;
}

/* ---- the engine's host -------------------------------------------------------------------------
 */

static void
on_begin(void *arg, const char *sender, uint64_t size, const struct lmtp_notice *notice)
{
	struct lmtp_request request;

	memset(&request, 0, sizeof(request));
	request.kind = LMTP_REQUEST_BEGIN;
	request.size = size;
	request.notice = *notice;
	strlcpy(request.address, sender, sizeof(request.address));
	forget_message(arg);
	send_request(arg, &request, -1);
}

static void
on_recipient(
    void *arg, const char *recipient, const struct lmtp_notice *notice, struct outcome *out)
{
	struct lmtp_request request;

	memset(&request, 0, sizeof(request));
	request.kind = LMTP_REQUEST_RECIPIENT;
	request.notice = *notice;
	strlcpy(request.address, recipient, sizeof(request.address));
	send_request(arg, &request, -1);
	hear(arg, out, NULL);
}

static void
on_verify(void *arg, const char *recipient, struct outcome *out)
{
	ask(arg, LMTP_REQUEST_VERIFY, recipient);
	hear(arg, out, NULL);
}

static void
on_reset(void *arg)
{
	ask(arg, LMTP_REQUEST_RESET, "");
	forget_message(arg);
}

static void
on_deliver(void *arg)
{
	struct front *front = arg;
	struct lmtp_request request;

	memset(&request, 0, sizeof(request));
	request.kind = LMTP_REQUEST_DELIVER;
	if (!front->failed && !front->in_file && seal(front) == -1) {
		/* Each recipient will hear of it. */
	}
	if (front->failed)
		ask(front, LMTP_REQUEST_RESET, "");
	else
		send_request(front, &request, front->in_file ? -1 : front->message);
	if (!front->failed)
		forget_message(front); /* it is the parent's now */
}

static void
on_outcome(void *arg, struct outcome *out)
{
	struct front *front = arg;

	if (front->failed)
		outcome_from_err(out, &front->why);
	else
		hear(front, out, NULL);
}

/* ---- the connection ----------------------------------------------------------------------------
 */

static int
wait_milliseconds(const struct front *front)
{
	return (int)(front->settings->lmtp_timeout * 1000);
}

/* Until something can be sent. A client that does not read must not keep us for ever. */
static int
wait_for_room(const struct front *front)
{
	struct pollfd ready = { .fd = STDOUT_FILENO, .events = POLLOUT };
	int n;

	do
		n = poll(
		    &ready, 1, lmtp_is_over(front->lmtp) ? LAST_WORD : wait_milliseconds(front));
	while (n == -1 && errno == EINTR);
	return n > 0 ? 0 : -1;
}

/* A socket takes what it has room for. A pipe would let us wait: it is asked first, and when it is
 * ready it has room for PIPE_BUF. Bytes that were sent, or -1. */
static ssize_t
send_some(const struct front *front, const unsigned char *data, size_t len)
{
	ssize_t n = send(STDOUT_FILENO, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	bool is_pipe = n == -1 && errno == ENOTSOCK;

	if (n == -1 && (is_pipe || errno == EAGAIN)) {
		if (wait_for_room(front) == -1)
			return -1;
		if (!is_pipe)
			return 0;
		n = write(STDOUT_FILENO, data, len < PIPE_BUF ? len : PIPE_BUF);
	}
	return n == -1 && (errno == EAGAIN || errno == EINTR) ? 0 : n;
}

static int
send_output(struct front *front)
{
	struct buf *out = lmtp_output(front->lmtp);
	size_t at = 0;

	while (at < out->len) {
		ssize_t n = send_some(front, out->data + at, out->len - at);

		if (n == -1)
			return -1;
		at += (size_t)n;
	}
	buf_clear(out);
	return 0;
}

/* 1 the client has sent something or hung up, 0 the session has been ended from here. */
static int
wait_for_input(struct front *front)
{
	struct pollfd fds[] = {
		{ .fd = STDIN_FILENO, .events = POLLIN },
		{ .fd = front->socket, .events = POLLIN },
	};
	int n = process_wait(fds, 2, wait_milliseconds(front));

	if (n == 0)
		lmtp_end(front->lmtp, "4.4.2", "idle too long");
	else if (n == -1 || fds[1].revents != 0 || front->lost)
		lmtp_end(front->lmtp, "4.3.2", "shutting down");
	return !lmtp_is_over(front->lmtp);
}

/* 0 at the session's end, however it came. */
static int
converse(struct front *front)
{
	static unsigned char data[READ_STEP];

	for (;;) {
		ssize_t n;

		if (front->lost)
			lmtp_end(front->lmtp, "4.3.0", "the delivering process is gone");
		if (send_output(front) == -1 || lmtp_is_over(front->lmtp))
			return 0;
		if (!wait_for_input(front))
			continue; /* to say so */
		n = io_read(STDIN_FILENO, data, sizeof(data));
		if (n <= 0)
			return 0;
		lmtp_input(front->lmtp, data, (size_t)n);
	}
}

/* This host's name, if it can be one. */
static const char *
host_name(struct utsname *names)
{
	static const char letters[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_";

	if (uname(names) == -1 || names->nodename[0] == '\0' ||
	    names->nodename[strspn(names->nodename, letters)] != '\0')
		return "localhost";
	return names->nodename;
}

_Noreturn void
lmtp_front(const struct settings *settings, int socket, pid_t parent)
{
	struct front front = { .settings = settings, .socket = socket, .message = -1 };
	const struct lmtp_limits limits = {
		.recipients = settings->lmtp_recipients,
		.errors = ERRORS_MAX,
		.message_size = settings->lmtp_message_size,
	};
	const struct lmtp_host host = { &front, on_begin, on_recipient, on_verify, on_data,
		on_deliver, on_outcome, on_reset };
	struct utsname names;
	struct err err;

	process_close_others(&socket, 1);
	if (rights_drop(parent, &err) == -1 ||
	    lmtp_new(&front.lmtp, host_name(&names), &limits, &host, &err) == -1)
		_exit(1);
	process_hold();
	_exit(converse(&front));
}
