/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * target_parse: every right side there is, what is refused, and that a recipient's bytes stay
 * in the one local part that they were put into.
 */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "map.h"
#include "suite.h"

#define ITEMS(table) (sizeof(table) / sizeof((table)[0]))

static const struct target_args bob = { "bob++@d.example", "bob", "x", "+x" };

/* A target in one line: local names bare, addresses as local@domain, '|' between. */
static const char *
rendered(const struct target *target)
{
	static struct buf buf;

	buf_clear(&buf);
	for (size_t i = 0; i < target->naddresses; i++) {
		const struct target_address *a = &target->addresses[i];

		buf_addf(&buf, "%s%s%s%s", i > 0 ? " | " : "", a->local,
		    a->domain != NULL ? " @ " : "", a->domain != NULL ? a->domain : "");
	}
	return buf_cstr(&buf);
}

/* ---- addresses --------------------------------------------------------------------------------
 */

static const struct {
	const char *text, *unsubstituted, *for_bob;
} addresses[] = {
	{ "joe", "joe", "joe" },
	{ " \tjoe \t", "joe", "joe" },
	{ "Joe", "Joe", "Joe" },
	{ "joe@Example.COM.", "joe @ example.com", "joe @ example.com" },
	{ "joe@b\xc3\xbc"
	  "cher.example",
	    "joe @ xn--bcher-kva.example", "joe @ xn--bcher-kva.example" },
	{ "joe@[192.0.2.1]", "joe @ [192.0.2.1]", "joe @ [192.0.2.1]" },
	{ "a, b@c.example ,d", "a | b @ c.example | d", "a | b @ c.example | d" },
	{ "\"a b\"@c", "a b @ c", "a b @ c" },
	{ "\"a,b\"@c, d", "a,b @ c | d", "a,b @ c | d" },
	{ "\"a@b\"@c", "a@b @ c", "a@b @ c" },
	{ "a\"b c\"d@e", "ab cd @ e", "ab cd @ e" },
	{ "\"a\\\"b\"@c", "a\"b @ c", "a\"b @ c" },
	{ "a\\,b@c", "a,b @ c", "a,b @ c" },
	{ "\\joe", "joe", "joe" },
	{ "joe+folder", "joe+folder", "joe+folder" },
	{ "host!user@gate", "host!user @ gate", "host!user @ gate" },
	{ "user%there@here", "user%there @ here", "user%there @ here" },
	{ "/x400/@gate", "/x400/ @ gate", "/x400/ @ gate" },
	{ "error", "error", "error" },
	{ "discard", "discard", "discard" },
	{ "errors:x@d", "errors:x @ d", "errors:x @ d" },
	{ "%1", "%1", "bob" },
	{ "%1%3", "%1%3", "bob+x" },
	{ "%2", "%2", "x" },
	{ "%1@e.example", "%1 @ e.example", "bob @ e.example" },
	{ "joe@%2.example", "joe @ %2.example", "joe @ x.example" },
	{ "joe@%1.Example", "joe @ %1.Example", "joe @ bob.example" },
	{ "a%%1b", "a%%1b", "a%1b" },
	{ "100%", "100%", "100%" },
	{ "a%zb", "a%zb", "a%zb" },
	{ "a%4%9b", "a%4%9b", "ab" },
	{ "%0@e", "%0 @ e", "bob++@d.example @ e" },
	{ "\"%1 %2\"@e", "%1 %2 @ e", "bob x @ e" },
};

START_TEST(every_address)
{
	struct target target;
	struct err err;

	ck_assert_msg(target_parse(&target, addresses[_i].text, NULL, &err) == 0, "%s: %s",
	    addresses[_i].text, err.text);
	ck_assert_int_eq(target.kind, TARGET_ADDRESSES);
	ck_assert_str_eq(rendered(&target), addresses[_i].unsubstituted);
	target_free(&target);
	ck_assert_msg(target_parse(&target, addresses[_i].text, &bob, &err) == 0, "%s: %s",
	    addresses[_i].text, err.text);
	ck_assert_str_eq(rendered(&target), addresses[_i].for_bob);
	target_free(&target);
}
END_TEST

/* ---- what is put in is data --------------------------------------------------------------------
 */

