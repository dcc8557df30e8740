/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Where mail goes: ladder, targets, aliases and accounts together, and that whatever could not be
 * told is deferred.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "map.h"
#include "resolve.h"
#include "suite.h"

static char directory[64], conf[96], map[96], accounts[96], aliases[96], domains[96];

static const char map_text[] =
    "webmaster@one.example   bob\n"
    "webmaster@two.example   carol\n"
    "alias@one.example       webmaster\n"
    "team@one.example        team+x\n"
    "plus@one.example        bob+Folder\n"
    "user++@one.example      bob%3\n"
    "chain@one.example       hop@two.example\n"
    "hop@two.example         carol\n"
    "away@one.example        someone@elsewhere.example\n"
    "many@one.example        bob, carol, \"odd name\"@elsewhere.example\n"
    "refuse@one.example      error:5.7.1:550 no mail here\n"
    "gone@one.example        error:nouser gone away\n"
    "wait@one.example        error:4.2.1:450 come back\n"
    "null@one.example        discard:\n"
    "hosted@one.example      alice@three.example\n"
    "hosted+*@one.example    alice%3@three.example\n"
    "alice@three.example     bob\n"
    "postmaster@three.example bob\n"
    "dangling@one.example    nobody\n"
    "dangling2@one.example   nobody@two.example\n"
    "zero@one.example        admin\n"
    "host@one.example        bob@localhost\n"
    "@one.example            carol\n"
    "@four.example           error:nouser nobody lives here\n"
    "@old.example            %1@two.example\n"
    "@flat.example           %1\n"
    "@wrong.example          nobody\n"
    "@wronger.example        nobody%3\n"
    "@wrongest.example       x%0\n"
    ".sub.example            bob\n";

static const char accounts_text[] = "bob:x:1001:1001::/home/bob::\n"
                                    "carol:x:1002:1002::/home/carol::\n"
                                    "admin:x:0:0::/root::\n"
                                    "alice@three.example:x:1003:1003::/srv/alice::\n"
                                    "zoe@one.example:x:1004:1004::/srv/zoe::\n"
                                    "zoe+lists@one.example:x:1005:1005::/srv/lists::\n";

static const char aliases_text[] = "postmaster: root\nwebmaster: carol\nteam+*: carol\n";

static void
put(const char *path, const char *text)
{
	FILE *file;

	unlink(path);
	file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	ck_assert_uint_eq(fwrite(text, 1, strlen(text), file), strlen(text));
	ck_assert_int_eq(fclose(file), 0);
}

static void
complain(void *arg, const char *path, size_t line, const char *why)
{
	(void)arg;
	ck_abort_msg("%s:%zu: %s", path, line, why);
}

/* Any name ends a chain for the compiler: chains that never end get past it. */
static int
everybody(void *arg, const char *name, struct err *err)
{
	(void)arg;
	(void)name;
	(void)err;
	return 1;
}

static void
compile(const char *text)
{
	struct map_source *source;
	struct err err;

	put(map, text);
	ck_assert_msg(map_source_read(&source, map, 0, complain, NULL, &err) == 0, "%s", err.text);
	ck_assert_msg(
	    map_compile(source, domains, (gid_t)-1, 0644, everybody, complain, NULL, &err) == 0,
	    "%s", err.text);
	map_source_free(source);
}

