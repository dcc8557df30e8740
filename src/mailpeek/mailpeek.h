/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the commands of mailpeek(8) share: exit statuses, what each command is given, how errors
 * are told.
 */
#ifndef MAILPEEK_H
#define MAILPEEK_H

#include <stdbool.h>

#include "account.h"
#include "err.h"
#include "mailbox_scan.h"
#include "settings.h"

/* Scripts rely on these; the man page lists them. Numbers as in sysexits(3). */
enum status {
	STATUS_OK = 0,
	STATUS_USAGE = 64,     /* how the command was called */
	STATUS_DATA = 65,      /* what stands in the mailbox's place is no mailbox */
	STATUS_NO_INPUT = 66,  /* no such message */
	STATUS_NO_USER = 67,   /* no such account, proven */
	STATUS_IO = 74,        /* reading or writing failed */
	STATUS_LATER = 75,     /* could not tell */
	STATUS_FORBIDDEN = 77, /* not the caller's to read */
	STATUS_CONFIG = 78     /* an error in the settings or in the account's mailbox location */
};

/* What every command gets. */
struct peek {
	const struct settings *settings;
	bool all;   /* -a */
	bool exact; /* bytes and whole dates: -b, or standard output is no terminal */
};

struct command {
	const char *name;
	const char *arguments; /* for the usage line */
	const char *summary;   /* for -h */
	const char *options;   /* getopt's, of this command */
	int arity;             /* arguments behind the options */
	enum status (*run)(const struct peek *peek, char **argv);
};

/* cmd_accounts.c, cmd_list.c, cmd_raw.c */
typedef enum status command_fn(const struct peek *peek, char **argv);
command_fn cmd_accounts, cmd_list, cmd_raw;

/* Where `account`'s mailbox is: its own userdb_mail, or the setting. 0 with *out (mailbox_free), or
 * -1 with err. */
int peek_locate(const struct settings *settings, const struct account *account, struct mailbox *out,
    struct err *err);

/* Find account `name`, locate its mailbox and become the account: from here on this process has its
 * rights and no others. STATUS_OK with *out (mailbox_free), or the status to end with, told. */
enum status peek_enter(const struct settings *settings, const char *name, struct mailbox *out);

/* ---- speech.c ------------------------------------------------------------------------------ */

/* printf on standard error, "mailpeek: " in front, safe for a terminal. */
void speech_complain(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Tell err; the status that fits err->num where a mailbox was read. */
enum status speech_fail(const struct err *err);

/* Everything printed so far reached standard output, or the status becomes STATUS_IO. */
enum status speech_end(enum status status);

/* Told, and the process ends: what is left of the output would be a guess. */
_Noreturn void speech_no_memory(void);

#endif