static const struct {
	const char *text, *user, *detail, *plus;
	const char *is; /* NULL: refused */
} substitutions[] = {
	{ "%1", "root,x", NULL, NULL, "root,x" },
	{ "%1@e", "root,x", NULL, NULL, "root,x @ e" },
	{ "%1@e", "a@b", NULL, NULL, "a@b @ e" },
	{ "%1@e", "a\"b", NULL, NULL, "a\"b @ e" },
	{ "%1@e", "a\\", NULL, NULL, "a\\ @ e" },
	{ "\"%1\"@e", "a\"@f,g", NULL, NULL, "a\"@f,g @ e" },
	{ "%1@e", "a b", NULL, NULL, "a b @ e" },
	{ "%1@e", "%2", "y", "+y", "%2 @ e" },
	{ "%1@e", "|/bin/sh", NULL, NULL, "|/bin/sh @ e" },
	{ "%1@e", "error:nouser", NULL, NULL, "error:nouser @ e" },
	{ "%1, b", "error:x", NULL, NULL, "error:x | b" },
	{ "%1", "error:nouser 550 x", NULL, NULL, "error:nouser 550 x" },
	{ "%1", "discard:", NULL, NULL, "discard:" },
	{ "x%1", "|/bin/sh", NULL, NULL, "x|/bin/sh" },
	{ "%1%3", "bob", "a,b", "+a,b", "bob+a,b" },
	{ "%1", "|/bin/sh", NULL, NULL, NULL },
	{ "%1", "/etc/passwd", NULL, NULL, NULL },
	{ "%1", ":include:/etc/passwd", NULL, NULL, NULL },
	{ "a, %2", "bob", "|x", "+|x", NULL },
	{ "%2@e", "bob", NULL, NULL, NULL },
	{ "%2", "bob", "", "+", NULL },
	{ "joe@%2", "bob", NULL, NULL, NULL },
	{ "joe@%2.e", "bob", NULL, NULL, NULL },
	{ "joe@%2.e", "bob", "x@y", "+x@y", NULL },
	{ "joe@%2.e", "bob", "x,y", "+x,y", NULL },
	{ "joe@%2.e", "bob", "-", "+-", "joe @ -.e" },
	{ "%1", "a\nb", NULL, NULL, NULL },
};

START_TEST(values_are_data)
{
	const struct target_args args = { "key", substitutions[_i].user, substitutions[_i].detail,
		substitutions[_i].plus };
	struct target target;
	struct err err;
	int rc = target_parse(&target, substitutions[_i].text, &args, &err);

	if (substitutions[_i].is == NULL) {
		ck_assert_int_eq(rc, -1);
		ck_assert_int_eq(err.num, 0);
		ck_assert_str_ne(err.text, "");
		return;
	}
	ck_assert_msg(rc == 0, "%s", err.text);
	ck_assert_str_eq(rendered(&target), substitutions[_i].is);
	target_free(&target);
}
END_TEST

/* Whatever the recipient: as many addresses, of the same kind, as before. */
START_TEST(no_value_changes_the_shape)
{
	static const char *const texts[] = { "%1", "%1@e", "a, %1%3@e", "\"%1\", b@c, %2",
		"error:nouser %1" };
	static const char alphabet[] = "a@,\"\\|/:<>()%1 ;+\xff\xc3\xa4"
	                               "error:";
	struct target before, after;
	struct err err;

	srand(1);
	for (int n = 0; n < 20000; n++) {
		const char *text = texts[n % (int)ITEMS(texts)];
		char user[12], detail[6];
		struct target_args args = { "k", user, detail, detail };

		for (size_t i = 0; i < sizeof(user); i++)
			user[i] = alphabet[(size_t)rand() % (sizeof(alphabet) - 1)];
		for (size_t i = 0; i < sizeof(detail); i++)
			detail[i] = alphabet[(size_t)rand() % (sizeof(alphabet) - 1)];
		user[1 + rand() % 11] = detail[1 + rand() % 5] = '\0';
		ck_assert_int_eq(target_parse(&before, text, NULL, &err), 0);
		if (target_parse(&after, text, &args, &err) == 0) {
			ck_assert_int_eq(after.kind, before.kind);
			ck_assert_uint_eq(after.naddresses, before.naddresses);
			for (size_t i = 0; i < after.naddresses; i++) {
				const char *local = after.addresses[i].local;

				ck_assert_int_eq(after.addresses[i].domain == NULL,
				    before.addresses[i].domain == NULL);
				ck_assert_str_ne(local, "");
				if (after.addresses[i].domain == NULL)
					ck_assert_ptr_null(strchr("|/:", *local));
			}
			target_free(&after);
		} else {
			ck_assert_int_eq(err.num, 0);
		}
		target_free(&before);
	}
}
END_TEST

