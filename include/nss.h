/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The accounts of the system, through NSS. Two rooms offer this interface, and a program links
 * one of them. `nss` calls libc. `nss_apart` is for a program that is linked statically, as virtmda
 * is: there libc's getpw* would load modules of another libc, and crash or lie. It reads
 * /etc/passwd itself where that comes first, and otherwise asks the program virtmda-getpwnam.
 */
#ifndef VIRTMDA_NSS_H
#define VIRTMDA_NSS_H

#include <pwd.h>
#include <stddef.h>

#define NSS_PASSWD   "/etc/passwd"
#define NSS_NSSWITCH "/etc/nsswitch.conf"

/* The contract of getpwnam_r(3): 0 with *result; 0 and *result NULL for "no", which is no proof;
 * otherwise an errno. */
int nss_getpwnam(
    const char *name, struct passwd *entry, char *space, size_t size, struct passwd **result);

/* The contract of getpwent_r(3), between nss_rewind and nss_done. nss_apart cannot: ENOSYS. */
void nss_rewind(void);
int nss_next(struct passwd *entry, char *space, size_t size, struct passwd **result);
void nss_done(void);

#endif
