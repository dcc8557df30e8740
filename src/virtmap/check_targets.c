/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * virtmap check: where targets lead, asked of the code that delivers. Each name is looked up once,
 * however many lines share it. "Could not tell" is never taken for "not there", and the same reason
 * for it is said once, with the first line that met it.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "account.h"
#include "check.h"
#include "names.h"
#include "progress.h"

#define UNTOLD_MAX 20 /* a broken disk may have a reason of its own for each name */

/* What is known of a target. */
struct verdict {
	char *fault; /* NULL: none */
	enum finding which;
};

struct targets {
	struct check *check;
	struct names names;
	struct verdict *verdicts; /* of each name */
	size_t room;              /* for them */
	struct names accounts;    /* those that were looked at */
	size_t untold;            /* lines of which nothing could be told */
};

/* ---- an account ------------------------------------------------------------------------------ */

static bool
has_file(const struct account *account, const char *file, char path[PATH_MAX])
{
	struct stat st;

	return *account->home == '/' &&
	       (size_t)snprintf(path, PATH_MAX, "%s/%s", account->home, file) < PATH_MAX &&
	       lstat(path, &st) == 0;
}

static void
look_at_home(struct targets *targets, const struct account *account)
{
	struct check *check = targets->check;
	size_t known = targets->accounts.count;
	char path[PATH_MAX];
	uint32_t number = names_add(&targets->accounts, account->name);

	if (number == NAMES_NONE)
		check->findings.no_memory = true;
	else if (number < known)
		return;
	if (has_file(account, ".procmailrc", path))
		findings_add(&check->findings, FINDING_PROCMAILRC, path, 0,
		    "account %s: this file is not obeyed", account->name);
	if (has_file(account, ".forward", path))
		findings_add(&check->findings, FINDING_FORWARD_FILE, path, 0,
		    check->virtmap->settings->forward_files == FORWARD_IGNORE
		        ? "account %s: this file is not obeyed (forward_files = ignore)"
		        : "account %s: mail is handed to sendmail, which obeys this file "
		          "(forward_files = handover)",
		    account->name);
}

/* ---- a target -------------------------------------------------------------------------------- */

static char *
copy(struct check *check, const char *text)
{
	char *string = strdup(text);

	if (string == NULL)
		check->findings.no_memory = true;
	return string;
}

/* What stands in another line is that line's: a refusal on purpose, or a fault told there. */
static bool
is_of_another_line(const struct answer *answer)
{
	if (answer->match == NULL || answer->target == NULL)
		return false;
	if (answer->kind == ANSWER_NOUSER)
		return strncasecmp(answer->target, "error:", 6) == 0;
	return strncasecmp(answer->target, "error:", 6) == 0 ||
	       !target_follows_recipient(answer->target) ||
	       (answer->rung != NULL && strcmp(answer->rung, map_rung_name(RUNG_EXACT)) == 0);
}

static void
ask(struct targets *targets, const char *name, bool local, struct verdict *verdict)
{
	struct check *check = targets->check;
	struct answer answer;

	if (local)
		resolve_local(check->resolver, name, &answer, NULL);
	else
		resolve(check->resolver, name, &answer, NULL);
	switch (answer.kind) {
	case ANSWER_NOUSER:
		if (is_of_another_line(&answer))
			break;
		verdict->which = FINDING_DANGLING_TARGET;
		verdict->fault =
		    copy(check, local ? "no alias and no account" : "no mapping and no account");
		break;
	case ANSWER_DEFER:
		if (!answer.untold && is_of_another_line(&answer))
			break;
		verdict->which = answer.untold ? FINDING_COULD_NOT_TELL : FINDING_UNUSABLE_TARGET;
		verdict->fault = copy(check, answer.text != NULL ? answer.text : "out of memory");
		break;
	case ANSWER_ACCOUNT:
		look_at_home(targets, &answer.account);
		break;
	default:
		break;
	}
	answer_free(&answer);
}

