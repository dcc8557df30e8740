/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Listening sockets. One in the file system is made beside its name with no rights for anybody,
 * gets owner, group and mode, and is renamed into place when it listens: nobody can connect to it
 * before, and nobody finds it refusing. As root the directory must be one that only root can write.
 */
#include "listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "io.h"

#define FIRST_INHERITED 3 /* SD_LISTEN_FDS_START */

#define BUSY_TRIES 20        /* two seconds for an address that is in use */
#define BUSY_PAUSE 100000000 /* nanoseconds */

/* ---- in the file system ---------------------------------------------------------------------- */

static int
set_path(struct sockaddr_un *address, const char *path, struct err *err)
{
	*address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (strlcpy(address->sun_path, path, sizeof(address->sun_path)) >=
	    sizeof(address->sun_path))
		return err_set(err, ENAMETOOLONG, "listen on %s", path);
	return 0;
}

/* Whatever has the name must be a socket that nobody answers. 0, or -1 with err. */
static int
check_place(const char *path, struct err *err)
{
	struct sockaddr_un address;
	struct stat st;
	int fd, rc, error;

	if (lstat(path, &st) == -1)
		return errno == ENOENT ? 0 : err_set(err, errno, "stat %s", path);
	if (!S_ISSOCK(st.st_mode))
		return err_set(err, EEXIST, "listen on %s: not a socket", path);
	if (set_path(&address, path, err) == -1)
		return -1;
	if ((fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) == -1)
		return err_set(err, errno, "socket");
	rc = connect(fd, (const struct sockaddr *)&address, sizeof(address));
	error = rc == -1 ? errno : EADDRINUSE;
	close(fd);
	if (error == ECONNREFUSED)
		return 0;
	/* EAGAIN: a server with a full queue is a server. */
	return err_set(err, error == EAGAIN ? EADDRINUSE : error, "listen on %s", path);
}

static int
bind_beside(int fd, const char *beside, const struct listener_access *access, struct err *err)
{
	struct sockaddr_un address;
	mode_t mask;
	int rc;

	if (set_path(&address, beside, err) == -1)
		return -1;
	mask = umask(0777);
	rc = bind(fd, (const struct sockaddr *)&address, sizeof(address));
	umask(mask);
	if (rc == -1)
		return err_set(err, errno, "bind %s", beside);
	if ((access->uid != (uid_t)-1 || access->gid != (gid_t)-1) &&
	    lchown(beside, access->uid, access->gid) == -1)
		return err_set(err, errno, "chown %s", beside);
	/* The directory is ours: nobody else has put a link there meanwhile. */
	if (chmod(beside, access->mode) == -1)
		return err_set(err, errno, "chmod %s", beside);
	if (listen(fd, SOMAXCONN) == -1)
		return err_set(err, errno, "listen on %s", beside);
	return 0;
}

static int
put_in_place(struct listener *out, const char *beside, const char *path, struct err *err)
{
	struct stat st;

	if (lstat(beside, &st) == -1)
		return err_set(err, errno, "stat %s", beside);
	if ((out->path = strdup(path)) == NULL)
		return err_set(err, ENOMEM, "listen on %s", path);
	if (rename(beside, path) == -1) {
		free(out->path);
		out->path = NULL;
		return err_set(err, errno, "rename %s to %s", beside, path);
	}
	out->dev = st.st_dev;
	out->ino = st.st_ino;
	return 0;
}

static int
open_file(
    struct listener *out, const char *path, const struct listener_access *access, struct err *err)
{
	char *beside;
	int rc = -1;

	if (path[0] != '/')
		return err_set(err, 0, "listen on %s: not an absolute path", path);
	if (io_check_way(path, err) == -1 || check_place(path, err) == -1)
		return -1;
	if (asprintf(&beside, "%s.%ld", path, (long)getpid()) == -1)
		return err_set(err, ENOMEM, "listen on %s", path);
	out->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (out->fd == -1)
		err_set(err, errno, "socket");
	else if (bind_beside(out->fd, beside, access, err) == 0)
		rc = put_in_place(out, beside, path, err);
	if (rc == -1 && out->fd != -1) {
		unlink(beside);
		close(out->fd);
		out->fd = -1;
	}
	free(beside);
	return rc;
}

/* ---- on the loopback interface --------------------------------------------------------------- */

union address {
	struct sockaddr any;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	struct sockaddr_un un;
	struct sockaddr_storage room;
};

static int
is_loopback(const union address *address)
{
	switch (address->any.sa_family) {
	case AF_UNIX:
		return 1;
	case AF_INET:
		return ntohl(address->in.sin_addr.s_addr) >> 24 == 127;
	case AF_INET6:
		return IN6_IS_ADDR_LOOPBACK(&address->in6.sin6_addr);
	default:
		return 0;
	}
}

