/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The arguments of MAIL and RCPT: a path in angle brackets, and parameters. Pure.
 */
#ifndef VIRTMDA_LMTP_PATH_H
#define VIRTMDA_LMTP_PATH_H

#include <stddef.h>
#include <stdint.h>

#include "address.h"
#include "lmtp_notice.h"
#include "outcome.h"

struct lmtp_path {
	/* The address without brackets, source route and quotes, as sendmail's F=s hands it to the
	 * argument form and as the map's keys are spelled; "" for "<>". */
	char address[ADDRESS_MAX + 1];
};

/* Read the path at `text`, and in *rest what stands behind it: nothing, or a blank and parameters.
 * Beyond RFC 5321 a local part may hold what sendmail sends when it has taken the
 * quotes off (a blank, a bracket, a pipe). 0, or -1 with *why (static): no path, or too long. */
int lmtp_path_read(struct lmtp_path *out, const char *text, const char **rest, const char **why);

struct lmtp_parameters {
	uint64_t size; /* MAIL's SIZE=, 0 without */
	struct lmtp_notice notice;
};

/* Read the parameters of MAIL (which is_mail) or RCPT. AUTH is taken and ignored, and so is a wrong
 * value about notices. 0, or -1 with the refusal and its reply code. */
int lmtp_parameters_read(
    struct lmtp_parameters *out, const char *text, int is_mail, struct outcome *refusal);

#endif