static void
setup(void)
{
	char text[512];

	strcpy(directory, "/tmp/check_resolve.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(conf, sizeof(conf), "%s/conf", directory);
	snprintf(map, sizeof(map), "%s/virtmaps", directory);
	snprintf(accounts, sizeof(accounts), "%s/accounts", directory);
	snprintf(aliases, sizeof(aliases), "%s/aliases", directory);
	snprintf(domains, sizeof(domains), "%s/domains", directory);
	snprintf(text, sizeof(text),
	    "map = %s\naccounts = passwd-file:%s\naliases = %s\ndomains = %s\n", map, accounts,
	    aliases, domains);
	put(conf, text);
	put(accounts, accounts_text);
	put(aliases, aliases_text);
	compile(map_text);
}

static void
teardown(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", directory);
	ck_assert_int_eq(system(command), 0);
}

static void
load(struct settings *settings, const char *override)
{
	struct err err;

	ck_assert_msg(settings_load(settings, conf, &override, override == NULL ? 0 : 1, &err) == 0,
	    "%s", err.text);
}

/* The answer in one line, malloc'ed. */
static char *
ask(const char *override, const char *recipient)
{
	struct settings settings;
	struct resolver *resolver;
	struct answer answer;
	struct buf line = BUF_INIT;
	struct err err;

	load(&settings, override);
	ck_assert_int_eq(resolver_new(&resolver, &settings, &err), 0);
	resolve(resolver, recipient, &answer, NULL);
	ck_assert_int_eq(answer_line(&answer, &line), 0);
	answer_free(&answer);
	resolver_free(resolver);
	settings_free(&settings);
	return buf_steal(&line);
}

static void
expect(const char *override, const char *recipient, const char *wanted)
{
	char *line = ask(override, recipient);

	ck_assert_msg(strcmp(line, wanted) == 0, "%s: \"%s\", not \"%s\"", recipient, line, wanted);
	free(line);
}

static void
expect_defer(const char *override, const char *recipient, const char *why)
{
	char *line = ask(override, recipient);

	ck_assert_msg(strncmp(line, "defer ", 6) == 0 && strstr(line, why) != NULL,
	    "%s: \"%s\", not \"defer ... %s\"", recipient, line, why);
	free(line);
}

/* ---- decisions ------------------------------------------------------------------------------- */

static const struct {
	const char *recipient, *line;
} decisions[] = {
	/* The program's reason to be. */
	{ "webmaster@one.example", "account bob" },
	{ "webmaster@two.example", "account carol" },
	{ "WebMaster@ONE.Example.", "account bob" },
	{ "webmaster+x@one.example", "account bob" },
	{ "anything@one.example", "account carol" },
	{ "a.b@deep.er.sub.example", "account bob" },
	/* Targets. */
	{ "alias@one.example", "alias webmaster" },
	{ "team@one.example", "alias team+x" },
	{ "plus@one.example", "account bob+Folder" },
	{ "user+lists@one.example", "account bob+lists" },
	{ "user@one.example", "account carol" },
	{ "chain@one.example", "account carol" },
	{ "away@one.example", "forward someone@elsewhere.example" },
	{ "many@one.example", "forward bob,carol,\"odd name\"@elsewhere.example" },
	{ "refuse@one.example", "reject 5.7.1 no mail here" },
	{ "gone@one.example", "nouser" },
	{ "wait@one.example", "defer come back" },
	{ "null@one.example", "discard" },
	{ "host@one.example", "account bob" },
	/* Accounts that are addresses: before a catch-all, and final as targets. */
	{ "zoe@one.example", "account zoe@one.example" },
	{ "Zoe+x@one.example", "account zoe@one.example+x" },
	{ "zoe+lists@one.example", "account zoe+lists@one.example" },
	{ "hosted@one.example", "account alice@three.example" },
	{ "hosted+x@one.example", "account alice@three.example+x" },
	{ "alice@three.example", "account bob" },
	/* Passing on what the sender wrote promises nobody. */
	{ "hop@old.example", "account carol" },
	{ "nobody@old.example", "nouser" },
	{ "bob@flat.example", "account bob" },
	{ "webmaster@flat.example", "alias webmaster" },
	{ "nobody@flat.example", "nouser" },
	/* Unmatched. */
	{ "nobody@two.example", "nouser" },
	{ "nobody@four.example", "nouser" },
	{ "bob@localhost", "account bob" },
	{ "bob+X@localhost", "account bob+X" },
	{ "webmaster@localhost", "alias webmaster" },
	{ "nobody@localhost", "nouser" },
	/* Bare names: accounts, never aliases. */
	{ "bob", "account bob" },
	{ "Bob", "account bob" },
	{ "bob+X", "account bob+X" },
	{ "webmaster", "nouser" },
	{ "nobody", "nouser" },
	{ "+x", "nouser" },
	{ "-oops", "nouser" },
	{ "../../etc/passwd", "nouser" },
	{ "|/bin/sh", "nouser" },
	{ "-oops@two.example", "nouser" },
	{ "|/bin/sh@two.example", "nouser" },
	/* More than the 64 bytes that RFC 5321 promises. */
	{ "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffggggg@one.example",
	    "account carol" },
	/* Every domain of ours has a postmaster. */
	{ "postmaster@one.example", "alias postmaster" },
	{ "Postmaster+x@four.example", "alias postmaster" },
	{ "postmaster@two.example", "alias postmaster" },
	{ "postmaster@three.example", "account bob" },
	{ "postmaster@localhost", "alias postmaster" },
};

START_TEST(decides)
{
	expect(NULL, decisions[_i].recipient, decisions[_i].line);
}
END_TEST

static const struct {
	const char *recipient, *why;
} doubts[] = {
	{ "dangling@one.example",
	    "dangling@one.example -> nobody: nobody is no alias and no account" },
	{ "dangling2@one.example", "nobody@two.example has no mapping" },
	{ "any@wrong.example", "@wrong.example -> nobody: nobody is no alias and no account" },
	{ "any+x@wronger.example", "nobody%3: nobody is no alias and no account" },
	{ "any@wrongest.example", "x@wrongest.example is no alias and no account" },
	{ "zero@one.example", "account admin has uid 0" },
	{ "admin", "account admin has uid 0" },
	{ "x@elsewhere.example", "neither in the map nor in local_domains" },
	{ "postmaster@elsewhere.example", "neither in the map nor in local_domains" },
};

START_TEST(defers)
{
	expect_defer(NULL, doubts[_i].recipient, doubts[_i].why);
}
END_TEST

static const char *const impossible[] = { "", "@", "@one.example", "bob@", "a\nb@one.example",
	"bob@one..example" };

START_TEST(refuses)
{
	char *line = ask(NULL, impossible[_i]);

	ck_assert_msg(strncmp(line, "reject 5.1.3 ", 13) == 0, "%s: %s", impossible[_i], line);
	free(line);
}
END_TEST

/* ---- settings -------------------------------------------------------------------------------- */

START_TEST(obeys_settings)
{
	expect("unmatched=local", "bob@two.example", "account bob");
	expect("unmatched=local", "webmaster@four.example", "nouser"); /* matched */
	expect("unmatched=local", "nobody@two.example", "nouser");
	expect_defer("unmatched=local", "bob@elsewhere.example", "neither in the map");
	expect("aliases=none", "alias@one.example",
	    "defer alias@one.example -> webmaster: "
	    "webmaster is no alias and no account");
	expect("postmaster=bob+pm", "postmaster@one.example", "account bob+pm");
	expect("postmaster=pm@elsewhere.example", "postmaster@one.example",
	    "forward pm@elsewhere.example");
	expect("abuse=bob", "abuse@one.example", "account bob");
	expect("abuse=bob", "Abuse+x@four.example", "account bob"); /* before its catch-all */
	expect("abuse=", "abuse@two.example", "nouser");
	expect("abuse=pm@elsewhere.example", "abuse@one.example", "forward pm@elsewhere.example");
	expect_defer("abuse=nobody", "abuse@one.example",
	    "abuse -> nobody: nobody is no alias and no account");
	expect_defer("postmaster=nobody", "postmaster@one.example",
	    "postmaster -> nobody: nobody is no alias and no account");
	expect("local_domains=Host.Example b.example", "bob@host.example", "account bob");
	expect_defer("local_domains=host.example", "bob@localhost", "neither in the map");
	expect_defer("min_uid=1002", "bob", "account bob has uid 1001, below min_uid = 1002");
	expect_defer("min_uid=1002", "webmaster@one.example", "below min_uid");
}
END_TEST

/* ---- could not tell -------------------------------------------------------------------------- */

START_TEST(aliases_missing)
{
	unlink(aliases);
	expect_defer(NULL, "webmaster@one.example", aliases);
	expect_defer(NULL, "bob@localhost", aliases);
	/* What does not ask for aliases is answered. */
	expect(NULL, "away@one.example", "forward someone@elsewhere.example");
	expect(NULL, "zoe@one.example", "account zoe@one.example");
	expect(NULL, "bob", "account bob");
}
END_TEST

START_TEST(accounts_missing)
{
	unlink(accounts);
	expect_defer(NULL, "webmaster@one.example", accounts);
	/* An account of that name could stand before the catch-all. */
	expect_defer(NULL, "anything@one.example", accounts);
	expect_defer(NULL, "bob", accounts);
	expect_defer(NULL, "nobody@two.example", accounts);
	expect(NULL, "alias@one.example", "alias webmaster");
}
END_TEST

START_TEST(accounts_malformed)
{
	put(accounts, "bob:x:1001:1001::/home/bob::\nbroken\n");
	expect(NULL, "webmaster@one.example", "account bob");
	expect_defer(NULL, "nobody@flat.example", ":2: no uid");
}
END_TEST

START_TEST(map_missing)
{
	char compiled[128];

	snprintf(compiled, sizeof(compiled), "%s.gdbm", map);
	ck_assert_int_eq(unlink(compiled), 0);
	expect_defer(NULL, "webmaster@one.example", compiled);
	expect_defer(NULL, "bob@localhost", compiled);
	expect(NULL, "bob", "account bob"); /* needs no map */
}
END_TEST

START_TEST(map_damaged)
{
	char compiled[128];
	int fd;

	snprintf(compiled, sizeof(compiled), "%s.gdbm", map);
	fd = open(compiled, O_WRONLY | O_TRUNC);
	ck_assert_int_eq(write(fd, "not a map", 9), 9);
	close(fd);
	expect_defer(NULL, "webmaster@one.example", compiled);
	expect_defer(NULL, "nobody@two.example", compiled);
}
END_TEST

START_TEST(map_untrusted)
{
	char compiled[128];

	if (geteuid() != 0)
		return; /* only root must be careful */
	snprintf(compiled, sizeof(compiled), "%s.gdbm", map);
	ck_assert_int_eq(chmod(compiled, 0666), 0);
	expect_defer(NULL, "webmaster@one.example", "does not trust it");
}
END_TEST

/* The compiler was told that everybody is an account; now nobody is. */
START_TEST(never_ends)
{
	compile("a@one.example b@one.example\nb@one.example a@one.example\n");
	expect_defer(NULL, "a@one.example", "more than 10 mappings one after the other");
}
END_TEST

START_TEST(long_chain)
{
	char text[2048] = "", wanted[64];

	for (int i = 0; i < MAP_STEPS_MAX - 1; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text),
		    "h%d@one.example h%d@one.example\n", i, i + 1);
	snprintf(text + strlen(text), sizeof(text) - strlen(text), "h%d@one.example bob\n",
	    MAP_STEPS_MAX - 1);
	compile(text);
	snprintf(wanted, sizeof(wanted), "account bob");
	expect(NULL, "h0@one.example", wanted);
}
END_TEST

