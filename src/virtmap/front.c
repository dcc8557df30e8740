/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One loop over epoll. A client is idle, sending a question, waiting for the back, or taking its
 * answer; it stands in the list of that state, oldest first, so that time limits look at four heads
 * only. While it waits nothing more is read from it: who talks on fills his own socket.
 */
#include "front.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "backroom.h"
#include "socketmap.h"

const struct front_limits front_limits_usual = {
	.clients = 4096, .idle = 3600, .partial = 30, .answer = 60, .reading = 30
};

#define EVENTS_MAX  64
#define ACCEPTS_MAX 64 /* of one listener before others have their turn */
#define PAUSE       1  /* seconds without accepting when there are no descriptors */
#define TOO_LATE    "TEMP no answer in time"
#define NO_SUCH_MAP "PERM no such map"
#define NO_KEY      "PERM not a key"
#define CANNOT_ASK  "TEMP nobody to ask"

enum state { IDLE, SENDING, QUEUED, ASKED, TAKING, DEAD, NSTATES };

struct client {
	TAILQ_ENTRY(client) link; /* in the list of its state */
	enum state state;
	time_t since; /* in this state */
	int fd;
	uint32_t slot;
	uint32_t events;                  /* that epoll watches for */
	uint64_t serial;                  /* of its question */
	struct socketmap_request request; /* QUEUED, ASKED: at the beginning of `in` */
	unsigned char in[SOCKETMAP_FRAME_MAX];
	size_t in_len;
	struct buf out;
	size_t sent; /* of `out` */
};

TAILQ_HEAD(clients, client);

struct front {
	const struct front_limits *limits;
	int epoll;
	int backroom;
	bool backroom_full;
	const int *listeners;
	size_t nlisteners;
	bool deaf;         /* listeners are not watched */
	time_t deaf_until; /* when that is for want of descriptors; 0: of places */
	struct clients lists[NSTATES];
	/* Those of the dead stay taken to the end of a turn, which may still have events for them.
	 */
	struct client **slots;
	size_t nslots;
	size_t taken;    /* of them */
	size_t nclients; /* alive */
	uint64_t serial;
	time_t now;
};

/* What an event is about: the kind in the upper half, a number in the lower. */
enum about { ABOUT_BACKROOM, ABOUT_LISTENER, ABOUT_CLIENT };

static uint64_t
about(enum about kind, uint32_t number)
{
	return (uint64_t)kind << 32 | number;
}

static int
watch(struct front *front, int operation, int fd, uint32_t events, uint64_t data)
{
	struct epoll_event event = { .events = events, .data.u64 = data };

	return epoll_ctl(front->epoll, operation, fd, &event);
}

/* ---- states ---------------------------------------------------------------------------------- */

static void
enter(struct front *front, struct client *client, enum state state)
{
	TAILQ_REMOVE(&front->lists[client->state], client, link);
	TAILQ_INSERT_TAIL(&front->lists[state], client, link);
	client->state = state;
	client->since = front->now;
}

static void
drop(struct front *front, struct client *client)
{
	if (client->state == DEAD)
		return;
	close(client->fd);
	enter(front, client, DEAD);
	front->nclients--;
}

static void
bury(struct front *front)
{
	struct client *client;

	while ((client = TAILQ_FIRST(&front->lists[DEAD])) != NULL) {
		TAILQ_REMOVE(&front->lists[DEAD], client, link);
		front->slots[client->slot] = NULL;
		front->taken--;
		buf_free(&client->out);
		free(client);
	}
}

static void
watch_for(struct front *front, struct client *client, uint32_t events)
{
	if (client->events == events)
		return;
	client->events = events;
	if (watch(front, EPOLL_CTL_MOD, client->fd, events, about(ABOUT_CLIENT, client->slot)) ==
	    -1)
		drop(front, client);
}

/* ---- a question and its answer --------------------------------------------------------------- */

/* Done with the question at the beginning of `in`. */
static void
forget_question(struct client *client)
{
	size_t frame = client->request.frame;

	memmove(client->in, client->in + frame, client->in_len - frame);
	client->in_len -= frame;
	client->serial = 0;
}

