/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * virtmap check: everything that would keep mail from its place, told before mail finds out. Errors
 * are what defers or misleads mail, warnings what is merely odd. Each thing is said once, however
 * many lines share it.
 */
#include <errno.h>
#include <limits.h>
#include <search.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "editor.h"
#include "resolve.h"

struct check {
	const struct virtmap *virtmap;
	struct editor editor;
	struct resolver *resolver;
	struct map *map; /* the compiled one, if it is of this text; else NULL */
	void *names;     /* tree of struct name */
	size_t errors, warnings;
};

/* What is known of a target's name. */
struct name {
	char *text;
	char *fault; /* NULL: none */
};

/* ---- saying it ----------------------------------------------------------------------------- */

static void
complain(void *arg, const char *path, size_t line, const char *why)
{
	struct check *check = arg;

	speech_complain(&check->errors, path, line, why);
}

static void __attribute__((format(printf, 2, 3))) error(struct check *check, const char *fmt, ...)
{
	char text[ERR_TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	check->errors++;
	speech_say(stderr, "error: %s", text);
}

static void __attribute__((format(printf, 2, 3))) warning(struct check *check, const char *fmt, ...)
{
	char text[ERR_TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	check->warnings++;
	speech_say(stderr, "warning: %s", text);
}

/* ---- the compiled map ---------------------------------------------------------------------- */

static void
check_mode(struct check *check, const char *path)
{
	const struct editor *editor = &check->editor;
	struct stat st;

	if (stat(path, &st) == -1)
		error(check, "%s: %s: run virtmap build", path, strerror(errno));
	else if ((st.st_mode & 07777) != editor->mode)
		warning(check, "%s: mode is %04o, not %04o: run virtmap build", path,
		    st.st_mode & 07777, editor->mode);
	else if (editor->gid != (gid_t)-1 && st.st_gid != editor->gid)
		warning(check, "%s: group is %lu, not %s: run virtmap build", path,
		    (unsigned long)st.st_gid, check->virtmap->settings->map_group);
}

static void
check_compiled(struct check *check)
{
	const struct settings *settings = check->virtmap->settings;
	char path[PATH_MAX];
	struct err err;

	if (map_open(&check->map, settings->map, check->virtmap->trusted, &err) == -1) {
		check->map = NULL;
		error(check, "%s", err.text);
		return;
	}
	if ((size_t)snprintf(path, sizeof(path), "%s.gdbm", settings->map) < sizeof(path))
		check_mode(check, path);
	if (access(settings->domains, R_OK) == -1)
		error(check, "%s: %s: run virtmap build", settings->domains, strerror(errno));
	switch (map_is_stale_content(check->map, &err)) {
	case 0:
		return;
	case 1:
		error(check, "%s was changed and not compiled: run virtmap build", settings->map);
		break;
	default:
		error(check, "%s", err.text);
	}
	map_close(check->map);
	check->map = NULL;
}

/* ---- where targets lead -------------------------------------------------------------------- */

static int
by_text(const void *a, const void *b)
{
	return strcmp(((const struct name *)a)->text, ((const struct name *)b)->text);
}

static void
name_free(void *arg)
{
	struct name *name = arg;

	free(name->text);
	free(name->fault);
	free(name);
}

static void
note_procmailrc(struct check *check, const struct account *account)
{
	char path[PATH_MAX];

	if (*account->home != '\0' &&
	    (size_t)snprintf(path, sizeof(path), "%s/.procmailrc", account->home) < sizeof(path) &&
	    access(path, F_OK) == 0)
		warning(check, "account %s: %s is not obeyed", account->name, path);
}

/* Why mail for this target would not arrive, malloc'ed, or NULL. */
static char *
fault_of(struct check *check, const char *text, int local)
{
	struct answer answer;
	char *fault = NULL;

	if (local)
		resolve_local(check->resolver, text, &answer, NULL);
	else
		resolve(check->resolver, text, &answer, NULL);
	switch (answer.kind) {
	case ANSWER_NOUSER:
		fault = strdup(local ? "no alias and no account" : "no mapping and no account");
		break;
	case ANSWER_DEFER:
		fault = strdup(answer.text != NULL ? answer.text : "out of memory");
		break;
	case ANSWER_ACCOUNT:
		note_procmailrc(check, &answer.account);
		break;
	default:
		break;
	}
	answer_free(&answer);
	return fault;
}

/* Ask once for every name. NULL without memory. */
static const struct name *
look_up(struct check *check, const char *text, int local)
{
	struct name *name = calloc(1, sizeof(*name));
	struct name **known;

	if (name == NULL || (name->text = strdup(text)) == NULL) {
		free(name);
		return NULL;
	}
	known = tsearch(name, &check->names, by_text);
	if (known == NULL || *known != name) {
		name_free(name);
		return known == NULL ? NULL : *known;
	}
	name->fault = fault_of(check, text, local);
	return name;
}

/* An address of the map's own domains can be followed; a foreign one is the world's business. 1
 * and *text (malloc'ed), 0, or -1 without memory. */
static int
can_follow(struct check *check, const struct target_address *address, char **text)
{
	struct err err;

	*text = NULL;
	if (address->domain == NULL)
		return (*text = strdup(address->local)) == NULL ? -1 : 1;
	if (check->map == NULL || map_has_domain(check->map, address->domain, &err) != 1)
		return 0;
	return asprintf(text, "%s@%s", address->local, address->domain) == -1 ? -1 : 1;
}

static void
check_address(
    struct check *check, const struct target_address *address, const char *path, size_t line)
{
	const struct name *name = NULL;
	char *text, *why;
	int rc = can_follow(check, address, &text);

	if (rc == 0)
		return;
	if (rc == 1)
		name = look_up(check, text, address->domain == NULL);
	if (name == NULL) {
		complain(check, path, line, "out of memory");
	} else if (name->fault != NULL && asprintf(&why, "%s: %s", text, name->fault) != -1) {
		complain(check, path, line, why);
		free(why);
	}
	free(text);
}

static void
check_target(struct check *check, const char *text, const char *path, size_t line)
{
	struct target target;
	struct err err;

	/* What %1 stands for is known only with a recipient. */
	if (strchr(text, '%') != NULL || target_parse(&target, text, NULL, &err) == -1)
		return;
	for (size_t i = 0; i < target.naddresses; i++)
		check_address(check, &target.addresses[i], path, line);
	target_free(&target);
}

static void
check_targets(struct check *check)
{
	const struct settings *settings = check->virtmap->settings;
	const struct map_source *source = check->editor.source;

	for (size_t i = 0; i < map_source_count(source); i++) {
		const struct map_entry *entry = map_source_entry(source, i);

		if (entry != NULL)
			check_target(check, entry->target, settings->map, entry->line);
	}
}

static void
check_postmaster(struct check *check)
{
	const char *text = check->virtmap->settings->postmaster;
	const struct name *name;

	if (strchr(text, '@') != NULL)
		return;
	name = look_up(check, text, 1);
	if (name == NULL)
		error(check, "postmaster = %s: out of memory", text);
	else if (name->fault != NULL)
		error(check, "postmaster = %s: %s", text, name->fault);
}

/* ---- all of it ----------------------------------------------------------------------------- */

static void
check_accounts(struct check *check)
{
	const struct settings *settings = check->virtmap->settings;
	struct err err;

	if (accounts_check(settings->accounts, check->virtmap->trusted, complain, check, &err) ==
	    -1)
		error(check, "%s", err.text);
}

static enum status
run(struct check *check)
{
	struct err err;

	check->errors = map_source_errors(check->editor.source);
	if (check->errors == 0) {
		enum status status = editor_check(&check->editor);

		check->errors = check->editor.complaints;
		check->errors += check->errors == 0 && status != STATUS_OK;
	}
	if (resolver_new(&check->resolver, check->virtmap->settings, &err) == -1)
		return speech_fail(&err);
	check_compiled(check);
	check_accounts(check);
	check_targets(check);
	check_postmaster(check);
	speech_say(stdout, "%s: %zu mappings, %zu error%s, %zu warning%s",
	    check->virtmap->settings->map, map_source_count(check->editor.source), check->errors,
	    check->errors == 1 ? "" : "s", check->warnings, check->warnings == 1 ? "" : "s");
	return check->errors > 0 ? STATUS_DATA : STATUS_OK;
}

enum status
cmd_check(const struct virtmap *virtmap, const char *options, int argc, char **argv)
{
	struct check check = { .virtmap = virtmap };
	enum status status = editor_open(&check.editor, virtmap, EDITOR_READ, 0);

	(void)options;
	(void)argc;
	(void)argv;
	if (status == STATUS_OK)
		status = run(&check);
	tdestroy(check.names, name_free);
	map_close(check.map);
	resolver_free(check.resolver);
	editor_close(&check.editor);
	return status;
}
