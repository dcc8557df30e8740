/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Lists of clients by state and a table of their slots, of a size that is known from the start: no
 * number of connections can make it grow.
 */
#include "clients.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

const struct client_limits client_limits_usual = {
	.clients = 4096, .idle = 3600, .partial = 30, .answer = 60, .reading = 30
};

int
clients_open(
    struct clients *clients, const struct client_limits *limits, int epoll, struct err *err)
{
	*clients = (struct clients){ .limits = limits, .epoll = epoll };
	for (size_t i = 0; i < CLIENT_STATES; i++)
		TAILQ_INIT(&clients->lists[i]);
	clients->slots = calloc(2 * limits->clients, sizeof(*clients->slots));
	if (clients->slots == NULL)
		return err_set(err, ENOMEM, "serve");
	clients->nslots = 2 * limits->clients;
	return 0;
}

void
clients_close(struct clients *clients)
{
	for (size_t i = 0; i < clients->nslots; i++)
		if (clients->slots[i] != NULL)
			clients_drop(clients, clients->slots[i]);
	if (clients->slots != NULL)
		clients_bury(clients);
	free(clients->slots);
}

struct client *
clients_at(const struct clients *clients, uint32_t slot)
{
	return slot < clients->nslots ? clients->slots[slot] : NULL;
}

/* ---- states ---------------------------------------------------------------------------------- */

void
clients_enter(struct clients *clients, struct client *client, enum client_state state)
{
	TAILQ_REMOVE(&clients->lists[client->state], client, link);
	TAILQ_INSERT_TAIL(&clients->lists[state], client, link);
	client->state = state;
	client->since = clients->now;
}

struct client *
clients_first(const struct clients *clients, enum client_state state)
{
	return TAILQ_FIRST(&clients->lists[state]);
}

static int
limit_of(const struct clients *clients, enum client_state state)
{
	switch (state) {
	case CLIENT_IDLE:
		return clients->limits->idle;
	case CLIENT_SENDING:
		return clients->limits->partial;
	case CLIENT_QUEUED:
	case CLIENT_ASKED:
		return clients->limits->answer;
	default:
		return clients->limits->reading;
	}
}

struct client *
clients_late(const struct clients *clients, enum client_state state)
{
	struct client *client = clients_first(clients, state);

	return client != NULL && clients->now - client->since >= limit_of(clients, state) ? client
	                                                                                  : NULL;
}

time_t
clients_patience(const struct clients *clients)
{
	time_t least = -1;

	for (enum client_state state = CLIENT_IDLE; state < CLIENT_DEAD; state++) {
		const struct client *client = clients_first(clients, state);
		time_t left;

		if (client == NULL)
			continue;
		left = client->since + limit_of(clients, state) - clients->now;
		if (left < 0)
			left = 0;
		if (least == -1 || left < least)
			least = left;
	}
	return least;
}

/* ---- coming and going ------------------------------------------------------------------------ */

void
clients_watch(struct clients *clients, struct client *client, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.u64 = client->slot };

	if (client->events == events)
		return;
	client->events = events;
	if (epoll_ctl(clients->epoll, EPOLL_CTL_MOD, client->fd, &event) == -1)
		clients_drop(clients, client);
}

void
clients_drop(struct clients *clients, struct client *client)
{
	if (client->state == CLIENT_DEAD)
		return;
	close(client->fd);
	clients_enter(clients, client, CLIENT_DEAD);
	clients->alive--;
}

void
clients_bury(struct clients *clients)
{
	struct client *client;

	while ((client = clients_first(clients, CLIENT_DEAD)) != NULL) {
		TAILQ_REMOVE(&clients->lists[CLIENT_DEAD], client, link);
		clients->slots[client->slot] = NULL;
		clients->taken--;
		buf_free(&client->out);
		free(client);
	}
}

/* Who has said nothing for longest, or NULL when all wait for us. */
static struct client *
least_busy(const struct clients *clients)
{
	struct client *client = clients_first(clients, CLIENT_IDLE);

	return client != NULL ? client : clients_first(clients, CLIENT_SENDING);
}

bool
clients_have_place(const struct clients *clients)
{
	return clients->alive < clients->limits->clients || least_busy(clients) != NULL;
}

void
clients_welcome(struct clients *clients, int fd)
{
	struct client *client = calloc(1, sizeof(*client));
	struct epoll_event event = { .events = EPOLLIN };

	if (clients->alive == clients->limits->clients)
		clients_drop(clients, least_busy(clients));
	if (client == NULL) {
		close(fd);
		return;
	}
	while (clients->slots[client->slot] != NULL)
		client->slot++;
	client->fd = fd;
	client->events = event.events;
	client->since = clients->now;
	event.data.u64 = client->slot;
	if (epoll_ctl(clients->epoll, EPOLL_CTL_ADD, fd, &event) == -1) {
		close(fd);
		free(client);
		return;
	}
	clients->slots[client->slot] = client;
	clients->taken++;
	clients->alive++;
	TAILQ_INSERT_TAIL(&clients->lists[CLIENT_IDLE], client, link);
}