/* A substituted detail stays one address, whatever stands in it. */
START_TEST(substitution_stays_one_address)
{
	compile("@one.example %1@elsewhere.example\n+*@two.example bob%3\n");
	expect(NULL, "root,x@one.example", "forward \"root,x\"@elsewhere.example");
	expect(NULL, "a b@one.example", "forward \"a b\"@elsewhere.example");
	expect(NULL, "x+../../etc@two.example", "account bob+../../etc");
	expect(NULL, "x+a,b@two.example", "account bob+a,b");
}
END_TEST

START_TEST(everything_else)
{
	compile("webmaster@one.example bob\n@ carol\n");
	expect(NULL, "any@one.example", "account carol");
	expect(NULL, "postmaster@one.example", "alias postmaster");
	expect_defer(NULL, "any@elsewhere.example", "neither in the map");
}
END_TEST

/* ---- what else an answer says ---------------------------------------------------------------- */

START_TEST(answers_in_full)
{
	struct settings settings;
	struct resolver *resolver;
	struct answer answer;
	struct buf explain = BUF_INIT;
	struct err err;

	load(&settings, NULL);
	ck_assert_int_eq(resolver_new(&resolver, &settings, &err), 0);
	resolve(resolver, "Chain@one.example", &answer, &explain);
	ck_assert_int_eq(answer.kind, ANSWER_ACCOUNT);
	ck_assert_str_eq(answer.name, "carol");
	ck_assert_ptr_null(answer.detail);
	ck_assert_str_eq(answer.match, "hop@two.example");
	ck_assert_str_eq(answer.target, "carol");
	ck_assert_uint_eq(answer.account.uid, 1002);
	ck_assert_str_eq(answer.account.home, "/home/carol");
	ck_assert_ptr_null(answer.warning);
	answer_free(&answer);
	answer_free(&answer); /* zeroed */
	ck_assert_ptr_nonnull(strstr(buf_cstr(&explain), "chain@one.example -> hop@two.example"));
	ck_assert_ptr_nonnull(strstr(buf_cstr(&explain), "hop@two.example -> carol"));
	ck_assert_ptr_nonnull(strstr(buf_cstr(&explain), "alias carol: no"));
	ck_assert_ptr_nonnull(strstr(buf_cstr(&explain), "account carol: uid 1002"));
	buf_free(&explain);

	resolve(resolver, "gone@one.example", &answer, NULL);
	ck_assert_int_eq(answer.kind, ANSWER_NOUSER);
	ck_assert_str_eq(answer.status, "5.1.1");
	ck_assert_str_eq(answer.text, "gone away");
	answer_free(&answer);

	resolve_local(resolver, "nobody", &answer, NULL);
	ck_assert_int_eq(answer.kind, ANSWER_NOUSER);
	answer_free(&answer);
	resolve_local(resolver, "webmaster", &answer, NULL);
	ck_assert_int_eq(answer.kind, ANSWER_ALIAS);
	answer_free(&answer);
	resolve_local(resolver, "bob+x", &answer, NULL);
	ck_assert_int_eq(answer.kind, ANSWER_ACCOUNT);
	ck_assert_str_eq(answer.detail, "x");
	answer_free(&answer);
	resolver_free(resolver);
	resolver_free(NULL);
	settings_free(&settings);
}
END_TEST

