/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * virtmap serve: a front that hears mail servers and has no rights, a few in the back that have
 * ours and ask map and accounts, and this process, which opens the sockets, starts both and sees to
 * it that they live. It reads nothing from anybody. It stays in the foreground and ends on SIGTERM.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "backroom.h"
#include "front.h"
#include "listener.h"
#include "owner.h"
#include "rights.h"
#include "virtmap.h"

/* Those in the back: a question that takes long (a slow name service) holds up only one. */
#define BACKS 4

#define SHORT_LIFE 1 /* seconds; who dies younger is started again only after as long */

struct member {
	pid_t pid;
	time_t born;
	bool is_front;
};

struct service {
	const struct settings *settings;
	struct listener listeners[LISTENERS_MAX];
	size_t nlisteners;
	int front, back; /* both ends of the socket between them */
	struct member members[BACKS + 1];
};

#define NMEMBERS (BACKS + 1)

static time_t
seconds(void)
{
	struct timespec now = { 0 };

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

/* ---- the two kinds of processes -------------------------------------------------------------- */

static _Noreturn void
end(const struct err *err)
{
	speech_fail(err);
	_exit(STATUS_LATER);
}

static void
set_signals(void)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static _Noreturn void
be_front(struct service *service, pid_t parent)
{
	struct client_limits limits = client_limits_usual;
	int fds[LISTENERS_MAX];
	struct rlimit files;
	struct err err;

	close(service->back);
	for (size_t i = 0; i < service->nlisteners; i++)
		fds[i] = service->listeners[i].fd;
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
		if (files.rlim_cur < limits.clients + 64)
			limits.clients = files.rlim_cur > 128 ? files.rlim_cur - 64 : 64;
	}
	if (rights_drop(parent, &err) == -1)
		end(&err);
	set_signals();
	if (front_run(fds, service->nlisteners, service->front, &limits, &err) == -1)
		end(&err);
	_exit(STATUS_OK);
}

static _Noreturn void
be_back(struct service *service, pid_t parent)
{
	struct err err;

	close(service->front);
	for (size_t i = 0; i < service->nlisteners; i++)
		close(service->listeners[i].fd);
	if (rights_end_with(parent, &err) == -1)
		end(&err);
	set_signals();
	if (backroom_run(service->back, service->settings, &err) == -1)
		end(&err);
	_exit(STATUS_OK);
}

/* 0, or -1 with err. */
static int
start(struct service *service, struct member *member, struct err *err)
{
	pid_t parent = getpid();
	pid_t pid = fork();

	if (pid == 0) {
		if (member->is_front)
			be_front(service, parent);
		be_back(service, parent);
	}
	member->pid = pid; /* -1: nobody to be ended */
	if (pid == -1)
		return err_set(err, errno, "fork");
	member->born = seconds();
	return 0;
}

/* ---- seeing to it that they live ------------------------------------------------------------- */

static void
tell_end(const struct member *member, int status)
{
	const char *who = member->is_front ? "the front" : "one in the back";

	if (WIFSIGNALED(status))
		speech_say(stderr, "virtmap: %s was killed by signal %d and is started again", who,
		    WTERMSIG(status));
	else
		speech_say(stderr, "virtmap: %s ended with status %d and is started again", who,
		    WEXITSTATUS(status));
}

/* Start again whoever died. 0, or -1 with err. */
static int
bury(struct service *service, struct err *err)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		for (size_t i = 0; i < NMEMBERS; i++) {
			struct member *member = &service->members[i];

			if (member->pid != pid)
				continue;
			tell_end(member, status);
			if (seconds() - member->born < SHORT_LIFE)
				sleep(SHORT_LIFE);
			if (start(service, member, err) == -1)
				return -1;
		}
	return 0;
}

static int
start_all(struct service *service, struct err *err)
{
	for (size_t i = 0; i < NMEMBERS; i++) {
		service->members[i].is_front = i == 0;
		if (start(service, &service->members[i], err) == -1)
			return -1;
	}
	return 0;
}

static void
end_all(struct service *service)
{
	for (size_t i = 0; i < NMEMBERS; i++)
		if (service->members[i].pid > 0)
			kill(service->members[i].pid, SIGTERM);
	for (size_t i = 0; i < NMEMBERS; i++)
		if (service->members[i].pid > 0)
			waitpid(service->members[i].pid, NULL, 0);
}

static void
default_action(int number)
{
	struct sigaction action = { .sa_handler = SIG_DFL };

	sigemptyset(&action.sa_mask);
	sigaction(number, &action, NULL);
}

