/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * NSS for a statically linked program. If nsswitch.conf asks "files" first, as nearly all hosts do,
 * an entry that stands in /etc/passwd is the answer, and is read from there. Everything else (an
 * entry that is not there, another order, anything odd) is asked of virtmda-getpwnam, which is
 * linked with libc and stands beside this program. If that cannot be started, or says anything but
 * a whole answer, the lookup failed: never "no".
 */
#include "nss.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "buf.h"
#include "io.h"

#define HELPER     "virtmda-getpwnam"
#define ANSWER_MAX 65536 /* bytes */
#define LINE_BYTES 1024  /* of nsswitch.conf; a longer one is odd enough to ask the helper */

/* ---- /etc/passwd, where it comes first ---------------------------------------------------------
 */

/* Is this the line "passwd: files ..." without an action on success? */
static bool
asks_files_first(const char *line)
{
	static const char database[] = "passwd:", service[] = "files";

	line += strspn(line, " \t");
	if (strncmp(line, database, sizeof(database) - 1) != 0)
		return false;
	line += sizeof(database) - 1;
	line += strspn(line, " \t");
	if (strncmp(line, service, sizeof(service) - 1) != 0)
		return false;
	line += sizeof(service) - 1;
	return strchr(" \t\n", *line) != NULL && line[strspn(line, " \t")] != '[';
}

static bool
files_come_first(void)
{
	char buffer[BUFSIZ], line[LINE_BYTES];
	bool first = false;
	FILE *file = fopen(NSS_NSSWITCH, "re");

	if (file == NULL)
		return false;
	setbuf(file, buffer);
	while (!first && fgets(line, sizeof(line), file) != NULL)
		first = asks_files_first(line);
	fclose(file);
	return first;
}

static bool
take_id(char **rest, unsigned *id)
{
	const char *field = strsep(rest, ":");
	char *end;
	unsigned long value;

	if (field == NULL || *field < '0' || *field > '9')
		return false;
	errno = 0;
	value = strtoul(field, &end, 10);
	*id = (unsigned)value;
	return errno == 0 && *end == '\0' && value <= UINT_MAX;
}

/* Take a line of passwd(5) apart. A torn or otherwise odd one is not for us to read. */
static bool
take_passwd_line(char *line, struct passwd *entry)
{
	char *newline = strchr(line, '\n');

	if (newline == NULL)
		return false;
	*newline = '\0';
	entry->pw_name = strsep(&line, ":");
	entry->pw_passwd = strsep(&line, ":");
	if (!take_id(&line, &entry->pw_uid) || !take_id(&line, &entry->pw_gid))
		return false;
	entry->pw_gecos = strsep(&line, ":");
	entry->pw_dir = strsep(&line, ":");
	entry->pw_shell = line;
	return entry->pw_shell != NULL && strchr(line, ':') == NULL;
}

/* 0 with *result, or NULL when it is not there or could not be told; ERANGE when a line does not
 * fit into `space`. (fgetpwent_r(3) makes a system call for each line.) */
static int
look_into_passwd(
    const char *name, struct passwd *entry, char *space, size_t size, struct passwd **result)
{
	char buffer[BUFSIZ];
	size_t len = strlen(name);
	FILE *file = fopen(NSS_PASSWD, "re");
	int num = 0;

	*result = NULL;
	if (file == NULL)
		return 0;
	setbuf(file, buffer);
	while (fgets(space, (int)size, file) != NULL) {
		if (strchr(space, '\n') == NULL && !feof(file)) {
			num = ERANGE;
			break;
		}
		if (strncmp(space, name, len) != 0 || space[len] != ':')
			continue;
		/* libc skips a line that it cannot read, and so may find another. */
		if (take_passwd_line(space, entry))
			*result = entry;
		break;
	}
	fclose(file);
	return num;
}

/* ---- the helper
 * ---------------------------------------------------------------------------------- */

/* Beside the program that runs: who could put another there could replace that as well. */
static int
helper_path(char path[PATH_MAX])
{
	ssize_t n = readlink("/proc/self/exe", path, PATH_MAX);
	char *slash;

	if (n <= 0 || n == PATH_MAX)
		return n == -1 ? errno : ENAMETOOLONG;
	path[n] = '\0';
	slash = strrchr(path, '/');
	if (slash == NULL || (size_t)(slash + 1 - path) + sizeof(HELPER) > PATH_MAX)
		return ENAMETOOLONG;
	memcpy(slash + 1, HELPER, sizeof(HELPER));
	return 0;
}

