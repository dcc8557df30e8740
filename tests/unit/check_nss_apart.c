/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * NSS for a statically linked program: /etc/passwd where that comes first, else what the helper
 * says. A helper that is missing, dies, or says anything but a whole answer must never come out
 * as "no". The helper stands beside the program that runs, so a copy of this one is run beside
 * helpers that misbehave.
 */
#include "nss.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "suite.h"

#define ABSENT "nobody-has-this-name"

static char all_of_it[64]; /* made and removed by main: a test that fails cleans up nothing */
static char dir[80];
static const char *program; /* this one; /proc/self/exe would be valgrind */

static void
setup(void)
{
	char command[4096];

	snprintf(dir, sizeof(dir), "%s/XXXXXX", all_of_it);
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(command, sizeof(command), "cp '%s' %s/ask", program, dir);
	ck_assert_int_eq(system(command), 0);
}

/* The copy's part: one lookup, in words. */
static int
ask(const char *name, size_t size)
{
	char space[4096];
	struct passwd entry, *result;
	int num = nss_getpwnam(name, &entry, space, size, &result);

	if (num != 0)
		printf("errno %d\n", num);
	else if (result == NULL)
		puts("no");
	else
		printf("%s %lu %lu %s\n", entry.pw_name, (unsigned long)entry.pw_uid,
		    (unsigned long)entry.pw_gid, entry.pw_dir);
	return 0;
}

static const char *
answer(const char *name, const char *size)
{
	static char line[512];
	char command[256];
	FILE *out;

	snprintf(command, sizeof(command), "%s/ask --ask %s %s", dir, name, size);
	out = popen(command, "r");
	ck_assert_ptr_nonnull(out);
	line[0] = '\0';
	if (fgets(line, sizeof(line), out) != NULL)
		line[strcspn(line, "\n")] = '\0';
	ck_assert_int_eq(pclose(out), 0);
	return line;
}

static void
put_helper(const char *body, mode_t mode)
{
	char path[128];
	FILE *out;

	snprintf(path, sizeof(path), "%s/virtmda-getpwnam", dir);
	out = fopen(path, "w");
	ck_assert_ptr_nonnull(out);
	fprintf(out, "#!/bin/sh\n%s\n", body);
	ck_assert_int_eq(fclose(out), 0);
	ck_assert_int_eq(chmod(path, mode), 0);
}

static const struct {
	const char *body;
	const char *want;
} helpers[] = {
	{ "echo absent", "no" },
	{ "printf 'found 12 34\\njoe\\n/home/joe\\n'", "joe 12 34 /home/joe" },
	{ "printf 'found 12 34\\njoe\\n\\n'", "joe 12 34 " },
	{ "test \"$1\" = " ABSENT " && echo absent", "no" },
	{ "cat; echo absent", "no" }, /* its standard input is empty, not ours */
	{ "test -z \"$HOME$USER$FAKE\" && echo absent", "no" }, { "echo failed 5", "errno 5" },
	{ "echo failed 0", "errno 71" },                                         /* EPROTO */
	{ "echo failed 34", "errno 71" }, { "echo absent; exit 1", "errno 79" }, /* ELIBACC */
	{ "exit 127", "errno 79" }, { "kill -9 $$", "errno 79" },
	{ "echo absent; kill -11 $$", "errno 79" }, { "", "errno 71" },
	{ "printf absent", "errno 71" }, { "echo absentee", "errno 71" },
	{ "printf 'found 12 34\\njoe\\n/home/jo'", "errno 71" },
	{ "printf 'found 12 34\\njoe\\n'", "errno 71" },
	{ "printf 'found 12\\njoe\\n/home/joe\\n'", "errno 71" },
	{ "printf 'found 12 34x\\njoe\\n/home/joe\\n'", "errno 71" },
	{ "printf 'found 12 99999999999\\njoe\\n/home/joe\\n'", "errno 71" },
	{ "head -c 200000 /dev/zero", "errno 27" }, /* EFBIG */
};

START_TEST(the_helper_answers)
{
	put_helper(helpers[_i].body, 0755);
	ck_assert_str_eq(answer(ABSENT, "1024"), helpers[_i].want);
}
END_TEST

START_TEST(no_helper_is_no_answer)
{
	ck_assert_str_eq(answer(ABSENT, "1024"), "errno 79");
	put_helper("echo absent", 0644);
	ck_assert_str_eq(answer(ABSENT, "1024"), "errno 13");
}
END_TEST

/* root stands first in every /etc/passwd; these hosts ask files first, or the helper. */
START_TEST(found_without_the_helper)
{
	put_helper("printf 'found 0 0\\nroot\\n/helped\\n'", 0755);
	if (system("grep -q '^passwd:[[:blank:]]*files' /etc/nsswitch.conf") == 0)
		ck_assert_str_eq(answer("root", "1024"), "root 0 0 /root");
	else
		ck_assert_str_eq(answer("root", "1024"), "root 0 0 /helped");
}
END_TEST

START_TEST(space_is_never_overrun)
{
	put_helper("printf 'found 12 34\\njoe\\n/home/joe\\n'", 0755);
	ck_assert_str_eq(answer("root", "8"), "errno 34"); /* ERANGE */
	ck_assert_str_eq(answer(ABSENT, "8"), "errno 34");
}
END_TEST

START_TEST(listing_is_not_to_be_had)
{
	struct passwd entry, *result = &entry;
	char space[64];

	nss_rewind();
	ck_assert_int_eq(nss_next(&entry, space, sizeof(space), &result), ENOSYS);
	ck_assert_ptr_null(result);
	nss_done();
}
END_TEST

int
main(int argc, char *argv[])
{
	Suite *suite;
	TCase *tc;
	char command[128];
	int failed;

	if (argc == 4 && strcmp(argv[1], "--ask") == 0)
		return ask(argv[2], (size_t)atoi(argv[3]));
	program = argv[0];
	strcpy(all_of_it, "/tmp/check_nss_apart.XXXXXX");
	if (mkdtemp(all_of_it) == NULL)
		return 1;
	suite = suite_create("nss_apart");
	tc = tcase_create("nss_apart");
	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_loop_test(tc, the_helper_answers, 0, (int)(sizeof(helpers) / sizeof(helpers[0])));
	tcase_add_test(tc, no_helper_is_no_answer);
	tcase_add_test(tc, found_without_the_helper);
	tcase_add_test(tc, space_is_never_overrun);
	tcase_add_test(tc, listing_is_not_to_be_had);
	suite_add_tcase(suite, tc);
	failed = suite_run(suite);
	snprintf(command, sizeof(command), "rm -rf %s", all_of_it);
	if (system(command) != 0)
		return 1;
	return failed == 0 ? 0 : 1;
}
