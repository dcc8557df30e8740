/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Accounts through NSS: a "no" must be proven. The files and getpwnam_r are the test's own, so that
 * every way in which NSS lies or fails can be had.
 */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../src/account/source.h"
#include "suite.h"

#define PASSWD "root:x:0:0:root:/root:/bin/sh\nbob:x:1001:1002:Bob:/home/bob:/bin/sh\n"

static char directory[64], passwd_path[96], nsswitch_path[96];
static struct passwd_system host;

/* ---- an NSS that does as it is told ---------------------------------------------------------- */

static const char *remote;  /* what a directory service knows, or NULL */
static int fail_with;       /* rc of every lookup */
static int blind;           /* answers "no", rc 0, to everything */
static size_t space_wanted; /* ERANGE below this */
static int interrupted;     /* EINTR so many times first */
static unsigned asked;

static int
lookup(const char *name, struct passwd *entry, char *space, size_t size, struct passwd **result)
{
	static char home[] = "/home/bob", gecos[] = "", shell[] = "/bin/sh", relative[] = "nowhere";

	asked++;
	*result = NULL;
	if (interrupted > 0) {
		interrupted--;
		return EINTR;
	}
	if (fail_with != 0)
		return fail_with;
	if (size < space_wanted)
		return ERANGE;
	if (blind)
		return 0;
	if (strcmp(name, "bob") != 0 && strcmp(name, "root") != 0 &&
	    strcasecmp(name, "carol") != 0 && (remote == NULL || strcmp(name, remote) != 0))
		return 0;
	snprintf(space, size, "%s", strcasecmp(name, "carol") == 0 ? "carol" : name);
	*entry = (struct passwd){ .pw_name = space,
		.pw_passwd = gecos,
		.pw_uid = 1001,
		.pw_gid = 1002,
		.pw_gecos = gecos,
		.pw_dir = strcmp(name, "root") == 0 ? relative : home,
		.pw_shell = shell };
	*result = entry;
	return 0;
}

static void
put(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	ck_assert_ptr_nonnull(file);
	ck_assert_uint_eq(fwrite(text, 1, strlen(text), file), strlen(text));
	ck_assert_int_eq(fclose(file), 0);
}