static void
respond(struct front *front, struct client *client, const char *reply)
{
	forget_question(client);
	client->sent = 0;
	if (socketmap_frame(&client->out, reply) == -1)
		drop(front, client);
	else
		enter(front, client, TAKING);
}

/* 1 asked, 0 later, -1 not at all. A NUL could make another key of it, so there is none. */
static int
ask(struct front *front, struct client *client, int map)
{
	static struct backroom_question question;
	const struct socketmap_request *request = &client->request;
	size_t len = request->key_len;
	struct err err;

	memset(&question, 0, sizeof(question));
	question.serial = client->serial = ++front->serial;
	question.slot = client->slot;
	question.map = map;
	memcpy(question.key, request->key,
	    len < sizeof(question.key) ? len : sizeof(question.key) - 1);
	return backroom_ask(front->backroom, &question, &err);
}

/* The question at the beginning of `in` is whole. */
static void
take_up(struct front *front, struct client *client)
{
	const struct socketmap_request *request = &client->request;
	int map = lookup_find(request->name, request->name_len);

	if (map == -1) {
		respond(front, client, NO_SUCH_MAP);
		return;
	}
	if (request->key_len == 0 || memchr(request->key, '\0', request->key_len) != NULL) {
		respond(front, client, NO_KEY);
		return;
	}
	/* Who comes first is asked first. */
	switch (front->backroom_full ? 0 : ask(front, client, map)) {
	case 1:
		enter(front, client, ASKED);
		break;
	case 0:
		front->backroom_full = true;
		enter(front, client, QUEUED);
		break;
	default:
		respond(front, client, CANNOT_ASK);
	}
}

/* 1 all of the answer is gone, 0 not yet, -1 the client is. */
static int
flush(struct client *client)
{
	while (client->sent < client->out.len) {
		ssize_t n = send(client->fd, client->out.data + client->sent,
		    client->out.len - client->sent, MSG_NOSIGNAL);

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return errno == EAGAIN ? 0 : -1;
		client->sent += (size_t)n;
	}
	if (client->out.cap > 512)
		buf_free(&client->out);
	else
		buf_clear(&client->out);
	return 1;
}

/* 1 it took a step, 0 it waits for bytes. */
static int
read_question(struct front *front, struct client *client)
{
	switch (socketmap_take(&client->request, client->in, client->in_len)) {
	case SOCKETMAP_REQUEST:
		take_up(front, client);
		return 1;
	case SOCKETMAP_GARBAGE:
		drop(front, client);
		return 0;
	case SOCKETMAP_MORE:
		break;
	}
	if (client->state != (client->in_len == 0 ? IDLE : SENDING))
		enter(front, client, client->in_len == 0 ? IDLE : SENDING);
	watch_for(front, client, EPOLLIN);
	return 0;
}

/* As far as it goes without waiting. */
static void
advance(struct front *front, struct client *client)
{
	for (;;) {
		int rc;

		switch (client->state) {
		case IDLE:
		case SENDING:
			if (!read_question(front, client))
				return;
			break;
		case TAKING:
			if ((rc = flush(client)) == 0)
				watch_for(front, client, EPOLLOUT);
			else if (rc == -1)
				drop(front, client);
			if (rc != 1)
				return;
			enter(front, client, IDLE);
			break;
		default:
			return;
		}
	}
}

/* ---- events ---------------------------------------------------------------------------------- */

static void
on_readable(struct front *front, struct client *client)
{
	ssize_t n;

	if (client->state != IDLE && client->state != SENDING) {
		watch_for(front, client, 0); /* not its turn */
		return;
	}
	n = recv(client->fd, client->in + client->in_len, sizeof(client->in) - client->in_len, 0);
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		drop(front, client);
		return;
	}
	client->in_len += (size_t)n;
	advance(front, client);
}

static void
on_client(struct front *front, struct client *client, uint32_t events)
{
	if (client == NULL || client->state == DEAD)
		return;
	if ((events & (EPOLLERR | EPOLLHUP)) != 0 && (events & EPOLLIN) == 0)
		drop(front, client);
	else if ((events & EPOLLIN) != 0)
		on_readable(front, client);
	else if ((events & EPOLLOUT) != 0)
		advance(front, client);
}

