/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Sockets on which mail servers of this host ask: in the file system, or on the loopback interface.
 * Any other address is refused: the protocol knows no passwords.
 */
#ifndef VIRTMAP_LISTENER_H
#define VIRTMAP_LISTENER_H

#include <sys/types.h>

#include "err.h"

#define LISTENERS_MAX 16

struct listener {
	int fd;
	char *path; /* of a socket that we made in the file system, or NULL */
	dev_t dev;  /* its inode */
	ino_t ino;
};

/* Who may connect to a socket in the file system. */
struct listener_access {
	uid_t uid; /* (uid_t)-1: ours */
	gid_t gid; /* (gid_t)-1: ours */
	mode_t mode;
};

/* "unix:/path", "local:/path", "inet:port@127.0.0.1", "inet6:port@::1", as sendmail writes them. A
 * socket that nobody serves any more is replaced; one that is served is EADDRINUSE (after two
 * seconds), and anything else of that name EEXIST. 0 with *out (listener_close), or -1 with err. */
int listener_open(
    struct listener *out, const char *where, const struct listener_access *access, struct err *err);

/* Those that systemd (or another, see sd_listen_fds(3)) has opened for this process. Takes the
 * variables out of the environment. Their number, 0 for none, or -1 with err. */
int listener_inherit(struct listener out[LISTENERS_MAX], struct err *err);

/* Close it, and remove its file if that is still ours. */
void listener_close(struct listener *listener);

#endif