/* Until a signal says to end. 0, or -1 with err. */
static int
stay(struct service *service, struct err *err)
{
	static const int ours[] = { SIGTERM, SIGINT, SIGHUP, SIGCHLD };
	sigset_t set;
	int number, rc;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++) {
		default_action(ours[i]); /* whoever started us may have had them ignored */
		sigaddset(&set, ours[i]);
	}
	if (sigprocmask(SIG_BLOCK, &set, NULL) == -1)
		return err_set(err, errno, "sigprocmask");
	rc = start_all(service, err);
	while (rc == 0) {
		if (sigwait(&set, &number) != 0)
			continue;
		if (number != SIGCHLD)
			break;
		rc = bury(service, err);
	}
	end_all(service);
	return rc;
}

/* ---- options --------------------------------------------------------------------------------- */

static int
find_user(const char *name, uid_t *uid, struct err *err)
{
	int rc = owner_uid(name, uid, err);

	if (rc == 0)
		return err_set(err, 0, "there is no user %s", name);
	return rc == 1 ? 0 : -1;
}

static int
find_group(const char *name, gid_t *gid, struct err *err)
{
	int rc = owner_gid(name, gid, err);

	if (rc == 0)
		return err_set(err, 0, "there is no group %s", name);
	return rc == 1 ? 0 : -1;
}

static int
read_mode(const char *text, mode_t *mode, struct err *err)
{
	char *rest;
	unsigned long number;

	errno = 0;
	number = strtoul(text, &rest, 8);
	if (errno != 0 || *text < '0' || *text > '7' || *rest != '\0' || number > 0777)
		return err_set(err, 0, "mode %s: not an octal number up to 0777", text);
	*mode = (mode_t)number;
	return 0;
}

static int
read_access(struct listener_access *out, const struct virtmap *virtmap, struct err *err)
{
	*out = (struct listener_access){ (uid_t)-1, (gid_t)-1, 0660 };
	for (size_t i = 0; i < virtmap->nvalues; i++) {
		const char *value = virtmap->values[i].value;
		int rc = 0;

		switch (virtmap->values[i].letter) {
		case 'u':
			rc = find_user(value, &out->uid, err);
			break;
		case 'g':
			rc = find_group(value, &out->gid, err);
			break;
		case 'm':
			rc = read_mode(value, &out->mode, err);
			break;
		}
		if (rc == -1)
			return -1;
	}
	return 0;
}

/* Those that were handed over, and those of -s. 0, or -1 with err. */
static int
open_listeners(struct service *service, const struct virtmap *virtmap, struct err *err)
{
	struct listener_access access;
	int inherited = listener_inherit(service->listeners, err);

	if (inherited == -1 || read_access(&access, virtmap, err) == -1)
		return -1;
	service->nlisteners = (size_t)inherited;
	for (size_t i = 0; i < virtmap->nvalues; i++) {
		if (virtmap->values[i].letter != 's')
			continue;
		if (service->nlisteners == LISTENERS_MAX)
			return err_set(err, 0, "more than %d sockets", LISTENERS_MAX);
		if (listener_open(&service->listeners[service->nlisteners],
		        virtmap->values[i].value, &access, err) == -1)
			return -1;
		service->nlisteners++;
	}
	if (service->nlisteners == 0)
		return err_set(err, 0, "no socket: neither -s nor one handed over");
	return 0;
}

static int
serve(struct service *service, struct err *err)
{
	int ends[2], rc;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == -1)
		return err_set(err, errno, "socketpair");
	service->front = ends[0];
	service->back = ends[1];
	rc = stay(service, err);
	close(ends[0]);
	close(ends[1]);
	return rc;
}

enum status
cmd_serve(const struct virtmap *virtmap, const char *options, int argc, char **argv)
{
	struct service service = { .settings = virtmap->settings };
	enum status status = STATUS_OK;
	struct err err;

	(void)options, (void)argc, (void)argv;
	/* Lines of several processes must not mix. */
	setvbuf(stderr, NULL, _IOLBF, 0);
	if (chdir("/") == -1) {
		err_set(&err, errno, "chdir /");
		return speech_fail(&err);
	}
	if (open_listeners(&service, virtmap, &err) == -1) {
		status = speech_fail(&err);
		if (err.num == 0)
			status = STATUS_USAGE; /* no call failed: the words were wrong */
	} else if (serve(&service, &err) == -1)
		status = speech_fail(&err);
	for (size_t i = 0; i < service.nlisteners; i++)
		listener_close(&service.listeners[i]);
	return status;
}
