/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Many fsync(2)s that wait for the disk together. One after the other each would wait for its own
 * turn of the disk's cache, also where one journal commit has written them all.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

#include "io.h"

#define THREADS_MAX 16
#define STACK       65536 /* bytes; fsync(2) needs none of it */

struct flushing {
	struct io_flush *list;
	size_t n;
	atomic_size_t next;
};

static void *
flush_some(void *arg)
{
	struct flushing *flushing = arg;

	for (;;) {
		size_t i = atomic_fetch_add(&flushing->next, 1);
		struct io_flush *flush;

		if (i >= flushing->n)
			return NULL;
		flush = &flushing->list[i];
		flush->num = fsync(flush->fd) == -1 ? errno : 0;
	}
}

/* Helpers are nobody to send a signal to. */
static size_t
start_helpers(struct flushing *flushing, pthread_t *helpers, size_t wanted)
{
	sigset_t all, before;
	pthread_attr_t attributes;
	size_t n = 0;

	if (wanted == 0 || pthread_attr_init(&attributes) != 0)
		return 0;
	pthread_attr_setstacksize(&attributes, STACK);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	while (n < wanted && pthread_create(&helpers[n], &attributes, flush_some, flushing) == 0)
		n++;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attributes);
	return n;
}

void
io_fsync_all(struct io_flush *list, size_t n)
{
	struct flushing flushing = { .list = list, .n = n };
	pthread_t helpers[THREADS_MAX];
	size_t nhelpers = n > THREADS_MAX ? THREADS_MAX : n;

	/* This thread is one of them. Helpers that cannot be had only cost time. */
	nhelpers = start_helpers(&flushing, helpers, n == 0 ? 0 : nhelpers - 1);
	flush_some(&flushing);
	for (size_t i = 0; i < nhelpers; i++)
		pthread_join(helpers[i], NULL);
}
