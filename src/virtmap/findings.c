/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What `virtmap check` can find, and how it tells what it found.
 */
#include "findings.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"
#include "virtmap.h"

const struct found_kind findings_kinds[FINDINGS] = {
	[FINDING_MALFORMED] = { "malformed", SEVERITY_ERROR,
	    "A line that is not understood; as long as there is one, nothing is compiled.",
	    "Mend the line, or make it a comment." },
	[FINDING_DUPLICATE] = { "duplicate", SEVERITY_ERROR,
	    "Two lines for one address, once spellings are folded; nothing is compiled.",
	    "Keep one of the two lines." },
	[FINDING_CYCLE] = { "cycle", SEVERITY_ERROR,
	    "A mapping leads back to itself; nothing is compiled.",
	    "Let one mapping of the circle end at an account or an alias." },
	[FINDING_LONG_CHAIN] = { "long-chain", SEVERITY_ERROR,
	    "More than ten mappings follow one another; nothing is compiled.",
	    "Let the first of them name the last target." },
	[FINDING_DANGLING_TARGET] = { "dangling-target", SEVERITY_ERROR,
	    "A target that is proven to be no alias, no account and not mapped; its mail waits.",
	    "Make the account or the alias, or map the address elsewhere." },
	[FINDING_UNUSABLE_TARGET] = { "unusable-target", SEVERITY_ERROR,
	    "A target that gets no mail by map or settings, such as an account below min_uid; "
	    "its mail waits.",
	    "Map the address elsewhere, or make the name an alias." },
	[FINDING_COULD_NOT_TELL] = { "could-not-tell", SEVERITY_ERROR,
	    "Map, accounts or aliases could not be asked; what depends on them waits, and whether "
	    "targets exist is not known.",
	    "Mend what the text names, and check again." },
	[FINDING_DANGLING_POSTMASTER] = { "dangling-postmaster", SEVERITY_ERROR,
	    "The setting postmaster, or abuse, leads nowhere; mail for them waits.",
	    "Make an alias of that name, or change the setting." },
	[FINDING_REFUSED_POSTMASTER] = { "refused-postmaster", SEVERITY_WARNING,
	    "A postmaster's own line refuses or drops its mail, which RFC 5321 does not allow.",
	    "Remove the line: the setting postmaster then applies." },
	[FINDING_REMOTE_CATCHALL] = { "remote-catchall", SEVERITY_WARNING,
	    "A catch-all sends mail out to another host: junk to invented names goes along, its "
	    "bounces go to innocents, and the other host's SPF check fails.",
	    "Map the addresses that exist, and let the rest be refused." },
	[FINDING_UNREACHABLE] = { "unreachable", SEVERITY_WARNING,
	    "A line that no address reaches.", "Remove it, or what the text names." },
	[FINDING_REDUNDANT] = { "redundant", SEVERITY_NOTE,
	    "A pattern, a detail or a catch-all without which mail would go the same way.",
	    "Remove it, if it is not there for the reader." },
	[FINDING_OWN_HOST] = { "own-host", SEVERITY_WARNING,
	    "A domain that is this host's own name: sendmail keeps its mail and does not ask the "
	    "map.",
	    "Use an alias, or another domain." },
	[FINDING_BAD_ACCOUNT] = { "bad-account", SEVERITY_ERROR,
	    "A line of the passwd-file that is malformed, or a name that stands there twice.",
	    "Mend the line, then run virtmap build." },
	[FINDING_PROCMAILRC] = { "procmailrc", SEVERITY_WARNING,
	    "An account has a .procmailrc, which is not obeyed.",
	    "Have its rules done elsewhere, and remove the file." },
	[FINDING_FORWARD_FILE] = { "forward-file", SEVERITY_NOTE,
	    "An account has a .forward, which the setting forward_files makes count or not.",
	    "See forward_files in virtmda.conf(5)." },
	[FINDING_NOT_COMPILED] = { "not-compiled", SEVERITY_ERROR,
	    "There is no compiled map; all mail waits.", "Run virtmap build." },
	[FINDING_STALE_MAP] = { "stale-map", SEVERITY_ERROR,
	    "The text was changed and not compiled; mail still goes by the old text.",
	    "Look with virtmap diff, then run virtmap build." },
	[FINDING_DAMAGED_MAP] = { "damaged-map", SEVERITY_ERROR,
	    "The compiled map is damaged, or of another version or machine; mail waits.",
	    "Run virtmap build; if it comes back, look after the disk." },
	[FINDING_DOMAINS_FILE] = { "domains-file", SEVERITY_ERROR,
	    "The list of domains for sendmail is missing, or does not have the map's domains.",
	    "Run virtmap build, then restart sendmail." },
	[FINDING_UNTRUSTED_FILE] = { "untrusted-file", SEVERITY_ERROR,
	    "As root: a file, or a directory above it, that others own or may write; it is not "
	    "obeyed.",
	    "Give it to root with chown, and take the right to write from others with chmod." },
	[FINDING_FILE_MODE] = { "file-mode", SEVERITY_WARNING,
	    "An owner, a group or a mode that is not as it should be.",
	    "Use chown, chgrp or chmod; for the compiled map, run virtmap build." },
	[FINDING_UNACCEPTED_DOMAIN] = { "unaccepted-domain", SEVERITY_WARNING,
	    "A domain of the map for which sendmail takes no mail: it is neither in class "
	    "{VirtMap} "
	    "nor in class w.",
	    "Run virtmap build and restart sendmail; if that does not help, see no-mailer and "
	    "domains-elsewhere." },
	[FINDING_NO_MAILER] = { "no-mailer", SEVERITY_WARNING,
	    "The configuration of sendmail has no mailer virtmda, or no class {VirtMap}.",
	    "Have FEATURE(virtmap) and MAILER(virtmda) in sendmail.mc, and make sendmail.cf "
	    "anew." },
	[FINDING_DOMAINS_ELSEWHERE] = { "domains-elsewhere", SEVERITY_WARNING,
	    "The file that sendmail reads into class {VirtMap} is not the one that virtmap build "
	    "writes.",
	    "Let the setting domains and the argument of FEATURE(virtmap) name one file." },
	[FINDING_NOT_CHECKED] = { "not-checked", SEVERITY_NOTE,
	    "Which domains sendmail takes mail for could not be learned, or not wholly.",
	    "See accepted_domains in virtmda.conf(5)." },
};

