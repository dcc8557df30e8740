/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Netstrings as clients send them: whole, in pieces, and wrong.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/virtmap/socketmap.h"
#include "suite.h"

static const struct {
	const char *bytes;
	enum socketmap_taken taken;
	const char *name, *key;
	size_t frame;
} frames[] = {
	{ "13:verify a@b.cd,", SOCKETMAP_REQUEST, "verify", "a@b.cd", 17 },
	{ "13:verify a@b.cd,rest", SOCKETMAP_REQUEST, "verify", "a@b.cd", 17 },
	{ "6:verify,", SOCKETMAP_REQUEST, "verify", "", 9 },
	{ "7:verify ,", SOCKETMAP_REQUEST, "verify", "", 10 },
	{ "8:verify  ,", SOCKETMAP_REQUEST, "verify", " ", 11 },
	{ "9:verify a ,", SOCKETMAP_REQUEST, "verify", "a ", 12 },
	{ "2: x,", SOCKETMAP_REQUEST, "", "x", 5 },
	{ "0:,", SOCKETMAP_REQUEST, "", "", 3 },
	{ "3:a,b,", SOCKETMAP_REQUEST, "a,b", "", 6 },
	{ "", SOCKETMAP_MORE, NULL, NULL, 0 },
	{ "1", SOCKETMAP_MORE, NULL, NULL, 0 },
	{ "4096", SOCKETMAP_MORE, NULL, NULL, 0 },
	{ "13:verify a@b.c", SOCKETMAP_MORE, NULL, NULL, 0 },
	{ "13:verify a@b.cd", SOCKETMAP_MORE, NULL, NULL, 0 },
	{ ":x,", SOCKETMAP_GARBAGE, NULL, NULL, 0 },
	{ "x", SOCKETMAP_GARBAGE, NULL, NULL, 0 },
	{ "-1:x,", SOCKETMAP_GARBAGE, NULL, NULL, 0 },
	{ " 1:x,", SOCKETMAP_GARBAGE, NULL, NULL, 0 },
	{ "+1:x,", SOCKETMAP_GARBAGE, NULL, NULL, 0 },
	{ "01:x,", SOCKETMAP_GARBAGE, NULL, NULL, 0 },
	{ "00", SOCKETMAP_GARBAGE, NULL, NULL, 0 },
	{ "4097", SOCKETMAP_GARBAGE, NULL, NULL, 0 },
	{ "99999999999999999999", SOCKETMAP_GARBAGE, NULL, NULL, 0 },
	{ "1:xy", SOCKETMAP_GARBAGE, NULL, NULL, 0 },
	{ "GET / HTTP/1.1\r\n", SOCKETMAP_GARBAGE, NULL, NULL, 0 },
};

START_TEST(takes)
{
	struct socketmap_request request;
	size_t len = strlen(frames[_i].bytes);
	unsigned char *copy = malloc(len + 1); /* of its own size: valgrind sees a byte too far */

	ck_assert_ptr_nonnull(copy);
	memcpy(copy, frames[_i].bytes, len);
	ck_assert_int_eq(socketmap_take(&request, copy, len), frames[_i].taken);
	if (frames[_i].taken == SOCKETMAP_REQUEST) {
		ck_assert_uint_eq(request.name_len, strlen(frames[_i].name));
		ck_assert_int_eq(memcmp(request.name, frames[_i].name, request.name_len), 0);
		ck_assert_uint_eq(request.key_len, strlen(frames[_i].key));
		ck_assert_int_eq(memcmp(request.key, frames[_i].key, request.key_len), 0);
		ck_assert_uint_eq(request.frame, frames[_i].frame);
	}
	free(copy);
}
END_TEST

/* Every beginning of a request is the beginning of one. */
START_TEST(waits_for_the_end)
{
	static const char bytes[] = "22:verify ann@one.example,";
	struct socketmap_request request;

	for (size_t len = 0; len < strlen(bytes); len++)
		ck_assert_int_eq(
		    socketmap_take(&request, (const unsigned char *)bytes, len), SOCKETMAP_MORE);
}
END_TEST

START_TEST(the_longest_fits)
{
	struct socketmap_request request;
	unsigned char frame[SOCKETMAP_FRAME_MAX];

	memset(frame, 'x', sizeof(frame));
	memcpy(frame, "4096:", 5);
	frame[sizeof(frame) - 1] = ',';
	ck_assert_int_eq(socketmap_take(&request, frame, sizeof(frame) - 1), SOCKETMAP_MORE);
	ck_assert_int_eq(socketmap_take(&request, frame, sizeof(frame)), SOCKETMAP_REQUEST);
	ck_assert_uint_eq(request.frame, sizeof(frame));
}
END_TEST

START_TEST(frames_a_reply)
{
	struct buf out = BUF_INIT;

	ck_assert_int_eq(socketmap_frame(&out, "OK x"), 0);
	ck_assert_int_eq(socketmap_frame(&out, ""), 0);
	ck_assert_str_eq(buf_cstr(&out), "4:OK x,0:,");
	buf_free(&out);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("socketmap");
	TCase *tests = tcase_create("socketmap");

	tcase_add_loop_test(tests, takes, 0, (int)(sizeof(frames) / sizeof(frames[0])));
	tcase_add_test(tests, waits_for_the_end);
	tcase_add_test(tests, the_longest_fits);
	tcase_add_test(tests, frames_a_reply);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
