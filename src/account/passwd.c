/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Accounts of the system, through NSS. A "yes" is believed. A "no" is not: when a module of
 * nsswitch.conf fails and another one follows, glibc answers as if nobody had been found (EIO on
 * /etc/passwd with `files systemd`: rc 0, no entry). So a "no" needs getpwnam_r's rc 0, our own
 * reading of /etc/passwd to its end without that name in it, and, where services other than files
 * and systemd are asked, an account that only such a service knows and that is found there now.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lines.h"
#include "nss.h"
#include "source.h"

#define SPACE_FIRST 1024
#define SPACE_MAX   (1024 * 1024) /* bytes for the strings of one entry */
#define COLONS      6             /* in a line of passwd(5) */

struct passwd_accounts {
	struct accounts accounts;
	const struct passwd_system *system;
	char *canary;
};

/* ---- asking NSS ---------------------------------------------------------------------------- */

/* getpwnam_r with as much space as it wants. 1 with *entry pointing into *space, 0 "no" (not yet
 * proven), -1 with err. */
static int
ask(const struct passwd_system *system, const char *name, struct passwd *entry, char **space,
    struct err *err)
{
	struct passwd *result = NULL;
	int rc = ERANGE;

	*space = NULL;
	for (size_t size = SPACE_FIRST; rc == ERANGE && size <= SPACE_MAX; size *= 4) {
		char *more = realloc(*space, size);

		if (more == NULL) {
			rc = ENOMEM;
			break;
		}
		*space = more;
		do
			rc = system->lookup(name, entry, *space, size, &result);
		while (rc == EINTR);
	}
	if (rc == 0 && result != NULL)
		return 1;
	free(*space);
	*space = NULL;
	return rc == 0 ? 0 : err_set(err, rc, "getpwnam %s", name);
}

static int
fill(struct account *out, const struct passwd *entry, struct err *err)
{
	const char *home = entry->pw_dir != NULL && *entry->pw_dir == '/' ? entry->pw_dir : "";

	out->uid = entry->pw_uid;
	out->gid = entry->pw_gid;
	out->name = strdup(entry->pw_name);
	out->home = strdup(home);
	if (out->name != NULL && out->home != NULL)
		return 0;
	account_free(out);
	return err_set(err, ENOMEM, "account %s", entry->pw_name);
}

/* ---- our own reading of /etc/passwd -------------------------------------------------------- */

static int
open_text(const char *path, struct stat *st, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	if (fd == -1)
		return err_set(err, errno, "open %s", path);
	if (fstat(fd, st) == -1) {
		err_set(err, errno, "stat %s", path);
		close(fd);
		return -1;
	}
	if (!S_ISREG(st->st_mode)) {
		err_set(err, EINVAL, "%s is not a regular file", path);
		close(fd);
		return -1;
	}
	return fd;
}

static size_t
colons(const struct line *line)
{
	size_t n = 0;

	for (size_t i = 0; i < line->len; i++)
		n += line->text[i] == ':';
	return n;
}

static int
line_names(const struct line *line, const char *name)
{
	size_t len = strlen(name);

	return line->len > len && memcmp(line->text, name, len) == 0 && line->text[len] == ':';
}

/* 1 the name is there, 0 the file was read to its end and it is not, -1 with err. */
static int
scan(struct lines *lines, const char *name, off_t size, struct err *err)
{
	struct line line;
	int rc, found = 0;

	while ((rc = lines_next(lines, &line, err)) == 1) {
		found = found || line_names(&line, name);
		if (!line.ended && colons(&line) < COLONS)
			return err_set(
			    err, 0, "%s:%zu: the last line is torn", lines->path, line.number);
	}
	if (rc == -1)
		return -1;
	/* Every host has root; an empty file is one that somebody is about to write. */
	if (lines->number == 0)
		return err_set(err, 0, "%s is empty", lines->path);
	if (lines->next != size)
		return err_set(err, 0, "%s: changed while it was being read", lines->path);
	return found;
}

static int
text_holds(const char *path, const char *name, struct err *err)
{
	struct stat st;
	struct lines lines;
	int rc, fd = open_text(path, &st, err);

	if (fd == -1)
		return -1;
	lines_init(&lines, fd, path);
	rc = scan(&lines, name, st.st_size, err);
	lines_free(&lines);
	close(fd);
	return rc;
}

/* ---- nsswitch.conf ------------------------------------------------------------------------- */

/* Asked by glibc, and neither can be out of reach: files is read by us too, and systemd's users
 * (DynamicUser=) are nobody's mail accounts. */
static const char *const sure_services[] = { "files", "systemd" };

static int
is_sure(const char *word)
{
	for (size_t i = 0; i < sizeof(sure_services) / sizeof(sure_services[0]); i++)
		if (strcmp(word, sure_services[i]) == 0)
			return 1;
	return 0;
}

/* The services of a "passwd:" line, or NULL for another line. glibc is content with a blank in
 * place of the colon. Actions in brackets are blanked: what is sure does not depend on them. */
static char *
passwd_services(char *text)
{
	static const char database[] = "passwd";

	text += strspn(text, " \t");
	if (strncmp(text, database, sizeof(database) - 1) != 0)
		return NULL;
	text += sizeof(database) - 1;
	if (*text != ':' && *text != ' ' && *text != '\t')
		return NULL;
	text += strspn(text, ": \t");
	text[strcspn(text, "#")] = '\0';
	for (char *open; (open = strchr(text, '[')) != NULL;) {
		size_t len = strcspn(open, "]");

		memset(open, ' ', len + (open[len] == ']'));
	}
	return text;
}

/* The first service of the line that a "no" cannot be believed of, malloc'ed in *other, if there is
 * one. 0, or -1 with errno. */