START_TEST(warns_when_stale)
{
	struct settings settings;
	struct resolver *resolver;
	struct answer answer;
	struct err err;

	put(map, "webmaster@one.example somebody-else\n");
	load(&settings, NULL);
	ck_assert_int_eq(resolver_new(&resolver, &settings, &err), 0);
	resolve(resolver, "webmaster@one.example", &answer, NULL);
	ck_assert_int_eq(answer.kind, ANSWER_ACCOUNT); /* what was compiled counts */
	ck_assert_ptr_nonnull(answer.warning);
	ck_assert_ptr_nonnull(strstr(answer.warning, "run virtmap build"));
	answer_free(&answer);
	resolver_free(resolver);
	settings_free(&settings);
}
END_TEST

/* What the map defers, on purpose or by mistake, was told. */
START_TEST(tells_what_the_map_defers)
{
	static const char *const recipients[] = { "wait@one.example", "dangling@one.example",
		"zero@one.example", "x@unknown.example", "x@wrong.example" };
	struct settings settings;
	struct resolver *resolver;
	struct answer answer;
	struct err err;

	load(&settings, NULL);
	ck_assert_int_eq(resolver_new(&resolver, &settings, &err), 0);
	for (size_t i = 0; i < sizeof(recipients) / sizeof(recipients[0]); i++) {
		resolve(resolver, recipients[i], &answer, NULL);
		ck_assert_msg(answer.kind == ANSWER_DEFER, "%s", recipients[i]);
		ck_assert_msg(!answer.untold, "%s", recipients[i]);
		answer_free(&answer);
	}
	resolver_free(resolver);
	settings_free(&settings);
}
END_TEST

