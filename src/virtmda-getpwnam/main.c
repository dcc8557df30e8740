/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * virtmda-getpwnam NAME: what getpwnam_r(3) says, on standard output, for virtmda, which is linked
 * statically and must not ask NSS itself. "found UID GID", name and home on lines of their own;
 * "absent"; or "failed ERRNO". Status 0 means that one of these was written whole. A loader in
 * trouble (status 127) is thus a lookup that failed, and not a mailer that bounces.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "nss.h"

#define SPACE_FIRST 1024
#define SPACE_MAX   (1024 * 1024) /* bytes for the strings of one entry */

static int
look_up(const char *name, struct passwd *entry, struct passwd **result)
{
	int num = ERANGE;

	*result = NULL;
	for (size_t size = SPACE_FIRST; num == ERANGE && size <= SPACE_MAX; size *= 4) {
		/* Never freed: the entry points into it, and the process ends. */
		char *space = malloc(size);

		if (space == NULL)
			return ENOMEM;
		do
			num = nss_getpwnam(name, entry, space, size, result);
		while (num == EINTR);
	}
	return num;
}

int
main(int argc, char *argv[])
{
	struct passwd entry, *result;
	int num;

	if (argc != 2) {
		fputs("usage: virtmda-getpwnam name\n", stderr);
		return 1;
	}
	num = look_up(argv[1], &entry, &result);
	if (num != 0)
		printf("failed %d\n", num);
	else if (result == NULL)
		puts("absent");
	else
		printf("found %lu %lu\n%s\n%s\n", (unsigned long)entry.pw_uid,
		    (unsigned long)entry.pw_gid, entry.pw_name,
		    entry.pw_dir != NULL ? entry.pw_dir : "");
	return fflush(stdout) == 0 ? 0 : 1;
}
