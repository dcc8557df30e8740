/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What `virtmda -V` prints: version, locking, libraries.
 */
#ifndef VIRTMDA_VERSION_H
#define VIRTMDA_VERSION_H

#include "buf.h"

/* 0, or -1 with ENOMEM. */
int version_text(struct buf *out);

#endif
