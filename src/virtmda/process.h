/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * This process: what it was started with is made sane, and it ends at a signal only where no
 * mailbox is being written.
 */
#ifndef VIRTMDA_PROCESS_H
#define VIRTMDA_PROCESS_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "err.h"

/* Descriptors 0-2 open and none behind them, umask 077, an empty environment, SIGPIPE and SIGXFSZ
 * ignored, SIGTERM, SIGINT and SIGHUP caught. Remembers who started us. 0, or -1 with err; setuid
 * installations are refused. */
int process_init(struct err *err);
void process_remember_starter(void); /* that part of it */
void process_forked(void);           /* says the child of process_init's process */

/* Is this root's process? As it was started, however rights have changed since. */
bool process_is_root(void);

/* While held, a signal only sets a flag (and is passed on to every `process_child`); otherwise it
 * ends the process at once with EXIT_LATER, which is safe because nothing was begun. Release ends
 * it too if a signal came meanwhile. */
void process_hold(void);
void process_release(void);
bool process_stopped(void); /* did a signal come while held? */

/* poll(2) that a signal always ends, also one that came before: -1 with EINTR then. For processes
 * that hold signals. timeout_ms -1: none. */
int process_wait(struct pollfd *fds, nfds_t nfds, int timeout_ms);

/* Close everything but standard descriptors and these (count of them). */
void process_close_others(const int *keep, size_t count);

/* Signals go to this process too, until it is gone. So many workers at a time, and beside them so
 * many that hand over. */
#define PROCESS_CHILDREN_MAX  64
#define PROCESS_HANDOVERS_MAX 64
void process_child(pid_t pid);
void process_child_gone(pid_t pid);

/* The message's end was said, as LMTP does, so it is no matter whether the sender is still there.
 */
void process_forget_starter(void);

/* May a message still become visible? -1 with err when a signal told us to stop, or when the
 * process that started us is gone or dying: the end of its pipe was not the message's end. 1: not
 * known here (a forked process without /proc), its parent must be asked. */
int process_still_wanted(struct err *err);

#endif
