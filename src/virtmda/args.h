/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * virtmda's command line: its own options, and those of procmail and mail.local that an
 * existing mailer definition may pass and that do no harm.
 */
#ifndef VIRTMDA_ARGS_H
#define VIRTMDA_ARGS_H

#include <stdbool.h>
#include <stddef.h>

#include "err.h"

enum args_wish { ARGS_DELIVER, ARGS_LMTP, ARGS_HELP, ARGS_VERSION };

struct args {
	enum args_wish wish;
	const char *sender;        /* "" for the null sender, and when none is given */
	const char *queue_id;      /* sendmail's, or "NOQUEUE" as sendmail itself logs */
	const char *settings_file; /* NULL: the default one */
	const char **overrides;    /* "name=value", noverrides of them */
	size_t noverrides;
	const char *const *recipients; /* nrecipients of them, as given; none for LMTP */
	size_t nrecipients;
	bool dry_run; /* -n */
	bool verbose; /* -v */
};

extern const char args_usage[];

/* 0 with *out (args_free); its strings are argv's. -1 with err: a mistake that the administrator
 * has to see, ENOMEM, or no recipient; out->wish then still says how to tell. Recipients are
 * everything behind `-d` or `--`, or from the first argument that is no option; none of those is
 * read as an option again, whatever it looks like. argv may be changed: options are moved nowhere,
 * but "-dNAME" becomes "NAME". */
int args_parse(struct args *out, int argc, char *argv[], struct err *err);
void args_free(struct args *args); /* accepts a zeroed one */

#endif
