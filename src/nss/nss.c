/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * NSS as libc does it, for programs that link libc shared.
 */
#include "nss.h"

int
nss_getpwnam(
    const char *name, struct passwd *entry, char *space, size_t size, struct passwd **result)
{
	return getpwnam_r(name, entry, space, size, result);
}

void
nss_rewind(void)
{
	setpwent();
}

int
nss_next(struct passwd *entry, char *space, size_t size, struct passwd **result)
{
	return getpwent_r(entry, space, size, result);
}

void
nss_done(void)
{
	endpwent();
}