static void
setup(void)
{
	strcpy(directory, "/tmp/check_passwd.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(passwd_path, sizeof(passwd_path), "%s/passwd", directory);
	snprintf(nsswitch_path, sizeof(nsswitch_path), "%s/nsswitch.conf", directory);
	put(passwd_path, PASSWD);
	put(nsswitch_path, "# comment\npasswd:         files systemd\ngroup: files ldap\n");
	host = (struct passwd_system){ passwd_path, nsswitch_path, lookup };
	remote = NULL;
	fail_with = blind = interrupted = 0;
	space_wanted = 0;
	asked = 0;
}

static void
teardown(void)
{
	unlink(passwd_path);
	rmdir(passwd_path);
	unlink(nsswitch_path);
	rmdir(nsswitch_path);
	ck_assert_int_eq(rmdir(directory), 0);
}

static int
find(const char *canary, const char *name, struct account *out, struct err *err)
{
	struct accounts *accounts;
	int rc;

	err->text[0] = '\0';
	ck_assert_int_eq(passwd_open(&accounts, &host, canary, err), 0);
	rc = accounts_find(accounts, name, out, err);
	accounts_close(accounts);
	if (rc != 1)
		account_free(out);
	return rc;
}

static void
expect(const char *canary, const char *name, int wanted, const char *why)
{
	struct account account;
	struct err err;
	int rc = find(canary, name, &account, &err);

	ck_assert_msg(rc == wanted, "%s: %d, not %d: %s", name, rc, wanted, err.text);
	if (rc == 1)
		account_free(&account);
	if (why != NULL)
		ck_assert_msg(
		    strstr(err.text, why) != NULL, "\"%s\" is not in \"%s\"", why, err.text);
}

START_TEST(finds)
{
	struct account account;
	struct err err;

	ck_assert_int_eq(find("", "bob", &account, &err), 1);
	ck_assert_str_eq(account.name, "bob");
	ck_assert_uint_eq(account.uid, 1001);
	ck_assert_uint_eq(account.gid, 1002);
	ck_assert_str_eq(account.home, "/home/bob");
	ck_assert_ptr_null(account.mailbox);
	ck_assert_ptr_null(account.quota_rule);
	account_free(&account);
	/* A directory that compares without case gives the name as it spells it. */
	ck_assert_int_eq(find("", "Carol", &account, &err), 1);
	ck_assert_str_eq(account.name, "carol");
	account_free(&account);
	/* A home that is no absolute path is none. */
	ck_assert_int_eq(find("", "root", &account, &err), 1);
	ck_assert_str_eq(account.home, "");
	account_free(&account);
}
END_TEST

START_TEST(asks_again)
{
	space_wanted = 100000;
	expect("", "bob", 1, NULL);
	interrupted = 3;
	expect("", "bob", 1, NULL);
	space_wanted = 1024 * 1024 * 64; /* no entry is that large */
	expect("", "bob", -1, "Numerical result out of range");
}
END_TEST

START_TEST(absent_is_proven)
{
	expect("", "dave", 0, NULL);
	unlink(nsswitch_path); /* glibc then asks files */
	expect("", "dave", 0, NULL);
	/* Prefixes and longer names are other names. */
	expect("", "bo", 0, NULL);
	expect("", "bobb", 0, NULL);
}
END_TEST

/* rc 0 alone is no proof: the same lookup of somebody who is there. */
START_TEST(blind_nss)
{
	blind = 1;
	expect("", "bob", -1, "not found, but");
	expect("", "dave", 0, NULL);
}
END_TEST

static const int failures[] = { ENOENT, ESRCH, EIO, ENOMEM, EMFILE, ENFILE, EAGAIN, EPERM, EBADF };

START_TEST(failure_is_no_absence)
{
	fail_with = failures[_i];
	expect("", "dave", -1, strerror(failures[_i]));
	expect("", "bob", -1, "getpwnam bob");
}
END_TEST

START_TEST(passwd_unreadable)
{
	unlink(passwd_path);
	expect("", "dave", -1, "passwd: No such file or directory");
	ck_assert_int_eq(mkdir(passwd_path, 0700), 0);
	expect("", "dave", -1, "not a regular file");
	rmdir(passwd_path);
	ck_assert_int_eq(mkfifo(passwd_path, 0600), 0); /* must not hang */
	expect("", "dave", -1, "not a regular file");
}
END_TEST

static const struct {
	const char *text;
	int rc;
	const char *why;
} texts[] = {
	{ "", -1, "is empty" },
	{ PASSWD "eve:x:1003:10", -1, ":3: the last line is torn" },
	{ PASSWD "eve:x:1003:1003::/home/eve:/bin/sh", 0, NULL },
	{ PASSWD "dave:x:broken\n", -1, "not found, but" },
	{ PASSWD "+dave::::::\n-dave\n#dave:\n", 0, NULL },
};

START_TEST(passwd_texts)
{
	put(passwd_path, texts[_i].text);
	expect("", "dave", texts[_i].rc, texts[_i].why);
}
END_TEST

START_TEST(passwd_line_endless)
{
	FILE *file = fopen(passwd_path, "w");

	for (int i = 0; i < 200000; i++)
		fputc('x', file);
	ck_assert_int_eq(fclose(file), 0);
	expect("", "dave", -1, "line longer than");
}
END_TEST

/* Which lines of nsswitch.conf need a canary, and which do not. */
static const struct {
	const char *line;
	const char *service; /* NULL: files and systemd alone */
} lines[] = {
	{ "passwd: files\n", NULL },
	{ "passwd:files\n", NULL },
	{ "  passwd:\tfiles systemd  # ldap\n", NULL },
	{ "passwd files systemd\n", NULL },
	{ "passwd: files [NOTFOUND=continue UNAVAIL=return] systemd\n", NULL },
	{ "passwd_compat: nis\ngroup: ldap\n", NULL },
	{ "# passwd: ldap\n", NULL },
	{ "passwd: files ldap\n", "ldap" },
	{ "passwd: files [NOTFOUND=return] sss\n", "sss" },
	{ "passwd: compat\n", "compat" },
	{ "passwd ldap\n", "ldap" },
	{ "passwd: files", NULL },
	{ "passwd: files winbind", "winbind" },
	{ "passwd: files\npasswd: nis\n", "nis" },
};

START_TEST(services)
{
	char why[64];

	put(nsswitch_path, lines[_i].line);
	if (lines[_i].service == NULL) {
		expect("", "dave", 0, NULL);
		return;
	}
	snprintf(why, sizeof(why), "%s is asked too", lines[_i].service);
	expect("", "dave", -1, why);
	expect("", "bob", 1, NULL); /* a yes needs no canary */
	remote = "canary";
	expect("canary", "dave", 0, NULL);
}
END_TEST

START_TEST(nsswitch_unreadable)
{
	unlink(nsswitch_path);
	ck_assert_int_eq(mkdir(nsswitch_path, 0700), 0);
	expect("", "dave", -1, "no proof that there is no account dave");
}
END_TEST

START_TEST(canary_silent)
{
	put(nsswitch_path, "passwd: files ldap\n");
	expect("canary", "dave", -1, "out of reach");
	/* One of /etc/passwd says nothing about the directory. */
	expect("bob", "dave", -1, "proves nothing about ldap");
	remote = "canary";
	expect("canary", "dave", 0, NULL);
}
END_TEST

/* Names that no NSS service can hold are absent without asking: an address is a key, nothing else.
 */
static const char *const impossible[] = { "", "+", "+x", "-", "-oops", "a:b", "bob:x", "a\nb",
	"bob@one.example", "@" };

START_TEST(impossible_names)
{
	fail_with = EIO;
	expect("", impossible[_i], 0, NULL);
	ck_assert_uint_eq(asked, 0);
}
END_TEST

/* The real thing: this host has root, and nobody of this name. */
static int
count(void *arg, const struct account *account)
{
	unsigned *roots = arg;

	*roots += strcmp(account->name, "root") == 0;
	return 0;
}

static int
stop(void *arg, const struct account *account)
{
	(void)account;
	++*(unsigned *)arg;
	return 42;
}

START_TEST(real_host)
{
	struct accounts *accounts;
	struct account account;
	struct err err;
	unsigned roots = 0, calls = 0;

	ck_assert_int_eq(accounts_open(&accounts, "passwd", "", 0, &err), 0);
	ck_assert_int_eq(accounts_find(accounts, "root", &account, &err), 1);
	ck_assert_uint_eq(account.uid, 0);
	account_free(&account);
	ck_assert_int_ne(accounts_find(accounts, "no-such-account-here", &account, &err), 1);
	ck_assert_int_eq(accounts_each(accounts, count, &roots, &err), 0);
	ck_assert_uint_eq(roots, 1);
	ck_assert_int_eq(accounts_each(accounts, stop, &calls, &err), 42);
	ck_assert_uint_eq(calls, 1);
	accounts_close(accounts);
	accounts_close(NULL);
	ck_assert_int_eq(accounts_index("passwd", 0, &err), 0);
	ck_assert_int_eq(accounts_check("passwd", 0, NULL, NULL, &err), 0);
}
END_TEST

static const char *const specs[] = { "", "shadow", "passwd-file:", "passwd:", "passwd-fil" };

START_TEST(bad_specs)
{
	struct accounts *accounts;
	struct err err;

	ck_assert_int_eq(accounts_open(&accounts, specs[_i], "", 0, &err), -1);
	ck_assert_ptr_null(accounts);
	ck_assert_int_eq(accounts_index(specs[_i], 0, &err), -1);
	ck_assert_int_eq(accounts_check(specs[_i], 0, NULL, NULL, &err), -1);
}
END_TEST

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

int
main(void)
{
	Suite *suite = suite_create("passwd");
	TCase *tests = tcase_create("nss");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, finds);
	tcase_add_test(tests, asks_again);
	tcase_add_test(tests, absent_is_proven);
	tcase_add_test(tests, blind_nss);
	tcase_add_loop_test(tests, failure_is_no_absence, 0, COUNT(failures));
	tcase_add_test(tests, passwd_unreadable);
	tcase_add_loop_test(tests, passwd_texts, 0, COUNT(texts));
	tcase_add_test(tests, passwd_line_endless);
	tcase_add_loop_test(tests, services, 0, COUNT(lines));
	tcase_add_test(tests, nsswitch_unreadable);
	tcase_add_test(tests, canary_silent);
	tcase_add_loop_test(tests, impossible_names, 0, COUNT(impossible));
	tcase_add_test(tests, real_host);
	tcase_add_loop_test(tests, bad_specs, 0, COUNT(specs));
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
