/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One loop over epoll: clients (clients.h), the sockets on which they come, and the back. While a
 * client waits nothing more is read from it: who talks on fills his own socket.
 */
#include "front.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "backroom.h"
#include "socketmap.h"

#define EVENTS_MAX  64
#define ACCEPTS_MAX 64 /* of one listener before others have their turn */
#define PAUSE       1  /* seconds without accepting when there are no descriptors */
#define TOO_LATE    "TEMP no answer in time"
#define NO_SUCH_MAP "PERM no such map"
#define NO_KEY      "PERM not a key"
#define CANNOT_ASK  "TEMP nobody to ask"

struct front {
	struct clients clients;
	int epoll;
	int backroom;
	bool backroom_full;
	const int *listeners;
	size_t nlisteners;
	bool deaf;         /* listeners are not watched */
	time_t deaf_until; /* when that is for want of descriptors; 0: of places */
	uint64_t serial;
};

/* What an event is about: the kind in the upper half, a number in the lower, a client's slot. */
enum about { ABOUT_CLIENT, ABOUT_BACKROOM, ABOUT_LISTENER };

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
		clients_drop(&front->clients, client);
	else
		clients_enter(&front->clients, client, CLIENT_TAKING);
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
		clients_enter(&front->clients, client, CLIENT_ASKED);
		break;
	case 0:
		front->backroom_full = true;
		clients_enter(&front->clients, client, CLIENT_QUEUED);
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
		clients_drop(&front->clients, client);
		return 0;
	case SOCKETMAP_MORE:
		break;
	}
	if (client->state != (client->in_len == 0 ? CLIENT_IDLE : CLIENT_SENDING))
		clients_enter(
		    &front->clients, client, client->in_len == 0 ? CLIENT_IDLE : CLIENT_SENDING);
	clients_watch(&front->clients, client, EPOLLIN);
	return 0;
}

/* As far as it goes without waiting. */
static void
advance(struct front *front, struct client *client)
{
	for (;;) {
		int rc;

		switch (client->state) {
		case CLIENT_IDLE:
		case CLIENT_SENDING:
			if (!read_question(front, client))
				return;
			break;
		case CLIENT_TAKING:
			if ((rc = flush(client)) == 0)
				clients_watch(&front->clients, client, EPOLLOUT);
			else if (rc == -1)
				clients_drop(&front->clients, client);
			if (rc != 1)
				return;
			clients_enter(&front->clients, client, CLIENT_IDLE);
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

	if (client->state != CLIENT_IDLE && client->state != CLIENT_SENDING) {
		clients_watch(&front->clients, client, 0); /* not its turn */
		return;
	}
	n = recv(client->fd, client->in + client->in_len, sizeof(client->in) - client->in_len, 0);
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		clients_drop(&front->clients, client);
		return;
	}
	client->in_len += (size_t)n;
	advance(front, client);
}

static void
on_client(struct front *front, struct client *client, uint32_t events)
{
	if (client == NULL || client->state == CLIENT_DEAD)
		return;
	if ((events & (EPOLLERR | EPOLLHUP)) != 0 && (events & EPOLLIN) == 0)
		clients_drop(&front->clients, client);
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
	while ((client = clients_first(&front->clients, CLIENT_QUEUED)) != NULL) {
		int rc =
		    ask(front, client, lookup_find(client->request.name, client->request.name_len));

		if (rc == 0) {
			front->backroom_full = true;
			return;
		}
		if (rc == 1) {
			clients_enter(&front->clients, client, CLIENT_ASKED);
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
		client = clients_at(&front->clients, answer.slot);
		/* It may have gone, or have been told that it took too long. */
		if (client == NULL || client->state != CLIENT_ASKED ||
		    client->serial != answer.serial)
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

static void
on_listener(struct front *front, int listener)
{
	struct clients *clients = &front->clients;

	for (int i = 0; i < ACCEPTS_MAX && clients->taken < clients->nslots; i++) {
		int fd;

		if (!clients_have_place(clients)) {
			front->deaf_until = 0;
			listen_to(front, false);
			return;
		}
		/* cppcheck-suppress nullPointer ; who it is does not matter */
		fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd != -1) {
			clients_welcome(clients, fd);
			continue;
		}
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
			front->deaf_until = clients->now + PAUSE;
			listen_to(front, false);
		}
		return;
	}
}

static void
listen_again(struct front *front)
{
	const struct clients *clients = &front->clients;

	if (front->deaf && clients->now >= front->deaf_until &&
	    clients->alive < clients->limits->clients)
		listen_to(front, true);
}

/* ---- time ------------------------------------------------------------------------------------ */

static void
enforce_limits(struct front *front)
{
	for (enum client_state state = CLIENT_IDLE; state < CLIENT_DEAD; state++) {
		struct client *client;

		while ((client = clients_late(&front->clients, state)) != NULL) {
			if (state != CLIENT_QUEUED && state != CLIENT_ASKED) {
				clients_drop(&front->clients, client);
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
	time_t left = clients_patience(&front->clients);

	if (front->deaf && front->deaf_until != 0 && (left == -1 || left > PAUSE))
		left = PAUSE;
	return left == -1 ? -1 : (int)left * 1000;
}

static void
look_at_clock(struct front *front)
{
	struct timespec now;

	if (clock_gettime(CLOCK_MONOTONIC, &now) == 0)
		front->clients.now = now.tv_sec;
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
		on_client(front, clients_at(&front->clients, number), event->events);
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
	clients_bury(&front->clients);
	listen_again(front);
	return 0;
}

static int
open_front(struct front *front, struct err *err)
{
	/* The back may still answer a front that was here before. */
	front->serial = (uint64_t)getpid() << 32;
	look_at_clock(front);
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
front_run(const int *listeners, size_t nlisteners, int backroom, const struct client_limits *limits,
    struct err *err)
{
	struct front front = { .epoll = epoll_create1(EPOLL_CLOEXEC),
		.backroom = backroom,
		.listeners = listeners,
		.nlisteners = nlisteners };
	int rc;

	if (front.epoll == -1)
		return err_set(err, errno, "epoll_create1");
	if ((rc = clients_open(&front.clients, limits, front.epoll, err)) == 0)
		rc = open_front(&front, err);
	while (rc == 0)
		rc = turn(&front, err);
	clients_close(&front.clients);
	close(front.epoll);
	return err->num == 0 ? 0 : -1;
}