/* A resolver that lives on recovers from what is mended. */
START_TEST(tries_again)
{
	struct settings settings;
	struct resolver *resolver;
	struct answer answer;
	struct err err;

	load(&settings, NULL);
	unlink(accounts);
	ck_assert_int_eq(resolver_new(&resolver, &settings, &err), 0);
	resolve(resolver, "bob", &answer, NULL);
	ck_assert_int_eq(answer.kind, ANSWER_DEFER);
	ck_assert(answer.untold);
	answer_free(&answer);
	put(accounts, accounts_text);
	resolve(resolver, "bob", &answer, NULL);
	ck_assert_int_eq(answer.kind, ANSWER_ACCOUNT);
	ck_assert(!answer.untold);
	answer_free(&answer);
	resolver_free(resolver);
	settings_free(&settings);
}
END_TEST

/* And sees a map that was published meanwhile, once it looks. */
START_TEST(refreshes)
{
	static const char other[] = "webmaster@one.example carol\n";
	char compiled[sizeof(map) + 8];
	struct settings settings;
	struct resolver *resolver;
	struct answer answer;
	struct err err;

	load(&settings, NULL);
	ck_assert_int_eq(resolver_new(&resolver, &settings, &err), 0);
	resolver_refresh(resolver);
	for (int step = 0; step < 3; step++) {
		resolve(resolver, "webmaster@one.example", &answer, NULL);
		ck_assert_int_eq(answer.kind, ANSWER_ACCOUNT);
		ck_assert_str_eq(answer.name, step < 2 ? "bob" : "carol");
		answer_free(&answer);
		if (step == 0)
			compile(other);
		else
			resolver_refresh(resolver);
	}
	snprintf(compiled, sizeof(compiled), "%s.gdbm", map);
	unlink(compiled);
	resolver_refresh(resolver);
	resolve(resolver, "webmaster@one.example", &answer, NULL);
	ck_assert_int_eq(answer.kind, ANSWER_DEFER);
	ck_assert(answer.untold);
	answer_free(&answer);
	resolver_free(resolver);
	settings_free(&settings);
}
END_TEST

