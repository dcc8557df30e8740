/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The back: a loop that takes a question, checks its form, asks resolve() and answers. Trouble of
 * ours is told on standard error; the same trouble once a minute, for every recipient meets it.
 */
#include "backroom.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "virtmap.h"

#define SAY_AGAIN 60 /* seconds */

/* ---- blocks over the socket ------------------------------------------------------------------ */

static int
send_block(int socket, const void *block, size_t len, int flags, struct err *err)
{
	ssize_t n;

	do
		n = send(socket, block, len, MSG_NOSIGNAL | flags);
	while (n == -1 && errno == EINTR);
	if (n == (ssize_t)len)
		return 1;
	if (n == -1 && (errno == EAGAIN || errno == ENOBUFS))
		return 0;
	return err_set(err, n == -1 ? errno : EPROTO, "send to the other process");
}

/* Without room for control data the kernel drops descriptors that the other side may send. 1, 0 not
 * now, -1; err->num 0 at the end. */
static int
receive_block(int socket, void *block, size_t len, int flags, struct err *err)
{
	ssize_t n;

	do
		n = recv(socket, block, len, MSG_TRUNC | flags);
	while (n == -1 && errno == EINTR);
	if (n == (ssize_t)len)
		return 1;
	if (n == -1 && errno == EAGAIN)
		return 0;
	if (n == 0)
		return err_set(err, 0, "the other process is gone");
	return err_set(err, n == -1 ? errno : EPROTO, "receive from the other process");
}

int
backroom_ask(int socket, const struct backroom_question *question, struct err *err)
{
	return send_block(socket, question, sizeof(*question), MSG_DONTWAIT, err);
}

int
backroom_hear(int socket, struct backroom_answer *answer, struct err *err)
{
	int rc = receive_block(socket, answer, sizeof(*answer), MSG_DONTWAIT, err);

	if (rc == 1)
		answer->reply[sizeof(answer->reply) - 1] = '\0';
	return rc;
}

/* ---- answering ------------------------------------------------------------------------------- */

struct last_words {
	char text[ERR_TEXT_MAX];
	time_t when;
};

static void
say_trouble(struct last_words *last, const char *key, const char *trouble)
{
	struct timespec now = { 0 };

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (strcmp(last->text, trouble) == 0 && now.tv_sec - last->when < SAY_AGAIN)
		return;
	strlcpy(last->text, trouble, sizeof(last->text));
	last->when = now.tv_sec;
	speech_say(stderr, "virtmap: %s: %s", key, trouble);
}

static int
is_well_formed(const struct backroom_question *question)
{
	return question->map >= 0 && question->map < lookup_count() &&
	       memchr(question->key, '\0', sizeof(question->key)) != NULL;
}

int
backroom_run(int socket, const struct settings *settings, struct err *err)
{
	static struct backroom_answer
	    answer; /* all of it is sent: nothing else of ours may be in it */
	struct backroom_question question;
	struct last_words last = { .text = "" };
	struct resolver *resolver;
	int rc;

	if (resolver_new(&resolver, settings, err) == -1)
		return -1;
	while ((rc = receive_block(socket, &question, sizeof(question), 0, err)) == 1) {
		char trouble[ERR_TEXT_MAX];

		if (!is_well_formed(&question)) {
			rc = err_set(err, EPROTO, "a question without form");
			break;
		}
		memset(&answer, 0, sizeof(answer));
		answer.serial = question.serial;
		answer.slot = question.slot;
		lookup_reply(question.map, resolver, settings, question.key, answer.reply, trouble);
		if (trouble[0] != '\0')
			say_trouble(&last, question.key, trouble);
		if (send_block(socket, &answer, sizeof(answer), 0, err) == -1) {
			rc = -1;
			break;
		}
	}
	resolver_free(resolver);
	return rc == -1 && err->num == 0 ? 0 : -1;
}
