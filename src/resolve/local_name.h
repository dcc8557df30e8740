/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Names of this host: "bob", "bob+detail".
 */
#ifndef VIRTMDA_LOCAL_NAME_H
#define VIRTMDA_LOCAL_NAME_H

#include "walk.h"

/* Decide where mail for a local name goes: to its alias if there is one, else to its account. */
void local_name_resolve(struct walk *walk, const char *whole);
/* The same for a bare recipient, to its account: sendmail has been through its aliases already. */
void local_name_resolve_bare(struct walk *walk, const char *recipient);

/* The account is the answer, if mail may go there; takes the account over. detail may be NULL. */
void local_name_accept(struct walk *walk, struct account *account, const char *detail);

#endif
