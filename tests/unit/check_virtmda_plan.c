/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A plan: who shares a copy or a hand-over with whom, what is taken back when a recipient is
 * refused, and what becomes of those who turn out to be in a loop or to have a .forward.
 */
#include "../../src/virtmda/plan.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "map.h"

static char top[64];
static struct settings settings;
static struct resolver *resolver;
static struct plan plan;
static struct err err;

static void
put(const char *name, const char *text)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", top, name);
	file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	ck_assert_int_ge(fputs(text, file), 0);
	ck_assert_int_eq(fclose(file), 0);
}

static void
complain(void *arg, const char *path, size_t line, const char *why)
{
	(void)arg;
	ck_abort_msg("%s:%zu: %s", path, line, why);
}

static void
setup(void)
{
	struct map_source *source;
	char text[1024];

	strcpy(top, "/tmp/plan.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(top));
	put("accounts", "ann:x:4242:4242::/nowhere/ann::\njoe:x:4243:4243::/nowhere/joe::\n"
	                ""
	                "kim@d.example:x:4244:4244::/nowhere/kim::\n");
	put("aliases", "team: ann\njoe: ann\n");
	put("virtmaps", "a1@d.example team\na2@d.example Team\n"
	                "f1@d.example x@far.example, y@far.example\n"
	                "f2@d.example y@far.example, x@far.example\nf3@d.example x@far.example\n"
	                "ann@d.example ann\nann2@d.example ann\njoe@d.example joe\n"
	                "kim2@d.example kim@d.example\n");
	snprintf(text, sizeof(text),
	    "map = %s/virtmaps\ndomains = %s/domains\naccounts = passwd-file:%s/accounts\n"
	    "aliases = %s/aliases\nmailbox = maildir:~/Maildir\n",
	    top, top, top, top);
	put("conf", text);
	snprintf(text, sizeof(text), "%s/conf", top);
	ck_assert_msg(settings_load(&settings, text, NULL, 0, &err) == 0, "%s", err.text);
	ck_assert_int_eq(map_source_read(&source, settings.map, 0, complain, NULL, &err), 0);
	ck_assert_msg(map_compile(source, NULL, (gid_t)-1, 0644, NULL, complain, NULL, &err) == 0,
	    "%s", err.text);
	map_source_free(source);
	ck_assert_int_eq(resolver_new(&resolver, &settings, &err), 0);
	plan_init(&plan, &settings);
}

static void
teardown(void)
{
	static const char *const names[] = { "accounts", "aliases", "virtmaps", "virtmaps.gdbm",
		"domains", "conf" };
	char path[128];

	plan_free(&plan);
	resolver_free(resolver);
	settings_free(&settings);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", top, names[i]);
		unlink(path);
	}
	ck_assert_int_eq(rmdir(top), 0);
}

static struct recipient *
add_with(const char *address, const char *notify, const char *orcpt)
{
	const struct plan_notice notice = { notify, orcpt };
	struct recipient *recipient;

	ck_assert_int_eq(plan_add(&plan, resolver, address, &notice, NULL, &err), 0);
	recipient = plan.recipients[plan.nrecipients - 1];
	ck_assert_msg(plan_takes(recipient), "%s: %s", address, plan_outcome(recipient)->text);
	return recipient;
}

static struct recipient *
add(const char *address)
{
	return add_with(address, NULL, NULL);
}

static const struct outcome refusal = { .class = OUTCOME_DEFERRED, .status = "4.2.2" };

/* ---- who shares what --------------------------------------------------------------------------
 */

START_TEST(one_hand_over_for_the_same_addresses)
{
	const struct handover *team = add("a1@d.example")->handover;
	const struct handover *both = add("f1@d.example")->handover;

	ck_assert_ptr_ne(team, both);
	ck_assert_ptr_eq(add("a2@d.example")->handover, team);
	ck_assert_ptr_eq(add("f2@d.example")->handover, both);
	ck_assert_ptr_ne(add("f3@d.example")->handover, both);
	ck_assert_uint_eq(plan.nhandovers, 3);
	ck_assert(team->known && !both->known);
	ck_assert_uint_eq(team->nrecipients, 2);
	ck_assert_str_eq(team->recipients[0], "a1@d.example");
	ck_assert_str_eq(team->recipients[1], "a2@d.example");
	ck_assert_uint_eq(team->nmembers, 1);
	ck_assert_str_eq(team->members[0], "team");
}
END_TEST

START_TEST(notices_keep_them_apart)
{
	const struct handover *never = add_with("a1@d.example", "NEVER", "rfc822;x")->handover;

	ck_assert_ptr_ne(add("a2@d.example")->handover, never);
	ck_assert_ptr_eq(add_with("a2@d.example", "never", NULL)->handover, never);
	ck_assert_str_eq(never->orcpt, "rfc822;x");
	ck_assert_uint_eq(plan.nhandovers, 2);
}
END_TEST

