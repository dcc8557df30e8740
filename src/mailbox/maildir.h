/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Parts of a Maildir delivery that stand on their own. Private to the mailbox room.
 */
#ifndef MAILDIR_H
#define MAILDIR_H

#include <stdint.h>
#include <time.h>

#include "buf.h"

#define MAILDIR_TMP_AGE     (36 * 3600) /* seconds; maildir.html: "not accessed in 36 hours" */
#define MAILDIR_CLEAN_EVERY (8 * 3600)  /* seconds between two looks into one tmp/ */
#define MAILDIR_CLEAN_MAX   1000        /* entries looked at in one go */

/* Append a file name that nobody else makes: SECONDS.M<microseconds>P<pid>Q<counter>.HOST,S=<size>.
 * 0, or -1 with errno ENOMEM. */
int maildir_name(struct buf *out, uint64_t size);

/* Remove the left-overs of killed deliveries and mark tmp/ as read. Failing is no harm. */
void maildir_clean_tmp(int tmpfd, time_t now);

#endif
