/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Limits: Dovecot's words with Dovecot's units, everything else refused; and the arithmetic, at the
 * edges.
 */
#include "quota.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "suite.h"

#define COUNT(a) (int)(sizeof(a) / sizeof((a)[0]))

static const struct {
	const char *text;
	uint64_t bytes, messages;
} good[] = {
	{ "none", 0, 0 },
	{ "storage=1", 1024, 0 },
	{ "storage=1000k", 1024000, 0 },
	{ "storage=1G", 1 << 30, 0 },
	{ "storage=1g", 1 << 30, 0 },
	{ "storage=2T", UINT64_C(2) << 40, 0 },
	{ "storage=100b", 100, 0 },
	{ "bytes=100", 100, 0 },
	{ "bytes=100M", 100 << 20, 0 },
	{ "messages=1000", 0, 1000 },
	{ "storage=1G messages=10000", 1 << 30, 10000 },
	{ "  storage=1G:messages=10000:", 1 << 30, 10000 },
	{ "storage=0", 0, 0 },
	{ "storage=1GB messages=2k", 1 << 30, 2048 },
	{ "bytes=1kib", 1024, 0 },
	{ "bytes=9223372036854775807", INT64_MAX, 0 },
};

START_TEST(good_limits)
{
	struct quota quota;
	struct err err;

	ck_assert_msg(quota_parse(&quota, good[_i].text, &err) == 0, "%s", err.text);
	ck_assert_uint_eq(quota.bytes, good[_i].bytes);
	ck_assert_uint_eq(quota.messages, good[_i].messages);
}
END_TEST

static const struct {
	const char *text, *why;
} bad[] = {
	{ "", "says no limit" },
	{ " : ", "says no limit" },
	{ "1G", "\"1G\" is no limit (storage=1G, bytes=1G, messages=1000)" },
	{ "*:storage=1G", "\"*\" is no limit (storage=1G, bytes=1G, messages=1000)" },
	{ "storage", "\"storage\" is no limit (storage=1G, bytes=1G, messages=1000)" },
	{ "size=1", "\"size=1\" is no limit (storage=1G, bytes=1G, messages=1000)" },
	{ "storage=", "\"\" is not a size (100, 100k, 10M, 1G)" },
	{ "storage=G", "\"G\" is not a size (100, 100k, 10M, 1G)" },
	{ "storage=1.5G", "\"1.5G\" is not a size (100, 100k, 10M, 1G)" },
	{ "storage=10%", "\"10%\" is not a size (100, 100k, 10M, 1G)" },
	{ "storage=+1", "\"+1\" is not a size (100, 100k, 10M, 1G)" },
	{ "storage=-1", "\"-1\" is not a size (100, 100k, 10M, 1G)" },
	{ "storage=1X", "\"1X\" is not a size (100, 100k, 10M, 1G)" },
	{ "storage=1GG", "\"1GG\" is not a size (100, 100k, 10M, 1G)" },
	{ "storage=1Gi", "\"1Gi\" is not a size (100, 100k, 10M, 1G)" },
	{ "storage=1GBB", "\"1GBB\" is not a size (100, 100k, 10M, 1G)" },
	{ "storage=1bb", "\"1bb\" is not a size (100, 100k, 10M, 1G)" },
	{ "storage=k", "\"k\" is not a size (100, 100k, 10M, 1G)" },
	{ "messages=9007199254740992k", "\"9007199254740992k\" is too large" },
	{ "bytes=9223372036854775808", "\"9223372036854775808\" is too large" },
	{ "storage=9007199254740992", "\"9007199254740992\" is too large" },
	{ "bytes=99999999999999999999999", "\"99999999999999999999999\" is too large" },
	{ "storage=1G messages", "\"messages\" is no limit (storage=1G, bytes=1G, messages=1000)" },
};

START_TEST(bad_limits)
{
	struct quota quota;
	struct err err = { .num = -1 };

	ck_assert_int_eq(quota_parse(&quota, bad[_i].text, &err), -1);
	ck_assert_str_eq(err.text, bad[_i].why);
	ck_assert_int_eq(err.num, 0);
}
END_TEST

static const struct {
	const char *rule;
	int said;
	uint64_t bytes, messages;
} rules[] = {
	{ "*:storage=1G", 1, 1 << 30, 0 },
	{ "*:bytes=5:messages=6", 1, 5, 6 },
	{ "*:messages=0", 1, 0, 0 },
	{ "Trash:ignore", 0, 0, 0 },
	{ "Trash:storage=+10%", 0, 0, 0 },
	{ "**:storage=1", 0, 0, 0 },
	{ "*", -1, 0, 0 },
	{ "1G", -1, 0, 0 },
	{ "", -1, 0, 0 },
	{ ":storage=1G", -1, 0, 0 },
	{ "*:", -1, 0, 0 },
	{ "*:ignore", 1, 0, 0 },
	{ "?:storage=1G", 1, 1 << 30, 0 },
	{ "*:ignored", -1, 0, 0 },
	{ "*:ignore:storage=1G", -1, 0, 0 },
};

