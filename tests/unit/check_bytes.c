/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Bytes searched many at a time: the same answers as one at a time, and never a byte read that
 * stands outside (each run of bytes is exactly as long as it is, for the sanitizers).
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "suite.h"

static unsigned char *
exact(const unsigned char *data, size_t len)
{
	unsigned char *copy = malloc(len + (len == 0));

	ck_assert_ptr_nonnull(copy);
	memcpy(copy, data, len);
	return copy;
}

/* Few letters, so that there are many places that almost fit. */
START_TEST(find)
{
	unsigned char data[300], needle[80];

	srandom((unsigned)_i);
	for (int round = 0; round < 2000; round++) {
		size_t len = (size_t)random() % sizeof(data), n = 1 + (size_t)random() % 6;
		unsigned char *p;
		const unsigned char *found, *expected;

		if (round % 7 == 0) /* longer than is looked for in that way */
			n = 60 + (size_t)random() % 20;
		for (size_t i = 0; i < sizeof(data); i++)
			data[i] = random() % (2 + _i) == 0 ? '\n' : 'F';
		for (size_t i = 0; i < n; i++)
			needle[i] = random() % (2 + _i) == 0 ? '\n' : 'F';
		p = exact(data, len);
		found = bytes_find(p, p + len, needle, n);
		expected = memmem(p, len, needle, n);
		if (found != expected)
			ck_abort_msg("round %d: %zu bytes in %zu", round, n, len);
		free(p);
	}
}
END_TEST

/* Alone at every place, also across the border of what is looked at together. */
START_TEST(find_alone)
{
	static const size_t sizes[] = { 1, 2, 3, 17, 63, 64, 65, 130 };
	const size_t n = sizes[_i];
	unsigned char data[400], needle[130];

	memset(needle, 'n', n);
	needle[n - 1] = 'e';
	for (size_t at = 0; at + n <= sizeof(data); at++) {
		unsigned char *p;

		memset(data, 'x', sizeof(data));
		memcpy(data + at, needle, n);
		p = exact(data, sizeof(data));
		if (bytes_find(p, p + sizeof(data), needle, n) != p + at ||
		    bytes_find(p, p + at + n - 1, needle, n) != NULL)
			ck_abort_msg("%zu bytes at %zu", n, at);
		free(p);
	}
}
END_TEST

START_TEST(ascii)
{
	unsigned char data[200];

	for (size_t len = 0; len <= sizeof(data); len++)
		for (size_t at = 0; at <= len; at++) {
			unsigned char *p;

			memset(data, 0x7f, sizeof(data));
			if (at < len)
				data[at] = at % 2 == 0 ? 0x80 : 0xff;
			p = exact(data, len);
			if (bytes_ascii(p, len) != at)
				ck_abort_msg("%zu of %zu", at, len);
			free(p);
		}
}
END_TEST

START_TEST(lower)
{
	unsigned char data[128], out[128];

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (unsigned char)i;
	for (size_t from = 0; from < sizeof(data); from++)
		for (size_t len = 0; len <= sizeof(data) - from; len++) {
			unsigned char *p = exact(data + from, len);

			memset(out, 0xee, sizeof(out));
			bytes_lower(out, p, len);
			for (size_t i = 0; i < sizeof(out); i++) {
				int expected = i >= len                     ? 0xee
				               : p[i] >= 'A' && p[i] <= 'Z' ? p[i] + 'a' - 'A'
				                                            : p[i];

				if (out[i] != expected)
					ck_abort_msg("%02zx became %02x", from + i, out[i]);
			}
			free(p);
		}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("bytes");
	TCase *tc = tcase_create("bytes");

	tcase_add_loop_test(tc, find, 0, 8);
	tcase_add_loop_test(tc, find_alone, 0, 8);
	tcase_add_test(tc, ascii);
	tcase_add_test(tc, lower);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