/* "port@address", and the address without its brackets. */
static int
parse(union address *out, sa_family_t family, const char *where, struct err *err)
{
	char host[INET6_ADDRSTRLEN];
	const char *at = strchr(where, '@'), *why;
	char port[8];
	long long number;
	size_t len;

	*out = (union address){ .any = { .sa_family = family } };
	if (at == NULL || (size_t)(at - where) >= sizeof(port))
		return err_set(err, 0, "listen on %s: not port@address", where);
	memcpy(port, where, (size_t)(at - where));
	port[at - where] = '\0';
	number = strtonum(port, 1, 65535, &why);
	if (why != NULL)
		return err_set(err, 0, "listen on %s: port %s is %s", where, port, why);
	at++;
	len = strlen(at);
	if (len > 2 && at[0] == '[' && at[len - 1] == ']') {
		at++;
		len -= 2;
	}
	if (len >= sizeof(host))
		return err_set(err, 0, "listen on %s: no such address", where);
	memcpy(host, at, len);
	host[len] = '\0';
	if (family == AF_INET)
		out->in.sin_port = htons((uint16_t)number);
	else
		out->in6.sin6_port = htons((uint16_t)number);
	if (inet_pton(family, host,
	        family == AF_INET ? (void *)&out->in.sin_addr : (void *)&out->in6.sin6_addr) != 1)
		return err_set(err, 0, "listen on %s: an address in numbers is needed", where);
	if (!is_loopback(out))
		return err_set(
		    err, EPERM, "listen on %s: only a loopback address may be used", where);
	return 0;
}

static int
open_port(struct listener *out, sa_family_t family, const char *where, struct err *err)
{
	union address address;
	const int yes = 1;
	socklen_t len = family == AF_INET ? sizeof(address.in) : sizeof(address.in6);

	if (parse(&address, family, where, err) == -1)
		return -1;
	if ((out->fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0)) == -1)
		return err_set(err, errno, "socket");
	if (setsockopt(out->fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) == -1 ||
	    bind(out->fd, &address.any, len) == -1 || listen(out->fd, SOMAXCONN) == -1) {
		err_set(err, errno, "listen on %s", where);
		close(out->fd);
		out->fd = -1;
		return -1;
	}
	return 0;
}

/* ---- both ------------------------------------------------------------------------------------ */

static int
open_once(
    struct listener *out, const char *where, const struct listener_access *access, struct err *err)
{
	*out = (struct listener){ .fd = -1 };
	if (strncmp(where, "unix:", 5) == 0)
		return open_file(out, where + 5, access, err);
	if (strncmp(where, "local:", 6) == 0)
		return open_file(out, where + 6, access, err);
	if (strncmp(where, "inet:", 5) == 0)
		return open_port(out, AF_INET, where + 5, err);
	if (strncmp(where, "inet6:", 6) == 0)
		return open_port(out, AF_INET6, where + 6, err);
	return err_set(
	    err, 0, "listen on %s: not unix:/path, inet:port@127.0.0.1 or inet6:port@::1", where);
}

/* The processes of a server that was killed end with it, but not in the same instant: whoever is
 * started again at once waits for them. */
int
listener_open(
    struct listener *out, const char *where, const struct listener_access *access, struct err *err)
{
	const struct timespec pause = { .tv_nsec = BUSY_PAUSE };
	int rc = open_once(out, where, access, err);

	for (int i = 0; rc == -1 && err->num == EADDRINUSE && i < BUSY_TRIES; i++) {
		nanosleep(&pause, NULL);
		rc = open_once(out, where, access, err);
	}
	return rc;
}

void
listener_close(struct listener *listener)
{
	struct stat st;

	if (listener->fd != -1)
		close(listener->fd);
	if (listener->path != NULL && lstat(listener->path, &st) == 0 &&
	    st.st_dev == listener->dev && st.st_ino == listener->ino)
		unlink(listener->path);
	free(listener->path);
	*listener = (struct listener){ .fd = -1 };
}

/* ---- handed over ----------------------------------------------------------------------------- */

static int
check_inherited(int fd, struct err *err)
{
	union address address;
	socklen_t len = sizeof(address), size = sizeof(int);
	int listening = 0, type = 0;

	if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) == -1 ||
	    getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == -1 ||
	    getsockname(fd, &address.any, &len) == -1)
		return err_set(err, errno, "inherited descriptor %d", fd);
	if (!listening || type != SOCK_STREAM)
		return err_set(err, EINVAL, "inherited descriptor %d: not a listening stream", fd);
	if (!is_loopback(&address))
		return err_set(err, EPERM,
		    "inherited descriptor %d: listens on more than the loopback interface", fd);
	if (fcntl(fd, F_SETFD, FD_CLOEXEC) == -1)
		return err_set(err, errno, "inherited descriptor %d", fd);
	return 0;
}

int
listener_inherit(struct listener out[LISTENERS_MAX], struct err *err)
{
	const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS"), *why = NULL;
	int n = 0;

	/* Variables of a parent that did not use them are not for us. */
	if (pid != NULL && fds != NULL && strtonum(pid, 1, INT_MAX, &why) == getpid() &&
	    why == NULL) {
		n = (int)strtonum(fds, 1, LISTENERS_MAX, &why);
		if (why != NULL)
			return err_set(err, EINVAL, "LISTEN_FDS=%s: %s", fds, why);
	}
	for (int i = 0; i < n; i++) {
		out[i] = (struct listener){ .fd = FIRST_INHERITED + i };
		if (check_inherited(out[i].fd, err) == -1)
			return -1;
	}
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
	return n;
}
