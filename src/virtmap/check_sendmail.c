/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * virtmap check: the domains that sendmail takes mail for, read from its configuration as it reads
 * it itself: lines C and F of the classes w and {VirtMap}, M of the mailers. What cannot be read in
 * this way (programs, databases, macros) makes the answer incomplete, and that is said instead of
 * guessing.
 */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "address.h"
#include "check.h"
#include "io.h"
#include "names.h"

#define CONFIG_MAX (16 * 1024 * 1024) /* bytes of a sendmail.cf, or of a file of names */

struct sendmail {
	struct check *check;
	const char *path;   /* what is read */
	struct names names; /* folded domains, ".domain" with its dot */
	bool is_whole;      /* nothing was left unread */
	bool has_mailer, has_class;
	bool reads_list;      /* the setting domains is read into {VirtMap} */
	char other[PATH_MAX]; /* another file that is; "": none */
	char own[256];        /* Dj; "": none */
};

/* ---- files ----------------------------------------------------------------------------------- */

/* The file as a string in `text`. 0, or -1 with err. */
static int
read_text(const char *path, struct buf *text, struct err *err)
{
	if (io_read_file(path, false, CONFIG_MAX, text, err) == -1)
		return -1;
	return buf_cstr(text) == NULL ? err_set(err, errno, "read %s", path) : 0;
}