/* ---- error: -----------------------------------------------------------------------------------
 */

static const struct {
	const char *text, *status, *says;
	bool temporary, nouser;
} errors[] = {
	{ "error:nouser No such user here", "5.1.1", "No such user here", false, true },
	{ "error:nouser 550 No such user here", "5.1.1", "No such user here", false, true },
	{ "error:nouser 550 5.1.1 User unknown", "5.1.1", "User unknown", false, true },
	{ "error:nouser 550 5.7.1 Not for you", "5.7.1", "Not for you", false, true },
	{ "ERROR:NoUser x", "5.1.1", "x", false, true },
	{ "error:nouser", "5.1.1", "User unknown", false, true },
	{ "error: nouser x", "5.1.1", "x", false, true },
	{ "error:67 x", "5.1.1", "x", false, true },
	{ "error:nohost x", "5.1.2", "x", false, false },
	{ "error:68 x", "5.1.2", "x", false, false },
	{ "error:unavailable x", "5.0.0", "x", false, false },
	{ "error:69 x", "5.0.0", "x", false, false },
	{ "error:usage x", "5.5.4", "x", false, false },
	{ "error:software x", "5.3.0", "x", false, false },
	{ "error:protocol x", "5.5.0", "x", false, false },
	{ "error:config x", "5.3.5", "x", false, false },
	{ "error:noperm x", "5.3.0", "x", false, false },
	{ "error:dataerr x", "5.5.2", "x", false, false },
	{ "error:noinput x", "5.3.0", "x", false, false },
	{ "error:osfile x", "5.3.5", "x", false, false },
	{ "error:cantcreat x", "5.3.0", "x", false, false },
	{ "error:tempfail x", "4.2.0", "x", true, false },
	{ "error:75 x", "4.2.0", "x", true, false },
	{ "error:tempfail", "4.2.0", "Deferred", true, false },
	{ "error:oserr x", "4.3.0", "x", true, false },
	{ "error:ioerr x", "4.3.0", "x", true, false },
	{ "error:tempfail 450 4.2.1 Back soon", "4.2.1", "Back soon", true, false },
	{ "error:5.7.0:550 Address invalid", "5.7.0", "Address invalid", false, false },
	{ "error:5.7.0:Address invalid", "5.7.0", "Address invalid", false, false },
	{ "error:5.7.0:550 5.7.9 Address invalid", "5.7.0", "Address invalid", false, false },
	{ "error:5.1.1:550 gone", "5.1.1", "gone", false, true },
	{ "error:5.1.1:", "5.1.1", "User unknown", false, true },
	{ "error:5.7.0:", "5.7.0", "Refused", false, false },
	{ "error:4.2.1:450 Later", "4.2.1", "Later", true, false },
	{ "error:4.2.1:Later", "4.2.1", "Later", true, false },
	{ "error:4.2.1:", "4.2.1", "Try again later", true, false },
	{ "error:5.123.123:x", "5.123.123", "x", false, false },
	{ "error:550 x", "5.0.0", "x", false, false },
	{ "error:550 5.7.1 x", "5.7.1", "x", false, false },
	{ "error:451 x", "4.0.0", "x", true, false },
	/* Contradictions: one of them says later, so it is later. */
	{ "error:5.7.1:450 x", "4.7.1", "x", true, false },
	{ "error:4.7.1:550 x", "4.7.1", "x", true, false },
	{ "error:tempfail 550 x", "4.2.0", "x", true, false },
	{ "error:nouser 450 x", "4.1.1", "x", true, false },
	{ "error:nouser 550 4.2.1 x", "4.2.1", "x", true, false },
	{ "error:tempfail 550 5.7.1 x", "4.7.1", "x", true, false },
	/* No code, only a text that begins with digits. */
	{ "error:nouser 5500 miles away", "5.1.1", "5500 miles away", false, true },
	{ "error:nouser 100 reasons", "5.1.1", "100 reasons", false, true },
	{ "error:nouser 550-5.1.1 x", "5.1.1", "550-5.1.1 x", false, true },
	{ "error:nouser \"550 5.1.1 in quotes\"", "5.1.1", "in quotes", false, true },
	{ "error:nouser a, b # c", "5.1.1", "a, b # c", false, true },
};

