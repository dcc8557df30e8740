/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How much a mailbox may hold, and how much it holds. Pure: what is measured where is said in
 * mailbox.h and mailbox_scan.h.
 */
#ifndef VIRTMDA_QUOTA_H
#define VIRTMDA_QUOTA_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"

struct quota {
	uint64_t bytes;    /* of messages as stored; as a limit, 0 is none */
	uint64_t messages; /* as a limit, 0 is none */
};

/* The setting: "none", or Dovecot's limits with blanks or colons between them: "storage=1G"
 * (kilobytes without a unit), "bytes=100M" (bytes without one), "messages=1000"; units are b, k, M,
 * G, T, also written kB or KiB. 0 with *out, or -1 with err "why". */
int quota_parse(struct quota *out, const char *text, struct err *err);

/* An account's userdb_quota_rule, "*:" (or "?:") in front of the limits, or of "ignore". 1 with
 * *out; 0 for a rule that is
 * about one mailbox ("Trash:ignore"), which is Dovecot's to obey; -1 with err "why". */
int quota_parse_rule(struct quota *out, const char *rule, struct err *err);

/* One size as Dovecot 2.4 writes it: "1G", "512000" bytes, "unlimited" (0). 0 or -1. */
int quota_parse_size(uint64_t *out, const char *text, struct err *err);

/* What holds for an account: its rule (NULL for none) if that says anything, else the setting. 0
 * with *out, or -1 with err. */
int quota_limits(struct quota *out, const char *setting, const char *rule, struct err *err);

bool quota_limited(const struct quota *limits); /* is there any limit at all? */

/* Would `bytes` and `messages` more be too much? */
bool quota_exceeded(
    const struct quota *limits, const struct quota *used, uint64_t bytes, uint64_t messages);

/* How full, in percent of the limit that is nearest; 0 without limits. Rounded down. */
unsigned quota_percent(const struct quota *limits, const struct quota *used);

/* Append "950M of 1.0G" and "120 of 1000 messages", what is limited of it. 0, or -1 with errno. */
int quota_describe(struct buf *out, const struct quota *limits, const struct quota *used);

#endif
