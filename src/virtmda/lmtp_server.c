/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The parent of an LMTP session. It reads nothing from outside but its front's requests, one size
 * of block with one address in it, and looks at each before it acts: the front may have been taken
 * over by whoever talks to it. What that would win is what the client may do anyway: to name
 * recipients and hand over messages.
 */
#include "lmtp_server.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "admission.h"
#include "intake.h"
#include "journal.h"
#include "lmtp_front.h"
#include "moment.h"
#include "parcel.h"
#include "plan.h"
#include "process.h"
#include "resolve.h"
#include "transaction.h"

#define REST_AFTER 3000 /* milliseconds without a request, until waiting workers are let go */

struct server {
	const struct settings *settings;
	struct crew *crew;
	struct resolver *resolver;
	int socket;
	bool begun; /* a transaction */
	char sender[ADDRESS_MAX + 1];
	uint64_t size; /* bytes that the sender expects of the message, 0 unknown */
	struct lmtp_notice notice;
	struct plan plan;
	int spool; /* reading end of the file that was asked for, or -1 */
};

/* ---- answers -----------------------------------------------------------------------------------
 */

static int
answer(const struct server *server, const struct outcome *outcome, int descriptor, struct err *err)
{
	struct lmtp_answer parcel;

	memset(&parcel, 0, sizeof(parcel)); /* padding is root's memory, too */
	parcel.outcome.class = outcome->class;
	parcel.outcome.nouser = outcome->nouser;
	strlcpy(parcel.outcome.status, outcome->status, sizeof(parcel.outcome.status));
	strlcpy(parcel.outcome.reply, outcome->reply, sizeof(parcel.outcome.reply));
	strlcpy(parcel.outcome.text, outcome->text, sizeof(parcel.outcome.text));
	return parcel_send(server->socket, &parcel, sizeof(parcel), descriptor, err);
}

static void
reset(struct server *server)
{
	plan_free(&server->plan);
	if (server->spool != -1)
		close(server->spool);
	server->spool = -1;
	server->begun = false;
}

/* ---- requests ----------------------------------------------------------------------------------
 */

static int
on_begin(struct server *server, const struct lmtp_request *request)
{
	reset(server);
	server->begun = true;
	memcpy(server->sender, request->address, sizeof(server->sender));
	server->size = request->size;
	server->notice = request->notice;
	journal_start();
	return 0;
}

static const char *
or_null(const char *value)
{
	return value[0] == '\0' ? NULL : value;
}

/* Resolve into `plan`. size: what the sender said of the message, 0 nothing. The outcome is
 * "delivered" if the message may come. */
static void
look_up(struct server *server, struct plan *plan, const struct lmtp_request *request, uint64_t size,
    struct outcome *out)
{
	const struct plan_notice notice = { or_null(request->notice.notify),
		or_null(request->notice.orcpt) };
	const struct recipient *recipient;
	struct err err;

	outcome_init(out);
	resolver_refresh(server->resolver);
	if (plan_add(plan, server->resolver, request->address, &notice, NULL, &err) == -1) {
		outcome_from_err(out, &err);
		return;
	}
	recipient = plan->recipients[plan->nrecipients - 1];
	if (!plan_takes(recipient))
		*out = *plan_outcome(recipient);
	else if (recipient->copy != NULL &&
	         admission_ask(server->settings, recipient->copy->account, size, &err) == 0)
		admission_refuse(server->settings, &err, out);
	else
		outcome_deliver(out, "2.1.5", "recipient ok");
}

static int
on_recipient(struct server *server, const struct lmtp_request *request, struct err *err)
{
	struct plan *plan = &server->plan;
	size_t before = plan->nrecipients;
	struct outcome outcome;

	if (!server->begun || before >= server->settings->lmtp_recipients)
		return err_set(err, EPROTO, "lmtp: a recipient out of order");
	look_up(server, plan, request, server->size, &outcome);
	if (outcome.class != OUTCOME_DELIVERED && plan->nrecipients > before) {
		plan_refuse_last(plan, &outcome);
		journal_recipient(plan->recipients[before], server->sender);
		plan_drop_last(plan);
	}
	return answer(server, &outcome, -1, err);
}