static int
unsure_service(char *line, char **other)
{
	char *text = passwd_services(line), *word;

	while (*other == NULL && text != NULL && (word = strsep(&text, " \t")) != NULL)
		if (*word != '\0' && !is_sure(word) && (*other = strdup(word)) == NULL)
			return -1;
	return 0;
}

/* 0 with *other, malloc'ed, or NULL where files and systemd are all; -1 with err. */
static int
services(const char *path, char **other, struct err *err)
{
	struct stat st;
	struct lines lines;
	struct line line;
	int rc, fd = open_text(path, &st, err);

	*other = NULL;
	if (fd == -1)
		return err->num == ENOENT ? 0 : -1; /* glibc then asks files alone */
	lines_init(&lines, fd, path);
	while ((rc = lines_next(&lines, &line, err)) == 1)
		if (*other == NULL && unsure_service(line.text, other) == -1) {
			rc = err_set(err, errno, "read %s", path);
			break;
		}
	lines_free(&lines);
	close(fd);
	if (rc == -1) {
		free(*other);
		*other = NULL;
	}
	return rc;
}

/* ---- the proof of a no --------------------------------------------------------------------- */

/* `service` answers: it knows the canary, which /etc/passwd does not. 0, or -1 with err. */
static int
canary_sings(const struct passwd_accounts *passwd, const char *service, struct err *err)
{
	const char *canary = passwd->canary;
	struct passwd entry;
	char *space;
	int rc;

	if (*canary == '\0')
		return err_set(err, 0,
		    "%s: %s is asked too, and its \"no\" is no proof without accounts_canary",
		    passwd->system->nsswitch, service);
	if ((rc = text_holds(passwd->system->passwd, canary, err)) == -1)
		return -1;
	if (rc == 1)
		return err_set(err, 0,
		    "accounts_canary = %s: stands in %s and so proves nothing about %s", canary,
		    passwd->system->passwd, service);
	rc = ask(passwd->system, canary, &entry, &space, err);
	free(space);
	if (rc == 0)
		return err_set(err, 0, "accounts_canary = %s: not found, so %s is out of reach",
		    canary, service);
	return rc == 1 ? 0 : err_prefix(err, "accounts_canary");
}

/* 0 proven absent, -1 with err. */
static int
prove_absent(const struct passwd_accounts *passwd, const char *name, struct err *err)
{
	char *service = NULL;
	int rc = text_holds(passwd->system->passwd, name, err);

	if (rc == 1)
		return err_set(
		    err, 0, "getpwnam %s: not found, but %s has it", name, passwd->system->passwd);
	if (rc == 0)
		rc = services(passwd->system->nsswitch, &service, err);
	if (rc == 0 && service != NULL)
		rc = canary_sings(passwd, service, err);
	free(service);
	return rc == 0 ? 0 : err_prefix(err, "no proof that there is no account %s", name);
}

/* No service of NSS can hold these: passwd(5) ends fields and lines with them, glibc keeps '+' and
 * '-' in front for NIS, and an address is a passwd-file's. */
static int
can_be_name(const char *name)
{
	return *name != '\0' && *name != '+' && *name != '-' && strpbrk(name, ":\n@") == NULL;
}

static int
passwd_find(struct accounts *accounts, const char *name, struct account *out, struct err *err)
{
	const struct passwd_accounts *passwd = (const struct passwd_accounts *)accounts;
	struct passwd entry;
	char *space;
	int rc;

	if (!can_be_name(name))
		return 0;
	if ((rc = ask(passwd->system, name, &entry, &space, err)) == -1)
		return -1;
	if (rc == 0)
		return prove_absent(passwd, name, err);
	rc = fill(out, &entry, err) == -1 ? -1 : 1;
	free(space);
	return rc;
}

/* ---- all of them --------------------------------------------------------------------------- */

static int
give(int (*each)(void *arg, const struct account *account), void *arg, const struct passwd *entry,
    struct err *err)
{
	struct account account = { 0 };
	int rc = fill(&account, entry, err);

	if (rc == 0)
		rc = each(arg, &account);
	account_free(&account);
	return rc;
}

static int
passwd_each(struct accounts *accounts, int (*each)(void *arg, const struct account *account),
    void *arg, struct err *err)
{
	struct passwd entry, *result;
	size_t size = SPACE_FIRST;
	char *space = malloc(size);
	int rc = 0;

	(void)accounts;
	nss_rewind();
	while (rc == 0) {
		int num = space == NULL ? ENOMEM : nss_next(&entry, space, size, &result);

		if (num == 0 && result != NULL) {
			rc = give(each, arg, result, err);
		} else if (num == 0 || num == ENOENT) {
			break; /* getpwent_r's way to say that was the last */
		} else if (num == ERANGE && size < SPACE_MAX) {
			free(space);
			space = malloc(size *= 4);
		} else if (num != EINTR) {
			rc = err_set(err, num, "getpwent");
		}
	}
	nss_done();
	free(space);
	return rc;
}

static void
passwd_close(struct accounts *accounts)
{
	struct passwd_accounts *passwd = (struct passwd_accounts *)accounts;

	free(passwd->canary);
	free(passwd);
}

int
passwd_open(
    struct accounts **out, const struct passwd_system *system, const char *canary, struct err *err)
{
	struct passwd_accounts *passwd = calloc(1, sizeof(*passwd));

	if (passwd == NULL || (passwd->canary = strdup(canary)) == NULL) {
		free(passwd);
		return err_set(err, ENOMEM, "accounts = passwd");
	}
	passwd->accounts =
	    (struct accounts){ .find = passwd_find, .each = passwd_each, .close = passwd_close };
	passwd->system = system;
	*out = &passwd->accounts;
	return 0;
}
