/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Who is connected to virtmap serve. A client is idle, sending a question, waiting for the back, or
 * taking its answer; it stands in the list of that state, oldest first, so that time limits look at
 * the heads only. How many there are and how long each state may last is bounded here.
 */
#ifndef VIRTMAP_CLIENTS_H
#define VIRTMAP_CLIENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>
#include <time.h>

#include "buf.h"
#include "err.h"
#include "socketmap.h"

/* Seconds, and clients at once. When there are as many, who has been idle longest makes place. */
struct client_limits {
	size_t clients;
	int idle;    /* between questions */
	int partial; /* from the first byte of a question to its last */
	int answer;  /* for the back; then the client is told TEMP */
	int reading; /* for the client to take its answer */
};

extern const struct client_limits client_limits_usual;

enum client_state {
	CLIENT_IDLE,
	CLIENT_SENDING,
	CLIENT_QUEUED, /* the back takes no more for now */
	CLIENT_ASKED,
	CLIENT_TAKING,
	CLIENT_DEAD,
	CLIENT_STATES
};

struct client {
	TAILQ_ENTRY(client) link; /* in the list of its state */
	enum client_state state;
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

TAILQ_HEAD(client_list, client);

struct clients {
	const struct client_limits *limits;
	int epoll;
	time_t now; /* of the monotonic clock, set by the owner */
	struct client_list lists[CLIENT_STATES];
	/* Those of the dead stay taken until clients_bury: there may still be events for them. */
	struct client **slots;
	size_t nslots;
	size_t taken; /* of them */
	size_t alive;
};

/* Watched by `epoll`: the data of a client's events is its slot. 0, or -1 with err. clients_close
 * in any case. */
int clients_open(
    struct clients *clients, const struct client_limits *limits, int epoll, struct err *err);
void clients_close(struct clients *clients);

/* The client of a slot, or NULL. */
struct client *clients_at(const struct clients *clients, uint32_t slot);

/* Who has been in this state for longest, or NULL; clients_late: if longer than it may last. */
struct client *clients_first(const struct clients *clients, enum client_state state);
struct client *clients_late(const struct clients *clients, enum client_state state);

/* Seconds until one will be late, -1 for never. */
time_t clients_patience(const struct clients *clients);

/* Is there place for one more, if need be that of one who waits for nothing? */
bool clients_have_place(const struct clients *clients);

/* One more, idle, on `fd`, which is closed if it cannot be; the longest idle goes for it. */
void clients_welcome(struct clients *clients, int fd);

void clients_enter(struct clients *clients, struct client *client, enum client_state state);

/* Watch for these events from now on; a client that cannot be watched is dropped. */
void clients_watch(struct clients *clients, struct client *client, uint32_t events);

/* Hang up. It stays, dead, until the events of this turn are done and clients_bury is called. */
void clients_drop(struct clients *clients, struct client *client);
void clients_bury(struct clients *clients);

#endif