static int
on_verify(struct server *server, const struct lmtp_request *request, struct err *err)
{
	struct outcome outcome;
	struct plan plan;

	plan_init(&plan, server->settings);
	look_up(server, &plan, request, 0, &outcome); /* of no message */
	plan_free(&plan);
	return answer(server, &outcome, -1, err);
}

static int
on_spool(struct server *server, struct err *err)
{
	struct outcome outcome;
	struct err trouble;
	int writer, failed;

	if (!server->begun || server->spool != -1)
		return err_set(err, EPROTO, "lmtp: a second message");
	outcome_init(&outcome);
	writer = intake_spool(server->settings->spool_directory, &server->spool, &trouble);
	if (writer == -1)
		outcome_from_err(&outcome, &trouble);
	failed = answer(server, &outcome, writer, err);
	if (writer != -1)
		close(writer);
	return failed;
}

/* Memory that nobody can change any more, and no more of it than was agreed; anything else could
 * change under a worker's hands, or be no file at all. */
static int
check_memory(int descriptor, struct err *err)
{
	const int all = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
	int seals = descriptor == -1 ? -1 : fcntl(descriptor, F_GET_SEALS);
	struct stat st;

	if (seals == -1 || (seals & all) != all || fstat(descriptor, &st) == -1 ||
	    !S_ISREG(st.st_mode) || st.st_size > MESSAGE_IN_MEMORY)
		return err_set(err, EPROTO, "lmtp: not a sealed message");
	return 0;
}

static int
on_deliver(struct server *server, int descriptor, struct err *err)
{
	const struct transaction transaction = {
		.settings = server->settings,
		.crew = server->crew,
		.sender = server->sender,
		.date = time(NULL),
		.until = moment_now() + (long long)server->settings->lmtp_reply_timeout * 1000,
		.utf8 = server->notice.utf8 != 0,
		.ret = or_null(server->notice.ret),
		.envid = or_null(server->notice.envid),
	};
	struct intake intake = { .fd = server->spool, .spooled = true };
	int failed = 0;

	if (!server->begun || server->plan.nrecipients == 0)
		return err_set(err, EPROTO, "lmtp: a message for nobody");
	if (server->spool == -1 && check_memory(descriptor, err) == -1)
		return -1;
	if (server->spool == -1)
		intake.fd = descriptor;
	transaction_run(&transaction, &server->plan, &intake, err);
	for (size_t i = 0; i < server->plan.nrecipients && failed == 0; i++)
		failed = answer(server, plan_outcome(server->plan.recipients[i]), -1, err);
	reset(server);
	return failed;
}

/* ---- looking at them ---------------------------------------------------------------------------
 */

static bool
is_address(const char *address, bool may_be_empty)
{
	size_t len = strnlen(address, ADDRESS_MAX + 1);

	if (len > ADDRESS_MAX || (len == 0 && !may_be_empty))
		return false;
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)address[i] < ' ' || address[i] == 127)
			return false;
	return true;
}

/* 0, or -1 with err: this front is not to be talked to any longer. */
static int
act(struct server *server, const struct lmtp_request *request, int descriptor, struct err *err)
{
	bool asks_about =
	    request->kind == LMTP_REQUEST_RECIPIENT || request->kind == LMTP_REQUEST_VERIFY;

	if (!is_address(request->address, !asks_about))
		return err_set(err, EPROTO, "lmtp: no address");
	if (!lmtp_notice_is_sound(&request->notice))
		return err_set(err, EPROTO, "lmtp: no notice");
	switch (request->kind) {
	case LMTP_REQUEST_BEGIN:
		return on_begin(server, request);
	case LMTP_REQUEST_RECIPIENT:
		return on_recipient(server, request, err);
	case LMTP_REQUEST_VERIFY:
		return on_verify(server, request, err);
	case LMTP_REQUEST_SPOOL:
		return on_spool(server, err);
	case LMTP_REQUEST_DELIVER:
		return on_deliver(server, descriptor, err);
	case LMTP_REQUEST_RESET:
		reset(server);
		return 0;
	}
	return err_set(err, EPROTO, "lmtp: unknown request");
}