/* ---- collecting ---------------------------------------------------------------------------- */

void
findings_init(struct findings *findings)
{
	memset(findings, 0, sizeof(*findings));
	for (size_t i = 0; i < FINDINGS; i++)
		findings->wanted[i] = true;
}

int
findings_want(struct findings *findings, const char *name)
{
	bool all = true;

	for (size_t i = 0; i < FINDINGS; i++)
		all = all && findings->wanted[i];
	for (size_t i = 0; i < FINDINGS; i++) {
		if (strcmp(findings_kinds[i].name, name) != 0)
			continue;
		if (all)
			memset(findings->wanted, 0, sizeof(findings->wanted));
		findings->wanted[i] = true;
		return 0;
	}
	return -1;
}

void
findings_add(struct findings *findings, enum finding which, const char *path, size_t line,
    const char *fmt, ...)
{
	char *text;
	va_list ap;
	int n;

	if (!findings->wanted[which])
		return;
	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n == -1 ||
	    found_add(&findings->list, which, path, line > 0 ? line : FOUND_WHOLE, text) == -1)
		findings->no_memory = true;
	else
		findings->count[findings_kinds[which].severity]++;
	if (n != -1)
		free(text);
}

bool
findings_have(const struct findings *findings, enum finding which, const char *text)
{
	const struct found_list *list = &findings->list;

	for (size_t i = 0; i < list->n; i++)
		if (list->found[i].which == which && strcmp(list->found[i].text, text) == 0)
			return true;
	return false;
}

void
findings_free(struct findings *findings)
{
	found_free(&findings->list);
}

/* ---- telling ------------------------------------------------------------------------------- */

void
findings_print(struct findings *findings, const char *map, size_t mappings)
{
	const struct found_list *list = &findings->list;
	bool hinted[FINDINGS] = { false };
	char counts[FOUND_COUNTS_MAX];

	found_sort(&findings->list);
	for (size_t i = 0; i < list->n; i++) {
		const unsigned which = list->found[i].which;
		char *line = found_line(findings_kinds, &list->found[i]);

		if (line == NULL) {
			findings->no_memory = true;
			return;
		}
		speech_say(stdout, "%s", line);
		if (!hinted[which])
			printf("    %s\n", findings_kinds[which].hint);
		hinted[which] = true;
		free(line);
	}
	found_counts(counts, findings->count);
	speech_say(
	    stdout, "%s: %zu mapping%s, %s", map, mappings, mappings == 1 ? "" : "s", counts);
}

static json_t *
json_of(const struct found *found)
{
	const struct found_kind *kind = &findings_kinds[found->which];
	char *path = text_vis_dup(found->path), *text = text_vis_dup(found->text);
	json_t *json = NULL;

	if (path != NULL && text != NULL)
		json = json_pack("{s:s, s:s, s:s, s:o, s:s, s:s}", "name", kind->name, "severity",
		    found_severity(kind->severity), "file", path, "line",
		    found->place != FOUND_WHOLE ? json_integer((json_int_t)found->place)
		                                : json_null(),
		    "text", text, "hint", kind->hint);
	free(path);
	free(text);
	return json;
}

int
findings_print_json(struct findings *findings, const char *map, size_t mappings)
{
	char *path = text_vis_dup(map), *text = NULL;
	json_t *list = json_array(), *all = NULL;
	bool failed = list == NULL || path == NULL;

	found_sort(&findings->list);
	for (size_t i = 0; !failed && i < findings->list.n; i++)
		failed = json_array_append_new(list, json_of(&findings->list.found[i])) == -1;
	if (!failed)
		all = json_pack("{s:s, s:I, s:I, s:I, s:I, s:O}", "map", path, "mappings",
		    (json_int_t)mappings, "errors", (json_int_t)findings->count[SEVERITY_ERROR],
		    "warnings", (json_int_t)findings->count[SEVERITY_WARNING], "notes",
		    (json_int_t)findings->count[SEVERITY_NOTE], "findings", list);
	if (all != NULL)
		text = json_dumps(all, JSON_INDENT(2) | JSON_ENSURE_ASCII);
	if (text != NULL)
		puts(text);
	failed = text == NULL;
	free(text);
	free(path);
	json_decref(all);
	json_decref(list);
	return failed ? -1 : 0;
}
