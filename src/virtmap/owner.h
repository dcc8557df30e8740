/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Users and groups by name and number, as owners of files and processes. Recipients are asked for
 * elsewhere (account.h).
 */
#ifndef VIRTMAP_OWNER_H
#define VIRTMAP_OWNER_H

#include <sys/types.h>

#include "err.h"

/* 1 with *uid or *gid, 0 there is no such name, -1 with err. */
int owner_uid(const char *name, uid_t *uid, struct err *err);
int owner_gid(const char *name, gid_t *gid, struct err *err);

/* The user's name, malloc'ed in *out: 1, 0 there is none, -1 with err. */
int owner_name(uid_t uid, char **out, struct err *err);

#endif
