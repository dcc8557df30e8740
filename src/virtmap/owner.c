/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The system's answers, with as much space as they want: a group may have thousands of members, and
 * none of them is looked at.
 */
#include "owner.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#define SPACE_FIRST 4096
#define SPACE_MAX   (16 * 1024 * 1024)

/* One question. 0 or errno; *found: there is such a one, and its strings are in `space`. */
struct asking {
	const char *name; /* NULL: by number */
	uid_t uid;
	struct passwd user;
	struct group group;
	char *space;
	int found;
};
typedef int ask_fn(struct asking *asking, size_t size);

static int
ask_user(struct asking *asking, size_t size)
{
	struct passwd *result = NULL;
	int num = asking->name != NULL
	              ? getpwnam_r(asking->name, &asking->user, asking->space, size, &result)
	              : getpwuid_r(asking->uid, &asking->user, asking->space, size, &result);

	asking->found = result != NULL;
	return num;
}

static int
ask_group(struct asking *asking, size_t size)
{
	struct group *result = NULL;
	int num = getgrnam_r(asking->name, &asking->group, asking->space, size, &result);

	asking->found = result != NULL;
	return num;
}

/* 1, 0, or -1 with errno. The caller frees `space`. */
static int
ask(struct asking *asking, ask_fn *question)
{
	int num = ERANGE;

	for (size_t size = SPACE_FIRST; num == ERANGE && size <= SPACE_MAX; size *= 4) {
		char *more = realloc(asking->space, size);

		if (more == NULL) {
			num = ENOMEM;
			break;
		}
		asking->space = more;
		do
			num = question(asking, size);
		while (num == EINTR);
	}
	errno = num;
	return num != 0 ? -1 : asking->found;
}

int
owner_uid(const char *name, uid_t *uid, struct err *err)
{
	struct asking asking = { .name = name };
	int rc = ask(&asking, ask_user);

	if (rc == -1)
		err_set(err, errno, "user %s", name);
	else if (rc == 1)
		*uid = asking.user.pw_uid;
	free(asking.space);
	return rc;
}

int
owner_gid(const char *name, gid_t *gid, struct err *err)
{
	struct asking asking = { .name = name };
	int rc = ask(&asking, ask_group);

	if (rc == -1)
		err_set(err, errno, "group %s", name);
	else if (rc == 1)
		*gid = asking.group.gr_gid;
	free(asking.space);
	return rc;
}

int
owner_name(uid_t uid, char **out, struct err *err)
{
	struct asking asking = { .uid = uid };
	int rc = ask(&asking, ask_user);

	if (rc == 1 && (*out = strdup(asking.user.pw_name)) == NULL) {
		errno = ENOMEM;
		rc = -1;
	}
	if (rc == -1)
		err_set(err, errno, "user %lu", (unsigned long)uid);
	free(asking.space);
	return rc;
}
