/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One process a question: it becomes the account, looks, writes one block of fixed size into a pipe
 * and ends. The asker, which may be root, opens nothing of the account's and believes no more of
 * the block than one of three answers and a line of text. Whatever goes wrong is "could not tell".
 */
#include "admission.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io.h"
#include "leftover.h"
#include "mailbox.h"
#include "quota.h"

struct word {
	int room;
	struct err err;
};

_Static_assert(sizeof(struct word) <= PIPE_BUF, "it must cross the pipe whole");

/* ---- the process that looks ------------------------------------------------------------ */

static int
look(const struct settings *settings, const struct account *account, const struct quota *limits,
    uint64_t bytes, struct err *err)
{
	const struct mailbox_delivery delivery = { .uid = account->uid, .quota = *limits };
	struct mailbox mailbox;
	int room = 0;

	if (account_become(account, settings->min_uid, err) == -1)
		return -1;
	/* What is passed on takes no room here. */
	if (settings->forward_files == FORWARD_HANDOVER)
		room = account_has_forward(account, err);
	if (room != 0)
		return room;
	if (mailbox_locate(&mailbox,
	        account->mailbox != NULL ? account->mailbox : settings->mailbox, account->name,
	        account->home, err) == -1)
		return -1;
	room = mailbox_has_room(&mailbox, &delivery, bytes, false, err);
	mailbox_free(&mailbox);
	return room;
}

static _Noreturn void
answer(const struct settings *settings, const struct account *account, const struct quota *limits,
    uint64_t bytes, int pipe)
{
	static const int usual[] = { SIGTERM, SIGINT, SIGHUP, SIGCHLD };
	struct word word;

	/* The asker's handlers would act on what is not ours. */
	for (size_t i = 0; i < sizeof(usual) / sizeof(usual[0]); i++)
		signal(usual[i], SIG_DFL);
	/* What the asker has open (the map, other people's connections) is not the account's. */
	if (dup2(pipe, STDERR_FILENO + 1) == -1)
		_exit(1);
	closefrom(STDERR_FILENO + 2);
	memset(&word, 0, sizeof(word));
	word.room = look(settings, account, limits, bytes, &word.err);
	_exit(io_write_all(STDERR_FILENO + 1, &word, sizeof(word)) == -1 ? 1 : 0);
}

/* ---- the one who asks ------------------------------------------------------------------ */

static int
start(struct admission *out, const struct settings *settings, const struct account *account,
    const struct quota *limits, uint64_t bytes, struct err *err)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) == -1)
		return err_set(err, errno, "pipe");
	out->pid = fork();
	if (out->pid == 0)
		answer(settings, account, limits, bytes, ends[1]);
	if (out->pid == -1) {
		err_set(err, errno, "fork");
		close(ends[0]);
	}
	close(ends[1]);
	out->fd = out->pid == -1 ? -1 : ends[0];
	return out->pid == -1 ? -1 : 0;
}

/* Bytes that the message surely needs: every two of them may be a line end. */
static uint64_t
least(uint64_t announced)
{
	return announced > 1 ? announced - announced / 2 : 1;
}

int
admission_start(struct admission *out, const struct settings *settings,
    const struct account *account, uint64_t announced, struct err *err)
{
	struct quota limits;

	*out = (struct admission){ .fd = -1 };
	if (quota_limits(&limits, settings->quota, account->quota_rule, err) == -1)
		return -1;
	if (!quota_limited(&limits))
		return 1;
	leftover_bury();
	return start(out, settings, account, &limits, least(announced), err);
}

void
admission_abandon(struct admission *admission)
{
	if (admission->fd == -1)
		return;
	kill(admission->pid, SIGKILL);
	close(admission->fd);
	leftover_add(admission->pid);
	*admission = (struct admission){ .fd = -1 };
}

int
admission_finish(struct admission *admission, struct err *err)
{
	struct word word;
	ssize_t n = io_read(admission->fd, &word, sizeof(word));

	if (n == -1)
		err_set(err, errno, "ask for room");
	close(admission->fd);
	while (waitpid(admission->pid, NULL, 0) == -1 && errno == EINTR)
		continue;
	*admission = (struct admission){ .fd = -1 };
	if (n == -1)
		return -1;
	if (n != (ssize_t)sizeof(word) || (word.room != 0 && word.room != 1 && word.room != -1))
		return err_set(err, 0, "the process that looks for room said nothing");
	word.err.text[sizeof(word.err.text) - 1] = '\0';
	*err = word.err;
	return word.room;
}

static bool
has_answered(const struct admission *admission)
{
	struct pollfd fd = { .fd = admission->fd, .events = POLLIN };
	int n;

	do
		n = poll(&fd, 1, ADMISSION_SECONDS * 1000);
	while (n == -1 && errno == EINTR);
	return n == 1;
}

int
admission_ask(const struct settings *settings, const struct account *account, uint64_t announced,
    struct err *err)
{
	struct admission admission;
	int known = admission_start(&admission, settings, account, announced, err);

	if (known != 0)
		return known;
	if (has_answered(&admission))
		return admission_finish(&admission, err);
	admission_abandon(&admission);
	return err_set(err, ETIMEDOUT, "the mailbox of %s did not answer in time", account->name);
}

void
admission_refuse(const struct settings *settings, const struct err *why, struct outcome *outcome)
{
	if (settings->over_quota == OVER_QUOTA_REJECT)
		outcome_reject(outcome, "5.2.2", "%s", why->text);
	else
		outcome_defer(outcome, "4.2.2", "%s", why->text);
}