/* The back has room again, or may have. */
static void
ask_queued(struct front *front)
{
	struct client *client;

	front->backroom_full = false;
	while ((client = TAILQ_FIRST(&front->lists[QUEUED])) != NULL) {
		int rc =
		    ask(front, client, lookup_find(client->request.name, client->request.name_len));

		if (rc == 0) {
			front->backroom_full = true;
			return;
		}
		if (rc == 1) {
			enter(front, client, ASKED);
			continue;
		}
		respond(front, client, CANNOT_ASK);
		advance(front, client);
	}
}

/* 0, or -1 with err (err->num 0: the end). */
static int
on_backroom(struct front *front, struct err *err)
{
	static struct backroom_answer answer;
	int rc = 0;

	for (int i = 0; i < EVENTS_MAX; i++) {
		struct client *client;

		if ((rc = backroom_hear(front->backroom, &answer, err)) != 1)
			break;
		client = answer.slot < front->nslots ? front->slots[answer.slot] : NULL;
		/* It may have gone, or have been told that it took too long. */
		if (client == NULL || client->state != ASKED || client->serial != answer.serial)
			continue;
		respond(front, client, answer.reply);
		advance(front, client);
	}
	if (rc != -1)
		ask_queued(front);
	return rc == -1 ? -1 : 0;
}

/* ---- listening ------------------------------------------------------------------------------- */

static int
listen_to(struct front *front, bool all)
{
	for (size_t i = 0; i < front->nlisteners; i++)
		if (watch(front, EPOLL_CTL_MOD, front->listeners[i], all ? EPOLLIN : 0,
		        about(ABOUT_LISTENER, (uint32_t)i)) == -1)
			return -1;
	front->deaf = !all;
	return 0;
}

/* Who has said nothing for longest, or NULL when all wait for us. */
static struct client *
least_busy(struct front *front)
{
	struct client *client = TAILQ_FIRST(&front->lists[IDLE]);

	return client != NULL ? client : TAILQ_FIRST(&front->lists[SENDING]);
}

static void
welcome(struct front *front, int fd)
{
	struct client *client = calloc(1, sizeof(*client));
	uint32_t slot = 0;

	if (client == NULL) {
		close(fd);
		return;
	}
	while (front->slots[slot] != NULL)
		slot++;
	client->fd = fd;
	client->slot = slot;
	client->events = EPOLLIN;
	client->since = front->now;
	if (watch(front, EPOLL_CTL_ADD, fd, EPOLLIN, about(ABOUT_CLIENT, slot)) == -1) {
		close(fd);
		free(client);
		return;
	}
	front->slots[slot] = client;
	front->taken++;
	front->nclients++;
	TAILQ_INSERT_TAIL(&front->lists[IDLE], client, link);
}

static void
on_listener(struct front *front, int listener)
{
	for (int i = 0; i < ACCEPTS_MAX && front->taken < front->nslots; i++) {
		int fd;

		if (front->nclients == front->limits->clients && least_busy(front) == NULL) {
			front->deaf_until = 0;
			listen_to(front, false);
			return;
		}
		/* cppcheck-suppress nullPointer ; who it is does not matter */
		fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd != -1) {
			if (front->nclients == front->limits->clients)
				drop(front, least_busy(front));
			welcome(front, fd);
			continue;
		}
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
			front->deaf_until = front->now + PAUSE;
			listen_to(front, false);
		}
		return;
	}
}

static void
listen_again(struct front *front)
{
	if (front->deaf && front->now >= front->deaf_until &&
	    front->nclients < front->limits->clients)
		listen_to(front, true);
}

/* ---- time ------------------------------------------------------------------------------------ */

static int
limit_of(const struct front *front, enum state state)
{
	switch (state) {
	case IDLE:
		return front->limits->idle;
	case SENDING:
		return front->limits->partial;
	case QUEUED:
	case ASKED:
		return front->limits->answer;
	default:
		return front->limits->reading;
	}
}

static void
enforce_limits(struct front *front)
{
	for (enum state state = IDLE; state < DEAD; state++) {
		struct client *client;

		while ((client = TAILQ_FIRST(&front->lists[state])) != NULL &&
		       front->now - client->since >= limit_of(front, state)) {
			if (state != QUEUED && state != ASKED) {
				drop(front, client);
				continue;
			}
			respond(front, client, TOO_LATE);
			advance(front, client);
		}
	}
}

