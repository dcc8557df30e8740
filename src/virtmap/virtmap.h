/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the commands of virtmap(8) share: exit statuses, and how they speak.
 */
#ifndef VIRTMAP_H
#define VIRTMAP_H

#include <stdbool.h>
#include <stdio.h>

#include "err.h"
#include "settings.h"

/* Scripts rely on these; the man page lists them. Where sysexits(3) has a word for it, its number.
 */
enum status {
	STATUS_OK = 0,
	STATUS_NOT_SO = 1,        /* the mapping asked for is not there; or is, and should not be */
	STATUS_USAGE = 64,        /* how the command was called */
	STATUS_DATA = 65,         /* an error in map, accounts, key, target */
	STATUS_NO_INPUT = 66,     /* a file to be read is not there */
	STATUS_NOUSER = 67,       /* resolve: proven, no such user */
	STATUS_REJECT = 69,       /* resolve: refused by the map, or no address */
	STATUS_CANNOT_WRITE = 73, /* no place or no directory for a file */
	STATUS_IO = 74,           /* reading or writing failed */
	STATUS_LATER = 75,        /* resolve: could not tell; others: busy, or out of memory */
	STATUS_FORBIDDEN = 77, /* no right to read or write, or a file that root does not trust */
	STATUS_CONFIG = 78     /* an error in the settings */
};

struct option_value {
	int letter;
	const char *value;
};

/* What every command gets. */
struct virtmap {
	const struct settings *settings;
	int trusted;                       /* running as root: take orders only from root's files */
	const char *verb;                  /* the command's name: what the history says was done */
	const char *settings_path;         /* the file they were read from */
	const struct option_value *values; /* options that take a value, in the order given */
	size_t nvalues;
};

struct command {
	const char *name;
	const char *arguments; /* for the usage line */
	const char *summary;   /* for -h */
	const char *options;   /* getopt's, of this command */
	int min, max;          /* arguments behind the options; max -1: any number */
	bool changes;          /* the map, or has others waiting: it goes on if nobody reads */
	enum status (*run)(const struct virtmap *virtmap, const char *options, int argc,
	    char **argv); /* options: the letters given, each once; argc and argv without them */
};

/* cmd_NAME.c; add, set, rm and rename in cmd_edit.c, edit in cmd_visual.c, diff in cmd_log.c */
typedef enum status command_fn(
    const struct virtmap *virtmap, const char *options, int argc, char **argv);
command_fn cmd_build, cmd_check, cmd_add, cmd_set, cmd_rm, cmd_rename, cmd_batch, cmd_visual,
    cmd_log, cmd_diff, cmd_undo, cmd_list, cmd_get, cmd_domains, cmd_resolve, cmd_import,
    cmd_complete, cmd_export, cmd_verify, cmd_serve;

/* ---- speech.c ------------------------------------------------------------------------------ */

/* printf whose result goes through vis(3), and a newline: what maps and addresses hold cannot steer
 * a terminal. Errors of standard output are found by speech_end. */
void speech_say(FILE *to, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* "virtmap: TEXT" on standard error, and the status that fits err->num. */
enum status speech_fail(const struct err *err);

/* map_complain_fn and accounts_complain_fn: "PATH:LINE: WHY" on standard error. *arg, a size_t,
 * counts; arg may be NULL. */
void speech_complain(void *arg, const char *path, size_t line, const char *why);

/* Everything said so far reached standard output, or the status becomes STATUS_IO; who reads may
 * have gone early (pager.h). */
enum status speech_end(enum status status);

#endif
