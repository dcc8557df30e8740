/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Blocks over a sequenced packet socket, which keeps them whole: what arrives is all of
 * a block or an error, so there is nothing to parse.
 */
#include "parcel.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int
parcel_pair(int sockets[2], struct err *err)
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) == -1)
		return err_set(err, errno, "socketpair");
	return 0;
}

/* The one that came along into *descriptor. Padding leaves room for two, and both would be open
 * here. False: they were several, and are closed. */
static bool
take_descriptor(struct msghdr *message, int *descriptor)
{
	const struct cmsghdr *header = CMSG_FIRSTHDR(message);
	size_t n = 0;

	if (header != NULL && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS)
		n = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	for (size_t i = 0; i < n; i++) {
		memcpy(descriptor, CMSG_DATA(header) + i * sizeof(int), sizeof(int));
		if (n > 1)
			close(*descriptor);
	}
	if (n > 1)
		*descriptor = -1;
	return n <= 1;
}

int
parcel_receive_some(
    int socket, void *data, size_t room, size_t *len, int *descriptor, struct err *err)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov = { .iov_base = data, .iov_len = room };
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1 };
	bool fits = true;
	ssize_t n;

	if (descriptor != NULL) {
		*descriptor = -1;
		message.msg_control = &control;
		message.msg_controllen = sizeof(control);
	}
	/* Without room for control data the kernel drops descriptors that may come along. */
	do
		n = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
	while (n == -1 && errno == EINTR);
	if (n == -1)
		return err_set(err, errno, "receive from the other process");
	if (n == 0)
		return 0;
	if (descriptor != NULL)
		fits = take_descriptor(&message, descriptor);
	*len = (size_t)n;
	if (fits && (message.msg_flags & MSG_TRUNC) == 0)
		return 1;
	if (descriptor != NULL && *descriptor != -1)
		close(*descriptor);
	return err_set(err, EPROTO, "receive from the other process");
}

int
parcel_receive(int socket, void *data, size_t len, int *descriptor, struct err *err)
{
	size_t n;
	int got = parcel_receive_some(socket, data, len, &n, descriptor, err);

	if (got != 1 || n == len)
		return got;
	if (descriptor != NULL && *descriptor != -1)
		close(*descriptor);
	return err_set(err, EPROTO, "receive from the other process");
}

int
parcel_send(int socket, const void *data, size_t len, int descriptor, struct err *err)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { .bytes = { 0 } };
	struct iovec iov = { .iov_base = (void *)(uintptr_t)data, .iov_len = len };
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t n;

	if (descriptor != -1) {
		struct cmsghdr *header;

		message.msg_control = &control;
		message.msg_controllen = sizeof(control);
		header = CMSG_FIRSTHDR(&message);
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(header), &descriptor, sizeof(int));
	}
	do
		n = sendmsg(socket, &message, MSG_NOSIGNAL);
	while (n == -1 && errno == EINTR);
	return n == (ssize_t)len ? 0 : err_set(err, errno, "send to the other process");
}
