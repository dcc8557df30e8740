/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Blocks between processes: whole or an error, with the one descriptor that may come along. What
 * a process without rights sends beyond that must not stay open in the receiver.
 */
#include "../../src/virtmda/parcel.h"

#include <check.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "suite.h"

#define BLOCK 64

static int ends[2];
static char block[BLOCK];

static void
setup(void)
{
	struct err err;

	ck_assert_int_eq(parcel_pair(ends, &err), 0);
	memset(block, 'x', sizeof(block));
}

static void
teardown(void)
{
	close(ends[0]);
	close(ends[1]);
}

static size_t
open_descriptors(void)
{
	size_t n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) != -1;
	return n;
}

/* As parcel_send, with any number of descriptors. */
static void
send_many(size_t len, size_t descriptors)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(8 * sizeof(int))];
	} control;
	struct iovec iov = { .iov_base = block, .iov_len = len };
	struct msghdr message = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = CMSG_SPACE(descriptors * sizeof(int)) };
	struct cmsghdr *header;
	const int fd = STDIN_FILENO;

	memset(&control, 0, sizeof(control));
	header = CMSG_FIRSTHDR(&message);
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(descriptors * sizeof(int));
	for (size_t i = 0; i < descriptors; i++)
		memcpy(CMSG_DATA(header) + i * sizeof(int), &fd, sizeof(fd));
	ck_assert_int_eq(sendmsg(ends[1], &message, 0), (ssize_t)len);
}

START_TEST(one_descriptor_comes_along)
{
	size_t before = open_descriptors();
	char got[BLOCK];
	struct err err;
	int fd;

	ck_assert_int_eq(parcel_send(ends[1], block, BLOCK, STDIN_FILENO, &err), 0);
	ck_assert_int_eq(parcel_receive(ends[0], got, BLOCK, &fd, &err), 1);
	ck_assert_int_ne(fd, -1);
	ck_assert_int_ne(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
	ck_assert_mem_eq(got, block, BLOCK);
	close(fd);
	ck_assert_uint_eq(open_descriptors(), before);
}
END_TEST

START_TEST(no_more_than_one_is_let_in)
{
	size_t before = open_descriptors();
	char got[BLOCK];
	struct err err;
	int fd;

	for (size_t n = 1; n <= 8; n++) {
		send_many(BLOCK, n);
		ck_assert_int_eq(parcel_receive(ends[0], got, BLOCK, &fd, &err), n == 1 ? 1 : -1);
		if (n == 1)
			close(fd);
		else
			ck_assert_int_eq(fd, -1);
		ck_assert_uint_eq(open_descriptors(), before);
		/* Where none is wanted they are dropped. */
		send_many(BLOCK, n);
		ck_assert_int_eq(parcel_receive(ends[0], got, BLOCK, NULL, &err), 1);
		ck_assert_uint_eq(open_descriptors(), before);
	}
}
END_TEST

START_TEST(another_size_is_an_error)
{
	size_t before = open_descriptors();
	char got[BLOCK];
	struct err err;
	int fd;

	for (size_t len = 1; len <= BLOCK; len++) {
		send_many(len, 1);
		ck_assert_int_eq(
		    parcel_receive(ends[0], got, BLOCK - 1, &fd, &err), len == BLOCK - 1 ? 1 : -1);
		if (len == BLOCK - 1)
			close(fd);
		ck_assert_uint_eq(open_descriptors(), before);
	}
	close(ends[1]);
	ck_assert_int_eq(parcel_receive(ends[0], got, BLOCK, &fd, &err), 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("virtmda parcel");
	TCase *tests = tcase_create("parcel");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, one_descriptor_comes_along);
	tcase_add_test(tests, no_more_than_one_is_let_in);
	tcase_add_test(tests, another_size_is_an_error);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