START_TEST(nobody_joins_what_is_under_way)
{
	struct handover *team = add("a1@d.example")->handover;

	team->begun = true;
	ck_assert_ptr_ne(add("a2@d.example")->handover, team);
}
END_TEST

START_TEST(one_copy_for_a_mailbox)
{
	const struct copy *copy = add("ann@d.example")->copy;

	ck_assert(!copy->final);
	ck_assert_ptr_eq(add("ann")->copy, copy);
	ck_assert_ptr_eq(add("ann2@d.example")->copy, copy);
	ck_assert_uint_eq(plan.ncopies, 1);
	ck_assert_uint_eq(copy->nrecipients, 3);
	ck_assert(!copy->final);
}
END_TEST

START_TEST(a_refused_one_leaves_nothing)
{
	const struct copy *copy;

	add("a1@d.example");
	plan_refuse_last(&plan, &refusal);
	ck_assert_uint_eq(plan.nhandovers, 0);
	ck_assert_str_eq(plan_outcome(plan.recipients[0])->status, "4.2.2");
	plan_drop_last(&plan);
	add("a1@d.example");
	add("a2@d.example");
	plan_refuse_last(&plan, &refusal);
	plan_drop_last(&plan);
	ck_assert_uint_eq(plan.handovers[0]->nrecipients, 1);
	copy = add("ann")->copy;
	ck_assert(copy->final);
	add("ann@d.example");
	ck_assert(!copy->final);
	plan_refuse_last(&plan, &refusal);
	plan_drop_last(&plan);
	ck_assert(copy->final);
	ck_assert_uint_eq(copy->nrecipients, 1);
	plan_refuse_last(&plan, &refusal);
	ck_assert_uint_eq(plan.ncopies, 0);
}
END_TEST

/* ---- what turns out later ---------------------------------------------------------------------
 */

START_TEST(a_loop_ends_in_the_account_or_in_a_refusal)
{
	struct recipient *alias = add("joe@d.example"), *account = add("joe"),
	                 *team = add("a1@d.example"), *other = add("a2@d.example"),
	                 *far = add("f1@d.example");

	ck_assert_int_eq(alias->answer.kind, ANSWER_ALIAS);
	plan_loop(&plan, alias, resolver);
	ck_assert_ptr_null(alias->handover);
	ck_assert_ptr_eq(alias->copy, account->copy);
	ck_assert(alias->copy->final);
	plan_loop(&plan, team, resolver);
	ck_assert_str_eq(plan_outcome(team)->status, "5.4.6");
	ck_assert_uint_eq(other->handover->nrecipients, 1);
	ck_assert_str_eq(other->handover->recipients[0], "a2@d.example");
	plan_loop(&plan, far, resolver);
	ck_assert_int_eq(plan_outcome(far)->class, OUTCOME_REJECTED);
}
END_TEST

START_TEST(a_forward_is_for_those_who_are_not_final)
{
	struct recipient *address = add("ann@d.example"), *name = add("ann"),
	                 *loop = add("ann2@d.example"), *hosted = add("kim2@d.example");

	plan_loop(&plan, loop, resolver);
	plan_forward(&plan, name->copy);
	ck_assert_ptr_null(address->copy);
	ck_assert(address->handover->known);
	ck_assert_str_eq(address->handover->members[0], "ann");
	ck_assert_uint_eq(address->handover->nrecipients, 1);
	ck_assert_ptr_eq(name->copy, loop->copy);
	ck_assert_uint_eq(name->copy->nrecipients, 2);
	ck_assert(name->copy->final);
	/* Only virtmda knows that one. */
	plan_forward(&plan, hosted->copy);
	ck_assert_ptr_null(hosted->handover);
	ck_assert_int_eq(plan_outcome(hosted)->class, OUTCOME_DEFERRED);
	ck_assert_ptr_nonnull(strstr(plan_outcome(hosted)->text, "sendmail knows no such name"));
}
END_TEST

/* Accounts of the system are two when they differ by case. */
START_TEST(a_forward_is_its_own_accounts)
{
	struct recipient *one = add("ann@d.example"), *two = add("ann2@d.example");

	two->answer.account.name[0] = 'A';
	plan_forward(&plan, one->copy);
	ck_assert_ptr_ne(one->handover, two->handover);
	ck_assert_str_eq(two->handover->members[0], "Ann");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("plan");
	TCase *tcase = tcase_create("plan");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, one_hand_over_for_the_same_addresses);
	tcase_add_test(tcase, notices_keep_them_apart);
	tcase_add_test(tcase, nobody_joins_what_is_under_way);
	tcase_add_test(tcase, one_copy_for_a_mailbox);
	tcase_add_test(tcase, a_refused_one_leaves_nothing);
	tcase_add_test(tcase, a_loop_ends_in_the_account_or_in_a_refusal);
	tcase_add_test(tcase, a_forward_is_for_those_who_are_not_final);
	tcase_add_test(tcase, a_forward_is_its_own_accounts);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