START_TEST(rules_of_accounts)
{
	struct quota quota;
	struct err err;

	ck_assert_int_eq(quota_parse_rule(&quota, rules[_i].rule, &err), rules[_i].said);
	if (rules[_i].said != 1)
		return;
	ck_assert_uint_eq(quota.bytes, rules[_i].bytes);
	ck_assert_uint_eq(quota.messages, rules[_i].messages);
}
END_TEST

START_TEST(rule_before_setting)
{
	struct quota quota;
	struct err err;

	ck_assert_int_eq(quota_limits(&quota, "storage=1 messages=7", NULL, &err), 0);
	ck_assert(quota.bytes == 1024 && quota.messages == 7);
	/* All of it, not limit by limit. */
	ck_assert_int_eq(quota_limits(&quota, "storage=1 messages=7", "*:bytes=5", &err), 0);
	ck_assert(quota.bytes == 5 && quota.messages == 0);
	ck_assert_int_eq(quota_limits(&quota, "storage=1", "Trash:ignore", &err), 0);
	ck_assert(quota.bytes == 1024 && quota.messages == 0);
	ck_assert_int_eq(quota_limits(&quota, "storage=1", "*:storage=0", &err), 0);
	ck_assert(!quota_limited(&quota));
	ck_assert_int_eq(quota_limits(&quota, "storage=1", "*:lots", &err), -1);
}
END_TEST

#define Q(b, m) (&(struct quota){ (b), (m) })

START_TEST(arithmetic)
{
	ck_assert(!quota_exceeded(Q(0, 0), Q(UINT64_MAX, UINT64_MAX), UINT64_MAX, 1));
	ck_assert(!quota_exceeded(Q(10, 0), Q(5, 99), 5, 1));
	ck_assert(quota_exceeded(Q(10, 0), Q(5, 99), 6, 1));
	ck_assert(quota_exceeded(Q(10, 0), Q(11, 0), 0, 0));
	ck_assert(quota_exceeded(Q(10, 0), Q(5, 0), UINT64_MAX, 0));
	ck_assert(!quota_exceeded(Q(0, 3), Q(0, 2), 1, 1));
	ck_assert(quota_exceeded(Q(0, 3), Q(0, 3), 1, 1));

	ck_assert_uint_eq(quota_percent(Q(0, 0), Q(5, 5)), 0);
	ck_assert_uint_eq(quota_percent(Q(1000, 0), Q(899, 0)), 89);
	ck_assert_uint_eq(quota_percent(Q(1000, 10), Q(899, 9)), 90);
	ck_assert_uint_eq(quota_percent(Q(1000, 0), Q(2500, 0)), 250);
	ck_assert_uint_eq(quota_percent(Q(INT64_MAX, 0), Q(INT64_MAX / 2, 0)), 50);
	ck_assert_uint_ge(quota_percent(Q(1, 0), Q(UINT64_MAX, 0)), 100);
}
END_TEST

START_TEST(description)
{
	struct buf text = BUF_INIT;

	ck_assert_int_eq(quota_describe(&text, Q(1 << 30, 1000), Q(950 << 20, 12)), 0);
	ck_assert_str_eq(buf_cstr(&text), "950M of 1.0G, 12 of 1000 messages");
	buf_clear(&text);
	ck_assert_int_eq(quota_describe(&text, Q(0, 1000), Q(950 << 20, 12)), 0);
	ck_assert_str_eq(buf_cstr(&text), "12 of 1000 messages");
	buf_clear(&text);
	ck_assert_int_eq(quota_describe(&text, Q(INT64_MAX, 0), Q(UINT64_MAX, 12)), 0);
	ck_assert_ptr_nonnull(strstr(buf_cstr(&text), " of "));
	buf_free(&text);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("quota");
	TCase *tcase = tcase_create("quota");

	tcase_add_loop_test(tcase, good_limits, 0, COUNT(good));
	tcase_add_loop_test(tcase, bad_limits, 0, COUNT(bad));
	tcase_add_loop_test(tcase, rules_of_accounts, 0, COUNT(rules));
	tcase_add_test(tcase, rule_before_setting);
	tcase_add_test(tcase, arithmetic);
	tcase_add_test(tcase, description);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