START_TEST(every_error)
{
	struct target target;
	struct err err;

	ck_assert_msg(target_parse(&target, errors[_i].text, NULL, &err) == 0, "%s: %s",
	    errors[_i].text, err.text);
	ck_assert_int_eq(target.kind, TARGET_ERROR);
	ck_assert_str_eq(target.status, errors[_i].status);
	ck_assert_str_eq(target.text, errors[_i].says);
	ck_assert_int_eq(target.temporary, errors[_i].temporary);
	ck_assert_int_eq(target.nouser, errors[_i].nouser);
	target_free(&target);
}
END_TEST

START_TEST(reply_codes)
{
	static const struct {
		const char *text, *reply;
	} replies[] = {
		{ "error:5.7.0:553 Not here", "553" },
		{ "error:nouser 550 5.1.1 User unknown", "550" },
		{ "error:450 later", "450" },
		{ "error:nouser No such user", "" },
		{ "error:5.7.1:450 contradicts itself", "450" },
		{ "error:4.7.1:550 contradicts itself", "" },
		{ "error:nouser 5500 miles away", "" },
	};

	for (size_t i = 0; i < sizeof(replies) / sizeof(replies[0]); i++) {
		struct target target;
		struct err err;

		ck_assert_int_eq(target_parse(&target, replies[i].text, NULL, &err), 0);
		ck_assert_str_eq(target.reply, replies[i].reply);
		target_free(&target);
	}
}
END_TEST

START_TEST(error_text_is_substituted)
{
	struct target_args args = { "k", "450 4.2.1 ha", NULL, NULL };
	struct target target;
	struct err err;

	ck_assert_int_eq(target_parse(&target, "error:nouser %1 is gone", &bob, &err), 0);
	ck_assert_str_eq(target.text, "bob is gone");
	target_free(&target);
	/* and cannot make a refusal of its own */
	ck_assert_int_eq(target_parse(&target, "error:nouser %1", &args, &err), 0);
	ck_assert_str_eq(target.text, "450 4.2.1 ha");
	ck_assert(target.nouser && !target.temporary);
	target_free(&target);
	args.user = "";
	ck_assert_int_eq(target_parse(&target, "error:nouser %1", &args, &err), 0);
	ck_assert_str_eq(target.text, "User unknown");
	target_free(&target);
}
END_TEST

START_TEST(discard)
{
	struct target target;
	struct err err;

	ck_assert_int_eq(target_parse(&target, "discard:", NULL, &err), 0);
	ck_assert_int_eq(target.kind, TARGET_DISCARD);
	target_free(&target);
	ck_assert_int_eq(target_parse(&target, " Discard: ", &bob, &err), 0);
	ck_assert_int_eq(target.kind, TARGET_DISCARD);
	target_free(&target);
}
END_TEST

/* ---- refused ----------------------------------------------------------------------------------
 */