static void
expect_now(struct resolver *resolver, const char *recipient, const char *wanted)
{
	struct answer answer;
	struct buf line = BUF_INIT;

	resolver_refresh(resolver);
	resolve(resolver, recipient, &answer, NULL);
	ck_assert_int_eq(answer_line(&answer, &line), 0);
	ck_assert_msg(strncmp(buf_cstr(&line), wanted, strlen(wanted)) == 0,
	    "%s: \"%s\", not \"%s\"", recipient, buf_cstr(&line), wanted);
	buf_free(&line);
	answer_free(&answer);
}

/* Missing, damaged and back again. */
START_TEST(recovers_its_map)
{
	struct settings settings;
	struct resolver *resolver;
	struct err err;
	char compiled[128], away[128];

	snprintf(compiled, sizeof(compiled), "%s.gdbm", map);
	snprintf(away, sizeof(away), "%s.away", map);
	load(&settings, NULL);
	ck_assert_int_eq(resolver_new(&resolver, &settings, &err), 0);
	expect_now(resolver, "webmaster@one.example", "account bob");
	compile("webmaster@one.example carol\n");
	expect_now(resolver, "webmaster@one.example", "account carol");
	ck_assert_int_eq(rename(compiled, away), 0);
	expect_now(resolver, "webmaster@one.example", "defer ");
	ck_assert_int_eq(rename(away, compiled), 0);
	expect_now(resolver, "webmaster@one.example", "account carol");
	put(compiled, "not a map");
	expect_now(resolver, "webmaster@one.example", "defer ");
	expect_now(resolver, "nobody@one.example", "defer ");
	compile("webmaster@one.example bob\n");
	expect_now(resolver, "webmaster@one.example", "account bob");
	resolver_free(resolver);
	settings_free(&settings);
}
END_TEST

START_TEST(line_is_safe)
{
	char name[] = "b\x1b[2Job", text[] = "two\nlines";
	struct answer answer = { .kind = ANSWER_ACCOUNT, .name = name, .detail = text };
	struct buf line = BUF_INIT;

	ck_assert_int_eq(answer_line(&answer, &line), 0);
	ck_assert_str_eq(buf_cstr(&line), "account b\\^[[2Job+two\\nlines");
	buf_free(&line);
	answer = (struct answer){ 0 };
	ck_assert_int_eq(answer_line(&answer, &line), 0);
	ck_assert_str_eq(buf_cstr(&line), "defer out of memory");
	buf_free(&line);
}
END_TEST

/* ---- the host's own accounts ----------------------------------------------------------------- */

START_TEST(system_accounts)
{
	expect_defer("accounts=passwd", "root", "account root has uid 0");
	expect_defer("accounts=passwd", "ROOT", "account root has uid 0");
	/* Without names that are addresses, nothing stands between user@d and @d. */
	expect_defer("accounts=passwd", "zoe@one.example", "carol is no alias and no account");
}
END_TEST

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

int
main(void)
{
	Suite *suite = suite_create("resolve");
	TCase *tests = tcase_create("answers");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_loop_test(tests, decides, 0, COUNT(decisions));
	tcase_add_loop_test(tests, defers, 0, COUNT(doubts));
	tcase_add_loop_test(tests, refuses, 0, COUNT(impossible));
	tcase_add_test(tests, obeys_settings);
	tcase_add_test(tests, aliases_missing);
	tcase_add_test(tests, accounts_missing);
	tcase_add_test(tests, refreshes);
	tcase_add_test(tests, accounts_malformed);
	tcase_add_test(tests, map_missing);
	tcase_add_test(tests, map_damaged);
	tcase_add_test(tests, map_untrusted);
	tcase_add_test(tests, never_ends);
	tcase_add_test(tests, long_chain);
	tcase_add_test(tests, substitution_stays_one_address);
	tcase_add_test(tests, everything_else);
	tcase_add_test(tests, answers_in_full);
	tcase_add_test(tests, warns_when_stale);
	tcase_add_test(tests, tells_what_the_map_defers);
	tcase_add_test(tests, tries_again);
	tcase_add_test(tests, recovers_its_map);
	tcase_add_test(tests, line_is_safe);
	tcase_add_test(tests, system_accounts);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
