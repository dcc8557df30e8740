/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a MIME part says of itself in its header: mime.c's own.
 */
#ifndef MAILPEEK_MIME_PART_H
#define MAILPEEK_MIME_PART_H

#include "mime.h"

/* Read part->header into content and encoding. `type`: what it is if it does not say. */
void mime_part_read(struct mime_part *part, const char *type);

/* Does it hold a message with its own header, or parts between boundaries? */
bool mime_part_is_message(const struct mime_part *part);
bool mime_part_is_multipart(const struct mime_part *part);

#endif
