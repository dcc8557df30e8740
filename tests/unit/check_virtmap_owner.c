/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Users and groups: three answers, and as much space as a large group wants. The C library's calls
 * are taken over here.
 */
#include <check.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>

#include "../../src/virtmap/owner.h"
#include "suite.h"

static int answer;    /* errno of the calls, after one EINTR */
static int there;     /* and whether there is such a one */
static size_t wanted; /* bytes */
static int calls;

static int
reply(size_t size)
{
	if (calls++ == 0)
		return EINTR;
	return answer != 0 ? answer : size < wanted ? ERANGE : 0;
}

int
getpwnam_r(const char *name, struct passwd *entry, char *space, size_t size, struct passwd **result)
{
	int num = reply(size);

	(void)name, (void)space;
	*entry = (struct passwd){ .pw_name = NULL, .pw_uid = 7 };
	*result = num == 0 && there ? entry : NULL;
	return num;
}

int
getpwuid_r(uid_t uid, struct passwd *entry, char *space, size_t size, struct passwd **result)
{
	static char name[] = "bob";
	int num = reply(size);

	(void)uid, (void)space;
	*entry = (struct passwd){ .pw_name = name };
	*result = num == 0 && there ? entry : NULL;
	return num;
}

int
getgrnam_r(const char *name, struct group *entry, char *space, size_t size, struct group **result)
{
	int num = reply(size);

	(void)name, (void)space;
	*entry = (struct group){ .gr_gid = 8 };
	*result = num == 0 && there ? entry : NULL;
	return num;
}

static const struct {
	int answer, there;
	size_t wanted;
	int rc, num;
} cases[] = {
	{ 0, 1, 100, 1, 0 },
	{ 0, 1, 1000000, 1, 0 },
	{ 0, 0, 100, 0, 0 },
	{ EIO, 1, 100, -1, EIO },
	{ EIO, 0, 100, -1, EIO },
	{ 0, 1, (size_t)1 << 40, -1, ERANGE },
};

START_TEST(three_answers)
{
	struct err err = { .num = 0 };
	char *name = NULL;
	uid_t uid = 0;
	gid_t gid = 0;
	int rc = cases[_i].rc;

	answer = cases[_i].answer;
	there = cases[_i].there;
	wanted = cases[_i].wanted;
	ck_assert_int_eq(owner_uid("bob", &uid, &err), rc);
	ck_assert_uint_eq(uid, rc == 1 ? 7 : 0);
	ck_assert_int_eq(rc == -1 ? err.num : 0, cases[_i].num);
	calls = 0;
	err.num = 0;
	ck_assert_int_eq(owner_gid("many", &gid, &err), rc);
	ck_assert_uint_eq(gid, rc == 1 ? 8 : 0);
	ck_assert_int_eq(rc == -1 ? err.num : 0, cases[_i].num);
	calls = 0;
	err.num = 0;
	ck_assert_int_eq(owner_name(7, &name, &err), rc);
	if (rc == 1)
		ck_assert_str_eq(name, "bob");
	else
		ck_assert_ptr_null(name);
	ck_assert_int_eq(rc == -1 ? err.num : 0, cases[_i].num);
	free(name);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("virtmap_owner");
	TCase *tcase = tcase_create("owner");

	tcase_add_loop_test(tcase, three_answers, 0, (int)(sizeof(cases) / sizeof(cases[0])));
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