/* Milliseconds to the next limit, -1 for none. */
static int
time_left(const struct front *front)
{
	time_t left = front->deaf && front->deaf_until != 0 ? PAUSE : -1;

	for (enum state state = IDLE; state < DEAD; state++) {
		const struct client *client = TAILQ_FIRST(&front->lists[state]);
		time_t until;

		if (client == NULL)
			continue;
		until = client->since + limit_of(front, state) - front->now;
		if (left == -1 || until < left)
			left = until;
	}
	return left == -1 ? -1 : left <= 0 ? 0 : (int)left * 1000;
}

static void
look_at_clock(struct front *front)
{
	struct timespec now;

	if (clock_gettime(CLOCK_MONOTONIC, &now) == 0)
		front->now = now.tv_sec;
}

/* ---- the loop -------------------------------------------------------------------------------- */

static int
handle(struct front *front, const struct epoll_event *event, struct err *err)
{
	uint32_t number = (uint32_t)event->data.u64;

	switch ((enum about)(event->data.u64 >> 32)) {
	case ABOUT_BACKROOM:
		return on_backroom(front, err);
	case ABOUT_LISTENER:
		on_listener(front, front->listeners[number]);
		return 0;
	case ABOUT_CLIENT:
		on_client(front, front->slots[number], event->events);
		return 0;
	}
	return 0;
}

static int
turn(struct front *front, struct err *err)
{
	struct epoll_event events[EVENTS_MAX];
	uint32_t backroom = front->backroom_full ? EPOLLIN | EPOLLOUT : EPOLLIN;
	int n;

	if (watch(front, EPOLL_CTL_MOD, front->backroom, backroom, about(ABOUT_BACKROOM, 0)) == -1)
		return err_set(err, errno, "epoll_ctl");
	n = epoll_wait(front->epoll, events, EVENTS_MAX, time_left(front));
	if (n == -1 && errno != EINTR)
		return err_set(err, errno, "epoll_wait");
	look_at_clock(front);
	for (int i = 0; i < n; i++)
		if (handle(front, &events[i], err) == -1)
			return -1;
	enforce_limits(front);
	bury(front);
	listen_again(front);
	return 0;
}

static int
open_front(struct front *front, struct err *err)
{
	for (size_t i = 0; i < NSTATES; i++)
		TAILQ_INIT(&front->lists[i]);
	front->nslots = 2 * front->limits->clients;
	front->slots = calloc(front->nslots, sizeof(*front->slots));
	if (front->slots == NULL)
		return err_set(err, ENOMEM, "serve");
	/* The back may still answer a front that was here before. */
	front->serial = (uint64_t)getpid() << 32;
	look_at_clock(front);
	if ((front->epoll = epoll_create1(EPOLL_CLOEXEC)) == -1)
		return err_set(err, errno, "epoll_create1");
	if (watch(front, EPOLL_CTL_ADD, front->backroom, EPOLLIN, about(ABOUT_BACKROOM, 0)) == -1)
		return err_set(err, errno, "epoll_ctl");
	for (size_t i = 0; i < front->nlisteners; i++) {
		int fd = front->listeners[i], flags = fcntl(fd, F_GETFL);

		if (flags == -1 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) == -1 ||
		    watch(front, EPOLL_CTL_ADD, fd, EPOLLIN, about(ABOUT_LISTENER, (uint32_t)i)) ==
		        -1)
			return err_set(err, errno, "listen");
	}
	return 0;
}

int
front_run(const int *listeners, size_t nlisteners, int backroom, const struct front_limits *limits,
    struct err *err)
{
	struct front front = { .limits = limits,
		.epoll = -1,
		.backroom = backroom,
		.listeners = listeners,
		.nlisteners = nlisteners };
	int rc = open_front(&front, err);

	while (rc == 0)
		rc = turn(&front, err);
	for (size_t i = 0; front.slots != NULL && i < front.nslots; i++)
		if (front.slots[i] != NULL)
			drop(&front, front.slots[i]);
	if (front.slots != NULL)
		bury(&front);
	free(front.slots);
	if (front.epoll != -1)
		close(front.epoll);
	return err->num == 0 ? 0 : -1;
}