static int
grow(struct targets *targets)
{
	size_t room = targets->room + targets->room / 2 + 64;
	struct verdict *verdicts = reallocarray(targets->verdicts, room, sizeof(*verdicts));

	if (verdicts == NULL)
		return -1;
	targets->verdicts = verdicts;
	targets->room = room;
	return 0;
}

/* Good until the next. NULL without memory, which is noted. */
static const struct verdict *
look_up(struct targets *targets, const char *name, bool local)
{
	size_t known = targets->names.count;
	uint32_t number = NAMES_NONE;

	if (known < targets->room || grow(targets) == 0)
		number = names_add(&targets->names, name);
	if (number == NAMES_NONE) {
		targets->check->findings.no_memory = true;
		return NULL;
	}
	if (number == known) {
		targets->verdicts[number] = (struct verdict){ 0 };
		ask(targets, name, local, &targets->verdicts[number]);
	}
	return &targets->verdicts[number];
}

/* ---- a line ---------------------------------------------------------------------------------- */

static void
tell(struct targets *targets, const char *name, const struct verdict *verdict, const char *path,
    size_t line)
{
	struct findings *findings = &targets->check->findings;

	if (verdict->which != FINDING_COULD_NOT_TELL)
		findings_add(findings, verdict->which, path, line, "%s: %s", name, verdict->fault);
	else if (targets->untold++ < UNTOLD_MAX &&
	         !findings_have(findings, verdict->which, verdict->fault))
		findings_add(findings, verdict->which, path, line, "%s", verdict->fault);
}

static void
check_name(struct targets *targets, const char *name, bool local, size_t line)
{
	const struct verdict *verdict = look_up(targets, name, local);

	if (verdict != NULL && verdict->fault != NULL)
		tell(targets, name, verdict, targets->check->virtmap->settings->map, line);
}

/* One that the map's own domains have can be followed, if the compiled map is of this text; a
 * foreign one is the world's business. */
static void
check_address(struct targets *targets, const struct target_address *address, size_t line)
{
	struct check *check = targets->check;
	char *text;

	if (address->domain == NULL) {
		check_name(targets, address->local, true, line);
		return;
	}
	if (!check->is_current || !check_domains_cover(check, address->domain))
		return;
	if (asprintf(&text, "%s@%s", address->local, address->domain) == -1) {
		check->findings.no_memory = true;
		return;
	}
	check_name(targets, text, false, line);
	free(text);
}

/* A name that is taken as it stands, as nearly all are. */
static bool
is_plain(const char *text)
{
	return text[strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	                         "._-+")] == '\0';
}

/* What %1 stands for, where it is the same for each address of the line: 1 with *args, which point
 * into `user`, 0 it is not. Details stay empty: they decide about folders, not about whom. */
static bool
arguments(struct check *check, struct target_args *args, const char *folded, const char *target,
    char **user)
{
	enum map_rung rung = check_rung(folded);
	const char *at = strrchr(folded, '@');
	size_t len = at == NULL ? 0 : (size_t)(at - folded);

	*user = NULL;
	if (rung == RUNG_USER_DETAIL || rung == RUNG_USER_ANY)
		len -= 2;
	else if (rung != RUNG_EXACT)
		len = 0;
	if (strstr(target, "%2") != NULL ||
	    (len == 0 && (strstr(target, "%1") != NULL || strstr(target, "%0") != NULL)))
		return false;
	if ((*user = strndup(folded, len)) == NULL) {
		check->findings.no_memory = true;
		return false;
	}
	*args = (struct target_args){ .whole = folded, .user = *user };
	return true;
}

static void
check_target(struct targets *targets, const struct map_entry *entry)
{
	struct target_args args;
	struct target target;
	struct err err;
	char *user;

	if (is_plain(entry->target)) {
		check_name(targets, entry->target, true, entry->line);
		return;
	}
	if (!arguments(targets->check, &args, entry->folded, entry->target, &user))
		return;
	if (target_parse(&target, entry->target, &args, &err) == 0) {
		for (size_t i = 0; i < target.naddresses; i++)
			check_address(targets, &target.addresses[i], entry->line);
		target_free(&target);
	} else if (err.num == ENOMEM) {
		targets->check->findings.no_memory = true;
	} /* else it depends on the recipient, who is deferred when he comes */
	free(user);
}

