/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The notice (RFC 3464) for members of a list that were refused while others were not: sendmail
 * would send a bounce, but it has been told that the list's address was served.
 */
#ifndef VIRTMDA_BOUNCE_H
#define VIRTMDA_BOUNCE_H

#include <stdbool.h>
#include <stddef.h>

#include "err.h"
#include "message.h"
#include "submission.h"

#define BOUNCE_BOUNDARY_MAX 48

struct bounce {
	const char *host;          /* that refused: Reporting-MTA */
	const char *to;            /* the sender of the message, as it stands between < and > */
	const char *original;      /* the recipient that the message came for */
	const char *envid, *orcpt; /* as they came, xtext; NULL where they did not */
	const struct submission_member *members; /* those with a refusal are told of */
	size_t nmembers;
	const struct message *message;
	bool whole; /* RET=FULL: the message goes back, else its header */
	char boundary[BOUNCE_BOUNDARY_MAX];
};

/* Choose a boundary; all else is the caller's to fill in. */
void bounce_init(struct bounce *bounce);

/* Is a notice wanted (RFC 3461 4.1)? Not by the null sender, nor where NOTIFY was given without
 * FAILURE. notify may be NULL. */
bool bounce_is_wanted(const char *sender, const char *notify);

/* submission's `content`; arg is the struct bounce. Date and Message-Id are left to sendmail. */
int bounce_content(void *arg, message_sink *sink, void *sink_arg, struct err *err);

#endif
