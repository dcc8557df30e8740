/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A process that parses what strangers send, and so must be able to do next to nothing.
 */
#ifndef VIRTMDA_RIGHTS_H
#define VIRTMDA_RIGHTS_H

#include <sys/types.h>

#include "err.h"

/* Nobody's, and nobody's group: numbers, for which no database has to be asked. */
#define RIGHTS_UID 65534
#define RIGHTS_GID 65534

/* Give up every right for good. As root: group list, gid and uid become nobody's, and it is proven
 * that none can be had back. In any case: no program that is started gets more, no core is
 * dumped, no other process of that uid may look into this one, and when the process `parent` ends,
 * this one is killed. Descriptors stay open. 0, or -1 with err: then the process must end. */
int rights_drop(pid_t parent, struct err *err);

/* Is there no way back from ids that were changed? There is none without a capability. 0, or -1
 * with err (EPERM: some are left). */
int rights_prove_gone(struct err *err);

/* That last part of rights_drop alone, for a process that keeps its rights: end with `parent`. 0,
 * or -1 with err, also when it is gone already. */
int rights_end_with(pid_t parent, struct err *err);

#endif
