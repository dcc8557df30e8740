/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The maps that virtmap serve answers for, each a row of one table:
 *
 *   verify   user@domain  the line of `virtmap verify`, for sendmail's check_rcpt
 *   virtmap  user@domain  the one address or alias that sendmail may route to by itself, else none
 *   access   user@domain  an action of Postfix's access(5); none outside the map's domains
 *   alias    user@domain  Postfix's virtual_alias_maps: where forwards go, else the address itself
 *   domain   domain       is it in the map? for virtual_mailbox_domains
 */
#ifndef VIRTMAP_LOOKUP_H
#define VIRTMAP_LOOKUP_H

#include <stddef.h>

#include "buf.h"
#include "err.h"
#include "resolve.h"
#include "settings.h"

#define LOOKUP_REPLY_MAX 4096 /* bytes of a reply with its NUL */

/* The number of the map with this name (len bytes), or -1. */
int lookup_find(const char *name, size_t len);
int lookup_count(void);

/* The socketmap reply for `key`: printable, "OK ...", "NOTFOUND " or "TEMP ...". *trouble gets what
 * is wrong with us, for the log, or "". Always fills both. */
void lookup_reply(int map, struct resolver *resolver, const struct settings *settings,
    const char *key, char reply[LOOKUP_REPLY_MAX], char trouble[ERR_TEXT_MAX]);

#endif