/* ---- catch-alls ------------------------------------------------------------------------------ */

/* Does the domain's mail leave this host? What could not be told is not said. */
static bool
is_remote(const struct check *check, const char *domain)
{
	struct err ignored;

	return !check_domains_cover(check, domain) &&
	       resolver_is_local(check->resolver, domain, &ignored) == 0;
}

static void
check_catchall(struct check *check, const struct map_entry *entry)
{
	const struct target_args any = { .whole = "x", .user = "x", .detail = "x", .plus = "+x" };
	enum map_rung rung = check_rung(entry->folded);
	struct target target;
	struct err ignored;

	if (rung < RUNG_ANY_DETAIL || strchr(entry->target, '@') == NULL ||
	    target_parse(&target, entry->target, &any, &ignored) == -1)
		return;
	for (size_t i = 0; i < target.naddresses; i++) {
		const char *domain = target.addresses[i].domain;

		if (domain == NULL || !is_remote(check, domain))
			continue;
		findings_add(&check->findings, FINDING_REMOTE_CATCHALL,
		    check->virtmap->settings->map, entry->line, "%s goes out to %s", entry->folded,
		    domain);
		break;
	}
	target_free(&target);
}

/* ---- all of it ------------------------------------------------------------------------------- */

static void
check_role(struct targets *targets, const char *setting, const char *name)
{
	struct check *check = targets->check;
	const struct verdict *verdict;

	if (*name == '\0' || strchr(name, '@') != NULL ||
	    (verdict = look_up(targets, name, true)) == NULL || verdict->fault == NULL)
		return;
	if (verdict->which == FINDING_COULD_NOT_TELL)
		tell(targets, name, verdict, check->virtmap->settings->map, 0);
	else
		findings_add(&check->findings, FINDING_DANGLING_POSTMASTER,
		    check->virtmap->settings_path, 0, "%s = %s: %s", setting, name, verdict->fault);
}

/* accounts_complain_fn */
static void
complain(void *arg, const char *path, size_t line, const char *why)
{
	struct check *check = arg;

	findings_add(&check->findings, FINDING_BAD_ACCOUNT, path, line, "%s", why);
}

static void
check_accounts(struct check *check)
{
	const struct settings *settings = check->virtmap->settings;
	struct err err;

	if (accounts_check(settings->accounts, check->virtmap->trusted, complain, check, &err) ==
	        -1 &&
	    !findings_have(&check->findings, FINDING_COULD_NOT_TELL, err.text))
		findings_add(&check->findings, FINDING_COULD_NOT_TELL,
		    settings->accounts + strcspn(settings->accounts, "/"), 0, "%s", err.text);
}

void
check_targets(struct check *check)
{
	struct targets targets = { .check = check };

	check_accounts(check);
	check_role(&targets, "postmaster", check->virtmap->settings->postmaster);
	check_role(&targets, "abuse", check->virtmap->settings->abuse);
	for (size_t i = 0; i < map_source_count(check->source); i++) {
		const struct map_entry *entry = map_source_entry(check->source, i);

		if (entry == NULL) {
			check->findings.no_memory = true;
			break;
		}
		if (PROGRESS_DUE(i))
			progress_tell("checking", i, map_source_count(check->source));
		check_target(&targets, entry);
		check_catchall(check, entry);
	}
	if (targets.untold > 1)
		findings_add(&check->findings, FINDING_COULD_NOT_TELL,
		    check->virtmap->settings->map, 0, "of %zu targets nothing could be told",
		    targets.untold);
	for (size_t i = 0; i < targets.names.count; i++)
		free(targets.verdicts[i].fault);
	free(targets.verdicts);
	names_free(&targets.names);
	names_free(&targets.accounts);
}
