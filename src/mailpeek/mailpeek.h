/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the commands of mailpeek(8) share: exit statuses, what each command is given, how errors
 * are told.
 */
#ifndef MAILPEEK_H
#define MAILPEEK_H

#include <stdbool.h>

#include "account.h"
#include "buf.h"
#include "err.h"
#include "mailbox_scan.h"
#include "names.h"
#include "settings.h"

/* Scripts rely on these; the man page lists them. Numbers as in sysexits(3). */
enum status {
	STATUS_OK = 0,
	STATUS_NOTHING = 1,    /* search, trace: no message fits */
	STATUS_FINDINGS = 1,   /* verify: something is wrong */
	STATUS_USAGE = 64,     /* how the command was called */
	STATUS_DATA = 65,      /* what stands in the mailbox's place is no mailbox */
	STATUS_NO_INPUT = 66,  /* no such message, no such folder */
	STATUS_NO_USER = 67,   /* no such account, proven */
	STATUS_REJECT = 69,    /* trace: the map refuses the address */
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
	bool json;  /* -j */
	bool nul;   /* -0 */
	bool no_pager;
	bool domains;       /* -d */
	bool list;          /* -l */
	bool reverse;       /* -r */
	const char *folder; /* -f, or NULL */
	const char *sort;   /* -s, or NULL */
	const char *top;    /* -n, or NULL */
	const char *unit;   /* -u, or NULL */
	const char *format; /* -F, or NULL */
};

struct command {
	const char *name;
	const char *arguments; /* for the usage line */
	const char *summary;   /* for -h */
	const char *options;   /* getopt's, of this command */
	int min, max;          /* arguments behind the options; max -1: any number */
	bool paged;            /* may be long, and is for people; who shows progress first calls
	                          peek_page himself */
	enum status (*run)(
	    const struct peek *peek, int argc, char **argv); /* without the options */
};

/* cmd_*.c, one each */
typedef enum status command_fn(const struct peek *peek, int argc, char **argv);
command_fn cmd_accounts, cmd_folders, cmd_list, cmd_raw, cmd_search, cmd_show, cmd_timeline,
    cmd_trace, cmd_usage, cmd_verify;

/* Where `account`'s mailbox is: its own userdb_mail, or the setting. 0 with *out (mailbox_free), or
 * -1 with err. */
int peek_locate(const struct settings *settings, const struct account *account, struct mailbox *out,
    struct err *err);

/* Make a Maildir the one of its folder `name` ("Lists/Gnu", "Lists.Gnu"; "INBOX": itself). 0, or -1
 * with err: EINVAL, no such name, or an mbox. Whether it exists is not asked. */
int peek_folder(struct mailbox *mailbox, const char *name, struct err *err);

/* Find account `name`, locate its mailbox, or the folder in it (NULL: none), and become the
 * account: from here on this process has its rights and no others. STATUS_OK with *out
 * (mailbox_free), or the status to end with, told. */
enum status peek_enter(
    const struct settings *settings, const char *name, const char *folder, struct mailbox *out);

/* Tell that there is no account `name`: STATUS_NO_USER. */
enum status peek_unknown(const char *name);

/* Start the pager, unless it is not wanted. Before anything is printed. */
void peek_page(const struct peek *peek);

/* "12" as a message's number: 0, or -1, told. */
int peek_number(const char *text, size_t *out);

/* How many, from 1: the same. */
int peek_count(const char *text, size_t *out);

/* ---- speech.c ------------------------------------------------------------------------------ */

/* printf on standard error, "mailpeek: " in front, safe for a terminal. */
void speech_complain(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Tell err; the status that fits err->num where a mailbox was read. */
enum status speech_fail(const struct err *err);

/* Everything printed so far reached standard output, or the status becomes STATUS_IO. */
enum status speech_end(enum status status);

/* Told, and the process ends: what is left of the output would be a guess. */
_Noreturn void speech_no_memory(void);

/* buf_add, for who cannot go on without memory. */
static inline void
peek_add(struct buf *out, const void *data, size_t len)
{
	if (buf_add(out, data, len) == -1)
		speech_no_memory();
}

/* names_add: was the name not there yet? */
static inline bool
peek_is_new(struct names *names, const char *name)
{
	const size_t before = names->count;

	if (names_add(names, name) == NAMES_NONE)
		speech_no_memory();
	return names->count > before;
}

#endif
