/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * virtmda.conf(5): `name = value` lines, `#` comment lines, one table that names every
 * setting, its type and its default. An unknown name or a bad value is an error
 * that says file, line and reason; nothing is guessed.
 */
#ifndef VIRTMDA_SETTINGS_H
#define VIRTMDA_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "err.h"

#define SETTINGS_FILE "/etc/virtmda/virtmda.conf" /* default; -C FILE */

enum settings_unmatched { UNMATCHED_NOUSER, UNMATCHED_LOCAL };
enum settings_forward { FORWARD_HANDOVER, FORWARD_IGNORE };
enum settings_folders { FOLDERS_NO, FOLDERS_EXISTING, FOLDERS_CREATE };
enum settings_over_quota { OVER_QUOTA_DEFER, OVER_QUOTA_REJECT };

struct settings {
	char *map;             /* map source, text; the compiled map is this path + ".gdbm" */
	char *domains;         /* file of the map's domains, written by build */
	char *map_group;       /* group that gets the compiled map (0640), "" for 0644 */
	char *accounts;        /* "passwd" or "passwd-file:PATH" */
	char *accounts_canary; /* account that must be found before passwd's "no" counts, "" none */
	char *aliases;         /* blank-separated sendmail alias files (text), "none" for none */
	char *mailbox;         /* "mbox:PATH" or "maildir:PATH" with ~ %u %n %d %h */
	char *local_domains;   /* blank-separated; "" means this host's name and localhost */
	char *accepted_domains; /* where `virtmap check` learns what sendmail takes mail for */
	char *postmaster;       /* target of postmaster@any-domain without an entry */
	char *abuse;            /* the same for abuse@any-domain, "" none */
	enum settings_unmatched unmatched;
	enum settings_forward forward_files;
	enum settings_folders detail_folders;
	char *quota; /* limits of accounts without a rule of their own: quota_parse, or "none" */
	enum settings_over_quota over_quota;
	unsigned quota_warning;       /* percent; 0 for never */
	char *quota_warning_template; /* path, or "" for the text built in */
	bool delivered_to;            /* write Delivered-To */
	unsigned min_uid;             /* no delivery to accounts below */
	unsigned lock_timeout;        /* seconds for all locks of one delivery together */
	char *spool_directory;        /* where messages too large for memory wait */
	unsigned workers;             /* deliveries of one message at the same time */
	unsigned lmtp_recipients;     /* accepted for one message */
	unsigned lmtp_message_size;   /* bytes; 0 no limit */
	unsigned lmtp_timeout;        /* seconds that a client may be silent */
	unsigned lmtp_reply_timeout;  /* seconds for all replies behind a message */
	char *sendmail;               /* program that takes what goes on elsewhere */
	char *log;                    /* "syslog", "stderr" or "/path" */
};

/* Defaults, then the file, then each "name=value" override in turn (an override wins). Paths
 * must be absolute, in overrides too: sendmail starts programs in its queue directory. path NULL
 * means SETTINGS_FILE, which need not exist; a path given must. The file is opened with
 * io_open_trusted. Each name may stand in the file once. On success *out is filled and is the
 * caller's to settings_free. 0, or -1 with err "FILE:LINE: why" (or "-o: why") and *out empty.
 */
int settings_load(struct settings *out, const char *path, const char *const *overrides,
    size_t noverrides, struct err *err);

void settings_free(struct settings *settings); /* accepts an empty one */

/* The table, row by row, for those who list it: name of the setting `index` (from 0) with its
 * default as one would write it; NULL behind the last. */
const char *settings_name(size_t index, const char **standard);

/* Is `s` an override at all, that is, does it hold a '='? procmail's `-o` does not. */
bool settings_is_override(const char *s);

#endif
