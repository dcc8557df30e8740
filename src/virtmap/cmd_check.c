/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * virtmap check: everything that would keep mail from its place, told before mail finds out. It
 * only reads, waits for nobody, and does not end at the first thing it finds.
 */
#include <errno.h>
#include <string.h>

#include "check.h"
#include "editor.h"
#include "meter.h"

static enum status
say_no_memory(void)
{
	struct err err;

	err_set(&err, ENOMEM, "check");
	return speech_fail(&err);
}

static enum status
tell(struct check *check, bool json)
{
	struct findings *findings = &check->findings;
	const char *map = check->virtmap->settings->map;
	size_t mappings = map_source_count(check->source);

	if (!json)
		findings_print(findings, map, mappings);
	else if (findings_print_json(findings, map, mappings) == -1)
		return say_no_memory();
	if (findings->no_memory)
		return say_no_memory();
	return findings->count[SEVERITY_ERROR] > 0 ? STATUS_DATA : STATUS_OK;
}

static enum status
run(struct check *check, bool json)
{
	struct err err;

	if (editor_map_mode(check->virtmap, &check->gid, &check->mode, &err) == -1) {
		speech_fail(&err);
		return err.num == 0 ? STATUS_CONFIG : STATUS_LATER;
	}
	if (check_source_read(check, &err) == -1 ||
	    resolver_new(&check->resolver, check->virtmap->settings, &err) == -1)
		return speech_fail(&err);
	resolver_expect_many(check->resolver);
	if (check_domains_collect(check) == -1)
		return say_no_memory();
	check_source_chains(check);
	check_files(check);
	check_targets(check);
	check_reach(check);
	check_sendmail(check);
	meter_hide();
	return tell(check, json);
}

enum status
cmd_check(const struct virtmap *virtmap, const char *options, int argc, char **argv)
{
	struct check check = { .virtmap = virtmap };
	enum status status;

	if (strchr(options, 'l') != NULL) {
		found_table(findings_kinds, FINDINGS);
		return STATUS_OK;
	}
	meter_start("virtmap");
	findings_init(&check.findings);
	for (int i = 0; i < argc; i++) {
		if (findings_want(&check.findings, argv[i]) == -1) {
			speech_say(stderr,
			    "virtmap: check: there is no finding %s (virtmap check -l lists them)",
			    argv[i]);
			return STATUS_USAGE;
		}
	}
	status = run(&check, strchr(options, 'j') != NULL);
	check_domains_free(&check);
	resolver_free(check.resolver);
	map_source_free(check.source);
	findings_free(&check.findings);
	return status;
}