static const struct {
	const char *text, *why;
} refused[] = {
	{ "", "empty" },
	{ " \t", "empty" },
	{ "a\nb", "control" },
	{ "a\x7f", "control" },
	{ "|/bin/sh", "alias" },
	{ "\"|/bin/sh -c x\"", "alias" },
	{ "|prog arg@host", "alias" },
	{ "a, |prog", "alias" },
	{ "/var/mail/x", "alias" },
	{ "\"/var/mail/x\"", "alias" },
	{ ":include:/etc/list", "alias" },
	{ "a,:include:/etc/list", "alias" },
	{ "a,,b", "empty" },
	{ "a,", "empty" },
	{ ",a", "empty" },
	{ "\"\"", "empty" },
	{ "@b", "empty" },
	{ "a@", "empty" },
	{ "a@.b", "dot" },
	{ "a@b..c", "empty label" },
	{ "a@b@c", "two '@'" },
	{ "a b", "commas" },
	{ "a # b", "commas" },
	{ "a@b c", "commas" },
	{ "\"a", "quote" },
	{ "a\"", "quote" },
	{ "<a@b>", "quotes" },
	{ "a (comment)", "commas" },
	{ "(comment)a", "quotes" },
	{ "a@b(c)", "commas" },
	{ "a;b", "quotes" },
	{ "a@b_$", "character" },
	{ "error:", "word" },
	{ "error: ", "word" },
	{ "error::x", "word" },
	{ "error:No such user", "\"No\"" },
	{ "error:2.1.0:fine", "\"2.1.0\"" },
	{ "error:5.7:x", "\"5.7\"" },
	{ "error:5.7.1.1:x", "\"5.7.1.1\"" },
	{ "error:5.7.1234:x", "\"5.7.1234\"" },
	{ "error:63 x", "\"63\"" },
	{ "error:250 x", "\"250\"" },
	{ "error:%1 x", "\"%1\"" },
	{ "a, error:nouser x", "alone" },
	{ "a, discard:", "alone" },
	{ "discard: a", "nothing behind" },
};

START_TEST(every_refusal)
{
	struct target target;
	struct err err;

	ck_assert_msg(target_parse(&target, refused[_i].text, NULL, &err) == -1, "took \"%s\"",
	    refused[_i].text);
	ck_assert_int_eq(err.num, 0);
	ck_assert_msg(
	    strstr(err.text, refused[_i].why) != NULL, "\"%s\": %s", refused[_i].text, err.text);
	ck_assert_uint_eq(target.naddresses, 0);
	ck_assert_ptr_null(target.addresses);
	target_free(&target);
}
END_TEST

START_TEST(too_long)
{
	char text[2000];
	struct target target;
	struct err err;

	memset(text, 'a', sizeof(text));
	text[ADDRESS_MAX] = '\0';
	ck_assert_int_eq(target_parse(&target, text, NULL, &err), 0);
	target_free(&target);
	text[ADDRESS_MAX] = 'a';
	text[ADDRESS_MAX + 1] = '\0';
	ck_assert_int_eq(target_parse(&target, text, NULL, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.text, "longer"));
}
END_TEST

static const struct {
	const char *text;
	bool follows;
} followers[] = {
	{ "bob", false },
	{ "%1", true },
	{ "%1@e", true },
	{ "x-%1", true },
	{ "bob, %1", true },
	{ "%2", true },
	{ "bob%2", true },
	{ "bob+%2", false },
	{ "+%2", true },
	{ "bob+%2@e", true },
	{ "joe@%2.e", true },
	{ "bob%3", false },
	{ "%3", true },
	{ "a, %3", true },
	{ "a,%3", true },
	{ "bob%3@e", true },
	{ "bob%3, carol%3", false },
	{ "%0", false },
	{ "x%0@e", false },
	{ "100%%1", false },
	{ "100%", false },
	{ "a%zb%4", false },
	{ "%%%1", true },
};

START_TEST(follows_recipient)
{
	ck_assert_int_eq(target_follows_recipient(followers[_i].text), followers[_i].follows);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("map_target");
	TCase *tests = tcase_create("map_target");

	tcase_add_loop_test(tests, every_address, 0, ITEMS(addresses));
	tcase_add_loop_test(tests, values_are_data, 0, ITEMS(substitutions));
	tcase_add_test(tests, no_value_changes_the_shape);
	tcase_add_loop_test(tests, every_error, 0, ITEMS(errors));
	tcase_add_test(tests, reply_codes);
	tcase_add_test(tests, error_text_is_substituted);
	tcase_add_test(tests, discard);
	tcase_add_loop_test(tests, every_refusal, 0, ITEMS(refused));
	tcase_add_test(tests, too_long);
	tcase_add_loop_test(tests, follows_recipient, 0, ITEMS(followers));
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