/* For its next request. */
static int
wait_for_front(const struct server *server)
{
	struct pollfd ready = { .fd = server->socket, .events = POLLIN };
	int n = 0;

	if (crew_is_waiting(server->crew)) {
		n = process_wait(&ready, 1, REST_AFTER);
		if (n == 0)
			crew_rest(server->crew);
	}
	return n == 0 ? process_wait(&ready, 1, -1) : n;
}

/* Until the front is gone: 0; or -1 with err. */
static int
serve(struct server *server, struct err *err)
{
	struct lmtp_request request;

	for (;;) {
		int descriptor, got, failed;

		if (wait_for_front(server) == -1)
			return err_set(err, errno, "lmtp: waiting for the client");
		got = parcel_receive(server->socket, &request, sizeof(request), &descriptor, err);
		if (got != 1)
			return got;
		failed = act(server, &request, descriptor, err);
		if (descriptor != -1)
			close(descriptor);
		if (failed == -1)
			return -1;
	}
}

/* ---- the session -------------------------------------------------------------------------------
 */

/* inetd makes the connection standard error, too. */
static bool
is_client(int fd)
{
	struct stat client, st;

	return fstat(STDIN_FILENO, &client) == 0 && fstat(fd, &st) == 0 &&
	       client.st_dev == st.st_dev && client.st_ino == st.st_ino;
}

/* The connection is the front's alone: no worker can write to it, and the client sees it end. */
static int
let_go_of_client(struct err *err)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null == -1)
		return err_set(err, errno, "open /dev/null");
	if ((is_client(STDERR_FILENO) && dup2(null, STDERR_FILENO) == -1) ||
	    dup2(null, STDIN_FILENO) == -1 || dup2(null, STDOUT_FILENO) == -1) {
		err_set(err, errno, "dup2");
		close(null);
		return -1;
	}
	close(null);
	return 0;
}

/* *pid is the front's, the result the socket to it. */
static int
start_front(const struct settings *settings, pid_t *pid, struct err *err)
{
	pid_t parent = getpid();
	int sockets[2];

	if (parcel_pair(sockets, err) == -1)
		return -1;
	*pid = fork();
	if (*pid == 0)
		lmtp_front(settings, sockets[1], parent);
	close(sockets[1]);
	if (*pid != -1)
		return sockets[0];
	err_set(err, errno, "fork");
	close(sockets[0]);
	return -1;
}

/* It may still have something to say to the client. */
static int
see_off(pid_t front, struct err *err)
{
	int status;

	while (waitpid(front, &status, 0) == -1)
		if (errno != EINTR)
			return err_set(err, errno, "waitpid");
	if (WIFSIGNALED(status))
		return err_set(err, 0, "lmtp: the front was killed by signal %d", WTERMSIG(status));
	return WEXITSTATUS(status) == 0 ? 0 : err_set(err, 0, "lmtp: the front could not start");
}

int
lmtp_answer_front(const struct settings *settings, int socket, struct err *err)
{
	struct server server = { .settings = settings, .socket = socket, .spool = -1 };
	int failed;

	plan_init(&server.plan, settings);
	failed = resolver_new(&server.resolver, settings, err);
	if (failed == 0)
		failed = crew_new(&server.crew, err);
	if (failed == 0)
		failed = serve(&server, err);
	reset(&server);
	crew_free(server.crew);
	resolver_free(server.resolver);
	return failed;
}

int
lmtp_serve(const struct settings *settings, struct err *err)
{
	struct err ignored;
	int failed, socket;
	pid_t front;

	process_hold();
	process_forget_starter();
	socket = start_front(settings, &front, err);
	if (socket == -1)
		return -1;
	failed = let_go_of_client(err);
	if (failed == 0)
		failed = lmtp_answer_front(settings, socket, err);
	close(socket);
	/* An error of ours is the one to tell. */
	if (see_off(front, failed == 0 ? err : &ignored) == -1)
		failed = -1;
	return failed;
}