static int
spawn(pid_t *pid, const char *name, int out)
{
	static char *const no_environment[] = { NULL };
	char path[PATH_MAX], helper[] = HELPER;
	char *const argv[] = { helper, (char *)(uintptr_t)name, NULL };
	posix_spawn_file_actions_t actions;
	int num = helper_path(path);

	if (num != 0)
		return num;
	num = posix_spawn_file_actions_init(&actions);
	if (num != 0)
		return num;
	/* The message on our standard input is not for it. */
	num = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	if (num == 0)
		num = posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
	if (num == 0)
		num = posix_spawn(pid, path, &actions, NULL, argv, no_environment);
	posix_spawn_file_actions_destroy(&actions);
	return num;
}

/* All that it says, if it says it to its end. */
static int
run_helper(const char *name, struct buf *answer)
{
	int ends[2], num, status;
	pid_t pid, waited;

	if (pipe2(ends, O_CLOEXEC) == -1)
		return errno;
	num = spawn(&pid, name, ends[1]);
	close(ends[1]);
	if (num != 0) {
		close(ends[0]);
		/* ENOENT would be read as said of the account. */
		return num == ENOENT ? ELIBACC : num;
	}
	num = io_read_all(ends[0], ANSWER_MAX, answer) == -1 ? errno : 0;
	close(ends[0]);
	do
		waited = waitpid(pid, &status, 0);
	while (waited == -1 && errno == EINTR);
	if (num == 0 && (waited != pid || !WIFEXITED(status) || WEXITSTATUS(status) != 0))
		num = ELIBACC; /* it could not be loaded, or died */
	return num;
}

static char *
take_line(char **rest)
{
	char *newline = strchr(*rest, '\n'), *line = *rest;

	if (newline == NULL)
		return NULL;
	*newline = '\0';
	*rest = newline + 1;
	return line;
}

/* "found UID GID", name, home. */
static int
take_entry(char *answer, struct passwd *entry, char *space, size_t size, struct passwd **result)
{
	static char none[] = "";
	char *numbers = take_line(&answer);
	char *name = numbers == NULL ? NULL : take_line(&answer);
	char *home = name == NULL ? NULL : take_line(&answer);
	unsigned long uid, gid;
	int end = -1;

	if (home == NULL || sscanf(numbers, "found %lu %lu%n", &uid, &gid, &end) != 2 ||
	    end == -1 || numbers[end] != '\0' || uid > UINT_MAX || gid > UINT_MAX)
		return EPROTO;
	if (strlen(name) + strlen(home) + 2 > size)
		return ERANGE;
	*entry = (struct passwd){
		.pw_passwd = none,
		.pw_uid = (uid_t)uid,
		.pw_gid = (gid_t)gid,
		.pw_gecos = none,
		.pw_shell = none,
	};
	entry->pw_name = strcpy(space, name);
	entry->pw_dir = strcpy(space + strlen(name) + 1, home);
	*result = entry;
	return 0;
}

static int
ask_helper(const char *name, struct passwd *entry, char *space, size_t size, struct passwd **result)
{
	struct buf answer = BUF_INIT;
	int num = run_helper(name, &answer);
	char *text = num == 0 ? buf_cstr(&answer) : NULL;

	*result = NULL;
	if (num == 0 && text == NULL)
		num = ENOMEM;
	else if (num == 0 && sscanf(text, "failed %d", &num) == 1)
		num = num == 0 || num == ERANGE ? EPROTO : num;
	else if (num == 0 && strcmp(text, "absent\n") != 0)
		num = take_entry(text, entry, space, size, result);
	buf_free(&answer);
	return num;
}

/* ---- the interface
 * ------------------------------------------------------------------------------- */

int
nss_getpwnam(
    const char *name, struct passwd *entry, char *space, size_t size, struct passwd **result)
{
	*result = NULL;
	if (files_come_first()) {
		int num = look_into_passwd(name, entry, space, size, result);

		if (num != 0 || *result != NULL)
			return num;
	}
	return ask_helper(name, entry, space, size, result);
}

void
nss_rewind(void)
{
}

int
nss_next(struct passwd *entry, char *space, size_t size, struct passwd **result)
{
	(void)entry, (void)space, (void)size;
	*result = NULL;
	return ENOSYS;
}

void
nss_done(void)
{
}
