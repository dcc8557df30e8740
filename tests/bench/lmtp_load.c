/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * lmtp_load: keep LMTP connections busy for a while and count what was delivered.
 *
 *   lmtp_load SOCKET CONNECTIONS RECIPIENTS SECONDS FIRST PATTERN BYTES [SERVER ARGUMENT...]
 *
 * Each connection sends messages of BYTES, one after the other, to RECIPIENTS of the 50 users
 * (PATTERN with %u, from 0; connections take turns among them from FIRST on) with PIPELINING, as
 * Postfix does. With SERVER it is first its own inetd: it listens at SOCKET and starts SERVER for
 * each connection. Prints deliveries, seconds, and replies other than 250 behind the dot.
 */
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define USERS           50
#define CONNECTIONS_MAX 64

enum phase { GREETING, HELLO, ENVELOPE, MESSAGE };

struct client {
	int fd;
	enum phase phase;
	unsigned expected; /* replies to come in this phase */
	unsigned next;     /* user */
	char line[600];
	size_t len;
};

static const char *pattern;
static unsigned recipients;
static char *message;
static size_t message_len;
static unsigned long delivered, failed;
static bool stopping;

static _Noreturn void
die(const char *what)
{
	perror(what);
	exit(1);
}

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void
put(const struct client *client, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t n = write(client->fd, data, len);

		if (n == -1)
			die("write");
		data += n;
		len -= (size_t)n;
	}
}

static void
begin_message(struct client *client)
{
	static char out[USERS * 128 + 128];
	size_t len = (size_t)sprintf(out, "MAIL FROM:<load@bench.example>\r\n");

	for (unsigned i = 0; i < recipients; i++) {
		char address[100];

		snprintf(address, sizeof(address), pattern, client->next++ % USERS);
		len += (size_t)sprintf(out + len, "RCPT TO:<%s>\r\n", address);
	}
	len += (size_t)sprintf(out + len, "DATA\r\n");
	client->phase = ENVELOPE;
	client->expected = recipients + 2;
	put(client, out, len);
}

static void
on_reply(struct client *client)
{
	bool good = client->line[0] == '2' || client->line[0] == '3';

	if (client->phase != MESSAGE && !good) {
		fprintf(stderr, "lmtp_load: %s\n", client->line);
		exit(1);
	}
	if (client->phase == MESSAGE) {
		delivered += good;
		failed += !good;
		if (!good && failed == 1)
			fprintf(stderr, "lmtp_load: %s\n", client->line);
	}
	if (--client->expected > 0)
		return;
	switch (client->phase) {
	case GREETING:
		client->phase = HELLO;
		client->expected = 1;
		put(client, "LHLO bench\r\n", 12);
		break;
	case ENVELOPE:
		client->phase = MESSAGE;
		client->expected = recipients;
		put(client, message, message_len);
		break;
	case HELLO:
	case MESSAGE:
		if (!stopping) {
			begin_message(client);
			break;
		}
		put(client, "QUIT\r\n", 6);
		close(client->fd);
		client->fd = -1;
	}
}

static void
on_input(struct client *client)
{
	char data[65536];
	ssize_t n = read(client->fd, data, sizeof(data));

	if (n <= 0)
		die("read");
	for (ssize_t i = 0; i < n && client->fd != -1; i++) {
		if (client->len < sizeof(client->line) - 1)
			client->line[client->len++] = data[i];
		if (data[i] != '\n')
			continue;
		client->line[client->len] = '\0';
		client->len = 0;
		if (client->line[3] != '-')
			on_reply(client);
	}
}

static int
stream(const char *path, bool server)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strncpy(address.sun_path, path, sizeof(address.sun_path) - 1);
	if (server && (unlink(path), bind(fd, (struct sockaddr *)&address, sizeof(address)) == -1 ||
	                                 listen(fd, CONNECTIONS_MAX) == -1))
		die(path);
	if (!server && connect(fd, (struct sockaddr *)&address, sizeof(address)) == -1)
		die(path);
	return fd;
}

/* Connections are few and come at once. */
static void
serve(int listener, unsigned connections, char *argv[])
{
	for (unsigned i = 0; i < connections; i++) {
		int fd = accept(listener, NULL, NULL);

		if (fork() != 0) {
			close(fd);
			continue;
		}
		dup2(fd, 0);
		dup2(fd, 1);
		execv(argv[0], argv);
		die(argv[0]);
	}
	while (wait(NULL) != -1)
		continue;
	_exit(0);
}

static void
make_message(size_t bytes)
{
	static const char head[] = "From: load@bench.example\r\nTo: you\r\nSubject: load\r\n"
	                           "Message-Id: <1@bench.example>\r\n\r\n";
	static const char text[] =
	    "A line of text as people write it, sixty-four bytes with the en\r\n";

	message = malloc(bytes + 256);
	strcpy(message, head);
	message_len = strlen(head);
	while (message_len + sizeof(text) - 1 < bytes) {
		memcpy(message + message_len, text, sizeof(text) - 1);
		message_len += sizeof(text) - 1;
	}
	memcpy(message + message_len, ".\r\n", 3);
	message_len += 3;
}

int
main(int argc, char *argv[])
{
	struct client clients[CONNECTIONS_MAX] = { 0 };
	struct pollfd fds[CONNECTIONS_MAX];
	unsigned connections, open;
	double seconds, begun;

	if (argc < 8 || (connections = (unsigned)atoi(argv[2])) > CONNECTIONS_MAX)
		return 2;
	recipients = (unsigned)atoi(argv[3]);
	seconds = atof(argv[4]);
	pattern = argv[6];
	make_message((size_t)atol(argv[7]));
	if (argc > 8) {
		int listener = stream(argv[1], true);

		if (fork() == 0)
			serve(listener, connections, argv + 8);
		close(listener);
	}
	for (unsigned i = 0; i < connections; i++)
		clients[i] = (struct client){ .fd = stream(argv[1], false),
			.expected = 1,
			.next = (unsigned)atoi(argv[5]) + i * (USERS / connections) };
	begun = now();
	do {
		open = 0;
		for (unsigned i = 0; i < connections; i++) {
			fds[i] = (struct pollfd){ .fd = clients[i].fd, .events = POLLIN };
			open += clients[i].fd != -1;
		}
		if (open > 0 && poll(fds, connections, 60000) <= 0)
			die("poll");
		for (unsigned i = 0; i < connections; i++)
			if (clients[i].fd != -1 && fds[i].revents != 0)
				on_input(&clients[i]);
		stopping = now() - begun > seconds;
	} while (open > 0);
	printf("%lu %.3f %lu\n", delivered, now() - begun, failed);
	while (wait(NULL) != -1)
		continue;
	return 0;
}
