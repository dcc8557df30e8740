/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a client says about notices (RFC 3461) and SMTPUTF8 (RFC 6531). LMTP's own delivery owes
 * nobody a notice, so DSN is not offered; but what goes on to sendmail takes these words along, and
 * therefore they are believed only where they are what the RFCs allow. Pure.
 */
#ifndef VIRTMDA_LMTP_NOTICE_H
#define VIRTMDA_LMTP_NOTICE_H

#include <stdbool.h>
#include <stddef.h>

#define LMTP_ENVID_MAX  100 /* RFC 3461 4.4 */
#define LMTP_ORCPT_MAX  500 /* 4.2 */
#define LMTP_NOTIFY_MAX 21  /* "SUCCESS,FAILURE,DELAY" */

/* Of MAIL: utf8, ret, envid; of RCPT: notify, orcpt. "" where it was not said, or said wrongly: a
 * courtesy is no reason to refuse mail. No padding: this crosses a socket. */
struct lmtp_notice {
	unsigned char utf8; /* 0 or 1 */
	char ret[5];        /* "FULL" or "HDRS" */
	char envid[LMTP_ENVID_MAX + 1];
	char notify[LMTP_NOTIFY_MAX + 1];
	char orcpt[LMTP_ORCPT_MAX + 1];
};

/* Take the value of one parameter, `len` bytes; anything but the RFC's leaves "". */
void lmtp_notice_ret(struct lmtp_notice *notice, const char *value, size_t len);
void lmtp_notice_envid(struct lmtp_notice *notice, const char *value, size_t len);
void lmtp_notice_notify(struct lmtp_notice *notice, const char *value, size_t len);
void lmtp_notice_orcpt(struct lmtp_notice *notice, const char *value, size_t len);

/* One that came from a process without rights: is it as these would have made it? */
bool lmtp_notice_is_sound(const struct lmtp_notice *notice);

#endif