static void __attribute__((format(printf, 2, 3)))
leave_out(struct sendmail *sendmail, const char *fmt, ...)
{
	char text[ERR_TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	sendmail->is_whole = false;
	findings_add(
	    &sendmail->check->findings, FINDING_NOT_CHECKED, sendmail->path, 0, "%s", text);
}

/* ---- names ----------------------------------------------------------------------------------- */

/* What is no domain ("[127.0.0.1]" is) is nobody's. */
static void
add_name(struct sendmail *sendmail, const char *name, size_t len)
{
	struct err err;
	char *folded = address_fold_domain(name, len, &err);

	if (folded == NULL ? err.num == ENOMEM : names_add(&sendmail->names, folded) == NAMES_NONE)
		sendmail->check->findings.no_memory = true;
	free(folded);
}

/* Words up to the end of the line; `comment`: up to a '#'. */
static void
add_words(struct sendmail *sendmail, const char *text, const char *class, bool comment)
{
	const char *end = text + strcspn(text, comment ? "#\n" : "\n");

	while ((text += strspn(text, " \t\r")) < end) {
		size_t len = strcspn(text, " \t\r\n#");

		if (len == 0)
			len = 1; /* a '#' within a C line */
		if (*text == '$')
			leave_out(sendmail, "class %s holds %.*s, which is not followed", class,
			    (int)len, text);
		else
			add_name(sendmail, text, len);
		text += len;
	}
}

static void
add_file(struct sendmail *sendmail, const char *path, const char *class, bool optional)
{
	struct buf text = BUF_INIT;
	struct err err;

	if (read_text(path, &text, &err) == -1) {
		/* The list of domains is looked at by itself. */
		if (!(optional && err.num == ENOENT) &&
		    strcmp(path, sendmail->check->virtmap->settings->domains) != 0)
			leave_out(sendmail, "class %s: %s", class, err.text);
	} else {
		for (const char *line = buf_cstr(&text); line != NULL && *line != '\0';) {
			add_words(sendmail, line, class, true);
			line += strcspn(line, "\n");
			line += *line == '\n';
		}
	}
	buf_free(&text);
}

/* ---- sendmail.cf ------------------------------------------------------------------------------
 */

/* The class of a line C or F: *rest behind its name. "w", "{VirtMap}", or NULL for the others. */
static const char *
class_of(const char *line, const char **rest)
{
	static const char *const names[] = { "w", "{w}", "{VirtMap}" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		size_t len = strlen(names[i]);

		if (strncmp(line + 1, names[i], len) == 0) {
			*rest = line + 1 + len;
			return i == 2 ? names[2] : names[0];
		}
	}
	return NULL;
}

/* F: "[-o ]FILE[ FORMAT]", "|PROGRAM", or "KEY@MAP". */
static void
read_file_line(struct sendmail *sendmail, const char *class, const char *rest)
{
	const char *list = sendmail->check->virtmap->settings->domains;
	char path[PATH_MAX];
	bool optional = strncmp(rest, "-o", 2) == 0;
	size_t len;

	rest += optional ? 2 : 0;
	rest += strspn(rest, " \t");
	len = strcspn(rest, " \t\r\n");
	if (*rest != '/' || len >= sizeof(path)) {
		leave_out(sendmail, "class %s comes from %.*s, which is not asked", class,
		    len > 100 ? 100 : (int)len, rest);
		return;
	}
	memcpy(path, rest, len);
	path[len] = '\0';
	if (strcmp(class, "{VirtMap}") == 0 && strcmp(path, list) == 0)
		sendmail->reads_list = true;
	else if (strcmp(class, "{VirtMap}") == 0)
		strlcpy(sendmail->other, path, sizeof(sendmail->other));
	add_file(sendmail, path, class, optional);
}

static void
read_line(struct sendmail *sendmail, const char *line)
{
	const char *class, *rest;
	size_t len;

	switch (*line) {
	case 'C':
	case 'F':
		if ((class = class_of(line, &rest)) == NULL)
			return;
		sendmail->has_class |= strcmp(class, "{VirtMap}") == 0;
		if (*line == 'C')
			add_words(sendmail, rest, class, false);
		else
			read_file_line(sendmail, class, rest);
		return;
	case 'D':
		len = strcspn(line, "\r\n");
		if (line[1] == 'j' && memchr(line, '$', len) == NULL &&
		    len - 2 < sizeof(sendmail->own))
			snprintf(
			    sendmail->own, sizeof(sendmail->own), "%.*s", (int)len - 2, line + 2);
		return;
	case 'M':
		sendmail->has_mailer |= strncmp(line, "Mvirtmda,", strlen("Mvirtmda,")) == 0;
		return;
	}
}

static void
read_lines(struct sendmail *sendmail, char *text)
{
	/* A line that begins with a blank continues the one before. */
	for (char *p = text; (p = strchr(p, '\n')) != NULL; p++)
		if (p[1] == ' ' || p[1] == '\t')
			*p = ' ';
	for (const char *line = text; *line != '\0'; line += *line == '\n') {
		read_line(sendmail, line);
		line += strcspn(line, "\n");
	}
}

/* ---- what is said -----------------------------------------------------------------------------
 */

/* Is there what brings mail to virtmda? Without it nothing is said of single domains: it would be
 * said of nearly all. */
static bool
tell_config(struct sendmail *sendmail)
{
	struct check *check = sendmail->check;

	if (!sendmail->has_mailer)
		findings_add(&check->findings, FINDING_NO_MAILER, sendmail->path, 0,
		    "has no mailer virtmda");
	else if (!sendmail->has_class)
		findings_add(&check->findings, FINDING_NO_MAILER, sendmail->path, 0,
		    "has no class {VirtMap}");
	if (*sendmail->other != '\0' && !sendmail->reads_list)
		findings_add(&check->findings, FINDING_DOMAINS_ELSEWHERE, sendmail->path, 0,
		    "class {VirtMap} is read from %s, and virtmap build writes %s", sendmail->other,
		    check->virtmap->settings->domains);
	return sendmail->has_mailer && sendmail->has_class;
}

static void
tell_own(struct sendmail *sendmail)
{
	struct check *check = sendmail->check;
	const char *own[] = { "localhost", sendmail->own };
	char host[HOST_NAME_MAX + 1] = "";

	if (*sendmail->own == '\0' && gethostname(host, sizeof(host) - 1) == 0)
		own[1] = host;
	for (size_t i = 0; i < 2; i++) {
		struct err ignored;
		char *name = address_fold_domain(own[i], strlen(own[i]), &ignored);
		const struct check_domain *domain =
		    name == NULL ? NULL : check_domains_find(check, name);

		if (domain != NULL)
			findings_add(&check->findings, FINDING_OWN_HOST,
			    check->virtmap->settings->map, domain->line,
			    "%s is this host for sendmail", domain->name);
		free(name);
	}
}

static bool
is_accepted(const struct sendmail *sendmail, const char *domain)
{
	bool found = names_find(&sendmail->names, domain) != NAMES_NONE;

	while (!found && (domain = check_domains_parent(domain)) != NULL)
		found = names_find(&sendmail->names, domain) != NAMES_NONE;
	return found;
}

/* Nothing is said of single domains while some names are not known. */
static void
tell_domains(struct sendmail *sendmail)
{
	struct check *check = sendmail->check;

	for (size_t i = 0; sendmail->is_whole && i < check->ndomains; i++)
		if (!is_accepted(sendmail, check->domains[i].name))
			findings_add(&check->findings, FINDING_UNACCEPTED_DOMAIN,
			    check->virtmap->settings->map, check->domains[i].line,
			    "sendmail does not take mail for %s", check->domains[i].name);
}

/* ---- all of it ------------------------------------------------------------------------------- */

void
check_sendmail(struct check *check)
{
	const char *setting = check->virtmap->settings->accepted_domains;
	struct sendmail sendmail = {
		.check = check, .path = setting + strcspn(setting, "/"), .is_whole = true
	};
	bool is_config = strncmp(setting, "cf:", 3) == 0;
	struct buf text = BUF_INIT;
	struct err err;

	if (strcmp(setting, "none") == 0)
		return;
	if (!is_config) {
		add_file(&sendmail, sendmail.path, "w", false);
		tell_domains(&sendmail);
	} else if (read_text(sendmail.path, &text, &err) == -1) {
		leave_out(&sendmail, "%s", err.text);
	} else {
		read_lines(&sendmail, buf_cstr(&text));
		bool is_wired = tell_config(&sendmail);

		tell_own(&sendmail);
		if (is_wired)
			tell_domains(&sendmail);
	}
	buf_free(&text);
	names_free(&sendmail.names);
}
